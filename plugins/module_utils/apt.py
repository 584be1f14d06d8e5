# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""apt-get, apt-cache and apt-mark as functions: a command line in, plain data or one clear AptError out.

ansible.builtin.apt is not used for the engine's packages: it wants python3-apt on the host (a bare Debian has none,
and in check
mode it gives up without it), and it can neither heal an interrupted dpkg nor refuse a transaction that would remove
something else.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from typing import Callable, Sequence

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    # needrestart would restart the engine in the middle of the transaction
    "NEEDRESTART_SUSPEND": "1",
    "LC_ALL": "C.UTF-8",
}
_INSTALL = (
    "-y",
    "-q",
    "--no-install-recommends",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
)  # fmt: skip
_LOCKED = re.compile(r"Could not get lock|lock was locked by another process|Unable to acquire the dpkg frontend lock")
_SIMULATED = re.compile(
    r"^(?P<action>Inst|Remv) (?P<name>[^\s:]+)(?::\S+)?(?: \[(?P<old>[^\]]*)\])?(?: \((?P<new>\S+) )?", re.MULTILINE
)


class AptError(Exception):
    """apt or dpkg said no; the text is its own reason in one line."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One package in a transaction; a missing version means not installed before or after."""

    name: str
    before: str | None
    after: str | None


def reasons(output: str) -> str:
    """The sentences in apt's output that say what went wrong, without the noise around them."""
    found = []
    for line in output.splitlines():
        text = line.strip()
        if text.startswith(("E: ", "W: ", "Err:", "dpkg: error", "dpkg-deb: error")) or "error processing" in text:
            text = re.sub(r"^(E|W): ", "", text)
            if text not in found:
                found.append(text)
    return "; ".join(found[:6]) or " ".join(output.split())[-400:]


class Apt:
    """The package manager of one host. `options` go to every call of apt-get and apt-cache."""

    def __init__(self, run: Run, lock_timeout: int = 300, options: Sequence[str] = ()) -> None:
        self._run = run
        self._lock_timeout = lock_timeout
        self._options = list(options)

    def _get(self, *arguments: str) -> str:
        rc, out, err = self._run(
            ["apt-get", "-o", f"DPkg::Lock::Timeout={self._lock_timeout}", *self._options, *arguments]
        )
        if rc != 0:
            raise AptError(reasons(err + "\n" + out))
        return out + err

    def update(self) -> list[str]:
        """Read the package indexes; the complaints about single sources come back, which do not stop the others."""
        rc, out, err = self._run(
            ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={self._lock_timeout}", *self._options, "update"]
        )
        complaints = [line for line in (out + "\n" + err).splitlines() if line.startswith(("E: ", "W: "))]
        if rc != 0 and not complaints:
            raise AptError(reasons(err + "\n" + out))
        return complaints

    def available(self, names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        """Per name the versions in the index, newest first, each with the source that has it."""
        found: dict[str, list[dict[str, str]]] = {name: [] for name in names}
        if not names:
            return found
        rc, out, err = self._run(["apt-cache", *self._options, "madison", *names])
        if rc != 0:
            raise AptError(reasons(err + "\n" + out))
        for line in out.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3 and fields[0] in found and not fields[2].endswith("Sources"):
                found[fields[0]].append({"version": fields[1], "origin": fields[2].rsplit(" ", 2)[0]})
        return found

    def simulate(self, arguments: Sequence[str]) -> list[Change]:
        """What `apt-get install` with these arguments would do."""
        out = self._get("-s", *_INSTALL, "install", *arguments)
        return [
            Change(m["name"], m["old"] or None, m["new"] if m["action"] == "Inst" else None)
            for m in _SIMULATED.finditer(out)
        ]

    def install(self, arguments: Sequence[str]) -> str:
        """Download everything first, so that a lost network stops it before anything is touched; then do it."""
        self._get(*_INSTALL, "--download-only", "install", *arguments)
        return self._get(*_INSTALL, "install", *arguments)

    def download(self, name: str, version: str, directory: str) -> bool:
        """Fetch one package file into `directory`; False when no source has it any more."""
        rc, _out, _err = self._run(
            ["sh", "-c", 'cd "$1" && exec apt-get -q download "$2"', "sh", directory, f"{name}={version}"]
        )
        return rc == 0

    def mark(self, verb: str, names: Sequence[str]) -> None:
        """`hold` or `unhold` a list of packages."""
        if names:
            self._run_unlocked(["apt-mark", verb, *names])

    def heal(self) -> None:
        """Finish what an interrupted run left behind: half-configured and half-installed packages."""
        self._run_unlocked(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"], must_succeed=False)
        # What dpkg could not configure, apt can: it may need a package that was not unpacked yet.
        self._get(*_INSTALL, "--fix-broken", "install")

    def _run_unlocked(self, command: Sequence[str], must_succeed: bool = True) -> None:
        """Run a program that, unlike apt-get, does not wait by itself while another one has the database locked."""
        deadline = time.monotonic() + self._lock_timeout
        while True:
            rc, out, err = self._run(command)
            if not _LOCKED.search(out + err):
                break
            if time.monotonic() > deadline:
                raise AptError(
                    f"another program keeps the package database locked, also after {self._lock_timeout} s: "
                    + reasons(err)
                )
            time.sleep(1)
        if rc != 0 and must_succeed:
            raise AptError(reasons(err + "\n" + out))


def scratch_options(directory: str, source_file: str | None = None) -> list[str]:
    """Options that make apt keep its index below `directory`, and read `source_file` alone when one is given."""
    for part in ("lists/partial", "archives/partial"):
        os.makedirs(os.path.join(directory, part), mode=0o755, exist_ok=True)
    options = [
        "-o", f"Dir::State::lists={directory}/lists",
        "-o", f"Dir::Cache={directory}",
        "-o", f"Dir::Cache::archives={directory}/archives",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    if source_file:
        options += ["-o", f"Dir::Etc::sourcelist={source_file}", "-o", "Dir::Etc::sourceparts=/dev/null"]
    return options
