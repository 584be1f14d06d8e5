# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import SEARCH_PATH


def program(folder: Path, text: str) -> list[str]:
    path = folder / "update"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return [str(path)]


def test_what_it_says_and_how_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LC_ALL", "hu_HU.UTF-8")
    before = os.umask(0o077)
    try:
        arguments = program(tmp_path, 'echo "$PATH" "$LC_ALL" "$(umask)" "$(pwd)"; read answer; echo done >&2; exit 7')
        assert ca_program.run(arguments) == (7, f"{SEARCH_PATH} C 0022 /\ndone\n", "")
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)


def test_what_a_hook_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    assert ca_program.run(program(tmp_path, "sleep 5 & echo done")) == (0, "done\n", "")
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("text", ["", "trap '' TERM\n"], ids=["one that obeys", "one that does not"])
def test_one_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(ca_program, "LIMIT", 0.5)
    monkeypatch.setattr(ca_program, "_GRACE", 0.2)
    pid = tmp_path / "pid"
    with pytest.raises(ca_program.StoppedError) as raised:
        ca_program.run(program(tmp_path, f"{text}echo Running hooks\nsh -c 'echo $$ > {pid}; exec sleep 60' | cat"))
    assert raised.value.said == "Running hooks\n"
    assert _ended(int(pid.read_text()))


def _ended(pid: int) -> bool:
    """Whether a process is dead, be it that nobody has asked for it."""
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
