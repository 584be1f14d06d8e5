# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import atexit
import io
import os
import tempfile
import urllib.error
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import Repository
from ansible_collections.runnerkit.gitlab.plugins.modules import package_info
from ansible_collections.runnerkit.gitlab.plugins.modules.package_info import is_fresh, look_into, touch
from tests.unit.plugins.module_utils.keys import ED25519, ED25519_FINGERPRINT, RSA

SPEC: dict[str, Any] = {
    "name": "docker", "uri": "http://mirror.example/linux/debian", "suite": "bookworm", "components": ["stable"],
    "key_url": "http://mirror.example/gpg", "key_fingerprint": ED25519_FINGERPRINT, "replaces": [],
}  # fmt: skip
OFFER = " docker-ce | 5:28.5.2-1 | http://mirror.example/linux/debian bookworm/stable amd64 Packages\n"


class Module:
    """What the module is given, and an apt that complains as it is told."""

    def __init__(self, folder: Path, complaints: str = "", index: bool = True) -> None:
        self.folder = folder
        self.complaints = complaints
        self.check_mode = False
        self.params = {"index": index, "cache_valid_time": 3600, "lock_timeout": 1}
        self.calls: list[list[str]] = []

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(command))
        if "update" in command:
            lists = next(word for word in command if word.startswith("Dir::State::lists=")).partition("=")[2]
            Path(lists, "mirror_Packages").touch()
            return (100 if self.complaints else 0), "", self.complaints
        return 0, OFFER, ""


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders that go when the module ends."""
    folders: list[str] = []
    monkeypatch.setattr(atexit, "register", lambda function, folder, **options: folders.append(folder))
    return folders


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleaned: list[str]) -> Path:
    """A host without the repository; the key's address answers with the key."""
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(package_info, "INDEX_DIRECTORY", str(tmp_path / "index"))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: str(tmp_path / "scratch"))
    monkeypatch.setattr(package_info, "open_url", lambda url, timeout: io.BytesIO(ED25519))
    return tmp_path


def look(module: Any, root: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return look_into(module, Repository(SPEC, "amd64", str(root)), ["docker-ce"])


def use(root: Path) -> None:
    """The host uses the repository already."""
    for change in Repository(SPEC, "amd64", str(root)).changes(ED25519):
        Path(change.path).parent.mkdir(parents=True, exist_ok=True)
        Path(change.path).write_bytes(ED25519 if change.path.endswith(".asc") else (change.after or "").encode())


def test_a_repository_that_is_not_in_use_is_looked_into_and_leaves_nothing(root: Path, cleaned: list[str]) -> None:
    module = Module(root)
    state, offer = look(module, root)
    assert state == {"current": False, "error": None}
    assert [entry["version"] for entry in offer["docker-ce"]] == ["5:28.5.2-1"]
    assert cleaned == [str(root / "scratch")]
    assert not (root / "index").exists()
    assert all(f"Dir::Etc::sourcelist={root}/scratch/repository.sources" in call for call in module.calls)
    assert f"Signed-By: {root}/scratch/key.asc" in (root / "scratch/repository.sources").read_text()


def test_a_repository_in_use_keeps_its_index_for_a_while(root: Path, cleaned: list[str]) -> None:
    use(root)
    for calls in (2, 1):
        module = Module(root)
        state, offer = look(module, root)
        assert (state, len(offer["docker-ce"]), len(module.calls)) == ({"current": True, "error": None}, 1, calls)
        assert cleaned == []


def test_check_mode_leaves_nothing_behind(root: Path, cleaned: list[str]) -> None:
    use(root)
    module = Module(root)
    module.check_mode = True
    look(module, root)
    assert cleaned == [str(root / "scratch")]
    assert not (root / "index").exists()


def test_no_index_is_read_where_nobody_wants_one(root: Path) -> None:
    module = Module(root, index=False)
    assert look(module, root) == ({"current": False, "error": None}, {})
    assert module.calls == []


@pytest.mark.parametrize(
    ("complaints", "kind", "message"),
    [
        pytest.param(
            "W: GPG error: http://mirror.example bookworm InRelease: NO_PUBKEY 1\nE: The repository is not signed.\n",
            "index_unsigned",
            "GPG error: http://mirror.example bookworm InRelease: NO_PUBKEY 1; The repository is not signed.",
            id="another key signs there",
        ),
        pytest.param(
            "E: Failed to fetch http://mirror.example/InRelease\n", "index_unreachable",
            "Failed to fetch http://mirror.example/InRelease", id="nobody answers",
        ),
    ],
)  # fmt: skip
def test_an_index_that_cannot_be_used(root: Path, complaints: str, kind: str, message: str) -> None:
    state, offer = look(Module(root, complaints), root)
    assert (state["error"], offer) == ({"kind": kind, "message": message}, {})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(RSA, "key_mismatch", id="another key"),
        pytest.param(b"<html>", "key_invalid", id="a web page"),
        pytest.param(None, "key_unreachable", id="no answer"),
    ],
)
def test_a_key_that_cannot_be_used(
    root: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, kind: str
) -> None:
    def fetch(url: str, timeout: int) -> io.BytesIO:
        if answer is None:
            raise urllib.error.URLError("Connection refused")
        return io.BytesIO(answer)

    monkeypatch.setattr(package_info, "open_url", fetch)
    module = Module(root)
    state, offer = look(module, root)
    assert (state["current"], state["error"]["kind"], offer, module.calls) == (False, kind, {}, [])


def test_how_fresh_an_index_is(tmp_path: Path) -> None:
    lists = str(tmp_path)
    assert not is_fresh(lists, 60)
    (tmp_path / "partial").mkdir()
    assert not is_fresh(lists, 60)
    (tmp_path / "mirror_InRelease").touch()
    os.utime(tmp_path / "mirror_InRelease", (0, 0))
    assert is_fresh(lists, 60)
    os.utime(tmp_path / "partial", (0, 0))
    assert not is_fresh(lists, 60)
    touch(lists)
    assert is_fresh(lists, 60)
    assert not is_fresh(lists, 0)
    assert not is_fresh(str(tmp_path / "missing"), 60)
