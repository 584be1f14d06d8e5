# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""apt-get, apt-cache and apt-mark as functions: a command line in, plain data or one clear AptError out.

ansible.builtin.apt is not used for the engine's packages: it wants python3-apt on the host (a bare Debian has none,
and in check mode it gives up without it), and it can neither heal an interrupted dpkg nor refuse a transaction that
would remove something else.
"""

from __future__ import annotations

import dataclasses
import re
import time
from typing import Callable, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    # needrestart would restart the engine in the middle of the transaction
    "NEEDRESTART_SUSPEND": "1",
    "LC_ALL": "C.UTF-8",
}
_KEEP_CONFIGURATION = ("--force-confdef", "--force-confold")
_INSTALL = (
    "-y",
    "-q",
    "--no-install-recommends",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
)  # fmt: skip
# Only the errors: apt also says "Waiting for cache lock: Could not get lock ..." while it waits by itself.
_LOCKED = re.compile(
    r"^E: Could not get lock|^E: Unable to lock directory|lock was locked by another process"
    r"|Unable to acquire the dpkg frontend lock",
    re.MULTILINE,
)
_SIMULATED = re.compile(
    r"^(?P<action>Inst|Remv) (?P<name>[^\s:]+)(?::\S+)?(?: \[(?P<old>[^\]]*)\])?(?: \((?P<new>\S+) )?", re.MULTILINE
)
_NOT_FOUND = re.compile(r"was not found|Unable to locate package|Unable to fetch|Failed to fetch|no installation cand")
_TORN = re.compile(r"[Uu]nmet dependencies|Unable to correct (dependencies|problems)")


class AptError(Exception):
    """apt or dpkg said no; the text is its own reason in one line."""

    @property
    def is_about_offers(self) -> bool:
        """Whether a package or a version was not to be had."""
        return bool(_NOT_FOUND.search(str(self)))

    @property
    def is_about_dependencies(self) -> bool:
        """Whether packages that are there, or are to be, do not go together."""
        return bool(_TORN.search(str(self)))


class AptLockedError(AptError):
    """Another program has the package database, and keeps it."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One package in a transaction; a missing version means not installed before or after."""

    name: str
    before: str | None
    after: str | None


def reasons(output: str) -> str:
    """The sentences in apt's output that say what went wrong, without the noise around them and without passwords."""
    found = []
    lines = output.splitlines()
    for number, line in enumerate(lines):
        text = line.strip()
        if text.startswith(("E: ", "W: ", "Err:", "dpkg: error", "dpkg-deb: error")) or "error processing" in text:
            if text.endswith(":") and number + 1 < len(lines):
                text += " " + lines[number + 1].strip()
            text = redact_text(re.sub(r"^(E|W): ", "", text))
            if text not in found:
                found.append(text)
    return "; ".join(found[:6]) or redact_text(" ".join(output.split())[-400:])


class Apt:
    """The package manager of one host. `options` go to every call of apt-get and apt-cache."""

    def __init__(self, run: Run, lock_timeout: int = 300, options: Sequence[str] = ()) -> None:
        self._run = run
        self._lock_timeout = lock_timeout
        self._options = list(options)

    def _call(self, command: Sequence[str], must_succeed: bool = True) -> tuple[int, str, str]:
        """Run a program, again and again while another one has something locked.

        apt-get waits by itself, but up to Debian 12 for dpkg's lock alone; dpkg and apt-mark do not wait at all.
        """
        deadline = time.monotonic() + self._lock_timeout
        while True:
            rc, out, err = self._run(command)
            if rc == 0 or not _LOCKED.search(f"{err}\n{out}"):
                break
            if time.monotonic() > deadline:
                raise AptLockedError(
                    f"another program keeps the package database locked, also after {self._lock_timeout} s: "
                    f"{reasons(err + chr(10) + out)}; see what it is doing, or raise lock_timeout"
                )
            time.sleep(1)
        if rc != 0 and must_succeed:
            raise AptError(reasons(err + "\n" + out))
        return rc, out, err

    def _get(self, *arguments: str, must_succeed: bool = True) -> tuple[int, str, str]:
        waiting = ["-o", f"DPkg::Lock::Timeout={self._lock_timeout}"]
        return self._call(["apt-get", *waiting, *self._options, *arguments], must_succeed)

    def update(self) -> list[str]:
        """Read the package indexes; the complaints about single sources come back, which do not stop the others."""
        rc, out, err = self._get("-q", "update", must_succeed=False)
        lines = (out + "\n" + err).splitlines()
        complaints = [redact_text(line) for line in lines if line.startswith(("E: ", "W: "))]
        if rc != 0 and not complaints:
            raise AptError(reasons(err + "\n" + out))
        return complaints

    def available(self, names: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        """Per name the versions in the index, newest first, each with the source that has it."""
        found: dict[str, list[dict[str, str]]] = {name: [] for name in names}
        if not names:
            return found
        _rc, out, _err = self._call(["apt-cache", *self._options, "madison", *names])
        for line in out.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3 and fields[0] in found and not fields[2].endswith("Sources"):
                origin = redact_text(fields[2].rsplit(" ", 2)[0])
                found[fields[0]].append({"version": fields[1], "origin": origin})
        return found

    def candidates(self, names: Sequence[str]) -> dict[str, str]:
        """Per name the version that apt would choose by itself: not one from backports, and pins count."""
        found: dict[str, str] = {}
        if not names:
            return found
        _rc, out, _err = self._call(["apt-cache", *self._options, "policy", *names])
        name = ""
        for line in out.splitlines():
            key, _, value = line.strip().partition(": ")
            if line.endswith(":") and not line.startswith(" "):
                name = line[:-1]
            elif key == "Candidate" and value != "(none)" and name in names:
                found[name] = value
        return found

    def simulate(self, arguments: Sequence[str]) -> list[Change]:
        """What `apt-get install` with these arguments would do."""
        _rc, out, err = self._get("-s", *_INSTALL, "install", *arguments)
        return [
            Change(m["name"], m["old"] or None, m["new"] if m["action"] == "Inst" else None)
            for m in _SIMULATED.finditer(out + err)
        ]

    def fetch(self, arguments: Sequence[str]) -> None:
        """Download what `install` will need, so that a lost network stops it before anything is touched."""
        self._get(*_INSTALL, "--download-only", "install", *arguments)

    def install(self, arguments: Sequence[str]) -> None:
        """`apt-get install` with these arguments."""
        self._get(*_INSTALL, "install", *arguments)

    def download(self, name: str, version: str, directory: str) -> bool:
        """Fetch one package file into `directory`; False when no source has it any more."""
        command = ["sh", "-c", 'cd "$1" && exec apt-get -q download "$2"', "sh", directory, f"{name}={version}"]
        return self._call(command, must_succeed=False)[0] == 0

    def mark(self, verb: str, names: Sequence[str]) -> None:
        """`hold` or `unhold` a list of packages."""
        if names:
            self._call(["apt-mark", verb, *names])

    def configure(self) -> None:
        """Have dpkg configure what it can; what it cannot may need a package that is yet to come."""
        self._call(["dpkg", *_KEEP_CONFIGURATION, "--configure", "-a"], must_succeed=False)

    def heal(self) -> None:
        """Finish what an interrupted run left behind, as far as that goes without removing anything.

        A package that cannot be configured is no reason to give up: the transaction that follows may replace it.
        """
        self.configure()
        try:
            if all(change.after for change in self.simulate(["--fix-broken"])):
                self.install(["--fix-broken"])
        except AptLockedError:
            raise
        except AptError:
            return

    def unpack(self, path: str) -> None:
        """Put a package's files in place, past apt, which does nothing at all while one is there by halves."""
        force = ["--force-depends", "--force-downgrade"]
        self._call(["dpkg", *_KEEP_CONFIGURATION, *force, "--unpack", path], must_succeed=False)

    def tear_out(self, name: str) -> None:
        """Remove a package that is there by halves, which apt does not do either."""
        self._call(["dpkg", "--force-remove-reinstreq", "--force-depends", "--remove", name], must_succeed=False)
