# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""podman's command line, with all its state in one folder, and one container that is talked to while it runs.

podman = Podman("/usr/bin/podman", account, folder)
podman.info(limit)
with Session(podman, janitor, ["--rootfs", path, "program"]) as session:
    session.output_until("MARKER", deadline)
    podman.configuration(deadline)
podman.remove(limit)
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Any, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_account import Account
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_folder import USER
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_process import (
    MOST,
    end,
    last_words,
    run,
    start,
    text_of,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor

CONTAINER = "probe"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - podman's choice
REMOVAL_TIMEOUT = 10.0
# Reading a file of the user's, which may be anything.
READING_TIMEOUT = 5.0
FAREWELL = 0.5

# Locks in files of the folder; podman's way are those in shared memory, which outlive it. Known since podman 4.4.
OVERRIDE = '[engine]\nlock_type = "file"\n'
SETTINGS = "containers.conf"
# An older podman sees the folder in place of the shared memory: whether its locks may be removed from there could not
# be told without a race with another podman. $0 is a name in root's part, so that it leads nowhere else.
_OWN_MEMORY = f'[ -d "$0" ] || exit 0; mount --bind "$0" {SHARED_MEMORY} && exec "$@"'

# Where runtimes keep root's containers; podman's monitor knows no other place. Those that were not there before go.
RUNTIME_FOLDERS = ("/run/runc", "/run/crun")
_FORGET_FOLDER = 'rmdir "$1" 2>/dev/null; exit 0'

# podman must not be killed, nor its books be taken away, while it starts a container: nobody else would know of that.
# It ends by itself as soon as it finds that nobody reads what the container prints.
_WAIT = 'n=0; while [ "$n" -lt 20 ] && kill -0 "$1" 2>/dev/null; do sleep 0.2; n=$((n + 1)); done; exit 0'

# As the user. Nothing was started, or all is gone already, where no container has a folder; podman would make its
# storage anew, in order to find nothing there.
_REMOVE = 'for folder in "$0"/*-containers/*/userdata; do [ ! -d "$folder" ] || exec "$@"; done; exit 0'

# As the user, who may have put something there that nobody comes to the end of.
_READ = """
for file in "$1"/*-containers/*/userdata/config.json; do [ ! -f "$file" ] || exec head -c "$2" "$file"; done
exit 1
"""


class Podman:
    """One user's podman; FOLDER is a shared one."""

    def __init__(self, program: str, account: Account, folder: str) -> None:
        self.account = account
        self._own = os.path.join(folder, USER)
        self.environment = account.environment(self._own)
        self.environment["CONTAINERS_CONF_OVERRIDE"] = os.path.join(folder, SETTINGS)
        self._program = program
        self._stuck = False
        self._version = self._ask_version()

    def _path(self, name: str) -> str:
        return os.path.join(self._own, name)

    def _ask_version(self) -> tuple[int, ...]:
        said = self._call([*self.account.prefix, self._program, "--version"], 10.0)
        found = re.search(r"(\d+)\.(\d+)", said)
        return tuple(int(part) for part in found.groups()) if found else ()

    def command(self, *words: str) -> list[str]:
        """A command line that touches the folder only."""
        return [*self._around(), *self.account.prefix, *self._podman(*words)]

    def _around(self) -> list[str]:
        if self._version >= (4, 4):
            return []
        return ["unshare", "--mount", "--propagation=slave", "/bin/sh", "-c", _OWN_MEMORY, self._own]

    def _podman(self, *words: str) -> list[str]:
        """vfs needs nothing of the kernel, and so nothing is tried."""
        network = "--network-config-dir" if self._version >= (4, 0) else "--cni-config-dir"
        return [
            self._program,
            f"--root={self._path('root')}",
            f"--runroot={self._path('run')}",
            f"--tmpdir={self._path('tmp')}",
            "--storage-driver=vfs",
            "--events-backend=none",
            f"{network}={self._path('net')}",
            *words,
        ]

    def info(self, limit: float) -> dict[str, Any]:
        """`podman info`."""
        said = self._call(self.command("info", "--format=json"), limit)
        try:
            found = json.loads(said)
        except (ValueError, RecursionError) as error:
            raise EngineError("protocol", f"podman info printed something that is not JSON: {error}") from error
        return found if isinstance(found, dict) else {}

    def _call(self, argv: Sequence[str], limit: float) -> str:
        ended = run(argv, self.environment, self.place(), limit)
        if ended.code != 0:
            raise EngineError("program", f"podman of {self.account.name} does not work: {last_words(ended.errors)}")
        return ended.said

    def place(self) -> str:
        """Where its processes start."""
        return "/" if self.account.prefix else self.account.home

    def configuration(self, deadline: float) -> dict[str, Any] | None:
        """config.json of the one container in the storage, if it can be read."""
        limit = max(0.1, min(READING_TIMEOUT, deadline - time.monotonic()))
        argv = [*self.account.limited(limit), "/bin/sh", "-c", _READ, "sh", self._path("root"), str(MOST)]
        try:
            found = json.loads(self._call(argv, limit))
        except (EngineError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def tidying(self) -> list[list[str]]:
        """Commands that remove what is left of it outside of the folder; the last is to be run first."""
        traces = RUNTIME_FOLDERS if self.account.uid == 0 else ()
        return [
            *(["/bin/sh", "-c", _FORGET_FOLDER, "sh", path] for path in traces if not os.path.lexists(path)),
            self._removal(REMOVAL_TIMEOUT),
        ]

    def tidy(self, tidying: Sequence[Sequence[str]]) -> bool:
        """Carry them out; whether all went well."""
        *others, _ = tidying
        ended = [self.remove(), *(self._ends(argv) for argv in others)]
        return all(ended)

    def remove(self) -> bool:
        """Remove the container; whether it is gone. What could not be done in time is not tried again here."""
        self._stuck = self._stuck or not self._ends(self._removal(REMOVAL_TIMEOUT))
        return not self._stuck

    def _removal(self, limit: float) -> list[str]:
        around, inside = self._around(), self._podman("rm", "--force", "--ignore", CONTAINER)
        return [*around, *self.account.limited(limit), "/bin/sh", "-c", _REMOVE, self._path("root"), *inside]

    def _ends(self, argv: Sequence[str]) -> bool:
        try:
            self._call(argv, REMOVAL_TIMEOUT + 1)
        except EngineError:
            return False
        return True


class Session:
    """`podman run` for as long as the block lasts."""

    def __init__(self, podman: Podman, janitor: Janitor, arguments: Sequence[str]) -> None:
        # A pids limit would need a controller that jobs may have and the probe does not need. There is nobody to ask
        # the container to stop: its first process heeds no signal but this one.
        options = ("--pids-limit=0", "--log-driver=none", "--network=none", "--http-proxy=false", "--stop-timeout=0")
        self._podman = podman
        self._janitor = janitor
        self._argv = podman.command("run", "--rm", f"--name={CONTAINER}", *options, *arguments)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._said = b""

    def __enter__(self) -> Session:
        podman = self._podman
        try:
            self._process = start(self._argv, podman.environment, podman.place(), subprocess.PIPE, self._errors)
        except OSError as error:
            self._errors.close()
            raise EngineError("io", f"podman could not be started: {error}") from error
        self._janitor.command(["/bin/sh", "-c", _WAIT, "sh", str(self._process.pid)])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # podman ends once its container is gone, which is removed here, or waits long for somebody to tell it (3.0).
        self._podman.remove()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(FAREWELL)
        end(self._process)
        self._errors.close()

    def output_until(self, marker: str, deadline: float) -> str:
        """What the container prints, up to the end of the line that begins with MARKER."""
        if self._process.stdout is None:
            raise EngineError("program", "podman was started without a pipe to read from")
        descriptor = self._process.stdout.fileno()
        while not _has_line(self._said, marker.encode()):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise EngineError(
                    "timeout", f"podman's container gave no answer within the time limit{self._words('; ')}"
                )
            part = os.read(descriptor, 65536)
            if not part:
                who, why = self._podman.account.name, self._words() or "it said nothing"
                raise EngineError("program", f"podman of {who} cannot run a container here: {why}")
            self._said += part
            if len(self._said) > MOST:
                raise EngineError("program", f"podman's container printed more than {MOST} bytes and no result")
        return text_of(self._said)

    def _words(self, before: str = "") -> str:
        self._process.poll()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 65536))
        text = text_of(self._errors.read(65536))
        return before + last_words(text) if text.strip() else ""


def _has_line(text: bytes, marker: bytes) -> bool:
    start_ = (b"\n" + text).find(b"\n" + marker)
    return start_ >= 0 and b"\n" in text[start_:]
