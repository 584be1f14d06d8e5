# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The plans of a fleet's upgrade for a terminal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_plan_text import upgrade_plan_text
from tests.support.any_text import any_text

MARK = {
    "by": "upgrade",
    "since": "2026-11-22T17:40:00Z",
    "paused": [{"id": 5, "name": "build"}, {"id": 6, "name": "b"}],
}
CLONE3 = {
    "id": "call_blocked_clone3", "layer": "host", "severity": "broken",
    "summary": "clone3 answers EPERM at layer host, so images with glibc >= 2.34 break",
}  # fmt: skip


def plan(*moves: tuple[str, str | None, str | None], **more: Any) -> dict[str, Any]:
    told = [dict(zip(("what", "from", "to"), move, strict=True)) for move in moves]
    return {
        "changes": bool(moves), "interrupted": None, "skip": "", "moves": told, "solves": [], "brings": [],
        "notes": [], **more,
    }  # fmt: skip


ENGINE = ("Docker Engine", "20.10.5", "20.10.24")
GOES = plan(ENGINE, ("runc", "1.0.0-rc93", "1.1.5"), solves=[CLONE3])


@pytest.mark.parametrize(
    ("plans", "text"),
    [
        pytest.param({}, "No host was looked at.", id="no host"),
        pytest.param({"a1": plan()}, "1 host: 1 with nothing to do\n\na1: nothing to do", id="one that is right"),
        pytest.param(
            {"a1": GOES, "a2": GOES, "b": plan(ENGINE), "a3": GOES},
            """4 hosts: 4 to upgrade

a1 to a3 (3 hosts)
  Docker Engine  20.10.5 -> 20.10.24
  runc           1.0.0-rc93 -> 1.1.5
  solves  call_blocked_clone3 (host, broken): clone3 answers EPERM at layer host, so images with glibc >= 2.34 break
  brings  nothing

b
  Docker Engine  20.10.5 -> 20.10.24
  solves  nothing
  brings  nothing""",
            id="hosts with the same moves share a paragraph",
        ),
        pytest.param(
            {
                "a1": plan(ENGINE), "a2": plan(changes=True, interrupted=MARK),
                "a3": plan(changes=True, interrupted={"by": "upgrade"}), "a4": plan(skip="drained by hand"),
                "a5": plan(notes=["left to playbooks/site.yml: the hold of runc"]), "a6": plan(),
            },
            """6 hosts: 3 to upgrade, 1 skipped, 2 with nothing to do

a2, a3 (2 hosts)
  first   a2, since an upgrade of 2026-11-22T17:40:00Z did not get to its end; it left build and b paused in GitLab
  first   a3, since an upgrade did not get to its end

a1
  Docker Engine  20.10.5 -> 20.10.24
  solves  nothing
  brings  nothing

a4: skipped, drained by hand

a5: nothing to do
  note    left to playbooks/site.yml: the hold of runc

a6: nothing to do""",
            id="what an earlier run left comes first, then the roll, then the others",
        ),
        pytest.param(
            {"a": plan(
                ("Docker Engine", None, "28.5.2"), ("docker.io", "20.10.5", None), ("runc", "1.1.5-1", "1.1.5-1"),
                brings=[{**CLONE3, "severity": "note"}],
            )},
            """1 host: 1 to upgrade

a
  Docker Engine  not installed -> 28.5.2
  docker.io      20.10.5, is removed
  runc           1.1.5-1, again
  solves  nothing
  brings  call_blocked_clone3 (host, note): clone3 answers EPERM at layer host, so images with glibc >= 2.34 break""",
            id="what comes, what goes, and what is done again",
        ),
    ],
)  # fmt: skip
def test_text(plans: dict[str, Any], text: str) -> None:
    assert upgrade_plan_text(plans, width=120) == text


@given(any_text, st.integers(-5, 200))
def test_no_text_of_a_host_steers_the_terminal_or_makes_a_paragraph(said: str, width: int) -> None:
    finding = {key: value + said for key, value in CLONE3.items()}
    hosts = {
        "a" + said: plan(("x" + said, "1" + said, "2" + said), solves=[finding], brings=[finding], notes=["n" + said]),
        "b": plan(skip="s" + said),
        "c": plan(changes=True, interrupted={"since": said, "paused": [{"name": said}, said]}),
    }
    text = upgrade_plan_text(hosts, width)
    assert all(letter not in text for letter in "\x00\x1b\r\x9b\u202e\ud800")
    assert len(text.split("\n\n")) == 4
