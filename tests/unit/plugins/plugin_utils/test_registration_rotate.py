# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab_world import World

RESET = "/runners/reset_authentication_token$"
RESET_BY_ID = r"/runners/\d+/reset_authentication_token$"


@pytest.fixture
def world() -> World:
    return World()


def registered(world: World, way: str) -> dict[str, Any]:
    """A runner that is there, and how it is declared."""
    given: dict[str, Any] = {
        "scope": {"scope": "instance"},
        "registration_token": {"registration_token": world.lab.registration_token},
        "nothing": {"registration_token": world.lab.registration_token},
    }[way]
    world.run(**given)
    world.forget()
    return {} if way == "nothing" else given


@pytest.mark.parametrize("api", [True, False], ids=["with an API token", "without"])
@pytest.mark.parametrize("way", ["scope", "registration_token", "nothing"])
def test_a_runner_gets_another_token(world: World, way: str, api: bool) -> None:
    given = registered(world, way)
    if way != "scope" and not api:
        world.api_token = None
    before = dict(world.entries["build"])
    checked = world.settle(rotate=True, **given, context={"check": True})
    assert (checked.outcome, checked.changed) == ("rotated", True)
    assert world.works(before["token"])
    done = world.run(rotate=True, **given)
    assert (done.outcome, done.server_changes) == ("rotated", [f"reset the token of runner {before['id']}"])
    assert not world.works(before["token"])
    assert world.works(world.entries["build"]["token"])
    assert world.entries["build"]["id"] == before["id"]
    assert not world.run(**given).changed


def test_a_new_runner_is_not_rotated(world: World) -> None:
    done = world.run(rotate=True, scope="instance")
    assert done.outcome == "created"
    assert not [each for each in world.asked() if "reset" in each]


def test_attributes_are_kept_in_step_beside(world: World) -> None:
    registered(world, "scope")
    done = world.run(rotate=True, scope="instance", paused=True)
    assert done.outcome == "rotated"
    assert len(done.server_changes) == 2


def test_a_given_token_is_not_rotated(world: World) -> None:
    made = world.lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
    world.run(token=made["token"])
    done = world.run(rotate=True, token=made["token"])
    assert not done.changed
    assert done.warnings == [
        "runner 'build': its token is given, so it is not rotated; reset it in GitLab and give the new one"
    ]


def test_a_token_that_another_host_uses_too_is_not_rotated(world: World) -> None:
    registered(world, "scope")
    token = world.entries["build"]["token"]
    second = world.elsewhere()
    second.run(token=token)
    done = world.run(rotate=True, scope="instance")
    assert not done.changed
    assert f"other machines use the same token ({second.system_id})" in done.warnings[0]
    assert world.works(token)


def test_a_run_that_died_after_the_rotation_is_healed_by_the_next(world: World) -> None:
    registered(world, "scope")
    world.settle(rotate=True, scope="instance")  # and not written
    assert not world.works(world.entries["build"]["token"])
    done = world.run(scope="instance")
    assert done.outcome == "adopted"
    assert world.works(world.entries["build"]["token"])
    assert len(world.ids()) == 1


def test_a_lost_answer_is_asked_for_again_with_the_api_token(world: World) -> None:
    registered(world, "scope")
    world.lab.fault(path=RESET_BY_ID, drop="after")
    assert world.run(rotate=True, scope="instance").outcome == "rotated"
    assert world.works(world.entries["build"]["token"])


def test_a_lost_answer_costs_the_token_without_the_api_token(world: World) -> None:
    given = registered(world, "nothing")
    world.api_token = None
    world.lab.fault(path=RESET, drop="after")
    with pytest.raises(
        GitLabError, match=r"whether GitLab gave runner 'build' another token is not known; .* reset its"
    ):
        world.run(rotate=True, **given)


def test_a_token_of_another_gitlab_is_reset_there(world: World) -> None:
    given = registered(world, "nothing")
    done = world.run(rotate=True, url="https://new-one.example", **given)
    assert done.outcome == "rotated"
    assert world.works(world.entries["build"]["token"])
