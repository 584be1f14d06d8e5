# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils import way_back
from tests.unit.plugins.modules.runner_service_world import HOME, Host, host_in


@pytest.fixture(name="host")
def fixture_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose runner was not installed yet."""
    return host_in(tmp_path, monkeypatch)


def test_a_runner_that_runs_is_left_alone_once_its_stops_drain(host: Host) -> None:
    host.runs()
    first = host.apply(enabled=True)
    assert (first["changed"], first["action"], host.calls) == (True, "none", ["daemon-reload"])
    assert "KillSignal=SIGQUIT" in host.drop_in.read_text()
    again = host.apply(enabled=True)
    assert (again["changed"], again["action"], host.calls, host.process) == (False, "none", [], 1)


def test_a_unit_is_made_where_there_is_none(host: Host) -> None:
    answer = host.apply()
    assert (answer["action"], answer["user"], answer["config"]) == ("make", "gitlab-runner", str(host.config))
    assert host.calls == ["install", "daemon-reload", "daemon-reload", "start"]
    assert host.apply()["changed"] is False


def test_without_a_program_there_is_nothing_to_make_a_unit_with(host: Host) -> None:
    answer = host.apply(program="/nowhere")
    assert answer["msg"] == (
        "there is no unit gitlab-runner.service on this host and no program '/nowhere'; install it first"
    )


@pytest.mark.parametrize(
    ("state", "sub_state", "reason"),
    [
        pytest.param("inactive", "dead", "it does not run", id="stopped by a run that was killed"),
        pytest.param("failed", "failed", "it does not run", id="failed"),
        pytest.param("activating", "auto-restart", "it ended and waits to be started again", id="crashed"),
    ],
)
def test_a_runner_that_does_not_run_is_started(host: Host, state: str, sub_state: str, reason: str) -> None:
    host.runs().apply()
    host.state, host.sub_state = state, sub_state
    answer = host.apply()
    assert (answer["changed"], answer["action"], answer["reasons"]) == (True, "start", [reason])
    assert host.calls == ["start"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("listen_address\n", "a changed setting needs it: listen_address", id="with the key"),
        pytest.param("", "a changed setting needs it", id="without"),
    ],
)
def test_the_mark_makes_it_a_restart_that_waits_for_jobs(host: Host, content: str, reason: str) -> None:
    host.runs().apply()
    host.mark.write_text(content)
    host.job_ends = host.now + 100
    answer = host.apply()
    assert (answer["action"], answer["reasons"], host.process, host.aborted) == ("restart", [reason], 2, False)
    assert not host.mark.exists()
    assert not host.drain.exists()
    assert host.apply()["changed"] is False


def test_a_drain_that_takes_too_long_kills_nothing_and_is_waited_for_by_the_next_call(host: Host) -> None:
    host.runs().apply()
    host.job_ends = host.now + 100
    answer = host.apply("stopped", drain_timeout=30)
    assert (answer["draining"], answer["failed"], host.state, host.aborted) == (True, True, "deactivating", False)
    assert "but 30 s after it was told so some still run; nothing was killed" in answer["msg"]
    assert "gitlab_runner_drain_timeout" in answer["msg"]
    assert "TimeoutStopSec=infinity" in host.drain.read_text()
    answer = host.apply("stopped", drain_timeout=300)
    assert (answer["draining"], answer["changed"], host.state) == (False, True, "inactive")
    assert host.apply("stopped", drain_timeout=300)["changed"] is False


def test_a_call_can_be_shorter_than_the_drain(host: Host) -> None:
    host.runs()
    host.job_ends = host.now + 150
    waits = [host.apply("stopped", drain_timeout=7200, wait=60)["draining"] for _ in range(3)]
    assert waits == [True, True, False]


def test_a_runner_that_drains_and_is_wanted_again_is_started_when_it_is_done(host: Host) -> None:
    host.runs().apply()
    host.job_ends = host.now + 100
    host.apply("stopped", drain_timeout=10)
    answer = host.apply()
    assert (answer["action"], answer["reasons"]) == ("start", ["it was stopped and drains"])
    assert (host.state, host.process, host.aborted, host.drain.exists()) == ("active", 2, False, False)


def test_a_restart_that_is_waited_for_in_vain_comes_by_itself(host: Host) -> None:
    host.runs().apply()
    host.mark.write_text("")
    host.job_ends = host.now + 100
    answer = host.apply(wait=10)
    assert (answer["draining"], host.process) == (True, 1)
    assert "nothing was killed, and it starts anew after the last of them" in answer["msg"]
    host.sleep(100)
    # It has read everything, so the next call only tidies up.
    answer = host.apply()
    assert (answer["action"], host.calls, host.process, host.state) == ("none", ["daemon-reload"], 2, "active")
    assert host.apply()["changed"] is False


def test_the_next_call_waits_on_for_a_restart_that_comes_by_itself(host: Host) -> None:
    host.runs().apply()
    host.mark.write_text("")
    host.job_ends = host.now + 100
    waits = [host.apply(wait=60)["draining"] for _ in range(2)]
    assert (waits, host.process, host.state, host.drain.exists()) == ([True, False], 2, "active", False)
    assert host.apply()["changed"] is False


def test_a_drop_in_that_systemd_has_not_read_is_read_before_a_stop(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.runs()
    with monkeypatch.context() as killed:
        killed.setattr(host, "_reload", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            host.apply("stopped")
    assert host.apply("stopped")["action"] == "stop"


def test_jobs_are_aborted_only_when_that_is_asked_for(host: Host) -> None:
    host.runs()
    host.job_ends = host.now + 1000
    assert host.apply("stopped", drain=False)["draining"] is False
    assert (host.state, host.aborted) == ("inactive", True)


@pytest.mark.parametrize("state", ["started", "stopped", "restarted", "absent"])
def test_check_mode_changes_nothing(host: Host, state: str) -> None:
    host.runs()
    host.mark.write_text("")
    host.check_mode = True
    answer = host.apply(state)
    assert (answer["changed"], host.calls, host.process, host.mark.exists()) == (True, [], 1, True)
    assert not host.drop_in.exists()


def test_a_runner_that_does_not_come_up_is_said_to_with_its_last_words(host: Host) -> None:
    host.runs()
    host.crashes = True
    host.mark.write_text("")
    answer = host.apply()
    assert answer["msg"] == "gitlab-runner did not come up. Its last words: FATAL: no good"
    # The next run tries again.
    assert host.mark.exists()


OTHERS = ["--working-directory", "/home/ci", "--user", "ci", "--listen-address", ":9252"]


def test_what_an_older_unit_starts_outlives_a_package_that_writes_the_unit_anew(host: Host) -> None:
    host.runs("--config", str(host.config), *OTHERS)
    host.apply("stopped", keep_command=True)
    host.install("--config", texts.DEFAULT_CONFIG, "--working-directory", HOME, "--user", "gitlab-runner")
    host._start()
    answer = host.apply()
    assert (answer["user"], answer["working_directory"], answer["config"]) == ("ci", "/home/ci", str(host.config))
    assert host.running_command == " ".join([str(host.program), "run", "--config", str(host.config), *OTHERS])
    assert host.apply()["changed"] is False


def test_a_unit_as_the_package_makes_it_needs_no_command_in_the_drop_in(host: Host, monkeypatch: Any) -> None:
    monkeypatch.setattr(texts, "DEFAULT_CONFIG", str(host.config))
    host.runs()
    host.apply("stopped", keep_command=True)
    assert "ExecStart" not in host.drop_in.read_text()


def test_a_unit_that_starts_another_program_is_restarted_with_the_right_one(host: Host) -> None:
    host.runs()
    other = host.folder / "other"
    other.touch(mode=0o755)
    answer = host.apply(program=str(other))
    assert (answer["action"], answer["reasons"]) == ("restart", ["what the unit starts changes"])
    assert host.running_command.startswith(f"{other} run")
    assert host.apply(program=str(other))["changed"] is False
    # And back: the unit itself says so.
    assert host.apply()["action"] == "restart"
    assert "ExecStart" not in host.drop_in.read_text()


def test_a_restart_that_was_killed_after_the_drop_in_was_written_is_made_up_for(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.runs().apply()
    other = host.folder / "other"
    other.touch(mode=0o755)
    with monkeypatch.context() as killed:
        killed.setattr(host, "_stop", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            host.apply(program=str(other))
    assert host.apply(program=str(other))["reasons"] == ["a changed setting needs it"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        pytest.param('concurrent = 1\n [[runners]]\n  name = "x"\n', True, id="runners"),
        pytest.param("concurrent = 1\n# [[runners]]\n", False, id="none"),
        pytest.param(None, False, id="no such file"),
    ],
)
def test_a_unit_that_reads_another_file_with_runners_is_refused(host: Host, text: str | None, refused: bool) -> None:
    other = host.folder / "other.toml"
    if text is not None:
        other.write_text(text)
    host.runs("--config", str(other))
    answer = host.apply()
    if not refused:
        assert (answer["config"], answer["action"]) == (str(host.config), "restart")
        return
    assert answer["msg"] == (
        f"the service on this host reads {other}, which has runners in it, and config is {host.config}; set it "
        "(in role gitlab_runner: gitlab_runner_config_path) to the former, or move that file"
    )
    assert (host.calls, host.process) == ([], 1)


@pytest.mark.parametrize(
    ("file_state", "enabled", "calls"),
    [
        pytest.param("disabled", True, ["enable"], id="on"),
        pytest.param("enabled", False, ["disable"], id="off"),
        pytest.param("static", True, [], id="somebody's decision"),
        pytest.param("disabled", None, [], id="left alone"),
    ],
)
def test_whether_it_starts_at_boot(host: Host, file_state: str, enabled: bool | None, calls: list[str]) -> None:
    host.runs().apply()
    host.file_state = file_state
    assert host.apply(enabled=enabled)["changed"] is bool(calls)
    assert host.calls == calls


def test_a_masked_unit_is_an_error_that_says_so(host: Host) -> None:
    host.runs()
    host.load_state = "masked"
    assert host.apply()["msg"].endswith("is masked on this host; run 'systemctl unmask gitlab-runner.service'")


def test_absent_drains_and_leaves_nothing(host: Host) -> None:
    host.runs().apply()
    host.mark.write_text("")
    host.hold.write_text("")
    host.job_ends = host.now + 50
    assert host.apply("absent")["action"] == "remove"
    left = (host.unit, host.drop_in, host.drain, host.mark, host.hold, host.needrestart)
    assert not any(path.exists() for path in left)
    assert (host.aborted, host.program.exists()) == (False, True)
    assert host.apply("absent")["changed"] is False


def test_the_way_back_goes_once_the_runner_is_up(host: Host) -> None:
    way_back.keep("x", {"before": {}, "absent": [], "held": [], "foreign": []})
    host.runs().apply("stopped", way_back="x")
    assert way_back.read("x") is not None
    host.apply(way_back="x")
    assert way_back.read("x") is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"drain_timeout": -1}, "drain_timeout is -1; give seconds, 0 or more"),
        ({"wait": -5}, "wait is -5; give seconds, 0 or more"),
        ({"way_back": "a/b"}, "way_back 'a/b' is not a short name; use letters, digits, _ and -"),
    ],
    ids=["drain_timeout", "wait", "way_back"],
)
def test_bad_input(host: Host, params: dict[str, Any], message: str) -> None:
    assert host.apply(**params)["msg"] == message
