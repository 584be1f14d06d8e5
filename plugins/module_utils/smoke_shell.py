# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""A smoke job of the shell executor: on the host, as the runner's user, in the login shell that the runner starts.

The shell reads its commands from a pipe that this process writes step by step. When this process dies, the shell sees
the end of them and goes.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import signal
import subprocess
import time
from typing import Iterator, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import SEARCH_PATH, find_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import JOB, VERSION, hear

# What the shell has to say goodbye.
LEAVE = 5.0
# For how long an engine may go on with a step whose shell died.
AFTERMATH = 20.0


def account(user: str) -> pwd.struct_passwd:
    """The user as whom jobs run; EngineError where this process cannot be that."""
    try:
        found = pwd.getpwnam(user)
    except KeyError as error:
        raise EngineError(
            "missing", f"this host has no user {user}, as whom jobs of the shell executor run; install the runner"
        ) from error
    if os.geteuid() not in (0, found.pw_uid):
        raise EngineError("permission", f"a job cannot be run as {user} by this user; become root")
    return found


def run_shell(
    janitor: Janitor, user: pwd.struct_passwd, functions: str, steps: Sequence[str], deadline: float
) -> Outcome:
    """Run the steps in the user's login shell."""
    began = time.time()
    shell = _Shell(_command(user), deadline)
    janitor.process(shell.pid)
    try:
        shell.say(functions)
        for name in steps:
            with janitor.making(AFTERMATH):
                shell.say(f"step {name}\n")
                code = shell.wait_for(name)
            if code is None or (code != 0 and name in (JOB, VERSION)):
                break
        # The runner's script ends in this way, so that a ~/.bash_logout in which a command fails fails the job.
        shell.say("set -e\nexit 0\n")
        return Outcome(shell.lines, shell.leave(), began)
    finally:
        shell.end()


def _command(user: pwd.struct_passwd) -> list[str]:
    """As the runner does it: `su` with a login shell that reads its script from standard input."""
    bash = find_program("bash")
    login = [bash, "--login"] if bash else ["/bin/sh", "-l"]
    if os.geteuid() == user.pw_uid and os.geteuid() != 0:
        return login
    return ["su", "-s", login[0], user.pw_name, "-c", " ".join(login)]


class _Shell:
    """A login shell whose output is read line by line."""

    def __init__(self, command: Sequence[str], deadline: float) -> None:
        self.lines: list[tuple[float, str]] = []
        self._deadline = deadline
        self._rest = b""
        environment = {"PATH": SEARCH_PATH, "HOME": "/", "LANG": "C.UTF-8"}
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError("missing", f"{command[0]} could not be started: {error.strerror}") from error
        self.pid = self._process.pid

    def say(self, text: str) -> None:
        """Give the shell commands; one that has ended hears nothing."""
        stdin = self._process.stdin
        with contextlib.suppress(BrokenPipeError, ValueError):
            if stdin is not None:
                stdin.write(text.encode())
                stdin.flush()

    def wait_for(self, step: str) -> int | None:
        """How a step ended; None where the shell, or the time, did."""
        while self._read(self._deadline):
            ended = [each.code for each in hear(self.lines) if each.step == step and each.code is not None]
            if ended:
                return ended[0]
        return None

    def leave(self) -> int | None:
        """The status of the shell; None where it does not go."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
        limit = min(self._deadline, time.monotonic() + LEAVE)
        while self._read(limit):
            pass
        try:
            return self._process.wait(timeout=max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Kill what is left of it."""
        family = list(descendants(self.pid))
        for pid in [self.pid, *family] if self._process.poll() is None else family:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _read(self, limit: float) -> bool:
        """Take what comes, for at most half a second; False at the end of the output, or of the time."""
        stdout = self._process.stdout
        left = limit - time.monotonic()
        if stdout is None or left <= 0:
            return False
        ready, _, _ = select.select([stdout], [], [], min(0.5, left))
        if not ready:
            return True
        part = os.read(stdout.fileno(), 65536)
        *lines, self._rest = (self._rest + part).split(b"\n")
        now = time.time()
        self.lines += [(now, line.decode("utf-8", "replace")) for line in lines]
        if not part and self._rest:
            self.lines.append((now, self._rest.decode("utf-8", "replace")))
        return bool(part)


def descendants(pid: int, proc: str = "/proc") -> Iterator[int]:
    """Processes below one, whatever sessions they made for themselves."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir(proc):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                with open(f"{proc}/{entry}/stat", encoding="utf-8", errors="replace") as stream:
                    parent = int(stream.read().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    waiting = list(children.get(pid, ()))
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children.get(found, ())
