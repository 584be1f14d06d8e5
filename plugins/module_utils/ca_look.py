# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What stands at a path where a certificate or a key shall be, and putting it there again as it was.

Folders may be links (`/etc/containers/certs.d` to the engine's, say): they are followed, and what they lead to is one
file, however many names it has. A link in place of the file itself is not written through, as what it leads to serves
somebody else, too: it is replaced by a file, and comes back when the file goes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from typing import Any, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import (
    LEFTOVER,
    flush,
    make_folders,
    remove,
    why,
    write_atomically,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# No certificate needs as much; what is bigger is something else.
BIGGEST = 4 << 20


class CaError(Exception):
    """It cannot be done; the text is a sentence for people, and holds nothing of a file's content."""


class Found(NamedTuple):
    """What stands at a path. Without content there is nothing, or a link (TARGET) that leads to no file."""

    content: bytes | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    target: str | None = None

    @property
    def exists(self) -> bool:
        """Whether anything has that name."""
        return self.content is not None or self.target is not None

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and no link to one."""
        return self.content is not None and self.target is None

    @property
    def sha256(self) -> str:
        """Of the file's content; nothing for what is none."""
        return hashlib.sha256(self.content or b"").hexdigest() if self.is_file else ""

    def same(self, other: Found) -> bool:
        """Whether nobody could tell one from the other by what it holds."""
        if self.target is not None or other.target is not None:
            return self.target == other.target
        return self.content == other.content

    def to_json(self) -> dict[str, Any]:
        """As the record keeps it."""
        if self.target is not None:
            return {"link": self.target}
        content = base64.b64encode(self.content or b"").decode("ascii")
        return {"content": content, "mode": self.mode, "uid": self.uid, "gid": self.gid}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Found:
        """Back from the record; ValueError, TypeError or KeyError when it is not of that shape."""
        if "link" in value:
            if not isinstance(value["link"], str) or not value["link"]:
                raise ValueError("link")
            return cls(target=value["link"])
        numbers = [value[name] for name in ("mode", "uid", "gid")]
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
            raise TypeError("numbers")
        try:
            content = base64.b64decode(value["content"], validate=True)
        except binascii.Error as error:
            raise ValueError("content") from error
        return cls(content, *numbers)


def real(path: str) -> str:
    """The path with the links of its folders followed; CaError where a folder cannot be had."""
    folder, name = os.path.split(path)
    there = folder
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        kind = "a link that leads nowhere" if os.path.islink(there) else "not a folder"
        raise CaError(f"{there} on this host is {kind}, and {path} belongs below it; move it away")
    return os.path.join(os.path.realpath(folder), name)


def look(path: str) -> Found:
    """What stands at PATH, whose folders are no links; CaError for what is neither a file nor a link to one."""
    try:
        about = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Found()
    except OSError as error:
        raise CaError(f"cannot read {path}: {why(error)}") from error
    if stat.S_ISLNK(about.st_mode):
        return _look_through(path)
    if not stat.S_ISREG(about.st_mode):
        raise CaError(f"{path} on this host is not a file; move it away")
    return Found(_read(path), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)


def _look_through(path: str) -> Found:
    """A link, with what it leads to where that is a file."""
    target = os.readlink(path)
    try:
        about = os.stat(path)
    except OSError:
        return Found(target=target)
    if not stat.S_ISREG(about.st_mode):
        return Found(target=target)
    return Found(_read(path), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, target)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            content = stream.read(BIGGEST + 1)
    except OSError as error:
        raise CaError(f"cannot read {path}: {why(error)}") from error
    if len(content) > BIGGEST:
        raise CaError(f"{path} on this host is no certificate, as it is bigger than {BIGGEST >> 20} MiB; move it away")
    return content


def put(path: str, content: bytes, mode: int, found: Found) -> None:
    """Have a file with CONTENT in place of what was FOUND there."""
    us = (os.geteuid(), os.getegid())
    # Who may read it is decided by its mode alone: a key must not go to whom an older file belongs.
    if found.is_file and mode & 0o077 == 0 and (found.uid, found.gid) != us:
        os.chown(path, *us)
    write_atomically(path, content, mode, follow=False)


def put_back(path: str, before: Found) -> None:
    """Have at PATH what was there BEFORE."""
    if before.target is not None:
        _link(path, before.target)
    elif before.content is None:
        remove(path)
    else:
        write_atomically(path, before.content, before.mode, (before.uid or 0, before.gid or 0), follow=False)
        about = os.lstat(path)
        if (about.st_uid, about.st_gid) != (before.uid, before.gid):
            os.chown(path, before.uid or 0, before.gid or 0)


def _link(path: str, target: str) -> None:
    """A link in place of whatever is there, at once."""
    folder, name = os.path.split(path)
    make_folders(folder)
    beside = os.path.join(folder, f".{name}.{os.urandom(4).hex()}{LEFTOVER}")
    os.symlink(target, beside)
    try:
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    flush(folder)
