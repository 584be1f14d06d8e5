# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the seccomp workaround was made for: the engine, and the profile that was derived from it.

With it a host that is right costs no container, a profile that somebody edited can be put right although the engine
cannot be asked for its default any more, and a profile that belongs to another engine is told from one that fits.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon_json import render
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, write_atomically

PATH = "/var/lib/runnerkit/seccomp_workaround.json"


class Record(NamedTuple):
    """`engine` is its version, `package` is `name=version` or None, `kernel` its release, `path` the profile's file."""

    engine: str
    package: str | None
    kernel: str
    path: str
    profile: dict[str, Any]

    @property
    def text(self) -> str:
        """The profile as it stands in its file."""
        return render(self.profile)

    @property
    def sha256(self) -> str:
        """Of the profile's file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def fits(self, engine: str | None, package: str | None, kernel: str, path: str) -> bool:
        """Whether the profile is that of this engine on this kernel.

        Default profiles ask for a kernel that is new enough, for ptrace say: what was derived on an older one is too
        strict at worst, what was derived on a newer one may be too lax.
        """
        same = (self.engine, self.package, self.path) == (engine, package, path)
        return same and kernel_version(self.kernel) <= kernel_version(kernel)


def kernel_version(release: str) -> tuple[int, ...]:
    """Major and minor of `5.10.0-28-amd64`, which is all that profiles look at."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def read(path: str = PATH) -> Record | None:
    """The record; None when it is missing or damaged, which costs no more than deriving the profile again."""
    try:
        found = json.loads(read_text(path) or "null")
        record = Record(*(found[key] for key in Record._fields))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    strings = (record.engine, record.kernel, record.path)
    if not all(isinstance(each, str) for each in strings) or not isinstance(record.profile, dict):
        return None
    return record if found.get("sha256") == record.sha256 else None


def write(record: Record, path: str = PATH) -> None:
    """Remember it."""
    write_atomically(path, render({**record._asdict(), "sha256": record.sha256}).encode(), 0o644)
