"""Where the lab keeps things, and the lock that lets one command change them at a time."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.shell import say

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = Path(__file__).resolve().parent / "files"
DEFAULT_GROUP = "demo"
DEFAULT_HOME = Path("/var/lib/runnerkit-lab")


@dataclass(frozen=True)
class Home:
    """The lab's directory: cache/ may be kept for ever, run/ is what runs now, docker/ is the engine's."""

    path: Path

    @classmethod
    def from_environment(cls) -> Home:
        return cls(Path(os.environ.get("RUNNERKIT_LAB_HOME") or DEFAULT_HOME).absolute())

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def docker_root(self) -> Path:
        return self.path / "docker"

    @property
    def containerd_root(self) -> Path:
        return self.path / "containerd"

    @property
    def mirror(self) -> Path:
        return self.cache / "mirror"

    @property
    def keys(self) -> Path:
        return self.run / "keys"

    @property
    def known_hosts(self) -> Path:
        return self.run / "known_hosts"

    def inventory(self, group: str) -> Path:
        return self.run / "inventory" / f"{group}.yml"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lab for oneself; whoever comes second is told whom it waits for."""
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                say(f"waiting for another lab command to end: {handle.read().strip() or 'unknown'}")
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.seek(0)
            handle.truncate()
            handle.write(f"process {os.getpid()}: {' '.join(sys.argv[1:])}\n")
            handle.flush()
            yield
