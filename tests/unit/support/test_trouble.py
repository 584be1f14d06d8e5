# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A controller is killed at the moment that was asked for, with all that it had running."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.plays import Played
from tests.support.trouble import children, killed_at

PLAYBOOK = """
- name: A run
  hosts: all
  gather_facts: false
  tasks:
    - name: First
      ansible.builtin.command: touch {folder}/first
    - name: Middle
      ansible.builtin.shell: touch {folder}/begun && sleep {seconds} && touch {folder}/middle
    - name: Last
      ansible.builtin.command: touch {folder}/last
"""


def test_what_came_from_a_process() -> None:
    assert children(5, {5: 1, 6: 5, 7: 6, 8: 1, 9: 5}) == [5, 6, 9, 7]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """This machine, under a name of a scenario's inventory."""
    (tmp_path / "inventory").mkdir()
    listing = tmp_path / "inventory" / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    listing.write_text(json.dumps({"all": {"hosts": {"here": here}}}))
    monkeypatch.setenv("MOLECULE_INVENTORY_FILE", str(listing))
    return SimpleNamespace(backend=SimpleNamespace(get_hostname=lambda: "here"))


def killed(host: Any, folder: Path, seconds: float, **how: Any) -> tuple[Played, set[str]]:
    """What the run says, and what it had done."""
    playbook = folder / "run.yml"
    playbook.write_text(PLAYBOOK.format(folder=folder, seconds=seconds))
    played = killed_at(host, "Middle", playbook, timeout=60, **how)
    return played, {path.name for path in folder.iterdir()} & {"first", "begun", "middle", "last"}


@pytest.mark.parametrize(
    ("seconds", "how", "done"),
    [
        pytest.param(0, {"when": "before"}, {"first"}, id="before the task has done anything"),
        pytest.param(30, {"when": "during", "after": 1.5}, {"first", "begun"}, id="while it works"),
        pytest.param(
            0, {"when": "during", "after": 30}, {"first", "begun", "middle"}, id="at its end when it is quicker"
        ),
        pytest.param(0, {"when": "after"}, {"first", "begun", "middle"}, id="when it has ended"),
    ],
)
def test_a_run_is_killed_at_a_moment(
    host: Any, tmp_path: Path, seconds: float, how: dict[str, Any], done: set[str]
) -> None:
    began = time.monotonic()
    played, found = killed(host, tmp_path, seconds, **how)
    assert (played.code, found) == (-9, done), played.output
    assert "PLAY RECAP" not in played.output
    assert time.monotonic() - began < 20


def test_a_moment_that_never_comes_is_an_error(host: Any, tmp_path: Path) -> None:
    playbook = tmp_path / "run.yml"
    playbook.write_text("- name: A run\n  hosts: all\n  gather_facts: false\n  tasks: []\n")
    with pytest.raises(AssertionError, match="'Middle' was not reached on here"):
        killed_at(host, "Middle", playbook, timeout=60)
