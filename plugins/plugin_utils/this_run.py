# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which ansible-playbook this is, and whether the one that took a host still works on it: two of them must not."""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path

from ansible_collections.runnerkit.gitlab.plugins.module_utils.maintenance import parts

# From here nobody sees whether a process on another controller lives, so it counts as dead once it has not touched the
# host for so long, in seconds. While it waits for jobs it does once a minute; the longest steps take some minutes.
SILENT = 15 * 60
_PROC = Path("/proc")


def run_id() -> str:
    """HOSTNAME:PID:START of ansible-playbook itself, whose workers run the plugins."""
    parent = multiprocessing.parent_process()
    pid = (parent and parent.pid) or os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start(pid)}"


def still_at_it(run: str, idle: int | None) -> str:
    """Where RUN works, and how that ends, for a host that it touched IDLE seconds ago; empty when it is over, or us."""
    own = run_id()
    if run in ("", own):
        return ""
    (host, pid, start), (here, _, ours) = parts(run), parts(own)
    silent = idle is not None and idle >= SILENT
    if host == here and _place(start) == _place(ours):
        # Where nothing tells when it began, another one may have its number by now.
        over = not _lives(pid, start) or (silent and not _start(int(pid)))
        return "" if over else f"on {host}, process {pid}; wait for its end"
    if silent:
        return ""
    touched = "" if idle is None else f", which last touched this host {idle // 60} min ago"
    return (
        f"on {host} (process {pid}){touched}; wait for its end, or, if it is dead, until it has been silent for "
        f"{SILENT // 60} min"
    )


def _lives(pid: str, start: str) -> bool:
    """Whether a process is there, and is the one that began then."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass  # it is there, and somebody else's
    return _start(int(pid)) in ("", start)


def _start(pid: int) -> str:
    """When a process began (field 22 of its stat), and where; empty where /proc does not tell."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        # By its name alone a container, or another machine that has the same, would be taken for this controller.
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        place = f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
    # One that has died, and whose parent has not asked for it yet, is still in the table.
    return "dead" if state in ("Z", "X") else f"{fields[18]}@{place}"


def _place(start: str) -> str:
    return start.partition("@")[2]
