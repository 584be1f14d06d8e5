# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Whether a unix socket is systemd's alone, so that a connection would start the service behind it.

Docker's packages bring docker.socket: on a host whose engine was stopped, a mere question would start it again.
"""

from __future__ import annotations

import os
from typing import Iterator

# The flag of a listening socket in /proc/net/unix (__SO_ACCEPTCON).
_LISTENING = 0x10000


def would_start_service(path: str, proc: str = "/proc", first: str | None = None) -> bool:
    """True where PID 1 listens on PATH and no other process does.

    `first` is the process that probably listens; looking there first spares looking everywhere. Where this user
    may not look into PID 1 the answer is False.
    """
    sockets = {f"socket:[{inode}]" for inode in _listeners(path, proc)}
    if not sockets or not _holds("1", sockets, proc):
        return False
    return not any(_holds(pid, sockets, proc) for pid in _others(proc, first))


def _listeners(path: str, proc: str) -> Iterator[str]:
    """Inodes of the sockets that listen on PATH, by whatever name of it (/run, /var/run)."""
    real = os.path.realpath(path)
    try:
        with open(os.path.join(proc, "net/unix"), encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        # Num RefCount Protocol Flags Type St Inode Path
        fields = line.split(None, 7)
        if len(fields) < 8 or not int(fields[3], 16) & _LISTENING:
            continue
        if os.path.basename(fields[7]) == os.path.basename(real) and os.path.realpath(fields[7]) == real:
            yield fields[6]


def _others(proc: str, first: str | None) -> Iterator[str]:
    if first and first.isdigit() and first != "1":
        yield first
    try:
        yield from (entry for entry in os.listdir(proc) if entry.isdigit() and entry not in ("1", first))
    except OSError:
        return


def _holds(pid: str, sockets: set[str], proc: str) -> bool:
    folder = os.path.join(proc, pid, "fd")
    try:
        return any(_target(os.path.join(folder, entry)) in sockets for entry in os.listdir(folder))
    except OSError:
        return False


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
