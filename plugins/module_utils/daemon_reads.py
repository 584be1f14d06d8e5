# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Files that a daemon reads once and then knows by heart: which of them changed after it had started.

A program written in Go reads the host's bundle of authorities at its first connection and never again. Whether the
bundle changed since the process started is told by its ctime: unlike the mtime nobody sets it, not even with a file
that is moved or unpacked there with an old time. It also moves when nothing of the content does, and a clock that was
wrong leaves one that lies in the future. So whoever restarts the daemon notes what the files held: for that process the
note counts, and such a file costs one restart, not one in each run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Lost at boot, as is the process.
NOTE = "/run/runnerkit/docker_daemon.read"
PROC = "/proc"


def changed(paths: Iterable[str], pid: int, invocation: str) -> list[str]:
    """Those of the files that are not what the process found at its start; INVOCATION is systemd's name for it."""
    noted = _noted(invocation)
    started = _started(pid)

    def differs(path: str) -> bool:
        if path in noted:
            return checksum(path) != noted[path]
        return started is not None and _ctime(path) > started

    return [path for path in paths if differs(path)]


def checksums(paths: Iterable[str]) -> dict[str, str]:
    """What the files hold now."""
    return {path: checksum(path) for path in paths}


def checksum(path: str) -> str:
    """SHA-256 of a file, empty for one that is missing."""
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""


def note(invocation: str, found: dict[str, str]) -> None:
    """Remember with which files a process was started; CHECKSUMS from before that, as it may read late."""
    if invocation:
        write_atomically(NOTE, (json.dumps({"invocation": invocation, "files": found}) + "\n").encode())


def _noted(invocation: str) -> dict[str, str]:
    """The note, where it is about this process."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        found = json.loads(read_text(NOTE) or "null")
        if found["invocation"] == invocation:
            return {str(path): str(each) for path, each in found["files"].items()}
    return {}


def _started(pid: int) -> float | None:
    """When a process started, by the clock as it is now: one that was set meanwhile does not matter."""
    try:
        with open(f"{PROC}/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            # The program's name, in brackets, may hold blanks and brackets.
            ticks = int(stream.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
    # Not by /proc/uptime: in a container of LXC that counts from the container's start, and ticks from the host's.
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


def _ctime(path: str) -> float:
    """Of a file, or of what a link leads to; one that is missing never changed."""
    try:
        return os.stat(path).st_ctime
    except OSError:
        return 0.0
