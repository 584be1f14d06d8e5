# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""A process that cleans up after a probe that died.

A probe removes what it made. When it cannot, killed by a signal that nobody can catch, its janitor does: a child that
waits for the other end of a pipe to close. Told "done" before, it goes; otherwise it removes what was registered.

    with Janitor() as janitor:
        janitor.engine("/var/run/docker.sock")      # before anything is made there
        ... make things with the label runnerkit.probe=<janitor.mark>, use them, remove them ...

What was registered last is removed first. An engine that does not answer is tried again for some minutes; one that was
asked to make something, and did not say whether it did, is looked at again for twice the time that it had.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from types import TracebackType
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import LABEL as _LABEL
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import remove_marked
from ansible_collections.runnerkit.gitlab.plugins.module_utils.socket_activation import would_start_service

LABEL = _LABEL

# How long the janitor goes on while something cannot be removed.
PATIENCE = 600.0
# An engine may still be carrying out a request of the probe that died: nothing is believed gone before it was looked
# for during this long, and not found.
QUIET = 3.0
# The same for an engine that owes an answer to a request for something new, by the time that it was given for it.
QUIET_FOR_THE_SLOW = 2.0
# What is known by its name alone may be made again by others.
LONGEST_QUIET_FOR_NAMES = 10.0
# Kinds of errors after which nobody knows whether the engine goes on with the request.
UNDECIDED = ("timeout", "io", "protocol")
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
REQUEST_TIMEOUT = 20.0


class Janitor:
    """The probe's end of the pipe."""

    def __init__(self, patience: float = PATIENCE, quiet: float = QUIET) -> None:
        self.mark = uuid.uuid4().hex[:12]
        self._patience = patience
        self._quiet = quiet
        self._registered: set[str] = set()
        self._requests = itertools.count()
        # Whether something is left to do when this run has ended.
        self.keeps = False
        self._pipe = -1
        self._pid = 0

    def __enter__(self) -> Janitor:
        reader, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._pipe)
                _be_nobodys_child(reader)
                _wait_and_clean(reader, self.mark, self._patience, self._quiet)
            finally:
                os._exit(0)
        os.close(reader)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.keeps:
            self._send("done")
        os.close(self._pipe)
        if not self.keeps:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)

    def engine(self, socket_path: str) -> None:
        """Everything on this engine that has the label with this run's mark."""
        self._register({"engine": socket_path})

    def folder(self, path: str) -> None:
        """A folder with all that is in it."""
        self._register({"folder": path})

    def process(self, pid: int) -> None:
        """A process; another one that got its number later is left alone."""
        self._register({"process": pid, "started": started(pid)})

    def command(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """A command that removes something, and ends with 0 once that is gone."""
        self._register({"command": list(argv), "environment": dict(environment) if environment is not None else None})

    def request(self, socket_path: str, path: str, query: Mapping[str, Any] | None = None) -> None:
        """What a DELETE of this path removes from an engine, such as an image's name, which can have no label."""
        self._register({"delete": path, "query": dict(query or {}), "at": socket_path})

    def keep(self) -> None:
        """Something could not be removed in time: the janitor goes on with it when this run has ended."""
        self.keeps = True

    @contextlib.contextmanager
    def making(self, limit: float) -> Iterator[None]:
        """While an engine is asked to make something and given LIMIT seconds: it may go on when nobody waits."""
        number = next(self._requests)
        self._send(json.dumps({"asked": number, "limit": limit}))
        try:
            yield
        except EngineError as error:
            if error.kind in UNDECIDED:
                self.keep()
                raise
            self._send(json.dumps({"answered": number}))
            raise
        except BaseException:
            self.keep()
            raise
        self._send(json.dumps({"answered": number}))

    def _register(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry)
        if line not in self._registered:
            self._registered.add(line)
            self._send(line)

    def _send(self, line: str) -> None:
        # A janitor that was killed is no reason to fail: the probe cleans up for itself.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, line.encode() + b"\n")


def started(pid: int) -> str | None:
    """When a process was started, in the kernel's own count; None for one that does not exist."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _be_nobodys_child(keep: int) -> None:
    """Let go of everything that Ansible, or a terminal, would wait for or kill by."""
    os.setsid()
    os.chdir("/")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, keep)
    os.closerange(keep + 1, max(256, nowhere + 1))


def _wait_and_clean(reader: int, mark: str, patience: float, quiet: float) -> None:
    lines = _lines_until_the_end(reader)
    if lines[-1:] == ["done"]:
        return
    entries = [json.loads(line) for line in lines]
    quiet = max([quiet, *(QUIET_FOR_THE_SLOW * limit for limit in _unanswered(entries))])
    patience = max(patience, 2 * quiet)
    begin = time.monotonic()
    pause = FIRST_PAUSE
    # With each entry, since when there was nothing to remove.
    left = [(entry, begin) for entry in reversed(entries) if "asked" not in entry and "answered" not in entry]
    while left and time.monotonic() - begin < patience:
        seen = [(entry, since if _clean(entry, mark) else time.monotonic()) for entry, since in left]
        left = [(entry, since) for entry, since in seen if time.monotonic() - since < _quiet_for(entry, quiet)]
        if left:
            time.sleep(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE)


def _quiet_for(entry: Mapping[str, Any], quiet: float) -> float:
    return min(quiet, LONGEST_QUIET_FOR_NAMES) if "delete" in entry else quiet


def _unanswered(entries: Sequence[Mapping[str, Any]]) -> Sequence[float]:
    """The time limits of the requests for something new that nobody saw the end of."""
    limits = {entry["asked"]: float(entry["limit"]) for entry in entries if "asked" in entry}
    for entry in entries:
        limits.pop(entry.get("answered"), None)
    return list(limits.values())


def _lines_until_the_end(reader: int) -> list[str]:
    said = b""
    while True:
        part = os.read(reader, 65536)
        if not part:
            # A line that was cut short was never followed by what it registers.
            return said.decode().split("\n")[:-1]
        said += part


def _clean(entry: Mapping[str, Any], mark: str) -> bool:
    """Remove what ENTRY names; whether it is gone."""
    if "engine" in entry:
        return _clean_engine(entry["engine"], mark)
    if "delete" in entry:
        return _clean_by_request(entry["at"], entry["delete"], entry["query"])
    if "folder" in entry:
        shutil.rmtree(entry["folder"], ignore_errors=True)
        return not os.path.lexists(entry["folder"])
    if "process" in entry:
        return _clean_process(entry["process"], entry["started"])
    return _clean_by_command(entry["command"], entry["environment"])


def _clean_process(pid: int, begin: str | None) -> bool:
    if begin is None or started(pid) != begin:
        return True
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    # A child of the probe is a zombie until init has buried it; it is killed all the same.
    return True


def _clean_by_command(argv: list[str], environment: dict[str, str] | None) -> bool:
    try:
        ended = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=REQUEST_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _clean_by_request(socket_path: str, path: str, query: Mapping[str, Any]) -> bool:
    if would_start_service(socket_path):
        return False
    try:
        Engine(socket_path, REQUEST_TIMEOUT).delete(path, query=query)
    except EngineError as error:
        return error.status == 404 or error.kind == "absent"
    return False


def _clean_engine(socket_path: str, mark: str) -> bool:
    # An engine that somebody stopped meanwhile is not started for this: nothing of it runs then.
    if would_start_service(socket_path):
        return False
    try:
        return remove_marked(Engine(socket_path, REQUEST_TIMEOUT), mark) == 0
    except EngineError as error:
        return error.kind == "absent"
