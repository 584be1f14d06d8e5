# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_hold, way_back
from tests.unit.plugins.modules.runner_service_world import Host, host_in

SINCE = "2026-11-22T17:40:00Z"


@pytest.fixture(name="host")
def fixture_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose runner runs as role gitlab_runner leaves it."""
    host = host_in(tmp_path, monkeypatch).runs()
    assert host.apply(enabled=True)["held"] is None
    return host


def held(host: Host, by: str = "drain") -> Host:
    """The host with its runner stopped, for somebody."""
    host.hold.write_text(json.dumps({"by": by, "since": SINCE}))
    host.apply("stopped")
    return host


def test_a_runner_that_is_stopped_and_held_stays_down_whoever_starts_it(host: Host) -> None:
    answer = host.apply("stopped", hold="upgrade")
    assert (answer["changed"], answer["action"], answer["held"]["by"]) == (True, "stop", "upgrade")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["held"]["since"])
    assert host.hold.stat().st_mode & 0o777 == 0o644
    assert host.start().state == "inactive"
    assert host.boot().state == "inactive"
    again = host.apply("stopped", hold="upgrade")
    assert (again["changed"], host.calls, again["held"]) == (False, [], answer["held"])


def test_the_hold_is_there_before_the_runner_is_told_to_end(host: Host) -> None:
    host.job_ends = host.now + 100
    answer = host.apply("stopped", hold="drain", drain_timeout=10)
    assert (answer["draining"], answer["held"]["by"], host.state) == (True, "drain", "deactivating")
    answer = host.apply("stopped", hold="drain")
    assert (answer["draining"], answer["action"], answer["drained"]) == (False, "stop", 100.0)
    # Also by a call that comes later, and not by one after a reboot.
    assert host.apply("stopped", hold="drain")["drained"] == 100.0
    host.boot()
    assert host.apply("stopped", hold="drain")["drained"] is None


def test_a_runner_that_is_down_already_is_held(host: Host) -> None:
    host.apply("stopped")
    answer = host.apply("stopped", hold="drain")
    assert (answer["changed"], answer["action"], host.hold.exists()) == (True, "none", True)


@pytest.mark.parametrize("graceful", [False, None], ids=["unwanted", "left alone"])
def test_without_the_lasting_drop_in_a_hold_lasts_to_the_next_boot(host: Host, graceful: bool | None) -> None:
    host.apply(graceful=False)
    assert not host.drop_in.exists()
    host.apply("stopped", hold="docker_engine", graceful=graceful)
    assert host.start().state == "inactive"
    assert host.boot().state == "active"


def test_a_hold_that_a_restart_of_the_engine_left_is_taken_over(host: Host) -> None:
    answer = held(host, "docker_engine").apply("stopped", hold="upgrade")
    assert (answer["changed"], answer["held"]["by"]) == (True, "upgrade")
    assert host.apply(release=["docker_engine"])["held"]["by"] == "upgrade"
    assert host.state == "inactive"
    assert held(host, "upgrade").apply("stopped", hold="docker_engine")["held"]["by"] == "upgrade"


def test_the_hold_of_somebody_else_stays_theirs(host: Host) -> None:
    answer = held(host).apply("stopped", hold="upgrade")
    assert (answer["changed"], answer["held"]) == (False, {"by": "drain", "since": SINCE})


@pytest.mark.parametrize(
    ("by", "remedy"),
    [
        ("upgrade", "run playbooks/upgrade.yml, which finishes the upgrade and starts it"),
        ("drain", "run playbooks/resume.yml, which starts it"),
        ("docker_engine", "run playbooks/site.yml, which starts it"),
    ],
)
@pytest.mark.parametrize("state", ["started", "restarted"])
def test_a_runner_that_somebody_holds_is_not_started_and_who_does_is_said(
    host: Host, state: str, by: str, remedy: str
) -> None:
    held(host, by).file_state = "disabled"
    host.drop_in.unlink()
    host.mark.write_text("")
    way_back.keep("x", {"before": {}, "absent": [], "held": [], "foreign": []})
    others = [name for name in runner_hold.REMEDIES if name != by]
    answer = host.apply(state, enabled=True, release=others, way_back="x")
    assert (answer["changed"], answer["action"], answer["held"]) == (True, "none", {"by": by, "since": SINCE})
    assert host.warnings == [f"GitLab Runner stays stopped, it is held by {by} since {SINCE}; {remedy}"]
    # What can be done without starting it is done, and what is to be done at its start is not forgotten.
    assert (host.calls, host.drop_in.exists(), host.mark.exists()) == (["daemon-reload", "enable"], True, True)
    assert way_back.read("x") is not None
    assert host.apply(state, enabled=True)["changed"] is False
    answer = host.apply(enabled=True, release=[by], way_back="x")
    assert (answer["action"], answer["held"], host.state) == ("start", None, "active")
    assert (host.hold.exists(), host.mark.exists(), way_back.read("x")) == (False, False, None)
    assert (host.warnings, host.apply()["changed"]) == ([], False)


@pytest.mark.parametrize(
    "text",
    ["", "no JSON", "null", '"drain"', '{"since": 1}', "[]"],
    ids=["empty", "torn", "null", "a text", "nobody's", "a list"],
)
def test_a_hold_that_cannot_be_read_is_released_by_any_alone(host: Host, text: str) -> None:
    held(host).hold.write_text(text)
    answer = host.apply(release=["drain", "upgrade", "docker_engine"])
    assert (answer["changed"], answer["held"]) == (False, {"by": "unknown", "since": None})
    remedy = f"see who wrote {host.hold} and remove it, or start the runner with release: [any]"
    assert host.warnings == [f"GitLab Runner stays stopped, it is held by unknown; {remedy}"]
    assert host.apply(release=["any"])["held"] is None
    assert host.state == "active"


def test_a_runner_that_was_held_and_never_stopped_is_left_as_it_is(host: Host) -> None:
    host.hold.write_text(json.dumps({"by": "drain", "since": SINCE}))
    other = host.folder / "other"
    other.touch(mode=0o755)
    answer = host.apply(program=str(other))
    assert (answer["action"], host.process) == ("none", 1)
    assert host.warnings[0].startswith("GitLab Runner is left as it is, it is held by drain")
    # Its drop-in is another one now, which alone would hide that the process is an older one.
    answer = host.apply(program=str(other), release=["drain"])
    assert (answer["action"], answer["reasons"], host.process) == ("restart", ["a changed setting needs it"], 2)
    assert not host.hold.exists()


def test_a_hold_that_nothing_needs_goes_alone(host: Host) -> None:
    host.hold.write_text(json.dumps({"by": "drain", "since": SINCE}))
    answer = host.apply(release=["drain"])
    assert (answer["changed"], answer["action"], host.calls, host.hold.exists()) == (True, "none", [], False)


def test_a_unit_is_made_and_not_started_while_somebody_holds_it(host: Host) -> None:
    held(host).unit.unlink()
    answer = host.apply()
    assert (answer["action"], host.calls, host.state) == ("make", ["install", "daemon-reload"], "inactive")
    assert (host.apply()["changed"], host.apply(release=["any"])["action"]) == (False, "start")


def test_absent_ends_a_hold(host: Host) -> None:
    held(host).apply("absent")
    assert not host.hold.exists()
    host.hold.write_text("")
    assert (host.apply("absent")["changed"], host.hold.exists()) == (True, False)


@pytest.mark.parametrize(
    ("state", "params", "before", "after"),
    [
        pytest.param("stopped", {"hold": "drain"}, None, "drain", id="begins"),
        pytest.param("started", {"release": ["drain"]}, "drain", None, id="ends"),
        pytest.param("started", {}, "drain", "drain", id="stays"),
        pytest.param("absent", {}, "drain", None, id="goes with the unit"),
    ],
)
def test_check_mode_tells_of_a_hold_and_changes_nothing(
    host: Host, state: str, params: dict[str, Any], before: str | None, after: str | None
) -> None:
    if before:
        held(host, before)
    host.check_mode, process = True, host.process
    answer = host.apply(state, **params)
    shown = {each["before_header"]: (each["before"], each["after"]) for each in answer["diff"]}[str(host.hold)]
    assert [json.loads(text)["by"] if text else None for text in shown] == [before, after]
    assert (host.calls, host.process, host.hold.exists()) == ([], process, before is not None)


def test_a_runner_that_drains_can_be_left_to_start_by_itself(host: Host) -> None:
    host.job_ends = host.now + 100
    host.apply("stopped", hold="upgrade", drain_timeout=10)
    answer = host.apply(release=["upgrade"], queue=True)
    assert (answer["changed"], answer["action"], answer["draining"], answer["held"]) == (True, "queue", False, None)
    assert (host.state, host.process, host.aborted) == ("deactivating", 1, False)
    again = host.apply(release=["upgrade"], queue=True)
    assert (again["changed"], again["action"], host.calls) == (False, "none", [])
    host.sleep(100)
    assert (host.state, host.process) == ("active", 2)
    # The drop-in of the drain is still there, and systemd would wait for ever at the next stop.
    assert (host.apply()["changed"], host.calls, host.drain.exists()) == (True, ["daemon-reload"], False)
    assert host.apply()["changed"] is False


def test_a_drain_that_somebody_else_began_is_not_cut_short_either(host: Host) -> None:
    host.job_ends = host.now + 100
    host.state, host.sub_state = "deactivating", "stop-sigterm"
    assert host.apply(queue=True)["action"] == "queue"
    assert "TimeoutStopSec=infinity" in host.loaded[-1]


def test_a_start_that_waits_is_called_off_by_the_next_stop(host: Host) -> None:
    host.job_ends = host.now + 100
    host.apply("stopped", hold="drain", drain_timeout=10)
    host.apply(release=["any"], queue=True)
    answer = host.apply("stopped", hold="upgrade")
    assert (answer["held"]["by"], host.state, host.process, host.aborted) == ("upgrade", "inactive", 1, False)


def test_a_runner_that_does_not_drain_is_started_at_once(host: Host) -> None:
    assert held(host).apply(release=["drain"], queue=True)["action"] == "start"
    assert host.state == "active"


def test_who_has_no_business_with_the_unit_leaves_its_drop_in_as_it_is(host: Host) -> None:
    before = host.drop_in.read_text()
    host.apply("stopped", graceful=None, drain_timeout=1)
    host.apply(graceful=None, drain_timeout=2)
    assert (host.drop_in.read_text(), host.needrestart.exists()) == (before, True)
    host.apply(graceful=False)
    host.apply("stopped", graceful=None)
    assert (host.drop_in.exists(), host.needrestart.exists()) == (False, False)


def test_needrestart_is_kept_from_aborting_jobs(host: Host) -> None:
    assert "gitlab\\-runner\\.service" in host.needrestart.read_text()
    host.needrestart.unlink()
    answer = host.apply()
    shown = {each["after_header"]: each["after"] for each in answer["diff"]}
    assert (answer["changed"], shown[str(host.needrestart)]) == (True, host.needrestart.read_text())


class Killed(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize(
    ("state", "params", "end"),
    [
        pytest.param("stopped", {"hold": "drain"}, ("inactive", True), id="held"),
        pytest.param("started", {"release": ["drain"]}, ("active", False), id="released"),
    ],
)
def test_a_run_that_was_killed_at_any_call_is_made_up_for(
    host: Host, monkeypatch: pytest.MonkeyPatch, state: str, params: dict[str, Any], end: tuple[str, bool], call: int
) -> None:
    # As somebody has it who never saw role gitlab_runner.
    host.drop_in.unlink()
    host.systemctl("daemon-reload")
    if state == "started":
        held(host)
    plain, left = host.run_command, [call]

    def dies(command: list[str]) -> tuple[int, str, str]:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return plain(command)

    with monkeypatch.context() as killed, contextlib.suppress(Killed):
        killed.setattr(host, "run_command", dies)
        host.apply(state, **params)
    assert host.apply(state, **params)["draining"] is False
    assert (host.state, host.hold.exists(), host.aborted) == (*end, False)
    assert host.apply(state, **params)["changed"] is False
    assert host.start().state == end[0]
