# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Writes config.toml once for every call into the system, and dies by SIGKILL just before that call.

A program of its own (`python kill_at_every_call.py FOLDER`), as it forks. Prints one row of JSON for each death: what
the file holds afterwards, what else lies in its folder, and what is left after the next read.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from types import FrameType

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store

OLD, NEW = b"old" * 3000, b"new" * 5000


def die_at(number: int) -> None:
    """Have this process killed at its call NUMBER of something that is not Python."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call":
            calls[0] += 1
            if calls[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


def attempt(path: str, number: int) -> bool:
    """Write once; whether it was killed."""
    with open(path, "wb") as stream:
        stream.write(OLD)
    expected = store.read(path).sha256
    child = os.fork()
    if child == 0:
        die_at(number)
        store.write(path, NEW, expected, backup=True, restart_needed=True)
        sys.setprofile(None)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(folder: str) -> None:
    """All deaths, until a write gets to its end."""
    path = os.path.join(folder, "etc", "config.toml")
    store.RESTART_MARK = os.path.join(folder, "mark", "restart")
    os.mkdir(os.path.dirname(path))
    number, killed = 0, True
    while killed:
        number += 1
        killed = attempt(path, number)
        content = store.read(path).content
        below = sorted(os.listdir(os.path.dirname(path)))
        marked = os.path.exists(store.RESTART_MARK)
        store.tidy(path)
        after = sorted(os.listdir(os.path.dirname(path)))
        row = {
            "killed": killed,
            "content": {OLD: "old", NEW: "new"}.get(content or b"", "neither"),
            "left": [name for name in below if name.endswith(".runnerkit")],
            "left_later": [name for name in after if name.endswith(".runnerkit")],
            "marked": marked,
        }
        print(json.dumps(row))  # noqa: T201
        for name in after:
            os.unlink(os.path.join(os.path.dirname(path), name))
        if marked:
            os.unlink(store.RESTART_MARK)


if __name__ == "__main__":
    main(sys.argv[1])
