"""Repositories of the runner whose signing key is not what a host has: the trouble that comes with every other year.

Each lies below /runner-NAME on the mirror, serves today's key as `gpgkey`, and the one that hosts got earlier as
`gpgkey-former`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

from tests.lab.home import Home
from tests.lab.repository import Signer
from tests.lab.shell import write

_LONG_AGO = datetime.timedelta(days=730)


def _then() -> list[str]:
    """gpg's clock, standing still two years ago."""
    moment = datetime.datetime.now(datetime.UTC) - _LONG_AGO
    return ["--faked-system-time", f"{moment:%Y%m%dT%H%M%S}!"]


class Former(Signer):
    """A signer some of whose hosts have an older export of its key."""

    @property
    def former(self) -> Path:
        return self.secret.with_suffix(".former.asc")

    def former_fingerprint(self) -> str:
        return self.fingerprint()

    def _begin(self, directory: Path, life: str) -> str:
        """The key as it was made at that time, and as hosts fetched it."""
        fingerprint = self._generate(directory, life, *_then())
        write(self.former, self._gpg(directory, "--armor", "--export", fingerprint))
        return fingerprint


class Prolonged(Former):
    """The key expired, and its owner prolonged it: the same fingerprint, another date."""

    def _make(self, directory: Path) -> str:
        fingerprint = self._begin(directory, "1y")
        self._gpg(directory, "--quick-set-expire", fingerprint, "never")
        # gpg's word for all subkeys, *, leaves out those that have expired.
        listing = self._gpg(directory, "--list-keys", "--with-colons", "--with-subkey-fingerprint")
        prints = [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")]
        self._gpg(directory, "--quick-set-expire", fingerprint, "never", *prints[1:])
        return fingerprint


class AnotherSubkey(Former):
    """The owner signs with a new subkey, which the export that hosts have lacks: the same fingerprint."""

    def _make(self, directory: Path) -> str:
        fingerprint = self._begin(directory, "never")
        self._gpg(directory, "--quick-add-key", fingerprint, "rsa3072", "sign", "never")
        return fingerprint


class Rotated(Former):
    """The owner has a new key altogether; hosts have the old one, and a pinned fingerprint is the old one's."""

    def _predecessor(self) -> Signer:
        return Signer(self.home, f"{self.secret.stem}-former", self.owner)

    def former_fingerprint(self) -> str:
        return self._predecessor().fingerprint()

    def _make(self, directory: Path) -> str:
        predecessor = self._predecessor()
        predecessor.fingerprint()
        write(self.former, predecessor.public.read_text())
        return self._generate(directory, "never")


KINDS = {"expired": Prolonged, "subkey": AnotherSubkey, "rotated": Rotated}


def signers(home: Home) -> Iterator[tuple[str, Former]]:
    """(name, signer) of each repository in trouble."""
    for name, kind in KINDS.items():
        yield name, kind(home, f"runner-{name}", f"Runner, {name} in the runnerkit lab <{name}@localhost>")


def variables(home: Home, base: str, path: str) -> dict[str, str]:
    """What Ansible must know of them; `base` is the mirror, `path` what comes behind the repository's name."""
    found = {}
    for name, signer in signers(home):
        url = f"{base}/runner-{name}/{path}"
        found.update(
            {
                f"lab_runner_{name}_repository_url": url,
                f"lab_runner_{name}_key_url": f"{url}/gpgkey",
                f"lab_runner_{name}_key_fingerprint": signer.fingerprint(),
                f"lab_runner_{name}_former_key_url": f"{url}/gpgkey-former",
                f"lab_runner_{name}_former_key_fingerprint": signer.former_fingerprint(),
            }
        )
    return found
