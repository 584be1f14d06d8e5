# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab_world import SYSTEM_ID, WRITES, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("given", "runner_type", "owner"),
    [
        pytest.param({"scope": "instance"}, "instance_type", None, id="for the instance"),
        pytest.param({"scope": "group", "group": "group"}, "group_type", 7, id="for a group by its path"),
        pytest.param({"scope": "group", "group": 7}, "group_type", 7, id="for a group by its id"),
        pytest.param({"scope": "project", "project": "11"}, "project_type", 11, id="for a project by its id as text"),
        pytest.param({"scope": "project", "project": "group/project"}, "project_type", 11, id="for a project by path"),
    ],
)
def test_a_runner_is_created(world: World, given: dict[str, Any], runner_type: str, owner: int | None) -> None:
    done = world.run(**given)
    assert (done.outcome, done.changed, done.warnings) == ("created", True, [])
    found = world.runner(done.id)
    assert found["runner_type"] == runner_type
    assert found["description"] == "build on h1"
    assert [each["id"] for each in found["groups"] + found["projects"]] == [owner] if owner else True
    assert world.entries["build"]["token"].startswith("glrt-")
    assert world.entries["build"]["id"] == done.id
    assert world.entries["build"]["token_expires_at"].year == 1
    assert world.entries["build"]["token_obtained_at"].microsecond == 0
    assert world.works(world.entries["build"]["token"])

    world.forget()
    again = world.run(**given)
    assert (again.outcome, again.changed, again.id) == ("unchanged", False, done.id)
    assert world.asked(*WRITES) == ["POST /runners/verify"]
    assert "GET /groups/group" not in world.asked()


ALL: dict[str, Any] = {
    "description": "a runner",
    "maintenance_note": "call the owner",
    "tags": ["b", "a"],
    "run_untagged": False,
    "locked": True,
    "paused": True,
    "access_level": "ref_protected",
    "maximum_timeout": 3600,
}


def test_all_attributes_are_set_when_it_is_created(world: World) -> None:
    done = world.run(scope="instance", **ALL)
    found = world.runner(done.id)
    assert found["description"] == "a runner"
    assert found["maintenance_note"].startswith("call the owner\nrunnerkit: h1/build s_0123456789ab ")
    assert sorted(found["tag_list"]) == ["a", "b"]
    names = ("run_untagged", "locked", "paused", "access_level", "maximum_timeout")
    assert {name: found[name] for name in names} == {name: ALL[name] for name in names}
    world.forget()
    assert not world.run(scope="instance", **{**ALL, "tags": ["a", "b", "a"]}).changed
    assert world.asked("PUT") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"paused": False}, ["paused: true -> false"], id="one attribute"),
        pytest.param(
            {"tags": ["c"], "maximum_timeout": 0},
            ["tags: [a, b] -> [c]", "maximum_timeout: 3600 -> none"],
            id="two attributes in one request",
        ),
        pytest.param(
            {"maintenance_note": "gone"}, ["maintenance_note: 'call the owner' -> 'gone'"], id="the note, not the mark"
        ),
        pytest.param({"maintenance_note": ""}, ["maintenance_note: 'call the owner' -> ''"], id="the note taken away"),
    ],
)
def test_attributes_are_kept_in_step(world: World, change: dict[str, Any], said: list[str]) -> None:
    created = world.made(**{**ALL, "tags": ["a", "b"]})
    before = world.runner(created.id)
    mark = before["maintenance_note"].splitlines()[-1]
    world.forget()
    wanted = {**ALL, "tags": ["a", "b"], **change}

    checked = world.settle(scope="instance", **wanted, context={"check": True})
    assert sorted(checked.server_changes) == sorted(said)
    assert world.asked(*WRITES) == []

    done = world.run(scope="instance", **wanted)
    assert (done.outcome, sorted(done.server_changes)) == ("updated", sorted(said))
    assert world.asked("PUT") == [f"PUT /runners/{created.id}"]
    after = world.runner(created.id)
    assert after["maintenance_note"].splitlines()[-1] == mark
    names = {"tags": "tag_list"}
    assert {key for key in after if after[key] != before[key]} - {"active", "status", "online", "contacted_at"} == {
        names.get(key, key) for key in change
    }
    world.forget()
    assert not world.run(scope="instance", **wanted).changed
    assert world.asked("PUT") == []


def test_what_is_not_declared_is_left_to_gitlab(world: World) -> None:
    created = world.made()
    world.lab.api("PUT", f"/runners/{created.id}", {"paused": True, "description": "renamed", "tag_list": ["x"]})
    assert not world.run(scope="instance").changed
    assert world.runner(created.id)["description"] == "renamed"


def test_a_runner_that_was_deleted_in_gitlab_is_made_anew(world: World) -> None:
    created = world.made()
    world.lab.api("DELETE", f"/runners/{created.id}")
    checked = world.settle(scope="instance", context={"check": True})
    assert (checked.outcome, checked.changed) == ("recreated", True)
    done = world.run(scope="instance")
    assert done.outcome == "recreated"
    assert world.ids() == [done.id]
    assert world.works(world.entries["build"]["token"])
    assert not world.run(scope="instance").changed


def test_a_token_that_is_not_valid_any_more_is_reset(world: World) -> None:
    created = world.made()
    world.lab.api("POST", f"/runners/{created.id}/reset_authentication_token")
    done = world.run(scope="instance")
    assert (done.outcome, done.id) == ("adopted", created.id)
    assert done.server_changes == [f"reset the token of runner {created.id}"]
    assert world.works(world.entries["build"]["token"])
    assert world.ids() == [created.id]
    assert not world.run(scope="instance").changed


def test_an_entry_without_its_token_gets_one(world: World) -> None:
    created = world.made()
    del world.entries["build"]["token"]
    assert world.settle(scope="instance", context={"check": True}).outcome == "adopted"
    assert world.run(scope="instance").outcome == "adopted"
    assert world.ids() == [created.id]
    assert world.works(world.entries["build"]["token"])


def test_a_runner_of_somebody_else_with_another_token_is_not_touched(world: World) -> None:
    created = world.made()
    world.lab.api("PUT", f"/runners/{created.id}", {"maintenance_note": "made by hand"})
    world.lab.api("POST", f"/runners/{created.id}/reset_authentication_token")
    done = world.run(scope="instance")
    assert done.outcome == "recreated"
    assert world.ids() == [created.id, done.id]
    assert done.warnings == [
        (
            f"runner 'build': the token in config.toml is not valid, and runner {created.id} in GitLab was not made "
            "for this host, so it stays as it is and another runner is made"
        )
    ]


def test_a_runner_that_was_made_by_hand_is_taken_over(world: World) -> None:
    made = world.lab.api("POST", "/user/runners", {"runner_type": "instance_type", "description": "by hand"})
    world.entries["build"] = {"url": world.lab.url + "/", "token": made["token"]}
    done = world.run(scope="instance", tags=["a"])
    assert (done.outcome, done.id, done.owned) == ("adopted", made["id"], {"id": made["id"]})
    assert world.runner(made["id"])["tag_list"] == ["a"]
    assert world.runner(made["id"])["description"] == "by hand"
    assert not world.run(scope="instance", tags=["a"]).changed


def test_a_runner_in_another_place_is_for_people_to_decide_on(world: World) -> None:
    world.run(scope="group", group="group")
    with pytest.raises(GitLabError) as caught:
        world.run(scope="project", project=11)
    assert str(caught.value) == (
        "runner 'build' (id 1) belongs to group in GitLab, which cannot move it, but is declared for project 11; "
        "declare it with state absent once, or under another name"
    )
    with pytest.raises(GitLabError, match=r"belongs to group 7 in GitLab, .* declared for group other"):
        world.run(scope="group", group="other")


def test_the_same_gitlab_under_another_name_is_known_by_the_mark(world: World) -> None:
    created = world.made()
    world.entries["build"]["url"] = "https://old-name.example"
    done = world.run(scope="instance")
    assert (done.outcome, done.id, done.changed) == ("unchanged", created.id, False)


def test_a_token_of_another_gitlab_is_not_shown_to_this_one(world: World) -> None:
    world.entries["build"] = {"url": "https://elsewhere.example", "id": 5, "token": "glrt-of-elsewhere"}
    done = world.run(scope="instance")
    assert (done.outcome, world.asked("POST")) == ("recreated", ["POST /user/runners"])
    assert done.warnings == [
        (
            "runner 'build': its entry in config.toml was registered at https://elsewhere.example, where it stays; "
            "delete it there"
        )
    ]


def test_check_mode_only_reads(world: World) -> None:
    done = world.settle(scope="group", group="group", context={"check": True})
    assert (done.outcome, done.changed, done.id) == ("created", True, None)
    assert done.server_changes == ["create group runner 'build on h1' of group group"]
    assert {line.split()[0] for line in world.asked()} == {"GET"}


def test_without_verify_no_token_is_shown_to_gitlab(world: World) -> None:
    created = world.made()
    done = world.run(scope="instance", context={"verify": False})
    assert (done.outcome, done.id, done.changed) == ("unchanged", created.id, False)
    assert world.asked() == [f"GET /runners/{created.id}"]


@pytest.mark.parametrize(
    ("token", "words"),
    [
        pytest.param("user_token", r"answers 403 .*create a runner; .*administrator for instance", id="not an admin"),
        pytest.param("read_token", r"answers 403 .*insufficient_scope.*scopes create_runner", id="a token for reading"),
    ],
)
def test_a_token_that_may_not_create_is_told_so(world: World, token: str, words: str) -> None:
    world.api_token = getattr(world.lab, token)
    with pytest.raises(GitLabError, match=words) as caught:
        world.run(scope="instance")
    assert world.api_token not in str(caught.value)


def test_the_narrowest_token_can_create_but_not_look_for_orphans(world: World) -> None:
    world.api_token = world.lab.runner_token
    done = world.run(scope="group", group=7)
    assert done.outcome == "created"
    assert "may not list runners" in done.warnings[0]
    assert world.run(scope="group", group=7).outcome == "unchanged"


def test_a_copied_or_renamed_host_is_told_whose_runner_it_uses(world: World) -> None:
    created = world.made()
    copy = world.elsewhere("h2", SYSTEM_ID)
    copy.entries = {"build": dict(world.entries["build"])}
    done = copy.run(scope="instance", paused=True)
    assert (done.outcome, done.id, len(done.warnings)) == ("unchanged", created.id, 1)
    assert f"runner {created.id} in GitLab was made for h1/build, so its attributes" in done.warnings[0]
    # The host that it was made for goes on getting jobs.
    assert world.runner(created.id)["paused"] is False
    assert "write h2/build in place of that into the last line" in done.warnings[0]
    gone = copy.run(scope="instance", state="absent")
    assert f"runner {created.id} stays in GitLab, since it was made for h1/build" in gone.warnings[0]
    assert world.ids() == [created.id]


def test_an_empty_description_is_none(world: World) -> None:
    world.made(description="")
    done = world.run(scope="instance", description="")
    assert (done.changed, world.runner(done.id)["description"]) == (False, "build on h1")
