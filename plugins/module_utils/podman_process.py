# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Processes of a user who may wish this one ill: limited in time, and in what of their output is kept."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from typing import IO, Mapping, NamedTuple, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError, printable

# config.json of a container has some 100 KiB, most of which is its seccomp profile.
MOST = 4 << 20
_LIMIT = 300


class Ended(NamedTuple):
    """A process that came to its end."""

    code: int
    said: str
    errors: str


def start(
    argv: Sequence[str], environment: Mapping[str, str], folder: str, output: int, errors: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """A process with nothing of this one's environment, and no terminal that it could type on."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )


def run(argv: Sequence[str], environment: Mapping[str, str], folder: str, limit: float) -> Ended:
    """Run it; EngineError where it takes longer than LIMIT seconds, or prints more than anybody needs."""
    try:
        process = start(argv, environment, folder, subprocess.PIPE, subprocess.PIPE)
    except OSError as error:
        raise EngineError("io", f"podman could not be started: {error}") from error
    deadline = time.monotonic() + limit
    try:
        said, errors = _outputs(process, deadline, limit)
        return Ended(process.wait(max(0.0, deadline - time.monotonic())), said, errors)
    except subprocess.TimeoutExpired as error:
        raise _silence(limit) from error
    finally:
        end(process)


def _outputs(process: subprocess.Popen[bytes], deadline: float, limit: float) -> tuple[str, str]:
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
    found = {pipe.fileno(): b"" for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                raise _silence(limit)
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                found[key.fd] += part
                if not part:
                    selector.unregister(key.fileobj)
                if len(found[key.fd]) > MOST:
                    raise EngineError("protocol", f"podman printed more than {MOST} bytes")
    said, errors = (text_of(found[pipe.fileno()]) for pipe in pipes)
    return said, errors


def _silence(limit: float) -> EngineError:
    return EngineError("timeout", f"podman gave no answer within {limit:g} s")


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it if it still runs, with what it started, and let go of its pipes, which others may hold for ever."""
    if process.poll() is None:
        # runuser stays root's, and the user's process is its child. The group is this process's as long as nobody
        # has waited for its leader, and nobody else can join it.
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def last_words(text: str) -> str:
    """What podman says went wrong: its line with `Error`, or else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")] or [
        line for line in lines if "level=warn" not in line
    ]
    line = (errors or lines or ["nothing"])[-1]
    line = re.sub(r"^Error: ", "", line)
    return printable(line)[:_LIMIT]


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")
