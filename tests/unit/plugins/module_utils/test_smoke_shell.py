# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import pwd
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import smoke_shell
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import hear
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_shell import account, descendants, run_shell
from tests.unit.plugins.module_utils.probe_world import FakeJanitor

STEP = """
step() {
	printf 'runnerkit-smoke-0123456789ab begin %s\\n' "$1"
	("$1") </dev/null 2>&1
	printf 'runnerkit-smoke-0123456789ab end %s %s\\n' "$1" "$?"
}
"""


@pytest.fixture(autouse=True)
def no_su(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell of whoever runs this; what `su` does is shown in the lab."""
    monkeypatch.setattr(smoke_shell, "_command", lambda user: ["bash"])
    monkeypatch.setattr(smoke_shell, "LEAVE", 1.0)


def run(script: str, steps: list[str], seconds: float = 10.0) -> tuple[Outcome, list[tuple[str, int | None]]]:
    user = pwd.getpwuid(os.geteuid())
    outcome = run_shell(FakeJanitor(), user, STEP + script, steps, time.monotonic() + seconds)
    return outcome, [(each.step, each.code) for each in hear(outcome.lines)]


def test_steps_are_done_one_after_the_other() -> None:
    outcome, heard = run(
        "job() { echo hello; }\nbind_mount() { exit 4; }\nlast() { :; }\n", ["job", "bind_mount", "last"]
    )
    assert heard == [("job", 0), ("bind_mount", 4), ("last", 0)]
    assert outcome.code == 0


def test_nothing_follows_a_job_that_cannot_begin() -> None:
    assert run("job() { false; }\nlast() { :; }\n", ["job", "last"])[1] == [("job", 1)]


def test_the_shells_own_farewell_counts() -> None:
    # As in ~/.bash_logout: the runner's script ends under `set -e`.
    assert run("job() { :; }\ntrap 'false; true' EXIT\n", ["job"])[0].code == 1


def test_a_step_without_an_end_is_killed_with_all_below_it(tmp_path: Path) -> None:
    outcome, heard = run(f"job() {{ setsid sleep 60 & echo $! >{tmp_path}/pid; wait; }}\n", ["job"], seconds=1.0)
    assert (outcome.code, heard) == (None, [("job", None)])
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline:
        if ") Z" in Path(f"/proc/{pid}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_a_shell_that_dies_is_noticed() -> None:
    outcome, heard = run("job() { kill -9 $$; sleep 1; }\n", ["job"])
    assert heard[0] == ("job", None) or heard[0][1] != 0
    assert outcome.code == -9


def test_descendants_are_found() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 30 & wait"]) as process:
        deadline = time.monotonic() + 5
        while not list(descendants(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        (child,) = descendants(process.pid)
        assert b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes()
        os.kill(child, 9)


def test_a_user_who_does_not_exist_is_named() -> None:
    with pytest.raises(EngineError) as caught:
        account("nobody-of-that-name")
    assert caught.value.message == (
        "this host has no user nobody-of-that-name, as whom jobs of the shell executor run; install the runner"
    )


def test_another_user_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(EngineError, match="a job cannot be run as root by this user; become root"):
        account("root")
