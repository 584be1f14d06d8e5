# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_record as records
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_record import Owned, Record

RECORD = Record({"root": Owned(("r:5000",), ("e",), ("/root/.docker",)), "x": Owned()}, ("build",))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lib/record.json"
    records.write(RECORD, str(path))
    assert records.read(str(path)) == Record({"root": RECORD.users["root"]}, ("build",))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_nothing_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    records.write(RECORD, str(path))
    records.write(Record({"root": Owned()}), str(path))
    assert not path.exists()
    assert records.read(str(path)) == records.NOTHING
    assert records.NOTHING.empty


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"version": 2, "users": {}, "runners": []}', '{"version": 1, "users": []}',
        '{"version": 1, "users": {"root": {"auths": [1], "credHelpers": [], "made": []}}, "runners": []}',
        '{"version": 1, "users": {"root": {"auths": "r", "credHelpers": [], "made": []}}, "runners": []}',
    ],
    ids=[
        "empty", "cut off", "a list", "nothing", "from the future", "without runners", "names that are numbers",
        "a text for a list",
    ],
)  # fmt: skip
def test_a_broken_record_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(records.RecordError) as raised:
        records.read(str(path))
    assert str(raised.value).startswith(f"{path} cannot be read as a record of this role; mend it, or remove it")


def test_a_record_that_is_no_text_or_far_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"\xff")
    with pytest.raises(records.RecordError, match="cannot read"):
        records.read(str(path))
    path.write_bytes(b" " * (1 << 21))
    with pytest.raises(records.RecordError, match="mend it"):
        records.read(str(path))


def test_a_union_has_all_of_both() -> None:
    one, other = Owned(("b",), (), ("p",)), Owned(("a", "b"), ("c",), ())
    assert one.union(other) == Owned(("a", "b"), ("c",), ("p",))
