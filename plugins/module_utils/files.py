# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Writing a file so that a reader, or a power cut, sees the old one or the new one and nothing in between."""

from __future__ import annotations

import os
import tempfile


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


def write_atomically(path: str, content: bytes, mode: int | None = None) -> None:
    """Write beside it, flush to disk, rename. Owner and mode of an existing file stay unless `mode` says otherwise."""
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    make_folders(folder)
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            try:
                existing = os.stat(path)
                os.fchown(stream.fileno(), existing.st_uid, existing.st_gid)
                os.fchmod(stream.fileno(), existing.st_mode & 0o7777 if mode is None else mode)
            except FileNotFoundError:
                os.fchmod(stream.fileno(), 0o644 if mode is None else mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    flush(folder)


def remove(path: str) -> bool:
    """Remove a file; False when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
