# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import this_run

HERE = socket.gethostname()
MINUTE = 60


@pytest.fixture(name="other")
def _other() -> Iterator[subprocess.Popen[bytes]]:
    """Another run, which is alive."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def run_of(process: subprocess.Popen[bytes]) -> str:
    return f"{HERE}:{process.pid}:{this_run._start(process.pid)}"


def at_it(process: subprocess.Popen[bytes]) -> str:
    return f"on {HERE}, process {process.pid}; wait for its end"


def test_a_run_is_known_by_its_own_process_in_all_its_workers() -> None:
    context = multiprocessing.get_context("fork")
    told = context.SimpleQueue()
    worker = context.Process(target=lambda: told.put((os.getpid(), this_run.run_id())))
    worker.start()
    pid, run = told.get()
    worker.join()
    assert pid != os.getpid()
    assert run == this_run.run_id()
    assert run.startswith(f"{HERE}:{os.getpid()}:")


def test_of_two_runs_at_once_each_knows_of_the_other(other: subprocess.Popen[bytes]) -> None:
    # However long it is silent: that it lives is seen.
    for idle in (0, 3600, None):
        assert this_run.still_at_it(run_of(other), idle) == at_it(other)
    assert this_run.still_at_it(this_run.run_id(), 0) == ""
    assert this_run.still_at_it("", 0) == ""


def test_a_run_that_was_killed_is_over_at_once(other: subprocess.Popen[bytes]) -> None:
    run = run_of(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert this_run.still_at_it(run, 0) == "", "nobody has asked for it yet"
    other.wait()
    assert this_run.still_at_it(run, 0) == ""


def test_a_process_that_got_the_number_of_one_that_ended_is_not_that_one(other: subprocess.Popen[bytes]) -> None:
    ticks, at, place = this_run._start(other.pid).partition("@")
    assert this_run.still_at_it(f"{HERE}:{other.pid}:{int(ticks) - 1}{at}{place}", 0) == ""


def test_the_process_of_another_user_is_seen(other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert this_run.still_at_it(run_of(other), 0) == at_it(other)


def test_where_there_is_no_proc_its_number_has_to_do(
    other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(this_run, "_PROC", tmp_path)
    run = f"{HERE}:{other.pid}:"
    assert (run_of(other), this_run.still_at_it(run, 0)) == (run, at_it(other))
    assert this_run.still_at_it(run, 14 * MINUTE) == at_it(other)
    assert this_run.still_at_it(run, 16 * MINUTE) == "", "another process may have its number by now"
    other.kill()
    other.wait()
    assert this_run.still_at_it(run, 0) == ""


@pytest.mark.parametrize(
    "run",
    [
        pytest.param("ctl1.example:123:456@boot/1", id="a host of another name"),
        pytest.param(f"{HERE}:123:456@boot/1", id="a container, or a machine, of the same name"),
        pytest.param(f"{HERE}:123:", id="one of the same name that tells less"),
    ],
)
@pytest.mark.parametrize(
    ("idle", "touched"),
    [
        pytest.param(0, ", which last touched this host 0 min ago", id="just now"),
        pytest.param(14 * MINUTE, ", which last touched this host 14 min ago", id="silent for 14 min"),
        pytest.param(None, "", id="silent for nobody knows how long"),
        pytest.param(16 * MINUTE, None, id="silent for 16 min"),
    ],
)
def test_another_controller_is_known_by_what_it_does_on_the_host(
    run: str, idle: int | None, touched: str | None
) -> None:
    expected = (
        f"on {run.partition(':')[0]} (process 123){touched}; wait for its end, or, if it is dead, until it has been "
        "silent for 15 min"
    )
    assert this_run.still_at_it(run, idle) == ("" if touched is None else expected)


@given(run=st.text() | st.builds("{}:{}:{}".format, st.just(HERE), st.integers() | st.text(), st.text()))
def test_whatever_a_mark_says_nothing_breaks(run: str) -> None:
    found: Any = this_run.still_at_it(run, 20 * MINUTE)
    assert isinstance(found, str)
