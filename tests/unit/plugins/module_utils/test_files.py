# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import (
    make_folders,
    read_text,
    remove,
    remove_leftovers,
    write_atomically,
)

# What some file systems, and systems without /proc, cannot do; the write takes another way then.
ALL, WITHOUT_UNNAMED, WITHOUT_LINKS = "everything", "no files without a name", "no links to them"


@pytest.fixture(params=[ALL, WITHOUT_UNNAMED, WITHOUT_LINKS])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system that can do everything, or not."""
    ability = str(request.param)
    opened = os.open

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(95, "Operation not supported")

    def without_unnamed(path: str, flags: int, *arguments: int, **options: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            refuse()
        return opened(path, flags, *arguments, **options)

    if ability == WITHOUT_UNNAMED:
        monkeypatch.setattr(os, "open", without_unnamed)
    if ability == WITHOUT_LINKS:
        monkeypatch.setattr(os, "link", refuse)
    return ability


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_file_gets_its_folders_and_the_usual_mode(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    write_atomically(str(path), b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o644)
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=["the usual umask", "a strict umask"])
def test_folders_that_are_made_can_be_read_by_everybody_and_others_stay(tmp_path: Path, umask: int) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        write_atomically(str(kept / "a/b/file"), b"new")
        make_folders(str(kept / "c/d/"))
        make_folders(str(kept))
    finally:
        os.umask(before)
    assert mode(kept) == 0o700
    assert [mode(kept / name) for name in ("a", "a/b", "c", "c/d")] == [0o755] * 4


@pytest.mark.parametrize("wanted", [0o600, 0o640])
def test_a_mode_that_is_given_is_used_for_new_and_for_old_files(tmp_path: Path, wanted: int, system: str) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_atomically(str(path), content, wanted)
        assert (path.read_bytes(), mode(path)) == (content, wanted)


@pytest.mark.parametrize("kept", [0o600, 0o664, 0o400])
def test_the_mode_of_an_existing_file_stays(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(kept)
    write_atomically(str(path), b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_an_existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 12, 34)
    write_atomically(str(path), b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_owner_that_is_given_is_that_of_a_new_file_alone(tmp_path: Path, system: str) -> None:
    path = tmp_path / "file"
    for owner in ((12, 34), (56, 78)):
        write_atomically(str(path), b"new", owner=owner)
        assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


@pytest.mark.parametrize("exists", [True, False], ids=["an old file", "a new file"])
def test_a_write_that_is_called_off_when_all_is_ready(tmp_path: Path, system: str, exists: bool) -> None:
    path = tmp_path / "file"
    if exists:
        path.write_text("old")
    before = os.listdir(tmp_path)
    seen: list[Path] = []

    def ready() -> None:
        seen.extend(each for each in tmp_path.iterdir() if each.name.endswith(".runnerkit"))
        assert [each.read_text() for each in seen] == ["new"]
        raise KeyError

    with pytest.raises(KeyError):
        write_atomically(str(path), b"new", ready=ready)
    assert len(seen) == 1
    assert os.listdir(tmp_path) == before
    assert not exists or path.read_text() == "old"


def test_what_killed_writes_left_behind_goes_and_nothing_else(tmp_path: Path) -> None:
    for name in (".file.0a.runnerkit", ".other.0a.runnerkit", "file", ".file.swp"):
        (tmp_path / name).touch()
    removed = remove_leftovers(str(tmp_path / "file"))
    assert removed == [str(tmp_path / ".file.0a.runnerkit")]
    assert sorted(os.listdir(tmp_path)) == [".file.swp", ".other.0a.runnerkit", "file"]
    assert remove_leftovers(str(tmp_path / "none/file")) == []


@pytest.mark.parametrize("exists", [True, False], ids=["a link to a file", "a link to nothing yet"])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "elsewhere/target", tmp_path / "link"
    target.parent.mkdir()
    if exists:
        target.write_text("old")
    link.symlink_to(target)
    write_atomically(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "link"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(str(path), b"new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        write_atomically(str(path), b"new")
        assert (reader.read(), path.read_text()) == ("old", "new")


@given(st.binary(max_size=100))
def test_what_is_written_is_there(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip"
    write_atomically(str(path), content)
    assert path.read_bytes() == content


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("käse\n", encoding="utf-8")
    assert read_text(str(path)) == "käse\n"
    assert read_text(str(tmp_path / "missing")) is None
    assert read_text(str(path / "below a file")) is None


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(b'{"labels": ["k\xe4se"]}')
    with pytest.raises(OSError, match=rf"^{path} is not text in UTF-8: "):
        read_text(str(path))


def test_a_folder_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_text(str(tmp_path))


def test_removing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    assert [remove(str(path)), remove(str(path))] == [True, False]
