# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import errno
import json
import os
import threading
import time
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
    "before": st.dictionaries(st.sampled_from("ab"), st.integers()), "run": st.sampled_from(["", "ctl1:1:2"]),
})  # fmt: skip


def wanted(**more: Any) -> dict[str, Any]:
    return {"by": "drain", "reason": "", "paused": [], "before": {}, "run": "", **more}


def test_a_mark_is_written_for_root_alone_read_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "lib/maintenance.json"
    assert maintenance.read(str(path)) is None
    mark = maintenance.merged(None, wanted(reason="memory"), NOW)
    assert mark["since"] == "2026-11-22T17:40:00Z"
    maintenance.write(mark, str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert maintenance.read(str(path)) == mark
    assert maintenance.fact(str(path)) == {**mark, "idle": 0}
    maintenance.write(None, str(path))
    maintenance.write(None, str(path))
    assert maintenance.read(str(path)) is None


@given(first=WANTED, second=WANTED)
def test_nothing_that_was_remembered_is_forgotten(first: dict[str, Any], second: dict[str, Any]) -> None:
    one = maintenance.merged(None, first, NOW)
    both = maintenance.merged(one, second, NOW + 60, instead_of=first["run"])
    assert both["paused"][: len(one["paused"])] == one["paused"]
    assert {(each["id"], each["url"]) for each in both["paused"]} == {
        (each["id"], each["url"]) for each in first["paused"] + second["paused"]
    }
    assert (both["since"], both["before"]) == (one["since"], first["before"] or second["before"])
    assert both["run"] == second["run"]
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
        pytest.param(json.dumps({**GOOD, "run": 5}), id="a number for a run"),
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


# Whose run it is.


@pytest.mark.parametrize(
    ("earlier", "run", "instead_of"),
    [
        pytest.param("", "ctl1:2:8", "", id="a mark that names no run"),
        pytest.param("ctl1:2:8", "ctl1:2:8", "", id="its own"),
        pytest.param("ctl1:1:7", "ctl1:2:8", "ctl1:1:7", id="one that is over"),
    ],
)
def test_the_mark_of_a_run_that_is_over_is_taken_over(earlier: str, run: str, instead_of: str) -> None:
    mark = maintenance.merged(None, wanted(by="upgrade", run=earlier), NOW)
    taken = maintenance.merged(mark, wanted(by="upgrade", run=run), NOW + 60, instead_of)
    assert taken == {**mark, "run": run}


@pytest.mark.parametrize("instead_of", ["", "ctl1:1:7"], ids=["on a free host", "instead of a third one"])
def test_the_mark_of_another_run_is_refused(instead_of: str) -> None:
    mark = maintenance.merged(None, wanted(by="upgrade", run="ctl2:123:9@x/1"), NOW)
    with pytest.raises(maintenance.MarkError) as caught:
        maintenance.merged(mark, wanted(by="upgrade", run="ctl1:2:8"), instead_of=instead_of)
    assert str(caught.value) == (
        "another run of playbooks/upgrade.yml has taken this host meanwhile, on ctl2, process 123 (out of service "
        "since 2026-11-22T17:40:00Z); let it end, then run this again"
    )


def test_a_mark_of_an_earlier_version_names_no_run(tmp_path: Path) -> None:
    path = tmp_path / "maintenance.json"
    path.write_text(json.dumps({key: value for key, value in GOOD.items() if key != "run"}))
    assert maintenance.read(str(path)) == GOOD


@pytest.mark.parametrize(
    ("age", "idle"), [(200, 200), (-3600, 0)], ids=["touched some time ago", "a clock that was set back"]
)
def test_how_long_nobody_touched_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, idle: int) -> None:
    path = tmp_path / "maintenance.json"
    monkeypatch.setattr(maintenance, "PATH", str(path))
    maintenance.write(GOOD, str(path))
    os.utime(path, (time.time() - age,) * 2)
    assert idle <= (maintenance.fact(str(path)) or {})["idle"] <= idle + 60
    maintenance.touch()
    assert (maintenance.fact(str(path)) or {})["idle"] < 60


def test_a_host_in_service_gets_no_mark_by_a_touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "PATH", str(tmp_path / "lib/maintenance.json"))
    maintenance.touch()
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_write_a_mark_at_once_one_comes_first(tmp_path: Path) -> None:
    path, said = str(tmp_path / "lib/maintenance.json"), []

    def second() -> None:
        with maintenance.alone(path):
            said.append(maintenance.read(path))

    with maintenance.alone(path):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        assert said == []
        maintenance.write(GOOD, path)
    other.join(10)
    assert said == [GOOD]
