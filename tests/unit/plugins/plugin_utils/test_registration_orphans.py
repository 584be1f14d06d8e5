# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab_world import World


@pytest.fixture
def world() -> World:
    return World()


CREATE = {"method": "POST", "path": "/user/runners$"}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"scope": "instance"}, id="of the instance"),
        pytest.param({"scope": "group", "group": "group"}, id="of a group"),
        pytest.param({"scope": "project", "project": 11}, id="of a project"),
    ],
)
def test_a_run_that_died_before_it_wrote_leaves_nothing(world: World, given: dict[str, Any]) -> None:
    first, second = world.settle(**given), world.settle(**given)  # the second run died, too
    assert world.ids() == [second.id]
    done = world.run(**given)
    assert world.ids() == [done.id]
    assert done.id not in (first.id, second.id)
    assert f"delete runner {second.id}, which an interrupted attempt left behind" in done.server_changes
    assert not world.run(**given).changed


def test_what_died_is_removed_when_the_runner_is_not_wanted_any_more(world: World) -> None:
    left = world.settle(scope="instance")
    checked = world.run(scope="instance", state="absent", context={"check": True})
    assert checked.server_changes == [f"delete runner {left.id}, which an interrupted attempt left behind"]
    assert world.ids() == [left.id]
    assert world.run(scope="instance", state="absent").changed
    assert world.ids() == []


def test_check_mode_names_what_would_be_deleted_and_leaves_it(world: World) -> None:
    left = world.settle(scope="instance")
    done = world.settle(scope="instance", context={"check": True})
    assert done.server_changes == [
        f"delete runner {left.id}, which an interrupted attempt left behind",
        "create instance runner 'build on h1'",
    ]
    assert world.ids() == [left.id]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"host": "h2"}, "another host", id="made for another host"),
        pytest.param({"system_id": "s_ffffffffffff"}, "another machine", id="made by another machine of the same name"),
        pytest.param({"name": "other"}, "another runner", id="made for another runner of this host"),
    ],
)
def test_runners_of_others_stay(world: World, change: dict[str, str], why: str) -> None:
    other = World(world.lab, change.get("host", "h1"), change.get("system_id", world.system_id))
    left = other.settle(scope="instance", name=change.get("name", "build"), description="the same")
    done = world.run(scope="instance", description="the same")
    assert world.ids() == [left.id, done.id], why


def test_a_runner_that_was_in_contact_stays(world: World) -> None:
    left = world.settle(scope="instance")
    world.contact((left.owned or {})["token"])
    done = world.run(scope="instance")
    assert world.ids() == [left.id, done.id]


def test_a_runner_that_comes_into_contact_meanwhile_stays_with_a_warning(world: World) -> None:
    left = world.settle(scope="instance")
    token = (left.owned or {})["token"]
    client = world.client()
    look = client.get

    def late(runner_id: int) -> Any:
        world.contact(token)
        return look(runner_id)

    client.get = late  # type: ignore[method-assign]
    done = world.run(scope="instance", context={"client": lambda url: client})
    assert world.ids() == [left.id, done.id]
    assert done.warnings == [
        (
            f"runner 'build': runner {left.id} in GitLab was made for it too and stands in no entry of config.toml, "
            "but was in contact; delete it in GitLab if nobody uses it"
        )
    ]


def test_a_runner_of_another_entry_stays(world: World) -> None:
    """Somebody renamed the entry by hand: the mark says `build`, the id is in use."""
    created = world.made()
    world.entries["renamed"] = world.entries.pop("build")
    done = world.run(scope="instance")
    assert world.ids() == [created.id, done.id]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="an error before it did anything"),
        pytest.param({"status": 500, "act": True}, id="an error although it did it"),
        pytest.param({"status": 502, "act": True}, id="a proxy's error although it did it"),
        pytest.param({"drop": "before"}, id="a cut connection before it did anything"),
        pytest.param({"drop": "after"}, id="a cut connection after it did it"),
        pytest.param({"delay": 0.6, "act": True}, id="an answer that comes too late"),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_failed_attempt_leaves_nothing(world: World, fault: dict[str, Any], times: int) -> None:
    world.lab.fault(**CREATE, **fault, times=times)
    timeout = 0.2 if "delay" in fault else 10.0
    done = world.run(scope="instance", context={"client": lambda url: world.client(url, timeout=timeout)})
    assert done.outcome == "created"
    assert len(world.sleeps) == times
    if "delay" in fault:
        world.lab.end_faults()  # what GitLab did after the last look is for the next run
    assert [each for each in world.ids() if each != done.id] == []
    assert world.works(world.entries["build"]["token"])


def test_gitlab_asks_to_wait_and_is_waited_for(world: World) -> None:
    world.lab.fault(**CREATE, status=429, headers={"Retry-After": "7"}, times=2)
    done = world.run(scope="instance")
    assert done.outcome == "created"
    assert len(world.sleeps) == 2
    assert all(7 <= seconds < 8 for seconds in world.sleeps)
    # Nothing was done, so nothing is looked for.
    assert world.asked("GET") == ["GET /runners/all"]


def test_when_it_never_gets_better_nothing_is_left(world: World) -> None:
    world.lab.fault(**CREATE, status=500, act=True, times=None)
    with pytest.raises(GitLabError, match=r"answers 500 .* create a runner; .*; tried 5 times$"):
        world.run(scope="instance")
    assert world.ids() == []


def test_when_gitlab_goes_away_altogether_the_next_run_cleans_up(world: World) -> None:
    world.lab.fault(**CREATE, drop="after")
    world.lab.fault(method="GET", path="/runners/all", status=503, times=None, skip=1)
    with pytest.raises(GitLabError, match=r"whether GitLab made the runner is not known .*503.*; run again"):
        world.run(scope="instance")
    assert len(world.ids()) == 1
    world.lab.end_faults()
    done = world.run(scope="instance")
    assert world.ids() == [done.id]


def test_a_token_that_cannot_look_is_told_where_to_look(world: World) -> None:
    world.api_token = world.lab.runner_token
    world.lab.fault(**CREATE, drop="after")
    with pytest.raises(
        GitLabError, match=r"not known \(.*\); run again, .*, or look for a runner called 'build on h1'"
    ):
        world.run(scope="group", group=7)
    world.lab.fault(**CREATE, status=503)
    done = world.run(scope="group", group=7)
    assert any("cannot be found out; look for a runner called 'build on h1'" in each for each in done.warnings)


def test_a_wrong_value_is_not_tried_again(world: World) -> None:
    with pytest.raises(GitLabError, match=r"answers 400 .*when asked to create a runner; correct the value") as caught:
        world.run(scope="instance", run_untagged=False)
    assert world.asked("POST") == ["POST /user/runners"]
    assert caught.value.kind == "invalid"
