# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import DebStore, file_name
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.modules import package_set
from ansible_collections.runnerkit.gitlab.plugins.modules.package_set import PackageSet, version_of


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
        self.also: list[str] = []  # lines of a simulation that nobody expected
        self.failing: set[str] = set()  # subcommands that fail
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
            self.calls.append("heal")
            self.interrupted = False
            for package in self.packages.values():
                package.state = "installed"
            return 0, "", ""
        return self._get(words)

    def _get(self, words: list[str]) -> tuple[int, str, str]:
        if "update" in words or "--fix-broken" in words:
            self.calls += ["update"] if "update" in words else []
            return 0, "", "W: one source is gone\n" if "update" in words else ""
        what = "simulate" if "-s" in words else "download" if "--download-only" in words else "install"
        wanted = words[words.index("install") + 1 :]
        self.calls.append(f"{what} {' '.join(Path(word).name for word in wanted)}")
        if what in self.failing:
            return 100, "", f"E: {what} failed\n"
        if what == "simulate":
            return 0, "\n".join([*(self._simulated(word) for word in wanted), *self.also]), ""
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
            "remove": [],
            "hold": [],
            "release": [],
            "lift_foreign_holds": False,
            "allow_downgrade": False,
            "refresh": True,
            "save_previous": True,
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
    monkeypatch.setattr(holds, "read", lambda: set(host.ours))

    def write(names: set[str]) -> None:
        host.ours = set(names)

    monkeypatch.setattr(holds, "write", write)
    return host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with an engine at version 1, held by runnerkit, and a library."""
    found = Host(
        tmp_path / "store", engine=State("5:1-1", held=True), runtime=State("1", held=True), library=State("1")
    )
    found.ours = {"engine", "runtime"}
    return patched(monkeypatch, found)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        pytest.param(None, None, id="a package that is not there"),
        pytest.param(Package("x", "1", "all", "install", "installed"), "1", id="one that is"),
        pytest.param(Package("x", "1", "all", "install", "half-configured"), None, id="one that is there by halves"),
    ],
)
def test_versions(package: Package | None, expected: str | None) -> None:
    assert version_of(package) == expected


def test_an_upgrade_is_looked_at_kept_downloaded_done_and_held_again(host: Host) -> None:
    wanted = host.set(install={"engine": "5:2-1"}, hold=["engine", "runtime"])
    assert wanted.changed
    wanted.apply()
    assert host.calls == [
        "update",
        "unhold engine",
        "simulate engine=5:2-1",
        "download engine=5:2-1",
        "install engine=5:2-1",
        "hold engine",
    ]
    assert host.packages["engine"] == State("5:2-1", held=True)
    assert host.ours == {"engine", "runtime"}
    assert [path.name for path in host.store.iterdir()] == ["engine_5%3a1-1_all.deb"]
    assert wanted.complaints == ["W: one source is gone"]
    assert not host.set(install={"engine": "5:2-1"}, hold=["engine", "runtime"]).changed


def test_going_back_takes_the_file_that_was_kept(host: Host) -> None:
    host.set(install={"engine": "5:2-1"}, hold=["engine"]).apply()
    host.set(
        install={"engine": "5:1-1"}, hold=["engine"], allow_downgrade=True, refresh=False, save_previous=False
    ).apply()
    assert host.calls[1] == "simulate engine_5%3a1-1_all.deb --allow-downgrades"
    assert "update" not in host.calls
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_packages_are_replaced_in_one_transaction(host: Host) -> None:
    host.set(install={"other": "3"}, remove=["engine"], hold=["other"]).apply()
    assert "install engine- other=3" in host.calls
    assert set(host.packages) == {"other", "runtime", "library"}
    assert host.packages["other"].held


def test_a_transaction_that_would_remove_something_else_is_refused_and_holds_are_back(host: Host) -> None:
    host.also = ["Remv library [1]"]
    with pytest.raises(AptError, match=r"^this would also remove library, which nobody asked for$"):
        host.set(install={"engine": "5:2-1"}).apply()
    assert host.packages["engine"] == State("5:1-1", held=True)
    assert host.calls[-1] == "hold engine"


@pytest.mark.parametrize("failing", ["simulate", "download", "install"])
def test_whatever_fails_the_holds_are_back(host: Host, failing: str) -> None:
    host.failing = {failing}
    with pytest.raises(AptError, match=rf"^{failing} failed$"):
        host.set(install={"engine": "5:2-1"}, hold=["engine"]).apply()
    assert host.packages["engine"] == State("5:1-1", held=True)
    assert host.ours == {"engine", "runtime"}


def test_a_full_disk_leaves_the_holds_as_they_were(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DebStore, "save", full)
    with pytest.raises(OSError, match="No space left"):
        host.set(install={"engine": "5:2-1"}).apply()
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_a_hold_of_somebody_else_is_respected(host: Host) -> None:
    host.ours = set()
    message = r"^engine is held by somebody else; run 'apt-mark unhold engine' or set lift_foreign_holds$"
    with pytest.raises(AptError, match=message):
        host.set(install={"engine": "5:2-1"}).apply()
    assert host.calls == []
    host.set(install={"engine": "5:2-1"}, lift_foreign_holds=True, hold=["engine"]).apply()
    assert host.packages["engine"] == State("5:2-1", held=True)


def test_an_interrupted_run_is_healed_before_anything_else(host: Host) -> None:
    host.interrupted = True
    host.packages["engine"].state = "half-configured"
    wanted = host.set(install={"engine": "5:1-1"}, hold=["engine"])
    assert wanted.before["engine"] is None
    wanted.apply()
    assert host.calls == ["heal"]
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_our_holds_are_released_and_forgotten(host: Host) -> None:
    host.set(release=["engine", "runtime"]).apply()
    assert host.calls == ["unhold engine runtime"]
    assert host.ours == set()
    assert not host.set(release=["engine", "runtime"]).changed


def test_a_hold_that_was_there_already_stays_somebody_elses(host: Host) -> None:
    host.packages["library"].held = True
    host.set(hold=["engine", "library"], install={"runtime": "2"}).apply()
    assert host.ours == {"engine", "runtime"}


def test_nothing_to_do_is_nothing_done(host: Host) -> None:
    wanted = host.set(install={"engine": "5:1-1"}, remove=["other"], hold=["engine", "other"], release=["library"])
    assert (wanted.changed, wanted.moving) == (False, [])
    assert host.calls == []


@pytest.mark.parametrize(
    ("installed", "in_store", "expected"),
    [
        pytest.param("5:2-1", None, "5:2-1", id="the epoch of the installed package"),
        pytest.param("5:1-1", "5:2-1", "5:2-1", id="the epoch of the file in the store"),
        pytest.param("2-1", None, "2-1", id="a package without an epoch"),
        pytest.param("5:1-1", None, "2-1", id="nobody knows the epoch"),
    ],
)
def test_versions_by_file_names_get_their_epochs(
    host: Host, installed: str, in_store: str | None, expected: str
) -> None:
    host.packages["engine"].version = installed
    if in_store:
        host.store.mkdir()
        (host.store / "engine_2-1_all.deb").write_text(f"engine {in_store}")
    wanted = host.set(install={"engine": "2-1"})
    assert wanted.install == {"engine": expected}
    assert wanted.changed is (installed != expected)


def test_a_package_that_did_not_get_there_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_install", lambda word: None)
    with pytest.raises(AptError, match=r"^engine did not end at the wanted version$"):
        host.set(install={"engine": "5:2-1"}).apply()


def test_the_set_as_text_for_the_diff(host: Host) -> None:
    wanted = host.set(install={"engine": "5:2-1"}, remove=["library"], hold=["engine"])
    assert wanted.describe(wanted.before, {"engine"}) == "engine 5:1-1 (held)\nlibrary 1\n"
    assert wanted.describe(wanted.wanted, wanted.wanted_holds) == "engine 5:2-1 (held)\n"
