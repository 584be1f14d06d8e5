# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What was written for private registries on this host, and what had been there before: the record.

It is written before anything else is, so that a run which is killed half-way leaves a record that knows of all it may
have written: a file has more than one checksum then. What the record does not know is somebody else's.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError, Found
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, why, write_atomically

VERSION = 1
# Keys that somebody had there before are kept in it.
MODE = 0o600


class Entry(NamedTuple):
    """One file: the checksums that it has when it still is what was written, and what was there before."""

    sha256: tuple[str, ...]
    before: Found | None = None


class Record(NamedTuple):
    """The record. FOLDERS are those that were made for the files; STORE_PENDING says that the update program is due."""

    files: dict[str, Entry]
    folders: tuple[str, ...] = ()
    store_pending: bool = False

    def __bool__(self) -> bool:
        return bool(self.files or self.folders or self.store_pending)

    def text(self) -> str:
        """As it stands in its file."""
        files = {
            path: {"sha256": list(entry.sha256), "before": entry.before.to_json() if entry.before else None}
            for path, entry in self.files.items()
        }
        found = {"version": VERSION, "files": files, "folders": self.folders, "store_pending": self.store_pending}
        return json.dumps(found, indent=1, sort_keys=True) + "\n"


def read(path: str) -> Record:
    """The record, an empty one where there is none; CaError when it cannot be understood."""
    try:
        text = read_text(path)
    except OSError as error:
        raise CaError(f"cannot read {path}: {why(error)}" if error.errno else f"{error}; {_remedy(path)}") from error
    if text is None:
        return Record({})
    try:
        found = json.loads(text)
        version = found["version"]
        if version == VERSION:
            return _parsed(found)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CaError(
            f"{path} on this host is damaged, and it says which files are the role's; {_remedy(path)}"
        ) from error
    raise CaError(
        f"{path} on this host has version {version!r}, which this release cannot read; use the release of runnerkit "
        "that wrote it"
    )


def _remedy(path: str) -> str:
    return (
        f"bring {path} back from a backup, or remove it: what was written so far then counts as somebody else's, and "
        "stays when it is not declared any more"
    )


def _parsed(found: dict[str, Any]) -> Record:
    files = {}
    for path, each in found["files"].items():
        sums = each["sha256"]
        if not isinstance(sums, list) or not all(isinstance(each, str) and each for each in sums):
            raise TypeError("sha256")
        files[path] = Entry(tuple(sums), None if each["before"] is None else Found.from_json(each["before"]))
    folders, pending = found["folders"], found["store_pending"]
    if not isinstance(folders, list) or not all(isinstance(each, str) for each in folders):
        raise TypeError("folders")
    if not isinstance(pending, bool):
        raise TypeError("store_pending")
    if not all(each.startswith("/") for each in [*files, *folders]):
        raise ValueError("paths")
    return Record(files, tuple(folders), pending)


def write(path: str, record: Record) -> None:
    """Keep it; one without anything in it is no file."""
    if record:
        write_atomically(path, record.text().encode(), MODE)
    else:
        remove(path)
