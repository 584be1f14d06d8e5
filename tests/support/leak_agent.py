# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Looks for secrets on the machine that it runs on: while something happens in the processes, afterwards in the files.

`tests/support/leaks.py` sends it to both ends as `python3 -c`, so it knows nothing but Python 3.8. What it looks for
comes on standard input, one line of JSON, as a command line would be a leak itself. It answers `ready`, watches until
standard input ends, searches, and prints what it found: a JSON list of [place, name of the secret].
"""

from __future__ import annotations

import glob
import json
import os
import re
import select
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

# Fast enough for what lives as long as a program in Python takes to start.
INTERVAL = 0.01
# Nothing that is bigger was made by a run of Ansible.
BIGGEST = 64 << 20


class Agent:
    """One search. NEEDLES are the forms that each secret may take."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.names: dict[bytes, str] = {
            needle.encode(): name for name, needles in order["needles"].items() for needle in needles
        }
        self.pattern = re.compile(b"|".join(re.escape(needle) for needle in self.names))
        self.roots: list[str] = order["roots"]
        self.skipped: set[str] = set(order["skipped"])
        self.watched: list[str] = order["watched"]
        self.newer: float | None = order["newer"]
        self.found: set[tuple[str, str]] = set()
        # What was looked at before, as most of it stays the same from one moment to the next.
        self.seen: set[int] = set()

    def look(self, place: str, data: bytes) -> None:
        """Note what DATA holds."""
        if self.known(place, data):
            return
        for needle in set(self.pattern.findall(data)):
            self.found.add((place, self.names[needle]))

    def known(self, *what: object) -> bool:
        """Whether it was looked at before; from now on it was."""
        size = len(self.seen)
        self.seen.add(hash(what))
        return len(self.seen) == size

    def sample(self) -> None:
        """Processes as they are now, and files that may be gone later."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            command = read(f"/proc/{pid}/cmdline")
            name = os.path.basename(command.split(b"\0", 1)[0]).decode("utf-8", "replace")
            self.look(f"process list ({name})", command)
            self.look(f"environment of a process ({name})", read(f"/proc/{pid}/environ"))
        for root in (root for pattern in self.watched for root in glob.glob(pattern)):
            for path in files(root, self.skipped):
                if self.changed(path):
                    self.look(f"{path} (meanwhile)", read(path, BIGGEST))

    def changed(self, path: str) -> bool:
        """Whether a file is another one than when it was looked at, if it may be one of ours at all."""
        try:
            about = os.lstat(path)
        except OSError:
            return False
        ours = self.newer is None or max(about.st_mtime, about.st_ctime) >= self.newer
        return ours and not self.known(path, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)

    def search(self) -> None:
        """Everything that stays: files, their names, the journal."""
        for root in self.roots:
            for path in files(root, self.skipped):
                if self.newer is None or newer(path, self.newer):
                    self.look(path, os.fsencode(path))
                    self.look(path, read(path, BIGGEST))
        journal = shutil.which("journalctl")
        if journal:
            done = subprocess.run([journal, "--all", "--no-pager", "-o", "export"], stdout=subprocess.PIPE, check=False)
            self.look("journal", done.stdout)


def files(root: str, skipped: set[str]) -> Iterator[str]:
    """Paths of the files under a folder, or the file itself."""
    if os.path.isfile(root) and not os.path.islink(root):
        yield root
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if os.path.join(folder, name) not in skipped]
        for name in names:
            yield os.path.join(folder, name)


def newer(path: str, than: float) -> bool:
    """Whether a file was made or changed since."""
    try:
        about = os.lstat(path)
    except OSError:
        return False
    return max(about.st_mtime, about.st_ctime) >= than


def read(path: str, biggest: int = 1 << 20) -> bytes:
    """What a file holds; nothing when it is none, or gone, or somebody else's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as stream:
            return stream.read(biggest) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        return b""


def main() -> None:
    """Entry point."""
    agent = Agent(json.loads(sys.stdin.readline()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], INTERVAL)[0]:
        agent.sample()
    time.sleep(0.1)  # the journal has what was logged last
    agent.search()
    json.dump(sorted(agent.found), sys.stdout)


if __name__ == "__main__":
    main()
