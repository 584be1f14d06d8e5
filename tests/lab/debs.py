"""Packages out of any release of Debian, fetched and verified by apt with a configuration of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.lab import aptsources
from tests.lab.home import Home
from tests.lab.machine import KEYRING, program
from tests.lab.shell import run, step, write

APT_HELPER = "/usr/lib/apt/apt-helper"


class Release:
    """One release of Debian, seen through an apt that leaves the machine's own alone."""

    def __init__(self, home: Home, codename: str) -> None:
        self.codename = codename
        self.root = home.cache / "apt" / codename
        self.debs = home.cache / "binaries" / codename
        self.config = self.root / "apt.conf"

    def _prepare(self) -> None:
        mirrors = aptsources.read()
        for directory in ("lists/partial", "cache/archives/partial", "empty"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        self.debs.mkdir(parents=True, exist_ok=True)
        write(self.root / "sources.list", "\n".join(mirrors.lines(self.codename)) + "\n")
        write(self.root / "status", "")
        settings = {
            "Dir::Etc::SourceList": self.root / "sources.list",
            "Dir::Etc::SourceParts": self.root / "empty",
            "Dir::Etc::Parts": self.root / "empty",
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": self.root / "empty",
            "Dir::Etc::Trusted": KEYRING,
            "Dir::Etc::TrustedParts": self.root / "empty",
            "Dir::State": self.root,
            "Dir::State::Lists": self.root / "lists",
            "Dir::State::Status": self.root / "status",
            "Dir::Cache": self.root / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "APT::Get::List-Cleanup": "false",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }
        carried = aptsources.carried_settings(run([program("apt-config"), "dump"]))
        write(self.config, "\n".join([*(f'{key} "{value}";' for key, value in settings.items()), *carried]) + "\n")

    def _apt(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        mirror = aptsources.read().debian
        return run(
            [tool if tool == APT_HELPER else program(tool), *words],
            env={"APT_CONFIG": str(self.config)},
            cwd=cwd,
            remedy=f"Is the Debian mirror {mirror} reachable, and does it carry {self.codename}?",
        )

    def fetch(self, names: Sequence[str]) -> dict[str, Path]:
        """The .deb files of the named packages; what the cache has is not fetched again."""
        found = {name: sorted(self.debs.glob(f"{name}_*.deb")) for name in names}
        if not all(found.values()):
            with step(f"{self.codename}: fetching {', '.join(name for name in names if not found[name])}"):
                self._prepare()
                self._apt("apt-get", "update", "-qq")
                self._apt("apt-get", "download", "-qq", *(name for name in names if not found[name]), cwd=self.debs)
            found = {name: sorted(self.debs.glob(f"{name}_*.deb")) for name in names}
        return {name: paths[-1] for name, paths in found.items()}

    def fetch_file(self, path: str, sha256: str) -> Path:
        """A file of the archive that is no package, a source say; apt checks its hash."""
        target = self.debs / Path(path).name
        if not target.exists():
            with step(f"{self.codename}: fetching {target.name}"):
                self._prepare()
                draft = target.with_name(f".{target.name}")
                self._apt(
                    APT_HELPER, "download-file", f"{aptsources.read().debian}/{path}", str(draft), f"SHA256:{sha256}"
                )
                draft.replace(target)
        return target


def unpack(deb: Path, target: Path) -> Path:
    """The files of a package, unpacked once."""
    if not target.exists():
        draft = target.with_name(target.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        run([program("dpkg-deb"), "--extract", deb, draft])
        draft.replace(target)
    return target


def control(deb: Path, field: str) -> str:
    """One field of a package's control data."""
    return run([program("dpkg-deb"), "--field", deb, field]).strip()
