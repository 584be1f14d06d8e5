# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_reads

FIRST, SECOND = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture(autouse=True)
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run/read"
    monkeypatch.setattr(daemon_reads, "NOTE", str(path))
    return path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.crt"
    path.write_text("one")
    return path


@pytest.fixture
def daemon(bundle: Path) -> Iterator[int]:
    """A process that starts when the bundle is there."""
    time.sleep(0.05)
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


def changed(bundle: Path, pid: int, invocation: str = FIRST) -> bool:
    found = daemon_reads.changed([str(bundle)], pid, invocation)
    assert found in ([], [str(bundle)])
    return bool(found)


def test_a_file_from_before_the_start_and_one_from_after_it(bundle: Path, daemon: int) -> None:
    assert not changed(bundle, daemon)
    time.sleep(0.05)
    bundle.write_text("two")
    assert changed(bundle, daemon)


def test_an_old_file_that_is_put_there_after_the_start_is_noticed(bundle: Path, daemon: int, tmp_path: Path) -> None:
    other = tmp_path / "unpacked"
    other.write_text("two")
    os.utime(other, (0, 0))
    time.sleep(0.05)
    os.replace(other, bundle)
    assert changed(bundle, daemon)


def test_a_time_that_somebody_set_is_not_believed(bundle: Path, tmp_path: Path) -> None:
    future = time.time() + 86400
    os.utime(bundle, (future, future))
    time.sleep(0.05)
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not changed(bundle, process.pid)
        process.kill()


def test_what_is_noted_counts_more_than_times_as_long_as_the_process_is_the_same(bundle: Path, daemon: int) -> None:
    daemon_reads.note(FIRST, daemon_reads.checksums([str(bundle)]))
    time.sleep(0.05)
    bundle.write_text("one")
    assert not changed(bundle, daemon)
    assert changed(bundle, daemon, SECOND)
    bundle.write_text("two")
    assert changed(bundle, daemon)
    daemon_reads.note(SECOND, daemon_reads.checksums([str(bundle)]))
    assert not changed(bundle, daemon, SECOND)


def test_a_file_that_is_new_to_the_note_is_judged_by_its_time(bundle: Path, daemon: int) -> None:
    daemon_reads.note(FIRST, {"/other": "x"})
    assert not changed(bundle, daemon)
    time.sleep(0.05)
    bundle.touch()
    assert changed(bundle, daemon)


def test_a_file_that_is_missing_never_changed_but_one_that_was_noted_did(bundle: Path, daemon: int) -> None:
    daemon_reads.note(SECOND, daemon_reads.checksums([str(bundle)]))
    bundle.unlink()
    assert not changed(bundle, daemon)
    assert changed(bundle, daemon, SECOND)


def test_without_a_name_for_the_process_there_is_no_note(bundle: Path, note: Path) -> None:
    daemon_reads.note("", daemon_reads.checksums([str(bundle)]))
    assert not note.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"invocation": "0123456789abcdef"}'])
def test_a_note_that_is_damaged_is_none(bundle: Path, daemon: int, note: Path, text: str) -> None:
    note.parent.mkdir()
    note.write_text(text)
    assert not changed(bundle, daemon)


@pytest.mark.parametrize(
    "name", ["dockerd", "a b", "a) S 1 2", "((", "ü"], ids=["ordinary", "a blank", "brackets", "half", "a letter"]
)
def test_when_a_process_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(daemon_reads, "PROC", str(tmp_path))
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 1000.0}.__getitem__)
    # Of a system container, which was started long after its host.
    (tmp_path / "uptime").write_text("500.00 500.00\n")
    (tmp_path / "7").mkdir()
    ticks = 400 * os.sysconf("SC_CLK_TCK")
    (tmp_path / "7/stat").write_text(f"7 ({name}) S {' '.join(['1'] * 18)} {ticks} 1 1\n")
    started = daemon_reads._started(7)
    assert started is not None
    assert abs(time.time() - 600 - started) < 5


@pytest.mark.parametrize("text", ["", "7 (x) S 1", "7 (x) S " + "x " * 30], ids=["nothing", "half", "no numbers"])
def test_a_process_of_which_nothing_is_known_is_no_reason(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(daemon_reads, "PROC", str(tmp_path))
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(text)
    assert not changed(bundle, 7)
    assert not changed(bundle, 8)
