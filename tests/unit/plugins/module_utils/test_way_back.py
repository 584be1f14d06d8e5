# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import way_back

RECORD: dict[str, Any] = {"before": {"docker.io": "1"}, "absent": ["docker-ce"], "held": ["docker.io"], "foreign": []}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where records lie."""
    monkeypatch.setattr(way_back, "DIRECTORY", str(tmp_path / "way_back"))
    return tmp_path / "way_back"


def test_a_record_is_kept_until_it_is_forgotten() -> None:
    assert way_back.read("docker_engine") is None
    assert way_back.versions() == set()
    assert way_back.keep("docker_engine", RECORD)
    assert way_back.read("docker_engine") == RECORD
    assert way_back.read("gitlab_runner") is None
    assert way_back.versions() == {("docker.io", "1")}
    assert [way_back.forget("docker_engine"), way_back.forget("docker_engine")] == [True, False]
    assert way_back.read("docker_engine") is None


def test_an_older_record_is_the_truth_and_only_other_packages_are_added() -> None:
    way_back.keep("docker_engine", RECORD)
    later = {
        "before": {"docker.io": "2", "docker-ce": "3", "runc": "4"},
        "absent": ["docker.io", "plugin"],
        "held": ["docker-ce", "runc"],
        "foreign": ["docker.io", "runc"],
    }
    assert not way_back.keep("docker_engine", later)
    assert way_back.read("docker_engine") == {
        "before": {"docker.io": "1", "runc": "4"},
        "absent": ["docker-ce", "plugin"],
        "held": ["docker.io", "runc"],
        "foreign": ["runc"],
    }


def test_files_come_back_as_they_were_and_those_that_were_not_there_go(folder: Path) -> None:
    there, new = folder.parent / "daemon.json", folder.parent / "profile.json"
    there.write_text('{"proxies": "http://user:secret@proxy"}')
    there.chmod(0o640)
    way_back.keep_files("docker_engine", [str(there), str(new)])
    way_back.keep("docker_engine", RECORD)
    assert (folder / "docker_engine.files").stat().st_mode & 0o777 == 0o600
    assert way_back.stale("docker_engine") == []
    there.write_bytes(b"\xff")
    new.write_text("{}")
    assert way_back.stale("docker_engine") == [str(there), str(new)]
    way_back.put_back("docker_engine")
    assert there.read_text() == '{"proxies": "http://user:secret@proxy"}'
    assert there.stat().st_mode & 0o777 == 0o640
    assert not new.exists()
    way_back.forget("docker_engine")
    assert way_back.files("docker_engine") == {}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{", b"null"])
def test_of_damaged_files_none_is_put_back(folder: Path, content: bytes) -> None:
    folder.mkdir()
    way_back.keep("docker_engine", RECORD)
    (folder / "docker_engine.files").write_bytes(content)
    assert way_back.stale("docker_engine") == []


def test_files_of_a_run_that_was_killed_before_it_had_a_record_are_not_put_back(folder: Path) -> None:
    settings = folder.parent / "daemon.json"
    way_back.keep_files("docker_engine", [str(settings)])
    settings.write_text("of later")
    assert way_back.stale("docker_engine") == []
    assert settings.read_text() == "of later"


@pytest.mark.parametrize(
    "content",
    [b"", b'{"before": {', b"\xff", b"[]", b"null", b'{"before": []}', b'{"held": []}', b'{"before": {}, "held": 5}'],
)  # fmt: skip
def test_a_damaged_record_is_none(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "docker_engine.json").write_bytes(content)
    assert way_back.read("docker_engine") is None
    assert way_back.versions() == set()
    assert way_back.keep("docker_engine", RECORD)
    assert way_back.read("docker_engine") == RECORD


@pytest.mark.parametrize(
    ("name", "expected"),
    [("docker_engine", True), ("gitlab-runner2", True), ("", False), ("../x", False), ("a b", False), ("a.b", False)],
)
def test_names_are_file_names(name: str, expected: bool) -> None:
    assert way_back.is_name(name) is expected
