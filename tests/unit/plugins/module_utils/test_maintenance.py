# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance

NOW = 1795369200.0  # 2026-11-22T17:40:00Z
RUNNERS = st.lists(
    st.builds(
        lambda number, url: {"id": number, "name": f"r{number}", "url": f"https://{url}"},
        st.integers(1, 5), st.sampled_from(["one.example", "two.example"]),
    ),
    unique_by=lambda each: (each["id"], each["url"]),
)  # fmt: skip
WANTED = st.fixed_dictionaries({
    "by": st.just("upgrade"), "reason": st.sampled_from(["", "one", "two"]), "paused": RUNNERS,
    "before": st.dictionaries(st.sampled_from("ab"), st.integers()),
})  # fmt: skip


def wanted(**more: Any) -> dict[str, Any]:
    return {"by": "drain", "reason": "", "paused": [], "before": {}, **more}


def test_a_mark_is_written_for_root_alone_read_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "lib/maintenance.json"
    assert maintenance.read(str(path)) is None
    mark = maintenance.merged(None, wanted(reason="memory"), NOW)
    assert mark["since"] == "2026-11-22T17:40:00Z"
    maintenance.write(mark, str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert maintenance.read(str(path)) == maintenance.fact(str(path)) == mark
    maintenance.write(None, str(path))
    maintenance.write(None, str(path))
    assert maintenance.read(str(path)) is None


@given(first=WANTED, second=WANTED)
def test_nothing_that_was_remembered_is_forgotten(first: dict[str, Any], second: dict[str, Any]) -> None:
    one = maintenance.merged(None, first, NOW)
    both = maintenance.merged(one, second, NOW + 60)
    assert both["paused"][: len(one["paused"])] == one["paused"]
    assert {(each["id"], each["url"]) for each in both["paused"]} == {
        (each["id"], each["url"]) for each in first["paused"] + second["paused"]
    }
    assert (both["since"], both["before"]) == (one["since"], first["before"] or second["before"])
    assert maintenance.merged(both, second, NOW + 120) == both


def test_the_mark_of_somebody_else_is_refused() -> None:
    mark = maintenance.merged(None, wanted(by="upgrade"), NOW)
    with pytest.raises(maintenance.MarkError) as caught:
        maintenance.merged(mark, wanted())
    assert str(caught.value) == (
        "this host is out of service by upgrade since 2026-11-22T17:40:00Z; run playbooks/upgrade.yml for it first"
    )


GOOD = maintenance.merged(None, wanted(paused=[{"id": 5, "name": "a", "url": "https://one.example"}]), NOW)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty file"),
        pytest.param("{", id="half a file"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="nothing"),
        pytest.param(json.dumps({**GOOD, "by": None}), id="nobody's"),
        pytest.param(json.dumps({**GOOD, "paused": {}}), id="runners that are no list"),
        pytest.param(json.dumps({**GOOD, "paused": [{"id": 5}]}), id="half a runner"),
        pytest.param(json.dumps({**GOOD, "paused": [5]}), id="a number for a runner"),
        pytest.param(json.dumps({**GOOD, "before": []}), id="no dictionary"),
        pytest.param("\xff", id="no text"),
        pytest.param(" " * (4 * 1024 * 1024 + 1), id="far too much"),
    ],
)
def test_what_is_no_mark_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "maintenance.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(maintenance.MarkError, match="unpause the runners of this host in GitLab, then remove it"):
        maintenance.read(str(path))
    assert list(maintenance.fact(str(path)) or {}) == ["error"]


def test_words_in_a_mark_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "maintenance.json"
    path.write_text(json.dumps({**GOOD, "reason": "a\x1b[2Jb"}))
    assert (maintenance.read(str(path)) or {})["reason"] == "a?[2Jb"


def test_a_mark_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(maintenance, "write_atomically", full)
    with pytest.raises(maintenance.MarkError, match=r"cannot be written: No space left on device \(free some space"):
        maintenance.write(GOOD, str(tmp_path / "maintenance.json"))
