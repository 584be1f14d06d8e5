# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab, or the host, fails in the middle of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from tests.unit.plugins.action.pause_world import ATTEMPTS, World

AS_IT_WAS = "; this host is as it was"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    return World(tmp_path, monkeypatch, capsys)


FAILURES = [
    pytest.param({"status": 500}, "answers 500", id="an error of the server"),
    pytest.param({"status": 502, "act": True}, "answers 502", id="an error after it was done"),
    pytest.param({"drop": "before"}, "cut the connection", id="a connection cut before it was done"),
    pytest.param({"drop": "after"}, "cut the connection", id="a connection cut after it was done"),
    pytest.param({"delay": 0.5}, "did not answer in time", id="no answer in time"),
    pytest.param({"status": 401}, "answers 401", id="a token that was revoked"),
    pytest.param({"status": 403, "body": {"message": "403 Forbidden"}}, "answers 403", id="a user who may not"),
]


@pytest.mark.parametrize(("fault", "words"), FAILURES)
def test_where_pausing_fails_nothing_is_paused(world: World, fault: dict[str, Any], words: str) -> None:
    # As often as it is asked, and no more: then it lets itself be asked to unpause.
    times = 1 if fault.get("status") in (401, 403) else ATTEMPTS
    world.trouble(world.ids["b"], times=times, **fault)
    result = world.run("paused")
    assert (result["failed"], result["changed"], result["mark"], result["diff"]) == (True, False, None, [])
    assert words in result["msg"]
    assert f"pause runner {world.ids['b']}" in result["msg"]
    assert result["msg"].endswith(AS_IT_WAS)
    assert (world.paused, world.mark) == ([], None)


def test_a_runner_that_was_paused_by_an_attempt_without_an_answer_is_not_forgotten(world: World) -> None:
    # What GitLab says in the end is about the last attempt alone.
    world.trouble(world.ids["b"], times=ATTEMPTS - 1, drop="after")
    world.trouble(world.ids["b"], status=429)
    result = world.run("paused")
    assert "answers 429" in result["msg"]
    assert result["msg"].endswith(AS_IT_WAS)
    assert (world.paused, world.mark) == ([], None)


@pytest.mark.parametrize("earlier", [False, True], ids=["without a mark before", "with a mark before"])
def test_what_cannot_be_unpaused_again_stays_in_the_mark(world: World, earlier: bool) -> None:
    if earlier:
        world.ids["c"] = world.runner()
        world.run("paused", runners=[each for each in world.facts if each["name"] == "c"], before={"x": 1})
    # `a` is paused, `b` is perhaps, and after that GitLab is gone.
    world.trouble(world.ids["a"], times=None, skip=1, status=503)
    world.trouble(world.ids["b"], times=None, status=503, act=True)
    result = world.run("paused", before={"x": 2})
    a, b = world.ids["a"], world.ids["b"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].endswith(
        f"; runners 'a' ({a}) and 'b' ({b}) stay paused in GitLab; the next run of playbooks/upgrade.yml unpauses them"
    )
    names = ["c", "a", "b"] if earlier else ["a", "b"]
    assert [each["name"] for each in (world.mark or {})["paused"]] == names
    assert (world.mark or {})["before"] == ({"x": 1} if earlier else {"x": 2})
    world.lab.end_faults()
    world.run("resumed")
    assert (world.paused, world.mark) == ([], None)


def test_a_mark_that_cannot_be_taken_back_does_no_harm(world: World) -> None:
    world.trouble(world.ids["b"], status=401)
    world.silent = [2]
    result = world.run("paused")
    assert "cannot write the mark on the host: the host is gone" in result["msg"]
    assert result["mark"] == world.mark
    assert AS_IT_WAS not in result["msg"]
    assert world.paused == []
    world.run("resumed")
    assert (world.paused, world.mark) == ([], None)


@pytest.mark.parametrize(("fault", "words"), FAILURES)
def test_where_asking_fails_nothing_is_written(world: World, fault: dict[str, Any], words: str) -> None:
    # A runner; its machines, of which not everybody is told.
    world.lab.fault(
        path="/runners/[0-9]+$" if fault.get("status") == 403 else "/managers$", method="GET", times=None, **fault
    )
    result = world.run("paused")
    assert (result["failed"], result["changed"], world.calls, world.mark) == (True, False, [], None)
    assert words in result["msg"]


@pytest.mark.parametrize(("fault", "words"), FAILURES)
def test_where_resuming_fails_the_mark_keeps_those_that_stay(world: World, fault: dict[str, Any], words: str) -> None:
    world.run("paused", by="drain", before={"x": 1})
    world.trouble(world.ids["a"], times=None, **fault)
    result = world.run("resumed", by=None)
    assert (result["failed"], result["changed"]) == (True, True)
    assert words in result["msg"]
    assert result["msg"].endswith(
        f"; runner 'a' ({world.ids['a']}) stays paused in GitLab; the next run of playbooks/resume.yml unpauses it"
    )
    assert [each["name"] for each in result["resumed"]] == ["b"]
    assert [each["name"] for each in (world.mark or {})["paused"]] == ["a"]
    assert (world.mark or {})["before"] == {"x": 1}
    world.lab.end_faults()
    assert world.run("resumed", by=None)["resumed"] == [{"id": world.ids["a"], "name": "a"}]
    assert (world.paused, world.mark) == ([], None)


def test_a_runner_that_went_meanwhile_keeps_no_mark(world: World) -> None:
    world.run("paused")
    world.lab.api("DELETE", f"/runners/{world.ids['a']}")
    result = world.run("resumed")
    assert result["left"] == [{"name": "a", "why": f"GitLab has no runner {world.ids['a']} any more"}]
    assert (world.paused, world.mark) == ([], None)


def test_a_runner_that_goes_while_it_is_paused_is_told(world: World) -> None:
    world.trouble(world.ids["a"], status=404, body={"message": "404 Not found"})
    result = world.run("paused")
    assert result["left"] == [{"name": "a", "why": f"GitLab has no runner {world.ids['a']}"}]
    assert world.paused == ["b"]
    world.run("resumed")
    assert (world.paused, world.mark) == ([], None)


@pytest.mark.parametrize(
    "more",
    [{"api_token": None}, {"url": "https://other.example"}, {"url": None}],
    ids=["without a token", "with another GitLab", "without a GitLab"],
)
def test_what_cannot_be_resumed_is_told_with_what_to_do(world: World, more: dict[str, Any]) -> None:
    world.run("paused", runners=world.facts[:1])
    mark = world.mark or {}
    result = world.run("resumed", **more)
    assert (result["failed"], result["changed"], world.mark, world.paused) == (True, False, mark, ["a"])
    assert result["msg"] == (
        f"runner 'a' ({world.ids['a']}) of {world.lab.url} was paused by upgrade on {mark['since']}, and "
        "gitlab_runner_api_token is not given for that; set it and gitlab_runner_url, or unpause there by hand and "
        "remove /var/lib/runnerkit/maintenance.json on the host"
    )


def test_a_host_that_is_gone_after_all_was_resumed_is_told(world: World) -> None:
    world.run("paused")
    world.silent = [3]
    result = world.run("resumed")
    assert (result["failed"], result["changed"], world.paused) == (True, True, [])
    assert result["msg"] == ("cannot write the mark on the host: the host is gone; run playbooks/upgrade.yml again")
    assert world.run("resumed")["changed"]


def test_a_broken_mark_is_refused(world: World) -> None:
    world.file.parent.mkdir()
    for state, text in itertools.product(["paused", "resumed"], ["{", "[]", '{"by": 5}']):
        world.file.write_text(text)
        result = world.run(state)
        assert (result["failed"], world.paused, world.file.read_text()) == (True, [], text)
        assert "unpause the runners of this host in GitLab, then remove it" in result["msg"]


@pytest.mark.parametrize("acted", [False, True], ids=["before GitLab acted", "after GitLab acted"])
@pytest.mark.parametrize(("state", "number"), list(itertools.product(["paused", "resumed"], [1, 2])))
def test_a_run_that_is_killed_leaves_nothing_paused_and_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch, state: str, number: int, acted: bool
) -> None:
    world.ids["others"] = world.runner()
    world.lab.api("PUT", f"/runners/{world.ids['others']}", {"paused": True})
    if state == "resumed":
        world.run("paused")
    usual, calls = GitLab.pause, itertools.count(1)

    def killed(self: GitLab, runner_id: int, paused: bool = True) -> bool:
        last = next(calls) == number
        if acted or not last:
            usual(self, runner_id, paused)
        if last:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(GitLab, "pause", killed)
    with pytest.raises(KeyboardInterrupt):
        world.run(state)
    monkeypatch.setattr(GitLab, "pause", usual)
    assert world.file.exists()
    assert world.run("paused")["left"] == [{"name": "others", "why": "it is paused already"}]
    assert len(world.paused) == 3
    world.run("resumed")
    assert (world.paused, world.mark) == (["others"], None)
