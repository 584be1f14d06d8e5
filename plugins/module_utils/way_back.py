# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a host had before a change of its packages began, on disk until the change is known to be good.

A run that is killed half-way takes its knowledge with it, and the next one would take the wreck for the host's own
state. So the first run writes down versions and holds before it touches anything, and nobody overwrites that before
the packages were seen to work.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically

DIRECTORY = "/var/lib/runnerkit/way_back"
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def is_name(name: str) -> bool:
    """Whether a record can be called so."""
    return bool(_NAME.fullmatch(name))


def _path(name: str) -> str:
    return os.path.join(DIRECTORY, name + ".json")


def _files(name: str) -> str:
    return os.path.join(DIRECTORY, name + ".files")


def read(name: str) -> dict[str, Any] | None:
    """The record, or None when there is none (or one that cannot be read, which is as good as none).

    `before` has the versions of packages that were there, `absent` the names of those that were not, `held` what was
    held and `foreign` what of that was held by somebody else.
    """
    try:
        found = json.loads(read_text(_path(name)) or "null")
        before = {str(package): str(version) for package, version in found["before"].items()}
        lists = {key: sorted(str(item) for item in found.get(key, [])) for key in ("absent", "held", "foreign")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return {"before": before, **lists}


def keep(name: str, record: dict[str, Any]) -> bool:
    """Write the record; of an older one every word stays, and only packages it does not speak of are added.

    Returns whether there was none before.
    """
    older = read(name)
    merged = record
    if older:
        spoken = {*older["before"], *older["absent"]}
        fresh = {package: version for package, version in record["before"].items() if package not in spoken}
        merged = {"before": {**older["before"], **fresh}}
        for key in ("absent", "held", "foreign"):
            merged[key] = sorted({*older[key], *(item for item in record[key] if item not in spoken)})
    if merged != older:
        write_atomically(_path(name), (json.dumps(merged, indent=1, sort_keys=True) + "\n").encode())
    return older is None


def keep_files(name: str, paths: Sequence[str]) -> None:
    """Write down the text of configuration files, of those that are not there that they are not; for root alone to
    read, as there may be passwords in them.
    """
    if paths:
        content = {path: read_text(path) for path in paths}
        write_atomically(_files(name), (json.dumps(content, indent=1, sort_keys=True) + "\n").encode(), 0o600)


def files(name: str) -> dict[str, str | None]:
    """The text of each file that was kept, None for one that was not there; empty where none was kept, and without a
    record: a run that did not get so far has changed nothing.
    """
    if read(name) is None:
        return {}
    try:
        found = json.loads(read_text(_files(name)) or "{}")
        return {str(path): None if text is None else str(text) for path, text in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def stale(name: str) -> list[str]:
    """The paths of kept files that are not what they were."""
    return sorted(path for path, text in files(name).items() if _differs(path, text))


def _differs(path: str, text: str | None) -> bool:
    try:
        return read_text(path) != text
    except OSError:
        return True


def put_back(name: str) -> None:
    """Give files the text that they had; those that have it are left alone."""
    kept = files(name)
    for path in stale(name):
        text = kept[path]
        if text is None:
            remove(path)
        else:
            write_atomically(path, text.encode())


def forget(name: str) -> bool:
    """Remove the record; False when there was none."""
    remove(_files(name))
    return remove(_path(name))


def versions() -> set[tuple[str, str]]:
    """Package and version of all that some record wants to go back to."""
    names = sorted(os.listdir(DIRECTORY)) if os.path.isdir(DIRECTORY) else []
    records = [read(name[: -len(".json")]) for name in names if name.endswith(".json")]
    return {item for record in records if record for item in record["before"].items()}
