# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import Batch, find_program


def program(folder: Path, name: str, script: str, mode: int = 0o755) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script + "\n")
    path.chmod(mode)
    return str(path)


def test_outputs_come_back_by_name(tmp_path: Path) -> None:
    batch = Batch(5)
    batch.start("one", [program(tmp_path, "one", "echo 1; echo noise >&2")])
    batch.start("two", [program(tmp_path, "two", 'echo "$1"'), "--version"])
    assert batch.collect() == {"one": "1\n", "two": "--version\n"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo x; exit 3", id="a command that fails"),
        pytest.param("kill -9 $$", id="a command that is killed"),
        pytest.param("exec sleep 60", id="a command that hangs"),
        pytest.param("sleep 60 & wait", id="a command whose child hangs"),
        pytest.param("trap '' TERM; sleep 60 & exit 0", id="a command that leaves a child with its output open"),
    ],
)
def test_a_command_that_does_not_end_well_has_no_output(tmp_path: Path, script: str) -> None:
    started = time.monotonic()
    batch = Batch(0.3)
    batch.start("bad", [program(tmp_path, "bad", script)])
    assert batch.collect() == {}
    assert time.monotonic() - started < 2


def test_a_program_that_cannot_be_started_has_no_output(tmp_path: Path) -> None:
    batch = Batch(1)
    batch.start("absent", [str(tmp_path / "absent")])
    (tmp_path / "empty").write_bytes(b"\x7fELF")
    (tmp_path / "empty").chmod(0o755)
    batch.start("empty", [str(tmp_path / "empty")])
    assert batch.collect() == {}


def test_commands_run_at_the_same_time(tmp_path: Path) -> None:
    sleeper = program(tmp_path, "sleeper", "sleep 0.4; echo awake")
    started = time.monotonic()
    batch = Batch(5)
    for name in "abcd":
        batch.start(name, [sleeper])
    assert len(batch.collect()) == 4
    assert time.monotonic() - started < 1.2


def test_commands_see_neither_the_caller_s_variables_nor_a_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://example.com:2375")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    batch = Batch(5)
    batch.start("env", [program(tmp_path, "env", 'echo "$DOCKER_HOST|$LANG|$LC_ALL"')])
    assert batch.collect() == {"env": "unix:///dev/null||C\n"}


def test_output_that_is_not_utf8_is_still_text(tmp_path: Path) -> None:
    batch = Batch(5)
    batch.start("odd", [program(tmp_path, "odd", r"printf 'v\3771'")])
    assert batch.collect() == {"odd": "v�1"}


def test_the_first_executable_file_of_the_path_is_found(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("absent", "folder", "plain", "first", "second")]
    for folder in folders[1:]:
        folder.mkdir()
    (folders[1] / "runc").mkdir()
    program(folders[2], "runc", "", mode=0o644)
    first = program(folders[3], "runc", "")
    program(folders[4], "runc", "")
    search_path = ":".join(str(folder) for folder in folders)
    assert find_program("runc", search_path) == first
    assert find_program("crun", search_path) is None
