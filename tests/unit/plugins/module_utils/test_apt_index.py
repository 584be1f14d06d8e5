# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import atexit
import os
import tempfile
import urllib.error
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import apt_index
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_index import (
    is_fresh,
    look_around,
    look_into,
    scratch_options,
    touch,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import Repository
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
    monkeypatch.setattr(apt_index, "INDEX_DIRECTORY", str(tmp_path / "index"))
    monkeypatch.setattr(tempfile, "mkdtemp", lambda prefix: str(tmp_path / "scratch"))
    return tmp_path


def look(
    module: Any, root: Path, fetch: Callable[[str], bytes] = lambda url: ED25519, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    return look_into(module, Repository({**SPEC, **changes}, "amd64", str(root)), ["docker-ce"], fetch)


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


def test_an_index_of_another_address_is_not_fresh(root: Path) -> None:
    use(root)
    look(Module(root), root)
    module = Module(root)
    repository = Repository({**SPEC, "suite": "trixie"}, "amd64", str(root))
    Path(repository.path).write_text(repository.source_text("/etc/apt/keyrings/runnerkit-docker.asc"))
    left = root / "index/docker/lists/old_Packages"
    left.touch()
    state, _offer = look(module, root, suite="trixie")
    assert (state["current"], len(module.calls)) == (True, 2)
    assert not left.exists()


def test_an_index_that_could_not_be_read_is_not_fresh_afterwards(root: Path) -> None:
    use(root)
    for _ in range(2):
        module = Module(root, "E: Failed to fetch http://mirror.example/InRelease\n")
        look(module, root)
        assert len(module.calls) == 1


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=["the usual umask", "a strict umask"])
def test_the_folders_of_an_index_can_be_read_by_apts_own_user(root: Path, umask: int) -> None:
    use(root)
    before = os.umask(umask)
    try:
        look(Module(root), root)
    finally:
        os.umask(before)
    folders = [root / "index" / name for name in (".", "docker", "docker/lists", "docker/lists/partial")]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o755] * 4


PROLONGED = ED25519 + b"\n"


@pytest.mark.parametrize(
    ("fetched", "current", "error"),
    [
        pytest.param(PROLONGED, False, None, id="the owner has prolonged it"),
        pytest.param(ED25519, True, "index_unsigned", id="it is the same"),
        pytest.param(RSA, True, "key_mismatch", id="it is another key now, which is what has to be said"),
    ],
)
def test_a_key_that_signs_no_more_is_fetched_again(
    root: Path, fetched: bytes, current: bool, error: str | None
) -> None:
    use(root)
    module = Module(root)
    answer = module.run_command

    def expired(command: Sequence[str]) -> tuple[int, str, str]:
        answer(command)
        source = next(word for word in command if word.startswith("Dir::Etc::sourcelist=")).partition("=")[2]
        if "update" in command and (Path(source).parent / "key.asc").read_bytes() == ED25519:
            return 0, "", "W: GPG error: http://mirror.example bookworm InRelease: EXPKEYSIG 1234 runnerkit\n"
        return 0, OFFER, ""

    module.run_command = expired  # type: ignore[method-assign]
    state, offer = look(module, root, lambda url: fetched)
    assert state["current"] is current
    assert (state["error"] or {}).get("kind") == error
    assert bool(offer) is (error is None)


class System(Module):
    """A host with sources of its own."""

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(command))
        if "policy" in command:
            return 0, "docker.io:\n  Installed: (none)\n  Candidate: 1\n", ""
        return 0, " docker.io | 2 | http://m backports/main amd64 Packages\n" if "madison" in command else "", ""


@pytest.mark.parametrize(
    ("check_mode", "fresh", "programs"),
    [
        pytest.param(False, False, ["apt-get", "apt-cache", "apt-cache"], id="the index is read"),
        pytest.param(False, True, ["apt-cache", "apt-cache"], id="unless it is fresh"),
        pytest.param(True, False, ["apt-get", "apt-cache", "apt-cache"], id="check mode reads its own"),
    ],
)
def test_the_hosts_own_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path, check_mode: bool, fresh: bool, programs: list[str]
) -> None:
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    if fresh:
        (lists / "m_InRelease").touch()
    monkeypatch.setattr(apt_index, "SYSTEM_LISTS", str(lists))
    module: Any = System(tmp_path)
    module.check_mode = check_mode
    offer = look_around(module, ["docker.io"])
    assert offer.candidates == {"docker.io": "1"}
    assert [entry["version"] for entry in offer.available["docker.io"]] == ["2"]
    assert [call[0] for call in module.calls] == programs
    assert all(("-c" in call) is check_mode for call in module.calls)


@pytest.mark.parametrize("source", [None, "/d/repository.sources"], ids=["all sources", "one source alone"])
def test_an_index_of_its_own(tmp_path: Path, source: str | None) -> None:
    options = scratch_options(str(tmp_path), source)
    assert (tmp_path / "lists/partial").is_dir()
    assert (tmp_path / "archives/partial").is_dir()
    assert options[:2] == ["-c", str(tmp_path / "apt.conf")]
    assert (tmp_path / "apt.conf").read_text() == (
        "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
    )
    assert set(options[2::2]) == {"-o"}
    names = dict(option.split("=", 1) for option in options[3::2])
    assert names["Dir::State::lists"] == os.path.join(tmp_path, "lists")
    assert names.get("Dir::Etc::sourcelist") == source
    assert names.get("Dir::Etc::sourceparts") == ("/dev/null" if source else None)


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
def test_a_key_that_cannot_be_used(root: Path, answer: bytes | None, kind: str) -> None:
    def fetch(url: str) -> bytes:
        if answer is None:
            raise urllib.error.URLError("Connection refused")
        return answer

    module = Module(root)
    state, offer = look(module, root, fetch)
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
