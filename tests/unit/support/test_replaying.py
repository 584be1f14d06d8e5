# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A fleet of hosts that are not there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support import replayed
from tests.support.plays import ANSIBLE_PLAYBOOK, CHECKOUT
from tests.support.replaying import Question, answer, keep, question

PLAY = """
- name: Ask
  hosts: runner_hosts
  gather_facts: false
  tasks:
    - name: Ask
      ansible.builtin.ping:
        data: WORD
"""


def play(folder: Path, word: str) -> subprocess.CompletedProcess[str]:
    """Two hosts that answer and one that does not are asked for a word."""
    answers, listing, playbook = folder / "answers", folder / "hosts.json", folder / "play.yml"
    answers.mkdir()
    keep(answers, Question("ping", {"data": "here"}), 0, json.dumps({"ping": "recorded", "changed": False}))
    listing.write_text(replayed.inventory(answers, 3, {}, {2: {"replay_unreachable": True}}), encoding="utf-8")
    playbook.write_text(PLAY.replace("WORD", word), encoding="utf-8")
    return subprocess.run(
        [ANSIBLE_PLAYBOOK, playbook, "-i", listing, "-v"],
        cwd=CHECKOUT, env={**os.environ, **replayed.replaying()}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_hosts_give_the_answer_that_was_recorded(tmp_path: Path) -> None:
    done = play(tmp_path, "here")
    assert done.stdout.count("ping: recorded") == 2
    assert "unreachable=1" in done.stdout
    assert done.returncode == 4


def test_a_question_that_nobody_asked_before_is_named_with_what_differs(tmp_path: Path) -> None:
    done = play(tmp_path, "elsewhere")
    assert "no answer to ping was recorded" in done.stdout + done.stderr
    assert "differs in data" in done.stdout + done.stderr


def test_a_bare_command_is_asked_by_its_words(tmp_path: Path) -> None:
    keep(tmp_path, question("uname", None), 0, "Linux")
    assert answer(tmp_path, question("uname", b"")) == (0, "Linux")
    with pytest.raises(LookupError, match="no answer to command was recorded in"):
        answer(tmp_path, question("date", None))


def test_answers_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    asked = Question("ping", {})
    keep(tmp_path, asked, 0, "")
    assert (tmp_path / asked.file).stat().st_mode & 0o777 == 0o600
