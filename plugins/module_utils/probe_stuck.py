# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""A container that neither starts nor goes away.

A profile that kills what it does not know (SCMP_ACT_KILL) can kill one thread of the runtime's own first process in
the container. The others then wait for it for ever, the runtime for them and the engine for the runtime; meanwhile it
refuses to remove the container.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Iterator


def release(container_id: str, proc: str = "/proc") -> int:
    """Kill the children of a runtime that is still creating this container; how many there were.

    The runtime itself lives, so that it cleans up and reports the failure.
    """
    creators = {pid for pid in _processes(proc) if _creates(pid, container_id, proc)}
    count = 0
    for pid in _processes(proc) if creators else ():
        if _parent(pid, proc) in creators:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                count += 1
    return count


def _processes(proc: str) -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(entry) for entry in os.listdir(proc) if entry.isdigit())


def _creates(pid: int, container_id: str, proc: str) -> bool:
    """Whether it is `runc ... create ... ID`, or another runtime in its place. The shim has no such command."""
    try:
        with open(os.path.join(proc, str(pid), "cmdline"), "rb") as stream:
            words = stream.read().split(b"\0")
    except OSError:
        return False
    return b"create" in words and container_id.encode() in words


def _parent(pid: int, proc: str) -> int:
    try:
        with open(os.path.join(proc, str(pid), "stat"), encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return -1
