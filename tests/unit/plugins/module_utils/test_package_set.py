# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import DebStore
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.module_utils.package_set import version_of
from tests.unit.plugins.module_utils.package_host import Host, State, engine_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with an engine at version 1, held by runnerkit, and a library."""
    return engine_host(tmp_path, monkeypatch)


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
    host.also = [("", "Remv library [1]")]
    message = r"^this would also remove library, which nobody asked for; remove it first, or keep the present version$"
    with pytest.raises(AptError, match=message):
        host.set(install={"engine": "5:2-1"}).apply()
    assert host.packages["engine"] == State("5:1-1", held=True)
    assert host.calls[-1] == "hold engine"


@pytest.mark.parametrize("failing", ["simulate", "download", "install"])
def test_whatever_fails_the_holds_are_back(host: Host, failing: str) -> None:
    host.failing = {failing: f"{failing} failed"}
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
    with pytest.raises(AptError, match=r"^engine did not end at the wanted version; look at /var/log/dpkg\.log and"):
        host.set(install={"engine": "5:2-1"}).apply()


def test_the_set_as_text_for_the_diff(host: Host) -> None:
    wanted = host.set(install={"engine": "5:2-1"}, remove=["library"], hold=["engine"])
    assert wanted.describe(wanted.before, {"engine"}) == "engine 5:1-1 (held)\nlibrary 1\n"
    assert wanted.describe(wanted.wanted, wanted.wanted_holds) == "engine 5:2-1 (held)\n"
