# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which holds on packages are runnerkit's own.

A hold says "do not touch", whoever set it. Those that runnerkit set it may lift for an upgrade that was asked for;
those that a person set it may not, so it has to remember which are which.
"""

from __future__ import annotations

import json

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, write_atomically

PATH = "/var/lib/runnerkit/holds.json"


def read(path: str = PATH) -> set[str]:
    """Names of the packages that runnerkit holds; none when the record is missing or damaged."""
    try:
        names = json.loads(read_text(path) or "[]")
    except (OSError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def write(names: set[str], path: str = PATH) -> None:
    """Remember the names."""
    write_atomically(path, (json.dumps(sorted(names)) + "\n").encode())
