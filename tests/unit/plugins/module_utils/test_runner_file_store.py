# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import files
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store

OLD, NEW = b"concurrent = 1\n", b"concurrent = 2\n"
STALE = ".config.toml.0a1b2c3d.runnerkit"

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a config.toml."""
    monkeypatch.setattr(store, "RESTART_MARK", str(tmp_path / "mark/restart"))
    found = tmp_path / "gitlab-runner/config.toml"
    found.parent.mkdir(mode=0o700)
    found.write_bytes(OLD)
    found.chmod(0o600)
    return found


def write(path: Path, content: bytes = NEW, **options: Any) -> store.Outcome:
    return store.write(str(path), content, store.read(str(path)).sha256, **options)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def names(path: Path) -> list[str]:
    return sorted(os.listdir(path.parent))


def test_what_is_read(path: Path) -> None:
    path.chmod(0o640)
    found = store.read(str(path))
    assert (found.content, found.mode, found.uid, found.gid) == (OLD, 0o640, os.geteuid(), os.getegid())
    assert len(found.sha256) == 64


def test_a_file_that_is_missing_has_no_checksum(tmp_path: Path) -> None:
    assert store.read(str(tmp_path / "none/config.toml")) == store.File()
    assert store.File().sha256 == ""
    assert store.File(b"").sha256 != ""


@pytest.mark.parametrize("kept", [0o600, 0o644, 0o400], ids=oct)
def test_a_write_makes_the_file_its_owners_alone(path: Path, kept: int) -> None:
    path.chmod(kept)
    outcome = write(path)
    assert (path.read_bytes(), mode(path)) == (NEW, 0o600)
    assert (outcome.conflict, outcome.sha256, outcome.backup_file) == (False, store.read(str(path)).sha256, None)
    assert names(path) == ["config.toml"]


@root_only
def test_the_owner_of_the_file_stays(path: Path) -> None:
    os.chown(path, 12, 34)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


@root_only
def test_a_new_file_belongs_to_whom_its_folder_belongs(path: Path) -> None:
    path.unlink()
    os.chown(path.parent, 12, 34)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (12, 34, 0o600)


def test_a_folder_that_is_missing_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "etc/gitlab-runner/config.toml"
    write(path)
    assert (path.read_bytes(), mode(path)) == (NEW, 0o600)
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o755)


@pytest.mark.parametrize("exists", [True, False], ids=["a link to a file", "a link to nothing yet"])
def test_the_target_of_a_link_is_written(path: Path, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "elsewhere/real.toml"
    target.parent.mkdir()
    if exists:
        target.write_bytes(OLD)
    path.unlink()
    path.symlink_to(target)
    write(path, backup=True)
    assert path.is_symlink()
    assert (target.read_bytes(), mode(target)) == (NEW, 0o600)
    assert os.listdir(target.parent) == ["real.toml"]


@pytest.mark.parametrize(
    "found",
    [b"concurrent = 9\n", b"", None],
    ids=["the file was changed", "the file was emptied", "the file was removed"],
)
def test_a_file_that_is_not_what_was_read_stays(path: Path, found: bytes | None) -> None:
    expected = store.read(str(path)).sha256
    path.unlink()
    if found is not None:
        path.write_bytes(found)
    outcome = store.write(str(path), NEW, expected, backup=True, restart_needed=True)
    assert outcome == store.Outcome(conflict=True, sha256=store.read(str(path)).sha256)
    assert store.read(str(path)).content == found
    assert names(path) == ([] if found is None else ["config.toml"])
    assert not os.path.exists(store.RESTART_MARK)


def test_a_file_that_came_into_being_stays(path: Path) -> None:
    assert store.write(str(path), NEW, "").conflict
    assert path.read_bytes() == OLD


def test_a_change_in_the_last_moment_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = os.fsync

    def interfere(handle: int) -> None:
        flush(handle)
        path.write_bytes(b"by hand\n")

    expected = store.read(str(path)).sha256
    monkeypatch.setattr(os, "fsync", interfere)
    outcome = store.write(str(path), NEW, expected, backup=True, restart_needed=True)
    assert outcome.conflict
    assert path.read_bytes() == b"by hand\n"
    assert names(path) == ["config.toml"]
    assert not os.path.exists(store.RESTART_MARK)


def test_a_backup_is_the_old_file_for_its_owner_alone(path: Path) -> None:
    path.chmod(0o644)
    outcome = write(path, backup=True)
    assert outcome.backup_file is not None
    copy = Path(outcome.backup_file)
    assert (copy.read_bytes(), mode(copy)) == (OLD, 0o600)
    assert copy.name.startswith("config.toml.")
    assert copy.name.endswith("~")


def test_there_is_no_backup_of_nothing(path: Path) -> None:
    path.unlink()
    assert write(path, backup=True).backup_file is None
    assert names(path) == ["config.toml"]


def test_a_restart_is_noted_before_the_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    replace = os.replace

    def look(source: str, target: str) -> None:
        seen.append((os.path.basename(target), os.path.exists(store.RESTART_MARK)))
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    write(path, restart_needed=True)
    assert seen == [("restart", False), ("config.toml", True)]


def fail(number: int) -> Any:
    def failing(*arguments: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    return failing


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device (free some space there)"),
        (errno.EROFS, "Read-only file system (mount its file system writable)"),
        (errno.EPERM, "Operation not permitted (see with lsattr whether it is immutable)"),
        (errno.ENXIO, "No such device or address"),
    ],
    ids=["disk full", "mounted read-only", "immutable", "something else"],
)
@pytest.mark.parametrize("marked", [True, False], ids=["a restart is due anyway", "no restart is due"])
def test_a_write_that_fails_says_why_and_takes_everything_back(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, marked: bool
) -> None:
    if marked:
        Path(store.RESTART_MARK).parent.mkdir()
        Path(store.RESTART_MARK).touch()
    replace = os.replace

    def only_config(source: str, target: str) -> None:
        (fail(number) if target == str(path) else replace)(source, target)

    monkeypatch.setattr(os, "replace", only_config)
    with pytest.raises(store.StoreError) as raised:
        write(path, backup=True, restart_needed=True)
    assert str(raised.value) == f"cannot write {path}: {words}; the file stays as it was"
    assert path.read_bytes() == OLD
    assert names(path) == ["config.toml"]
    assert os.path.exists(store.RESTART_MARK) == marked


def test_an_error_after_the_rename_leaves_what_belongs_to_the_new_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "write_atomically", files.write_atomically)
    flush = files.flush

    def flush_not(folder: str) -> None:
        (fail(errno.EIO) if folder == str(path.parent) and path.read_bytes() == NEW else flush)(folder)

    monkeypatch.setattr(files, "flush", flush_not)
    with pytest.raises(store.StoreError, match="Input/output error"):
        write(path, backup=True, restart_needed=True)
    assert path.read_bytes() == NEW
    assert os.path.exists(store.RESTART_MARK)
    assert len(names(path)) == 2


def test_a_limit_on_the_size_of_files(path: Path) -> None:
    """The kernel stops a write in the middle. In a process of its own, as not everybody can raise a limit again."""
    program = (
        "import resource, sys\n"
        "from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store\n"
        "expected = store.read(sys.argv[1]).sha256\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        "try:\n    store.write(sys.argv[1], b'x' * 5000, expected, backup=True)\n"
        "except store.StoreError as error:\n    sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    why = "File too large (raise the limit on the size of files (ulimit -f))"
    assert done.stderr.strip() == f"cannot write {path}: {why}; the file stays as it was"
    assert (path.read_bytes(), names(path)) == (OLD, ["config.toml"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for little."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@root_only
@pytest.mark.parametrize("backup", [True, False], ids=["with a backup", "without one"])
def test_a_disk_that_is_full(small_disk: Path, path: Path, backup: bool) -> None:
    path = small_disk / "config.toml"
    path.write_bytes(b"o" * 8000)
    with pytest.raises(store.StoreError, match=r"No space left on device \(free some space there\)"):
        write(path, b"n" * 9000, backup=backup, restart_needed=True)
    assert (path.read_bytes(), names(path)) == (b"o" * 8000, ["config.toml"])
    assert not os.path.exists(store.RESTART_MARK)
    assert not write(path, b"n" * 4000).conflict


@root_only
def test_a_file_system_that_is_mounted_read_only(small_disk: Path) -> None:
    path = small_disk / "config.toml"
    path.write_bytes(OLD)
    (small_disk / STALE).touch()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(store.StoreError, match="Read-only file system"):
        write(path)
    store.tidy(str(path))
    assert (path.read_bytes(), names(path)) == (OLD, [STALE, "config.toml"])


@root_only
def test_a_file_that_is_immutable(path: Path) -> None:
    if subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        with pytest.raises(store.StoreError, match="see with lsattr whether it is immutable"):
            write(path, backup=True)
        assert (path.read_bytes(), names(path)) == (OLD, ["config.toml"])
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(store.StoreError) as raised:
        store.read(str(path))
    assert str(raised.value) == f"{path} is not a file; move it away, or name another path"


def test_a_file_where_the_folder_should_be(path: Path) -> None:
    with pytest.raises(store.StoreError, match=r"cannot read .*/config.toml/config.toml: Not a directory"):
        store.read(str(path / "config.toml"))


@pytest.mark.parametrize("act", [lambda path: store.tidy(str(path)), write], ids=["a read", "a write"])
def test_what_a_killed_run_left_behind_is_removed_by_the_next(path: Path, act: Any) -> None:
    for name in (STALE, ".config.toml.77.2026-01-01@00:00:00~.0a1b2c3d.runnerkit"):
        (path.parent / name).write_bytes(OLD)
    kept = [".config.toml.swp", ".other.toml.0a1b2c3d.runnerkit", "config.toml", "config.toml.old"]
    for name in kept:
        (path.parent / name).touch()
    act(path)
    assert names(path) == kept


def test_nothing_to_tidy_where_there_is_no_folder(tmp_path: Path) -> None:
    store.tidy(str(tmp_path / "none/config.toml"))
    assert os.listdir(tmp_path) == []


def test_another_run_that_is_writing_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.1)
    (path.parent / STALE).touch()
    other = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(store.StoreError, match=r"^another run is writing in .*/gitlab-runner; wait for its end"):
            write(path)
        store.tidy(str(path))
        assert (path.read_bytes(), names(path)) == (OLD, [STALE, "config.toml"])
    finally:
        os.close(other)
    write(path)
    assert (path.read_bytes(), names(path)) == (NEW, ["config.toml"])


def test_file_systems_without_locks_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", fail(errno.ENOLCK))
    write(path)
    assert path.read_bytes() == NEW


def test_killed_at_every_call_it_is_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    driver = Path(__file__).with_name("kill_at_every_call.py")
    done = subprocess.run([sys.executable, str(driver), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) > 50
    assert {row["content"] for row in rows} == {"old", "new"}
    assert [row["killed"] for row in rows] == [True] * (len(rows) - 1) + [False]
    # Whoever has the new file knows that a restart is due.
    assert all(row["marked"] for row in rows if row["content"] == "new")
    assert not any(row["left_later"] for row in rows)
    # A name comes when everything is written: between that and the rename little happens.
    assert sum(bool(row["left"]) for row in rows) < len(rows) / 3


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "law/config.toml"
    for content in (first, second):
        assert not write(path, content).conflict
        assert store.read(str(path)).content == content
