# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_record
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError, Found
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_record import Entry, Record

ENTRY: dict[str, Any] = {"sha256": ["ab"], "before": None}
GOOD: dict[str, Any] = {"version": 1, "files": {"/etc/x": ENTRY}, "folders": ["/etc"], "store_pending": False}
FILE = {"content": "aGk=", "mode": 420, "uid": 0, "gid": 0}

WRONG: list[dict[str, Any]] = [
    {"files": []},
    {"files": {"/etc/x": None}},
    {"files": {"etc/x": ENTRY}},
    {"files": {"/etc/x": {"sha256": "ab", "before": None}}},
    {"files": {"/etc/x": {"sha256": [1], "before": None}}},
    {"files": {"/etc/x": {"sha256": ["ab"]}}},
    {"files": {"/etc/x": {"sha256": ["ab"], "before": {"link": 1}}}},
    {"files": {"/etc/x": {"sha256": ["ab"], "before": {"link": ""}}}},
    {"files": {"/etc/x": {"sha256": ["ab"], "before": {**FILE, "content": "%"}}}},
    {"files": {"/etc/x": {"sha256": ["ab"], "before": {**FILE, "mode": "0644"}}}},
    {"files": {"/etc/x": {"sha256": ["ab"], "before": {**FILE, "uid": True}}}},
    {"folders": "/etc"},
    {"folders": [1]},
    {"folders": ["etc"]},
    {"store_pending": None},
]

PATHS = st.text(min_size=1, max_size=20).map(lambda text: "/" + text)
NUMBERS = st.integers(0, 2**16)
NONE = st.none()
BEFORE = st.builds(Found, st.binary(max_size=50), NUMBERS, NUMBERS, NUMBERS, NONE) | st.builds(
    Found, NONE, NONE, NONE, NONE, st.text(min_size=1, max_size=20)
)
ENTRIES = st.builds(Entry, st.lists(st.text(min_size=1), max_size=3).map(tuple), NONE | BEFORE)
RECORDS = st.builds(
    Record, st.dictionaries(PATHS, ENTRIES, max_size=3), st.lists(PATHS, max_size=3).map(tuple), st.booleans()
)


@given(RECORDS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, record: Record) -> None:
    path = tmp_path_factory.getbasetemp() / "record.json"
    ca_record.write(str(path), record)
    assert ca_record.read(str(path)) == record
    assert path.exists() is bool(record)


def test_it_is_for_root_alone(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.touch(0o644)
    ca_record.write(str(path), Record({}, (), True))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half of it"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff", id="no text"),
        *(pytest.param(json.dumps(without(key)).encode(), id=f"no {key}") for key in GOOD),
        *(pytest.param(json.dumps({**GOOD, **wrong}).encode(), id=str(wrong)) for wrong in WRONG),
    ],
)
def test_one_that_cannot_be_understood_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(CaError) as raised:
        ca_record.read(str(path))
    sentence = str(raised.value)
    damaged = f"{path} on this host is damaged, and it says which files are the role's; "
    assert sentence.startswith((damaged, f"{path} is not text in UTF-8: "))
    assert sentence.endswith(
        f"; bring {path} back from a backup, or remove it: what was written so far then counts as somebody else's, and "
        "stays when it is not declared any more"
    )
    assert path.read_bytes() == content


def test_one_of_a_release_to_come(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**GOOD, "version": 2}))
    with pytest.raises(CaError) as raised:
        ca_record.read(str(path))
    assert str(raised.value) == (
        f"{path} on this host has version 2, which this release cannot read; use the release of runnerkit that wrote it"
    )


def test_one_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CaError, match=rf"^cannot read {tmp_path}: Is a directory$"):
        ca_record.read(str(tmp_path))
