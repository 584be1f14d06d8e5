# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Running the update program of a trust store: not for longer than a limit, as packages hang their own programs on it,
and those may wait for something that never comes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile

from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import SEARCH_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

# Java's store alone takes a minute on a slow host.
LIMIT = 300.0
_GRACE = 5.0


class StoppedError(Exception):
    """It did not end; SAID is what it had printed until then."""

    def __init__(self, said: str) -> None:
        Exception.__init__(self)
        self.said = said


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Return code and what it says, of both kinds together; StoppedError when it had to be ended."""
    # The shell that Ansible came by may lack the folders of administrators, and keep others from reading.
    environment = {**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C", "LANG": "C"}
    # A file and no pipe: what a hook leaves running in the background holds it open, and is not waited for.
    with tempfile.TemporaryFile() as output:
        mask = os.umask(0o022)
        try:
            process = subprocess.Popen(
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.umask(mask)
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.returncode is None:
                _end(process)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if code is None:
        raise StoppedError(said)
    return code, said, ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, kindly first."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
