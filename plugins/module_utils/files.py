# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Writing a file so that a reader, or a power cut, sees the old one or the new one and nothing in between."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

# How the names of files end that are about to take another's place.
LEFTOVER = ".runnerkit"

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "raise the quota of its owner",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "mount its file system writable",
    errno.EPERM: "see with lsattr whether it is immutable",
    errno.EACCES: "act as root (become)",
    errno.EIO: "look at the disk",
}


def why(error: OSError) -> str:
    """What the system said, with what to do."""
    remedy = _REMEDIES.get(error.errno or 0)
    words = error.strerror or type(error).__name__
    return f"{words} ({remedy})" if remedy else words


def read_text(path: str) -> str | None:
    """The content, or None when there is no such file; anything else wrong with it is the caller's OSError."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise OSError(f"{path} is not text in UTF-8: {error}") from error


def make_folders(path: str) -> None:
    """Make a folder and those above it that are missing, for everybody to read whatever the umask is: apt's own user
    reads keys and indexes there.
    """
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)  # noqa: S103


def flush(path: str) -> None:
    """Have a file, or the names in a folder, on the disk and not only in memory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(
    path: str,
    content: bytes,
    mode: int | None = None,
    owner: tuple[int, int] | None = None,
    ready: Callable[[], object] | None = None,
    follow: bool = True,
) -> None:
    """Write beside it, flush to disk, rename. Owner and mode of an existing file stay unless `mode` says otherwise;
    `owner` (user and group) is for a new one. `ready` is called when all is written and the old file still stands: what
    it raises calls the write off. Without `follow` a link at `path` is replaced, and what it leads to stays.
    """
    path = _place(path, follow)
    folder = os.path.dirname(path)
    make_folders(folder)
    try:
        temporary = _write_unnamed(path, content, mode, owner)
    except OSError:  # a file system, or a system without /proc, that cannot do it; or an error that is met again
        temporary = _write_named(path, content, mode, owner)
    try:
        if ready is not None:
            ready()
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    flush(folder)


def _place(path: str, follow: bool) -> str:
    """The path without links, but for one that it may be itself."""
    folder, name = os.path.split(path)
    return os.path.realpath(path) if follow else os.path.join(os.path.realpath(folder), name)


def _write_unnamed(path: str, content: bytes, mode: int | None, owner: tuple[int, int] | None) -> str:
    """The new file, which gets a name when it is whole: a process that is killed before that leaves nothing."""
    folder = os.path.dirname(path)
    handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        _fill(stream, path, content, mode, owner)
        # As mkstemp does it, which cannot be asked for a name alone.
        temporary = f".{os.path.basename(path)}.{os.urandom(4).hex()}{LEFTOVER}"
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # A folder's handle makes Python take linkat(2), which is what follows the link in /proc.
            os.link(f"/proc/self/fd/{stream.fileno()}", temporary, dst_dir_fd=directory, follow_symlinks=True)
        finally:
            os.close(directory)
    return os.path.join(folder, temporary)


def _write_named(path: str, content: bytes, mode: int | None, owner: tuple[int, int] | None) -> str:
    """The same with a name from the beginning, which any file system can."""
    handle, temporary = tempfile.mkstemp(
        prefix=f".{os.path.basename(path)}.", suffix=LEFTOVER, dir=os.path.dirname(path)
    )
    try:
        with os.fdopen(handle, "wb") as stream:
            _fill(stream, path, content, mode, owner)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _fill(stream: IO[bytes], path: str, content: bytes, mode: int | None, owner: tuple[int, int] | None) -> None:
    """Owner and mode first, so that the content is never seen by others; then all of it, down to the disk."""
    existing = None
    with contextlib.suppress(FileNotFoundError):
        existing = os.lstat(path)
    if existing is None or stat.S_ISLNK(existing.st_mode):
        if owner is not None:
            os.fchown(stream.fileno(), *owner)
        os.fchmod(stream.fileno(), 0o644 if mode is None else mode)
    else:
        os.fchown(stream.fileno(), existing.st_uid, existing.st_gid)
        os.fchmod(stream.fileno(), existing.st_mode & 0o7777 if mode is None else mode)
    stream.write(content)
    stream.flush()
    os.fsync(stream.fileno())


def remove_leftovers(path: str, follow: bool = True) -> list[str]:
    """Remove what killed writes of this file left beside it; for a caller who knows that nobody is writing now."""
    folder, name = os.path.split(_place(path, follow))
    if not os.path.isdir(folder):
        return []
    found = [
        os.path.join(folder, each)
        for each in os.listdir(folder)
        if each.startswith(f".{name}.") and each.endswith(LEFTOVER)
    ]
    return [each for each in found if remove(each)]


def remove(path: str) -> bool:
    """Remove a file; False when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
