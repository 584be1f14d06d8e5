# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_entries import removed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import Present
from tests.support.gitlab_world import WRITES, World


@pytest.fixture
def world() -> World:
    return World()


def shared(world: World) -> tuple[World, World, int]:
    """Two hosts with the same token, and the runner's id."""
    made = world.lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
    second = world.elsewhere()
    for each in (world, second):
        each.run(token=made["token"])
        each.contact(made["token"])
    for each in (world, second):
        each.forget()
    return world, second, made["id"]


def test_a_runner_that_was_made_for_this_host_is_deleted(world: World) -> None:
    created = world.made()
    world.contact(world.entries["build"]["token"])
    checked = world.settle(scope="instance", state="absent", context={"check": True})
    assert (checked.outcome, checked.server_changes) == (
        "unregistered",
        [f"delete runner {created.id}, as no other host uses it"],
    )
    assert world.ids() == [created.id]
    done = world.run(scope="instance", state="absent")
    assert (done.outcome, done.changed, done.id) == ("unregistered", True, created.id)
    assert world.ids() == []
    world.forget()
    again = world.run(scope="instance", state="absent")
    assert (again.outcome, again.changed, world.asked(*WRITES)) == ("absent", False, [])


def test_one_host_of_a_shared_runner_goes_alone(world: World) -> None:
    first, second, runner_id = shared(world)
    token = second.entries["build"]["token"]
    checked = first.settle(token=token, state="absent", context={"check": True})
    assert checked.server_changes == [f"unregister this host from runner {runner_id}"]
    assert first.asked(*WRITES) == []
    done = first.run(token=token, state="absent")
    assert (done.outcome, done.server_changes) == ("unregistered", checked.server_changes)
    assert first.asked("DELETE") == ["DELETE /runners/managers"]
    managers = world.lab.api("GET", f"/runners/{runner_id}/managers")
    assert [each["system_id"] for each in managers] == [second.system_id]
    assert not second.run(token=token).changed


def test_a_runner_made_for_this_host_that_another_one_uses_too_stays(world: World) -> None:
    created = world.made()
    token = world.entries["build"]["token"]
    world.contact(token)
    second = world.elsewhere()
    second.run(token=token)
    second.contact(token)
    done = world.run(scope="instance", state="absent")
    assert done.server_changes == [f"unregister this host from runner {created.id}"]
    assert world.ids() == [created.id]
    assert not second.run(token=token).changed


def test_the_other_host_of_a_runner_that_was_made_for_the_first_cannot_delete_it(world: World) -> None:
    created = world.made()
    second = world.elsewhere()
    second.run(token=world.entries["build"]["token"])
    second.run(scope="instance", state="absent")
    assert world.ids() == [created.id]


def test_without_the_api_token_only_this_host_goes(world: World) -> None:
    created = world.made()
    world.contact(world.entries["build"]["token"])
    world.api_token = None
    done = world.run(scope="instance", state="absent")
    assert done.warnings == [
        "runner 'build': it stays in GitLab, since gitlab_runner_api_token is not there to delete it"
    ]
    assert world.ids() == [created.id]
    assert world.lab.api("GET", f"/runners/{created.id}/managers") == []


def test_a_runner_of_the_older_kind_is_deleted_itself(world: World) -> None:
    world.run(registration_token=world.lab.registration_token)
    done = world.run(registration_token=world.lab.registration_token, state="absent")
    assert (done.outcome, world.ids(), world.entries) == ("unregistered", [], {})


@pytest.mark.parametrize("token", ["glrt-unknown-to-gitlab", "older-unknown-one"], ids=["glrt-", "an older one"])
def test_what_gitlab_does_not_know_any_more_just_goes(world: World, token: str) -> None:
    world.entries["build"] = {"url": world.lab.url, "id": 77, "token": token}
    done = world.run(state="absent")
    assert (done.outcome, done.changed, world.entries) == ("absent", False, {})


def test_a_runner_that_was_deleted_in_gitlab_just_goes(world: World) -> None:
    created = world.made()
    world.lab.api("DELETE", f"/runners/{created.id}")
    assert (world.run(scope="instance", state="absent").outcome, world.entries) == ("absent", {})


def test_nothing_is_said_to_gitlab_when_it_shall_not_be(world: World) -> None:
    created = world.made()
    done = world.run(scope="instance", state="absent", context={"unregister": False})
    assert (done.outcome, world.asked(), world.ids()) == ("absent", [], [created.id])


def test_a_gitlab_that_does_not_answer_keeps_the_entry_and_says_how_to_go_on(world: World) -> None:
    world.made()
    world.lab.fault(status=503, times=None)
    with pytest.raises(
        GitLabError, match=r"answers 503 .*; set unregister to false if its entry shall go without that"
    ):
        world.run(scope="instance", state="absent")
    assert "build" in world.entries


def test_it_is_unregistered_where_it_was_registered(world: World) -> None:
    created = world.made()
    world.contact(world.entries["build"]["token"])
    done = world.run(url="https://new-one.example", state="absent")
    assert done.outcome == "unregistered"
    assert world.ids() == []
    assert created.id


def test_a_host_without_a_system_id_never_ran_a_runner(world: World) -> None:
    world.made()
    world.api_token, world.system_id = None, None
    assert world.run(state="absent").outcome == "absent"
    assert world.asked() == []


# Entries that nobody declared.


def test_an_undeclared_host_of_a_shared_runner_goes_alone(world: World) -> None:
    first, _, runner_id = shared(world)
    done = removed("build", Present.read(first.entries["build"]), first.context())
    assert done.server_changes == [f"unregister this host from runner {runner_id}"]
    assert world.ids() == [runner_id]


def test_an_undeclared_runner_of_the_older_kind_stays_in_gitlab(world: World) -> None:
    world.run(registration_token=world.lab.registration_token)
    world.forget()
    done = removed("build", Present.read(world.entries["build"]), world.context())
    assert (done.changed, world.asked()) == (False, [])
    assert done.warnings == [
        (
            "runner 'build': it is not declared, so its entry goes, but it stays in GitLab; declare it with state "
            "absent to unregister it"
        )
    ]


def test_a_gitlab_that_does_not_answer_does_not_keep_an_undeclared_entry(world: World) -> None:
    first, _, _ = shared(world)
    world.lab.fault(status=503, times=None)
    done = removed("build", Present.read(first.entries["build"]), first.context())
    assert not done.changed
    assert "it stays in GitLab: GitLab at" in done.warnings[0]
