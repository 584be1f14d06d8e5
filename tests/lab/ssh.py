"""Keys, and how SSH is called so that only the lab's own keys count."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.home import Home
from tests.lab.machine import owner, program
from tests.lab.shell import run, write


@dataclass(frozen=True)
class HostKey:
    """The key by which a host is known."""

    private: bytes
    public: str


def _generate(path: Path, comment: str) -> None:
    run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def lab_key(home: Home) -> Path:
    """The key that opens every host; made once, readable by whoever called."""
    key = home.keys / "id_ed25519"
    if not key.exists():
        home.keys.mkdir(parents=True, exist_ok=True)
        _generate(key, "runnerkit lab")
    if os.geteuid() == 0:
        os.chown(key, *owner())
    return key


def host_key(home: Home, name: str) -> HostKey:
    """A fresh key for a host."""
    home.keys.mkdir(parents=True, exist_ok=True)
    draft = home.keys / f"{name}.draft"
    public = draft.with_name(draft.name + ".pub")
    draft.unlink(missing_ok=True)
    _generate(draft, name)
    key = HostKey(draft.read_bytes(), public.read_text())
    draft.unlink()
    public.unlink()
    return key


def with_known(text: str, keys: Iterable[tuple[str, HostKey]]) -> str:
    """The text of a known_hosts file in which these addresses have these keys."""
    new = {address: f"{address} {' '.join(key.public.split()[:2])}" for address, key in keys}
    kept = [line for line in text.splitlines() if line.split()[0] not in new]
    return "\n".join([*kept, *new.values()]) + "\n"


def remember(home: Home, keys: Iterable[tuple[str, HostKey]]) -> None:
    known = home.known_hosts.read_text() if home.known_hosts.exists() else ""
    write(home.known_hosts, with_known(known, keys))


def options(home: Home) -> list[str]:
    """A host that answers with another key is not the one that was started."""
    return [
        "IdentitiesOnly=yes",
        f"UserKnownHostsFile={home.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "LogLevel=ERROR",
    ]


def command(home: Home, address: str, *words: str, terminal: bool = False) -> list[str]:
    return [
        program("ssh"),
        *(word for option in options(home) for word in ("-o", option)),
        *("-i", str(home.keys / "id_ed25519")),
        *(["-t"] if terminal else []),
        f"root@{address}",
        *words,
    ]
