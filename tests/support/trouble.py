# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What goes wrong while a host is worked on: the controller dies, somebody holds a lock, the disk is full."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from testinfra.host import Host

from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, SITE, Played, command_line, environment

APT_LOCK = "/var/lib/dpkg/lock-frontend"
_HOLDER = """
import fcntl, os, sys, time
path, seconds, once = sys.argv[1:]
if not os.path.exists(once):
    print("waits", flush=True)
while not os.path.exists(once):
    time.sleep(0.05)
lock = open(path, "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(seconds))
"""
# All that connections have running there, and what that has started; not this program and those that it runs below.
_CUT = """
import os, signal
from pathlib import Path
parents, sessions = {}, set()
for entry in Path("/proc").iterdir():
    if entry.name.isdigit():
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if (entry / "cmdline").read_bytes().startswith((b"sshd: ", b"sshd-session: ")):
                sessions.add(int(entry.name))
        except OSError:
            pass
def line(pid):
    while pid:
        yield pid
        pid = parents.get(pid)
own = set(line(os.getpid()))
for pid in sorted(parents):
    if pid not in own | sessions and sessions & set(line(pid)):
        try:
            os.kill(pid, signal.SIGKILL)
            print(pid)
        except ProcessLookupError:
            pass
"""


def children(of: int, parents: Mapping[int, int]) -> list[int]:
    """A process and all that came from it, by the table of everybody's parent."""
    found = [of]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def kill_run(pid: int) -> None:
    """SIGKILL for a run and its workers, which are sessions of their own, before any of them gets further."""
    os.kill(pid, signal.SIGSTOP)
    for each in children(pid, _parents()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _reach(run: subprocess.Popen[bytes], begun: Path, after: float, timeout: float) -> bool:
    """Wait until the run stands still, or AFTER seconds after the task began; false when it ended before that."""
    deadline, moment = time.monotonic() + timeout, None
    while time.monotonic() < deadline:
        state = os.waitid(os.P_PID, run.pid, os.WEXITED | os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        if state:
            return state.si_code == os.CLD_STOPPED
        if moment is None and begun.exists():
            moment = time.monotonic() + after
        if moment is not None and time.monotonic() >= moment:
            return True
        time.sleep(0.01)
    return False


def killed_at(
    host: Host,
    task: str,
    playbook: Path = SITE,
    variables: Mapping[str, Any] | None = None,
    *,
    when: str = "during",
    after: float = 0.5,
    cut: bool = False,
    limit: str = "",
    arguments: Sequence[str] = (),
    timeout: float = 600,
) -> Played:
    """Start a playbook and kill -9 the controller, its workers and their connections at a task on a host.

    TASK is the task's name, with or without its role's before it. WHEN is `before` it has done anything, `during` it,
    AFTER seconds after it began (or at its end, when that comes first), or `after` it ended, when nothing has been
    made of its result. What the task runs on the host then goes on to its end there, as it does when a controller
    dies; with CUT it is killed as well, as when the host's own plug is pulled. LIMIT is this host unless said.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        record, begun = Path(folder, "record"), Path(folder, "begun")
        record.touch()
        stop = {"task": task, "host": name_of(host), "when": when, "begun": str(begun)}
        run = subprocess.Popen(
            command_line(playbook, limit or name_of(host), variables, arguments),
            cwd=CHECKOUT,
            env={
                **environment(str(record)),
                "ANSIBLE_CALLBACKS_ENABLED": "recorder,stopper",
                "RUNNERKIT_STOP_AT": json.dumps(stop),
            },
            stdout=output,
            stderr=output,
        )
        try:
            reached = _reach(run, begun, after, timeout)
        finally:
            if run.poll() is None:
                kill_run(run.pid)
            code = run.wait()
        if cut:
            host.check_output("python3 -c %s", _CUT)
        output.seek(0)
        said = output.read().decode(errors="replace")
        assert reached, f"{task!r} was not reached on {name_of(host)}:\n{said}"
        return Played(code, said, [json.loads(line) for line in record.read_text().splitlines()], calls=0)


@contextlib.contextmanager
def holding(host: Host, path: str = APT_LOCK, seconds: float = 600, once: str = "/") -> Iterator[int]:
    """Another program holds a lock of the host, once a path is there and for so long at most; yields its process."""
    said = host.check_output("mktemp")
    pid = int(
        host.check_output("nohup python3 -c %s %s %s %s > %s 2>&1 & echo $!", _HOLDER, path, str(seconds), once, said)
    )
    try:
        host.check_output("for i in $(seq 100); do grep -Eqx 'held|waits' %s && exit; sleep 0.1; done; exit 1", said)
        yield pid
    finally:
        host.run("kill %s; rm -f %s", str(pid), said)


@contextlib.contextmanager
def full_disk(host: Host, path: str) -> Iterator[None]:
    """A folder has no byte left: on a file system of its own, with what was in it; what is written there is lost."""
    place = host.check_output("mktemp -d")
    host.check_output(
        "mount -t tmpfs -o size=$(($(du -sk %s | cut -f1) + 256))k full %s"
        " && cp -a %s/. %s/ && (cat /dev/zero > %s/ballast 2> /dev/null; mount --bind %s %s)",
        path, place, path, place, place, place, path,
    )  # fmt: skip
    try:
        yield
    finally:
        host.check_output("umount %s && umount %s && rmdir %s", path, place, place)
