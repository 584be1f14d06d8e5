# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host whose apt does what it is told, for the tests of what is done to packages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds, package_set, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import file_name
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.module_utils.package_set import PackageSet


@dataclasses.dataclass
class State:
    """One package on the host."""

    version: str
    held: bool = False
    state: str = "installed"


class Host:
    """A host whose apt does what it is told: packages with their state, and the holds that are runnerkit's."""

    def __init__(self, store: Path, **packages: State) -> None:
        self.store = store
        self.packages = {name.replace("_", "-"): state for name, state in packages.items()}
        self.ours: set[str] = set()
        self.interrupted = False
        self.also: list[tuple[str, str]] = []  # lines of a simulation that nobody expected, and the package that is why
        self.failing: dict[str, str] = {}  # subcommands that fail, and what they say
        self.broken: set[str] = set()  # packages that cannot be configured
        self.warned: list[str] = []
        self.calls: list[str] = []
        self.in_files: dict[str, str] = {}

    def read_packages(self, names: Iterable[str]) -> dict[str, Package]:
        found = ((name, self.packages[name]) for name in names if name in self.packages)
        return {
            name: Package(name, package.version, "all", "hold" if package.held else "install", package.state)
            for name, package in found
        }

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        words = list(command)
        if words[0] == "dpkg-deb":
            return 0, Path(words[-1]).read_text(), ""
        if words[0] == "sh" and "--fsys-tarfile" in words[2]:
            return 0, "", ""
        if words[0] == "sh":
            name, _, version = words[-1].partition("=")
            (Path(words[-2]) / file_name(name, version, "all")).write_text(f"{name} {version}")
            return 0, "", ""
        if words[0] == "apt-mark":
            self.calls.append(" ".join(words[1:]))
            for name in words[2:]:
                self.packages[name].held = words[1] == "hold"
            return 0, "", ""
        if words[0] == "dpkg":
            return self._dpkg(words)
        return self._get(words)

    def _dpkg(self, words: list[str]) -> tuple[int, str, str]:
        if "--unpack" in words:
            name, _, version = Path(words[-1]).read_text().partition(" ")
            self.calls.append(f"unpack {Path(words[-1]).name}")
            self.packages[name] = State(version, self.packages[name].held, "unpacked")
        elif "--remove" in words:
            self.calls.append(f"tear out {words[-1]}")
            del self.packages[words[-1]]
        else:
            self.calls.append("heal")
            for name, package in self.packages.items():
                if name not in self.broken and package.state != "half-installed":
                    package.state = "installed"
        self.interrupted = any(package.state != "installed" for package in self.packages.values())
        return 0, "", ""

    def _get(self, words: list[str]) -> tuple[int, str, str]:
        if "update" in words or words[-2:] == ["install", "--fix-broken"]:
            self.calls += ["update"] if "update" in words else []
            return 0, "", "W: one source is gone\n" if "update" in words else ""
        what = "simulate" if "-s" in words else "download" if "--download-only" in words else "install"
        wanted = words[words.index("install") + 1 :]
        self.calls.append(f"{what} {' '.join(Path(word).name for word in wanted)}")
        if what in self.failing:
            return 100, "", f"E: {self.failing[what]}\n"
        if what == "simulate":
            also = [line for reason, line in self.also if not reason or any(reason in word for word in wanted)]
            return 0, "\n".join([*(self._simulated(word) for word in wanted), *also]), ""
        if what == "install":
            for word in wanted:
                self._install(word)
        return 0, "", ""

    def _parse(self, word: str) -> tuple[str, str | None]:
        if word.startswith("/"):
            name, _, version = Path(word).read_text().partition(" ")
            return name, version
        name, _, version = word.partition("=")
        return (name, version) if version else (name.removesuffix("-"), None)

    def _simulated(self, word: str) -> str:
        if word.startswith("--"):
            return ""
        name, version = self._parse(word)
        old = f" [{self.packages[name].version}]" if name in self.packages else ""
        return f"Inst {name}{old} ({version} Debian:12 [all])" if version else f"Remv {name}{old}"

    def _install(self, word: str) -> None:
        if word.startswith("--"):
            return
        name, version = self._parse(word)
        if version:
            self.packages[name] = State(version)
        else:
            del self.packages[name]

    def set(self, **params: Any) -> PackageSet:
        """What the module works with."""
        module: Any = self
        defaults: dict[str, Any] = {
            "install": {},
            "optional": [],
            "remove": [],
            "hold": [],
            "release": [],
            "lift_foreign_holds": False,
            "allow_downgrade": False,
            "fetch_only": False,
            "refresh": True,
            "save_previous": True,
            "way_back": None,
            "keep_files": [],
            "put_files_back": False,
            "forget_way_back": False,
            "store": str(self.store),
            "lock_timeout": 1,
        }
        self.params = {**defaults, **params}
        self.calls.clear()
        return PackageSet(module)


def patched(monkeypatch: pytest.MonkeyPatch, host: Host) -> Host:
    """The module sees this host."""
    monkeypatch.setattr(package_set, "read_packages", host.read_packages)
    monkeypatch.setattr(package_set, "interrupted", lambda: host.interrupted)
    monkeypatch.setattr(way_back, "DIRECTORY", str(host.store.parent / "way_back"))
    monkeypatch.setattr(holds, "read", lambda: set(host.ours))

    def write(names: set[str]) -> None:
        host.ours = set(names)

    monkeypatch.setattr(holds, "write", write)
    return host


def engine_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with an engine at version 1, held by runnerkit, and a library."""
    found = Host(
        tmp_path / "store", engine=State("5:1-1", held=True), runtime=State("1", held=True), library=State("1")
    )
    found.ours = {"engine", "runtime"}
    return patched(monkeypatch, found)
