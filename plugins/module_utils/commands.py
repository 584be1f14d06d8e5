# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Short commands run side by side, each with a time limit, none of which can fail its caller."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

# What systemd gives to services: where the engine itself looks for its programs.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str, search_path: str = SEARCH_PATH) -> str | None:
    """The first executable file NAME in SEARCH_PATH."""
    for folder in search_path.split(":"):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


class Batch:
    """Commands that run at the same time; what they print is collected at the end."""

    def __init__(self, timeout: float, search_path: str = SEARCH_PATH) -> None:
        self._deadline = time.monotonic() + timeout
        self._search_path = search_path
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, key: str, argv: list[str]) -> None:
        """Start ARGV; what cannot be started has no output."""
        # No variable of the caller may change what a program reports (a context, a language).
        environment = {
            "PATH": self._search_path,
            "HOME": os.environ.get("HOME", "/"),
            "LC_ALL": "C",
            # Docker's client up to 20.10 pings the daemon before it prints its version: it would wait for one that
            # hangs and, by socket activation, start one that was stopped. Here it is refused at once.
            "DOCKER_HOST": "unix:///dev/null",
        }
        try:
            self._running[key] = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError:
            return

    def collect(self) -> dict[str, str]:
        """The standard output of each command that ended well within the time limit."""
        outputs: dict[str, str] = {}
        for key, process in self._running.items():
            try:
                output, _ = process.communicate(timeout=max(0.01, self._deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _end(process)
                continue
            if process.returncode == 0:
                outputs[key] = output
        self._running = {}
        return outputs


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a command and whatever it started; one that the kernel holds is left to the kernel."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    if process.stdout is not None:
        process.stdout.close()
