# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor

# A process of its own: what it does ends it, and a fork must not meet the threads of these tests.
VICTIM = """
import os, signal, sys, time
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
with Janitor(patience=3.0, quiet=0.2) as janitor:
    {registers}
    {end}
"""
MARK = "0123456789ab"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def run_victim(registers: str, end: str) -> int:
    """Let it register something and come to its end; its standard output is a pipe, as Ansible has it."""
    ended = subprocess.run(
        [sys.executable, "-c", VICTIM.format(registers=registers, end=end)],
        capture_output=True,
        timeout=20,
        check=False,
    )
    return ended.returncode


def comes(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize(
    ("end", "code", "removed"),
    [
        pytest.param(KILL, -signal.SIGKILL, True, id="killed by a signal that cannot be caught: removed"),
        pytest.param("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, True, id="terminated: removed"),
        pytest.param("os._exit(3)", 3, True, id="gone without a word: removed"),
        pytest.param("janitor.keep()", 0, True, id="ended with something left to do: removed"),
        pytest.param("pass", 0, False, id="ended well: its own business"),
    ],
)
def test_a_folder_is_removed_when_its_maker_cannot(tmp_path: Path, end: str, code: int, removed: bool) -> None:
    folder = tmp_path / "made" / "deep"
    folder.mkdir(parents=True)
    assert run_victim(f"janitor.folder({str(tmp_path / 'made')!r})", end) == code
    if removed:
        assert comes(lambda: not folder.exists())
    else:
        time.sleep(0.6)
        assert folder.exists()


def test_nobody_waits_for_the_janitor() -> None:
    begin = time.monotonic()
    # A folder that cannot be removed keeps the janitor busy; the pipe to its maker's caller is closed all the same.
    assert run_victim("janitor.folder('/proc/1')", KILL) == -signal.SIGKILL
    assert time.monotonic() - begin < 2.5


def test_a_process_is_killed_and_one_that_took_its_number_is_not() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            run_victim(f"janitor._register({{'process': {sleeper.pid}, 'started': '1'}})", KILL)
            time.sleep(0.6)
            assert sleeper.poll() is None
            run_victim(f"janitor.process({sleeper.pid})", KILL)
            assert sleeper.wait(timeout=5) == -signal.SIGKILL
        finally:
            sleeper.kill()


def test_a_command_is_repeated_until_it_succeeds(tmp_path: Path) -> None:
    flag, log = tmp_path / "flag", tmp_path / "log"
    script = f"echo try >> {log}; test -e {flag}"
    run_victim(f"janitor.command(['sh', '-c', {script!r}])", KILL)
    assert comes(lambda: log.exists() and log.read_text().count("try") >= 2)
    flag.touch()
    count = log.read_text().count("try")
    assert comes(lambda: log.read_text().count("try") > count, 2.0)


def test_what_was_registered_last_is_removed_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    registers = "; ".join(f"janitor.command(['sh', '-c', 'echo {word} >> {log}'])" for word in ("first", "second"))
    run_victim(registers, KILL)
    assert comes(lambda: log.exists() and "first" in log.read_text())
    assert log.read_text().split()[:2] == ["second", "first"]


def test_containers_and_images_with_the_mark_are_removed_from_an_engine() -> None:
    found = [{"Id": "f00", "Created": 1, "Names": [f"/runnerkit-probe-{MARK}"], "Labels": {"runnerkit.probe": MARK}}]
    image = {"Id": "sha256:1", "RepoTags": None, "Labels": {"runnerkit.probe": MARK}}
    with fake_engine({"/containers/json": answer(found), "/images/json": answer([image])}) as fake:
        run_victim(f"janitor.engine({fake.path!r})", KILL)
        assert comes(lambda: any(target.startswith("/images/sha256:1?") for _, target, _ in fake.requests))
        requests = [(method, target) for method, target, _ in fake.requests]
    method, target = requests[0]
    assert method == "GET"
    assert re.search(r"%22runnerkit\.probe%3D[0-9a-f]{12}%22", target)
    assert ("DELETE", "/containers/f00?force=true&v=true") in requests


@pytest.mark.parametrize(
    ("during", "end"),
    [
        pytest.param("raise EngineError('timeout', 'slow')", "pass", id="nobody waited for its answer any more"),
        pytest.param("raise EngineError('protocol', 'cut short')", "pass", id="its answer was cut short"),
        pytest.param(KILL, "pass", id="who asked was killed"),
    ],
)
def test_what_a_slow_engine_makes_afterwards_is_removed(tmp_path: Path, during: str, end: str) -> None:
    late = tmp_path / "late"
    making = (
        f"janitor.folder({str(late)!r})\n"
        "    from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError\n"
        "    try:\n"
        "        with janitor.making(1.0):\n"
        f"            {during}\n"
        "    except EngineError: pass"
    )
    run_victim(making, end)
    # Longer than the quiet time that follows a request which was answered.
    time.sleep(1.0)
    late.mkdir()
    assert comes(lambda: not late.exists(), 3.0)


@pytest.mark.parametrize("kind", ["http", "refused", "absent", "permission"])
def test_an_engine_that_said_no_owes_nothing(kind: str) -> None:
    janitor = FakeJanitor()
    with pytest.raises(EngineError), janitor.making(30.0):
        raise EngineError(kind, "no")
    assert not janitor.keeps
    assert probe_janitor._unanswered([json.loads(line) for line in janitor.lines]) == []


def test_the_quiet_time_begins_when_nothing_is_found_any_more(tmp_path: Path) -> None:
    log, until = tmp_path / "log", time.monotonic() + 1.0
    # It fails for longer than the quiet time; the looks after its first success are the quiet time's.
    script = f"echo x >> {log}; test $(cut -d. -f1 /proc/uptime) -ge {int(until) + 1}"
    run_victim(f"janitor.command(['sh', '-c', {script!r}])", KILL)
    assert comes(lambda: time.monotonic() > until + 1.0, 3.0)
    assert comes(lambda: log.read_text().count("x") >= 4)


def test_the_janitor_is_nobodys_child() -> None:
    script = VICTIM.format(registers="print(janitor._pid, flush=True)", end="time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        janitor = int(victim.stdout.readline())
        try:
            assert comes(lambda: os.getsid(janitor) == janitor)
            files = f"/proc/{janitor}/fd"
            assert comes(lambda: {os.readlink(f"{files}/{number}") for number in range(3)} == {os.devnull})
            assert len(os.listdir(files)) == 4
        finally:
            victim.kill()
    assert comes(lambda: not os.path.exists(f"/proc/{janitor}"))


@pytest.mark.parametrize(
    ("status", "again"),
    [
        pytest.param("404 Not Found", 1, id="what is not there is gone"),
        pytest.param("409 Conflict", 2, id="what is still needed is tried again"),
    ],
)
def test_what_has_a_name_alone_is_removed_by_it(status: str, again: int) -> None:
    with fake_engine({"/images/own:1": answer({"message": "no"}, status)}) as fake:
        assert (
            run_victim(f"janitor.request({fake.path!r}, '/images/own:1', {{'force': True}})", KILL) == -signal.SIGKILL
        )
        assert comes(lambda: len(fake.requests) >= again)
        assert {(method, target) for method, target, _ in fake.requests} == {("DELETE", "/images/own:1?force=true")}
