# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds


def test_names_are_remembered(tmp_path: Path) -> None:
    path = str(tmp_path / "lib/holds.json")
    assert holds.read(path) == set()
    holds.write({"docker-ce", "containerd.io"}, path)
    assert holds.read(path) == {"docker-ce", "containerd.io"}
    assert Path(path).read_text() == '["containerd.io", "docker-ce"]\n'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", set(), id="an empty record"),
        pytest.param(b'["docker-ce"', set(), id="a record that is cut off"),
        pytest.param(b"\xff\xfe", set(), id="a record that is no text"),
        pytest.param(b'{"docker-ce": true}', set(), id="a record of another shape"),
        pytest.param(b"null", set(), id="null"),
        pytest.param(b'["docker-ce", 5, null]', {"docker-ce"}, id="a record with something else in it"),
    ],
)
def test_a_damaged_record_holds_nothing_of_ours(tmp_path: Path, content: bytes, expected: set[str]) -> None:
    path = tmp_path / "holds.json"
    path.write_bytes(content)
    assert holds.read(str(path)) == expected


def test_a_record_that_cannot_be_read_holds_nothing_of_ours(tmp_path: Path) -> None:
    assert holds.read(str(tmp_path)) == set()
