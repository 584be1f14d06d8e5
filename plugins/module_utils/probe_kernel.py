# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What the kernel itself answers to the calls: the same program on the host, where nothing filters."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_host import read_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import FALLBACK_INTERPRETER
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import errors, parse, presence, source
from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import numbers

# It takes a twentieth of a second.
TIMEOUT = 20.0


def callable_numbers() -> dict[str, int]:
    """The calls that a program of this host's Python can make by number; empty where that is unknown."""
    # A 32-bit Python on a 64-bit kernel speaks the numbers of another architecture.
    return numbers(os.uname().machine) if struct.calcsize("P") == 8 else {}


def is_filtered(status: str = "/proc/self/status") -> bool:
    """Whether this process is under a seccomp filter itself, as in a container, or a service that systemd confines."""
    with contextlib.suppress(OSError):
        lines = read_text(status).splitlines()
        return any(line.startswith("Seccomp:") and line.split()[1:] != ["0"] for line in lines)
    return False


class Kernel:
    """The baseline, which is measured while something else goes on."""

    def __init__(self, interpreter: str | None = None, status: str = "/proc/self/status") -> None:
        self._interpreter = interpreter or sys.executable or FALLBACK_INTERPRETER
        self._status = status
        self._process: subprocess.Popen[str] | None = None
        self._result: dict[str, Any] | None = None
        self._errors: dict[str, str] | None = None

    def start(self) -> None:
        """Begin, once; the result says what went wrong, if anything did."""
        if self._process is not None or self._result is not None:
            return
        if not callable_numbers():
            self._lacking(f"the numbers of system calls of a Python for {_machine()} are not known")
            return
        if is_filtered(self._status):
            self._lacking(
                "this process is under a seccomp filter itself; run the module on the host, not in a container"
            )
            return
        try:
            self._process = subprocess.Popen(
                [self._interpreter, "-I", "-S", "-c", source(callable_numbers(), linger=0)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            self._lacking(f"{self._interpreter} could not be started: {error.strerror or error}")

    def result(self) -> dict[str, Any]:
        """`{release, calls, reason}`; waits for the process."""
        self.start()
        if self._result is None and self._process is not None:
            try:
                output, _ = self._process.communicate(timeout=TIMEOUT)
                report = parse(output)
                self._errors = errors(report)
                self._result = _result(presence(report), None)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
                self._lacking(f"the kernel gave no answer within {TIMEOUT:g} s")
            except ValueError as error:
                self._lacking(str(error))
        return self._result or _result(None, "the kernel was not asked")

    def calls(self) -> dict[str, str] | None:
        """What the kernel says of each call; None where that is not known."""
        calls: dict[str, str] | None = self.result()["calls"]
        return calls

    def errors(self) -> dict[str, str] | None:
        """The error by which the kernel itself answers each call; None where that is not known."""
        self.result()
        return self._errors

    def _lacking(self, reason: str) -> None:
        self._result = _result(None, reason)


def _result(calls: dict[str, str] | None, reason: str | None) -> dict[str, Any]:
    return {"release": os.uname().release, "calls": calls, "reason": reason}


def _machine() -> str:
    return f"{struct.calcsize('P') * 8} bits on {os.uname().machine}"
