"""The shell executor: jobs run on the host, as the runner's user."""

from __future__ import annotations

import os
import pwd
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from .config import get
from .job import Job
from .volumes import project_folder

GRACE = 10.0


class Shell:
    """One job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        builds = str(get(job.runner, "builds_dir") or Path(job.work) / "builds")
        self.folder = project_folder(builds, job.short, job.slot, job.project, shared=True)
        self.own: Mapping[str, str] = {"CI_BUILDS_DIR": builds, "CI_SHARED_ENVIRONMENT": "true"}

    def prepare(self) -> None:
        user = self.job.user or pwd.getpwuid(os.getuid()).pw_name
        self.job.trace.line(f'Preparing the "shell" executor as {user}')

    def _command(self) -> list[str]:
        if self.job.user and os.getuid() == 0:
            return ["su", "--shell", "/bin/bash", "--login", self.job.user, "--command", "bash --login"]
        return ["bash", "--login"]

    def fetch_sources(self, script: str) -> int:
        return self.run(script)

    def run(self, script: str) -> int:
        process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        try:
            process.stdin.write(script.encode())
            process.stdin.close()
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                while True:
                    self.job.check()
                    if selector.select(0.2):
                        data = os.read(process.stdout.fileno(), 65536)
                        if not data:
                            break
                        self.job.trace.write(data)
            code = process.wait()
            return code if code >= 0 else 128 - code
        finally:
            self._end(process)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """Its whole group, kindly at first."""
        for number, wait in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
            begun = time.monotonic()
            while process.poll() is None and time.monotonic() - begun < wait:
                try:
                    os.killpg(process.pid, number)
                except (ProcessLookupError, PermissionError):
                    break
                time.sleep(0.1)
        if process.stdout:
            process.stdout.close()

    def cleanup(self) -> None:
        """The checkout stays for the next job, as with the real one."""
