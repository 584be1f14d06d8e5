# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.runnerkit.gitlab.plugins.action import runner_pause as runner_pause_action
from ansible_collections.runnerkit.gitlab.plugins.action.runner_pause import SPEC
from ansible_collections.runnerkit.gitlab.plugins.modules import maintenance_mark, runner_pause
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import this_run
from tests.support.gitlab_world import SYSTEM_ID
from tests.unit.plugins.action.pause_world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    return World(tmp_path, monkeypatch, capsys)


def test_runners_are_paused_remembered_and_resumed(world: World) -> None:
    result = world.run("paused", before={"engine": "20.10.5"}, reason="new engine")
    rows = [{"id": world.ids[name], "name": name} for name in "ab"]
    assert (result["changed"], result["paused"], result["left"]) == (True, rows, [])
    assert world.paused == ["a", "b"]
    mark = world.mark or {}
    assert mark == result["mark"]
    assert (mark["by"], mark["reason"], mark["before"]) == ("upgrade", "new engine", {"engine": "20.10.5"})
    assert mark["paused"] == [{**row, "url": world.lab.url} for row in rows]
    assert world.file.stat().st_mode & 0o777 == 0o600
    prepared, shown = result["diff"]
    assert prepared["prepared"] == "".join(f"GitLab: pause runner '{name}' ({world.ids[name]})\n" for name in world.ids)
    assert (shown["before"], json.loads(shown["after"])) == ("", mark)

    result = world.run("resumed")
    assert (result["changed"], result["resumed"], result["paused"], result["mark"]) == (True, rows, [], None)
    assert (world.paused, world.mark) == ([], None)
    assert world.calls == ["merge", "read", "write"]


@pytest.mark.parametrize("state", ["paused", "resumed"])
def test_a_second_run_changes_nothing(world: World, state: str) -> None:
    world.run("paused")
    world.run(state)
    before, mark = len(world.asked()), world.mark
    result = world.run(state)
    assert (result["changed"], result["diff"], result["left"], world.mark) == (False, [], [], mark)
    assert "PUT" not in world.asked()[before:]
    if state == "resumed":
        assert world.asked()[before:] == []


@pytest.mark.parametrize("state", ["paused", "resumed"])
def test_check_mode_asks_and_changes_nothing(world: World, state: str) -> None:
    if state == "resumed":
        world.run("paused")
    before, mark, paused = len(world.asked()), world.mark, world.paused
    foretold = world.run(state, check=True)
    assert set(world.asked()[before:]) == {"GET"}
    assert (world.mark, world.paused) == (mark, paused)
    done = world.run(state)
    assert foretold["changed"]
    assert [foretold[key] for key in ("paused", "resumed", "left")] == [
        done[key] for key in ("paused", "resumed", "left")
    ]
    assert foretold["diff"][0] == done["diff"][0]


def test_what_somebody_else_paused_stays_paused(world: World) -> None:
    world.lab.api("PUT", f"/runners/{world.ids['a']}", {"paused": True})
    result = world.run("paused")
    assert result["left"] == [{"name": "a", "why": "it is paused already"}]
    assert [each["name"] for each in result["paused"]] == ["b"]
    world.run("resumed")
    assert world.paused == ["a"]


def test_a_runner_of_several_machines_is_left_to_them(world: World) -> None:
    made = world.lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
    for machine in (SYSTEM_ID, "s_ba9876543210"):
        world.meet(made["token"], machine)
    world.ids["shared"] = made["id"]
    result = world.run("paused")
    assert result["left"] == [{"name": "shared", "why": "2 machines share it, which would all get no jobs"}]
    assert world.paused == ["a", "b"]


@pytest.mark.parametrize("status", [404, 403], ids=["an old GitLab", "a user who may not"])
def test_where_machines_are_not_told_a_runner_is_taken_for_one_of_this_host(world: World, status: int) -> None:
    world.lab.fault(path="/managers$", status=status, times=None, body={"error": "404 Not Found"})
    assert world.run("paused")["left"] == []
    assert world.paused == ["a", "b"]


@pytest.mark.parametrize(
    ("runner", "more", "why"),
    [
        pytest.param({"id": 999}, {}, "GitLab has no runner 999", id="gone in GitLab"),
        pytest.param({"id": None}, {}, "its entry in config.toml has no id", id="without a number"),
        pytest.param(
            {"url": "https://other.example/"}, {}, "gitlab_runner_api_token is not given for https://other.example",
            id="of another GitLab",
        ),
        pytest.param({"url": None}, {}, "gitlab_runner_api_token is not given for its GitLab", id="of no GitLab"),
        pytest.param({}, {"api_token": None}, "gitlab_runner_api_token is not given for URL", id="without a token"),
        pytest.param({}, {"url": None}, "gitlab_runner_api_token is not given for URL", id="without a GitLab"),
    ],
)  # fmt: skip
def test_what_cannot_be_paused_is_told_and_the_mark_is_there(
    world: World, runner: dict[str, Any], more: dict[str, Any], why: str
) -> None:
    result = world.run("paused", runners=[{**world.facts[0], **runner}], **more)
    assert result["left"] == [{"name": "a", "why": why.replace("URL", world.lab.url)}]
    assert (result["changed"], result["paused"], (world.mark or {})["paused"]) == (True, [], [])
    assert world.run("resumed", **more)["changed"]
    assert world.mark is None


@pytest.mark.parametrize(
    "runners", [None, [], [None, "odd", {"name": None}]], ids=["none", "an empty list", "odd ones"]
)
def test_runners_are_taken_as_facts_have_them(world: World, runners: Any) -> None:
    result = world.run("paused", runners=runners)
    assert (result["changed"], result["paused"]) == (True, [])
    assert {each["name"] for each in result["left"]} <= {"without a name"}


def test_a_later_run_keeps_what_the_first_one_remembered(world: World) -> None:
    first = world.run("paused", before={"engine": "20.10.5"}, reason="one", runners=world.facts[:1])["mark"]
    result = world.run("paused", before={"engine": "26.1.5"})
    assert (result["changed"], result["left"]) == (True, [])
    assert (world.mark or {})["before"] == {"engine": "20.10.5"}
    assert [(world.mark or {})[key] for key in ("since", "reason")] == [first["since"], "one"]
    assert [each["name"] for each in result["paused"]] == ["a", "b"]
    world.run("resumed")
    assert world.paused == []


def test_a_run_that_was_killed_before_it_paused_goes_on(world: World) -> None:
    world.run("paused")
    world.lab.api("PUT", f"/runners/{world.ids['b']}", {"paused": False})
    result = world.run("paused")
    assert (result["changed"], len(result["diff"]), result["left"], world.paused) == (True, 1, [], ["a", "b"])


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [("upgrade", "drain", "playbooks/upgrade.yml"), ("drain", "upgrade", "playbooks/resume.yml")],
    ids=["a drain after an upgrade that was interrupted", "an upgrade of a host that is drained"],
)
@pytest.mark.parametrize("state", ["paused", "resumed"])
def test_a_host_that_somebody_else_has_is_refused(world: World, first: str, second: str, ends: str, state: str) -> None:
    world.run("paused", by=first, reason="memory")
    mark = world.mark or {}
    result = world.run(state, by=second)
    assert (result["failed"], result["changed"], world.mark) == (True, False, mark)
    assert result["msg"] == (
        f"this host is out of service by {first} since {mark['since']} (memory); run {ends} for it first"
    )
    assert world.run("resumed", by=None)["changed"]


def test_an_upgrade_notes_which_run_it_is_and_a_drain_does_not(world: World) -> None:
    assert world.run("paused")["mark"]["run"] == this_run.run_id()
    world.run("resumed")
    assert world.run("paused", by="drain")["mark"]["run"] == ""


def test_of_two_runs_at_once_the_one_that_comes_second_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both have made their plans when nobody had taken the host.
    monkeypatch.setattr(runner_pause_action, "run_id", lambda: "ctl1:123:456@boot/1")
    world.run("paused", before={"engine": "20.10.5"})
    mark = world.mark or {}
    monkeypatch.setattr(runner_pause_action, "run_id", lambda: "ctl2:7:8@boot/1")
    for options in ({}, {"check": True}, {"instead_of": "ctl3:9:9@boot/1"}):
        result = world.run("paused", **options)
        assert (result["failed"], result["changed"], world.mark, world.paused) == (True, False, mark, ["a", "b"])
        assert result["msg"] == (
            "another run of playbooks/upgrade.yml has taken this host meanwhile, on ctl1, process 123 (out of service "
            f"since {mark['since']}); let it end, then run this again"
        )
    # Once it was found to be over.
    result = world.run("paused", instead_of="ctl1:123:456@boot/1")
    assert result["mark"] == world.mark == {**mark, "run": "ctl2:7:8@boot/1"}
    assert result["left"] == []


def test_a_run_that_leaves_a_host_as_it_is_has_others_go_on_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not world.run("left")["changed"]
    monkeypatch.setattr(runner_pause_action, "run_id", lambda: "ctl1:123:456@boot/1")
    mark = world.run("paused")["mark"]
    monkeypatch.setattr(runner_pause_action, "run_id", lambda: "ctl2:7:8@boot/1")
    assert (world.run("left")["changed"], world.mark) == (False, mark)
    monkeypatch.setattr(runner_pause_action, "run_id", lambda: "ctl1:123:456@boot/1")
    before = len(world.asked())
    assert world.run("left", check=True)["changed"]
    assert world.mark == mark
    result = world.run("left")
    assert (result["changed"], result["mark"], world.mark) == (True, {**mark, "run": ""}, {**mark, "run": ""})
    assert (world.asked()[before:], world.paused) == ([], ["a", "b"])
    assert [each["name"] for each in result["paused"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": None}, "by is missing; say who takes the host out of service, upgrade or drain"),
        ({"by": "me"}, "value of by must be one of: upgrade, drain"),
        ({"before": "verysecret"}, "before has to be a dictionary, it is a text"),
        ({"api_token": "very secret"}, "gitlab_runner_api_token has blanks or line ends in it"),
        ({"url": "gitlab.example"}, "'gitlab.example' is no address of a GitLab"),
        ({"urll": "x"}, "urll. Supported parameters include"),
    ],
    ids=["nobody", "somebody unknown", "no dictionary", "no token", "no address", "an unknown option"],
)
def test_what_is_wrong_is_said_before_anything_is_touched(world: World, options: dict[str, Any], words: str) -> None:
    result = world.run("paused", **options)
    assert (result["failed"], result["changed"], world.mark, world.paused) == (True, False, None, [])
    assert words in result["msg"]


def test_plain_http_is_a_warning(world: World) -> None:
    result = world.run("paused", runners=[], url="http://gitlab.example")
    assert result["warnings"] == [
        "http://gitlab.example is not https, so tokens go over the network as they are; use https in gitlab_runner_url"
    ]


def test_the_documentation_has_the_options_that_there_are() -> None:
    documented = yaml.safe_load(runner_pause.DOCUMENTATION)["options"]
    assert set(documented) == set(SPEC)
    for name, spec in SPEC.items():
        assert documented[name].get("default") == spec.get("default"), name
        assert documented[name].get("choices") == spec.get("choices"), name
    on_the_host = yaml.safe_load(maintenance_mark.DOCUMENTATION)["options"]
    assert set(on_the_host) == set(maintenance_mark.ARGUMENTS)
