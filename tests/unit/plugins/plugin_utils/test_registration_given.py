# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab_world import WRITES, World


@pytest.fixture
def world() -> World:
    return World()


def by_hand(world: World) -> dict[str, Any]:
    """A runner that somebody made in GitLab's pages."""
    made: dict[str, Any] = world.lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
    world.forget()
    return made


@pytest.mark.parametrize("api", [True, False], ids=["with an API token", "without"])
def test_a_given_token_is_verified_and_written(world: World, api: bool) -> None:
    world.api_token = world.api_token if api else None
    made = by_hand(world)
    done = world.run(token=made["token"])
    assert (done.outcome, done.id, done.changed, done.server_changes) == ("verified", made["id"], True, [])
    assert world.entries["build"]["token"] == made["token"]
    assert world.entries["build"]["id"] == made["id"]
    assert world.asked() == ["POST /runners/verify"]
    again = world.run(token=made["token"])
    assert (again.outcome, again.changed, again.id) == ("unchanged", False, made["id"])


def test_a_changed_token_is_noticed(world: World) -> None:
    first, second = by_hand(world), by_hand(world)
    world.run(token=first["token"])
    checked = world.settle(token=second["token"], context={"check": True})
    assert (checked.outcome, checked.owned) == ("verified", {"token": second["token"]})
    done = world.run(token=second["token"])
    assert (done.outcome, done.id, done.changed) == ("verified", second["id"], True)
    assert world.entries["build"]["token"] == second["token"]


def test_the_system_id_of_the_host_is_what_gitlab_notes(world: World) -> None:
    made = by_hand(world)
    world.run(token=made["token"])
    managers = world.lab.api("GET", f"/runners/{made['id']}/managers")
    assert [each["system_id"] for each in managers] == [world.system_id]


@pytest.mark.parametrize("entry", [None, "invalid"], ids=["nothing in config.toml", "an invalid one in config.toml"])
def test_an_invalid_token_is_an_error(world: World, entry: str | None) -> None:
    if entry:
        world.entries["build"] = {"url": world.lab.url, "token": "glrt-no-longer-valid"}
    with pytest.raises(GitLabError) as caught:
        world.run(token="glrt-mistyped-123")
    assert str(caught.value) == (
        f"GitLab at {world.lab.url} does not know the given token of runner 'build' (which is not shown), and "
        "config.toml has none that it knows; give one that is valid, or let the runner be made with scope and "
        "gitlab_runner_api_token"
    )


def test_a_token_that_the_runner_renewed_by_itself_stays(world: World) -> None:
    made = by_hand(world)
    world.run(token=made["token"])
    renewed = world.lab.call("POST", "/api/v4/runners/reset_authentication_token", {"token": made["token"]})[2]
    world.entries["build"]["token"] = renewed["token"]
    for _ in range(2):
        done = world.run(token=made["token"])
        assert (done.outcome, done.changed, done.id) == ("unchanged", False, made["id"])
        assert done.warnings == [
            (
                "runner 'build': GitLab does not know the given token, but the one in config.toml, so that one stays: "
                "the runner renews its token by itself; take token out of the declaration, or give the one that is "
                "meant"
            )
        ]
    assert world.entries["build"]["token"] == renewed["token"]


def test_a_token_of_another_gitlab_is_not_asked_about_here(world: World) -> None:
    made = by_hand(world)
    world.entries["build"] = {"url": "https://elsewhere.example", "id": 5, "token": "glrt-of-elsewhere"}
    done = world.run(token=made["token"])
    assert (done.outcome, world.asked()) == ("verified", ["POST /runners/verify"])


def test_without_verify_gitlab_is_not_asked(world: World) -> None:
    quiet = {"verify": False}
    done = world.run(token="glrt-unverified", context=quiet)
    assert (done.outcome, done.id, world.asked()) == ("verified", None, [])
    assert world.entries["build"]["token"] == "glrt-unverified"
    assert not world.run(token="glrt-unverified", context=quiet).changed
    assert world.run(token="glrt-another-one", context=quiet).changed


def test_without_verify_a_token_that_expires_is_the_runners_own_business(world: World) -> None:
    world.entries["build"] = {
        "url": world.lab.url, "token": "glrt-renewed-one", "token_expires_at": datetime(2099, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    done = world.run(token="glrt-first-one", context={"verify": False})
    assert not done.changed
    assert "the runner renews it by itself; it stays" in done.warnings[0]


@pytest.mark.parametrize("answer", [404, 500], ids=["not there", "an error"])
def test_an_answer_that_says_nothing_of_the_token_is_an_error(world: World, answer: int) -> None:
    made = by_hand(world)
    world.lab.fault(path="/runners/verify", status=answer, times=None)
    with pytest.raises(GitLabError, match=rf"answers {answer} .*when asked to verify a runner's token"):
        world.run(token=made["token"])


def test_an_old_gitlab_that_says_nothing_but_200(world: World) -> None:
    world.lab.fault(path="/runners/verify", status=200, body="200", content_type="text/plain")
    done = world.run(token="older-token")
    assert (done.outcome, done.id) == ("verified", None)


# With a registration token.


def test_a_runner_is_registered_with_a_registration_token(world: World) -> None:
    given: dict[str, Any] = {
        "registration_token": world.lab.registration_token,
        "tags": ["a", "b"],
        "maximum_timeout": 600,
    }
    done = world.run(**given)
    assert (done.outcome, done.changed) == ("registered", True)
    found = world.runner(done.id)
    assert found["tag_list"] == ["a", "b"]
    assert (found["run_untagged"], found["locked"], found["paused"], found["maximum_timeout"]) == (
        False,
        True,
        False,
        600,
    )
    assert found["maintenance_note"].startswith("runnerkit: h1/build ")
    assert found["description"] == "build on h1"
    world.forget()
    assert not world.run(**given).changed
    assert world.asked(*WRITES) == ["POST /runners/verify"]


def test_without_tags_untagged_jobs_are_taken(world: World) -> None:
    done = world.run(registration_token=world.lab.registration_token)
    assert world.runner(done.id)["run_untagged"] is True


def test_it_is_registered_again_when_gitlab_knows_it_no_more(world: World) -> None:
    given: dict[str, Any] = {"registration_token": world.lab.registration_token}
    first = world.run(**given)
    world.lab.api("DELETE", f"/runners/{first.id}")
    done = world.run(**given)
    assert done.outcome == "registered"
    assert done.warnings == [
        "runner 'build': GitLab does not know the token in config.toml any more, so it is registered again"
    ]
    assert world.ids() == [done.id]


def test_registration_is_only_foretold_in_check_mode(world: World) -> None:
    done = world.settle(registration_token=world.lab.registration_token, context={"check": True})
    assert (done.outcome, done.changed, world.asked()) == ("registered", True, [])


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(
            410,
            r"answers 410 \(410 Gone - runner registration disallowed\) when asked to register a runner with a "
            r"registration token; registration tokens are switched off there, so use scope with "
            r"gitlab_runner_api_token, or give a glrt- token$",
            id="switched off",
        ),
        pytest.param(403, r"answers 403 .*; correct registration_token, or use scope", id="a wrong token"),
        pytest.param(422, r"answers 422 .*; correct the value that it names", id="a wrong value"),
    ],
)
def test_a_refusal_has_its_own_words(world: World, status: int, words: str) -> None:
    world.lab.fault(method="POST", path="/runners$", status=status)
    with pytest.raises(GitLabError, match=words):
        world.run(registration_token=world.lab.registration_token)
    assert world.asked() == ["POST /runners"]


def test_registration_that_is_switched_off_by_an_administrator(world: World) -> None:
    world.lab.settings(registration_allowed=False)
    with pytest.raises(GitLabError) as caught:
        world.run(registration_token=world.lab.registration_token)
    assert caught.value.kind == "gone"


def test_a_lost_answer_is_not_asked_for_again(world: World) -> None:
    world.lab.fault(method="POST", path="/runners$", drop="after")
    with pytest.raises(GitLabError, match="look for one called 'build on h1' that never was in contact"):
        world.run(registration_token=world.lab.registration_token)
    assert len(world.ids()) == 1


# Without a way.


def test_a_runner_that_has_a_token_is_left_alone(world: World) -> None:
    world.entries["build"] = {"url": world.lab.url, "id": 5, "token": "glrt-whatever"}
    done = world.run()
    assert (done.outcome, done.changed, done.id, world.asked()) == ("unchanged", False, 5, [])


@pytest.mark.parametrize("entry", [None, {}, {"token": ""}], ids=["no entry", "no token", "an empty token"])
def test_a_runner_that_has_no_token_needs_a_way(world: World, entry: dict[str, Any] | None) -> None:
    if entry is not None:
        world.entries["build"] = entry
    with pytest.raises(GitLabError, match=r"none of scope, token and registration_token is declared; declare one"):
        world.run()
