# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The runner's config.toml on its host: reading it, and replacing it only if it still is what was read."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import time
from typing import Iterator, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import (
    make_folders,
    remove,
    remove_leftovers,
    why,
    write_atomically,
)

# A restart that the runner owes, as some keys are read only at its start; whoever restarts it removes the mark.
RESTART_MARK = "/var/lib/runnerkit/gitlab-runner-restart"
# The file is full of tokens.
MODE = 0o600
FOLDER_MODE = 0o700
# Another run holds the lock for the moment of its write.
PATIENCE = 10.0


class StoreError(Exception):
    """The file cannot be had or replaced; the text is a sentence."""


class File(NamedTuple):
    """config.toml; without content there is none."""

    content: bytes | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None

    @property
    def sha256(self) -> str:
        """Of the content; nothing for a file that is missing."""
        return "" if self.content is None else hashlib.sha256(self.content).hexdigest()


class Outcome(NamedTuple):
    """What a write did. With a conflict nothing was written, and SHA256 is that of what is there."""

    conflict: bool
    sha256: str
    backup_file: str | None = None


class _ConflictError(Exception):
    """Somebody wrote the file since it was read; with the checksum of what is there."""

    def __init__(self, sha256: str) -> None:
        Exception.__init__(self, sha256)
        self.sha256 = sha256


def read(path: str) -> File:
    """The file as it is; StoreError for what is no file."""
    try:
        # A named pipe would be waited for, and a tape rewound: looked at before it is opened.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise StoreError(f"{path} is not a file; move it away, or name another path")
        with open(path, "rb") as stream:
            about = os.fstat(stream.fileno())
            return File(stream.read(), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)
    except FileNotFoundError:
        return File()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {why(error)}") from error


def tidy(path: str) -> None:
    """Remove what writes that were killed left behind: it may hold tokens."""
    folder = os.path.dirname(os.path.realpath(path))
    # A folder that cannot be changed is told by the write.
    with contextlib.suppress(OSError, StoreError):
        if os.path.isdir(folder):
            with locked(folder):
                remove_leftovers(path)


def write(path: str, content: bytes, expected: str, *, backup: bool = False, restart_needed: bool = False) -> Outcome:
    """Put CONTENT in its place if what is there has the checksum EXPECTED; StoreError when that cannot be done."""
    target = os.path.realpath(path)
    try:
        folder = _folder(target)
        with locked(folder):
            with contextlib.suppress(OSError):
                remove_leftovers(target)
            return _replace(path, content, expected, backup, restart_needed)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {why(error)}; the file stays as it was") from error


def _replace(path: str, content: bytes, expected: str, backup: bool, restart_needed: bool) -> Outcome:
    """The write itself, with the lock held. The lock keeps out other runs, not editors, nor the runner."""
    backup_file = None
    made: list[str] = []
    try:
        found = _expect(path, expected)
        with _taken_back(path, expected, made):
            # Before the write: a run that dies between the two costs a restart, not one that is never made.
            if restart_needed and not os.path.exists(RESTART_MARK):
                made.append(RESTART_MARK)
                write_atomically(RESTART_MARK, b"restart\n")
            if backup and found.content is not None:
                backup_file = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~"
                made.append(backup_file)
                write_atomically(backup_file, found.content, MODE, (found.uid or 0, found.gid or 0))
            target = os.path.realpath(path)
            # A new file belongs to whom its folder belongs: a runner need not run as root.
            owner = os.stat(os.path.dirname(target))
            write_atomically(target, content, MODE, (owner.st_uid, owner.st_gid), lambda: _expect(path, expected))
    except _ConflictError as error:
        return Outcome(conflict=True, sha256=error.sha256)
    return Outcome(conflict=False, sha256=hashlib.sha256(content).hexdigest(), backup_file=backup_file)


def _expect(path: str, expected: str) -> File:
    """The file, if it is the one that was read."""
    found = read(path)
    if found.sha256 != expected:
        raise _ConflictError(found.sha256)
    return found


@contextlib.contextmanager
def _taken_back(path: str, expected: str, made: list[str]) -> Iterator[None]:
    """Removes what was MADE when the write does not come about; an error after the rename is too late for that."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, _ConflictError) or read(path).sha256 == expected:
            for each in made:
                remove(each)
        raise


def _folder(target: str) -> str:
    """The file's folder, made for its owner alone where it is missing; those above it are for everybody."""
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        make_folders(os.path.dirname(folder))
        os.makedirs(folder, FOLDER_MODE, exist_ok=True)
        os.chmod(folder, FOLDER_MODE)
    return folder


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """While nobody else of us writes in the folder. Some network file systems have no locks: so be it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise StoreError(f"another run is writing in {folder}; wait for its end, then run again") from None
                time.sleep(0.05)
                continue
            except OSError:
                pass
            break
        yield
    finally:
        os.close(handle)
