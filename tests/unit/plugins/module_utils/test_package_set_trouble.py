# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Interrupted runs, the way back, holds of others and packages that are in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import AptError
from tests.unit.plugins.module_utils.package_host import Host, State, engine_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host with an engine at version 1, held by runnerkit, and a library."""
    return engine_host(tmp_path, monkeypatch)


def test_an_interrupted_run_is_healed_before_anything_else(host: Host) -> None:
    host.interrupted = True
    host.packages["engine"].state = "half-configured"
    wanted = host.set(install={"engine": "5:1-1"}, hold=["engine"])
    assert wanted.before["engine"] is None
    wanted.apply()
    assert host.calls == ["heal"]
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_a_package_that_cannot_be_configured_does_not_block_the_way_back(host: Host) -> None:
    host.set(install={"engine": "5:2-1"}).apply()
    host.packages["engine"].state, host.interrupted, host.broken = "half-configured", True, {"engine"}
    back = host.set(install={"engine": "5:1-1"}, allow_downgrade=True, refresh=False, save_previous=False)
    back.apply()
    assert host.calls == [
        "heal",
        "unhold engine",
        "simulate engine_5%3a1-1_all.deb --allow-downgrades --fix-broken",
        "download engine_5%3a1-1_all.deb --allow-downgrades --fix-broken",
        "install engine_5%3a1-1_all.deb --allow-downgrades --fix-broken",
        "hold engine",
    ]
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_the_wanted_version_that_cannot_be_configured_is_installed_again(host: Host) -> None:
    host.packages["engine"].state, host.interrupted, host.broken = "half-configured", True, {"engine"}
    host.set(install={"engine": "5:1-1"}).apply()
    assert host.calls[:3] == ["heal", "unpack engine_5%3a1-1_all.deb", "heal"]
    assert "install engine=5:1-1 --fix-broken" in host.calls
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_a_package_that_is_there_by_halves_is_unpacked_past_apt(host: Host) -> None:
    host.packages["engine"].state, host.interrupted = "half-installed", True
    host.set(install={"engine": "5:1-1"}).apply()
    assert host.calls == ["heal", "unpack engine_5%3a1-1_all.deb", "heal"]
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_a_package_that_is_there_by_halves_and_unwanted_is_torn_out(host: Host) -> None:
    host.packages["newcomer"] = State("1", state="half-installed")
    host.interrupted = True
    host.set(install={"engine": "5:1-1"}, remove=["newcomer"]).apply()
    assert host.calls == ["heal", "tear out newcomer", "heal"]
    assert not host.interrupted


def test_the_way_back_is_noted_before_anything_is_touched_and_forgotten_when_asked(host: Host) -> None:
    host.packages["library"].held = True
    wanted = {"install": {"engine": "5:2-1", "newcomer": "1"}, "hold": ["engine", "library"], "way_back": "set"}
    host.set(**wanted).apply()
    record = {
        "before": {"engine": "5:1-1", "library": "1"},
        "absent": ["newcomer"],
        "held": ["engine", "library"],
        "foreign": ["library"],
    }
    assert way_back.read("set") == record
    assert not host.set(**wanted).changed
    # A later change does not overwrite it, and leaves the files of its versions alone.
    host.set(install={"engine": "5:3-1"}, way_back="set").apply()
    host.set(install={"engine": "5:4-1"}, way_back="set").apply()
    assert way_back.read("set") == record
    assert "engine_5%3a1-1_all.deb" in [path.name for path in host.store.iterdir()]
    forgetting = host.set(way_back="set", forget_way_back=True)
    assert forgetting.changed
    forgetting.apply()
    assert way_back.read("set") is None
    assert not host.set(way_back="set", forget_way_back=True).changed


def test_a_change_that_is_refused_leaves_no_record(host: Host) -> None:
    host.failing = {"download": "no network"}
    with pytest.raises(AptError):
        host.set(install={"engine": "5:2-1"}, way_back="set").apply()
    assert way_back.read("set") is None
    host.failing = {"install": "dpkg failed"}
    with pytest.raises(AptError):
        host.set(install={"engine": "5:2-1"}, way_back="set").apply()
    assert way_back.read("set") is not None


def test_after_a_kill_a_foreign_hold_is_put_back_and_stays_foreign(host: Host) -> None:
    host.ours = set()
    wanted = {"install": {"engine": "5:2-1"}, "lift_foreign_holds": True, "way_back": "set"}
    host.failing = {"install": "killed"}
    with pytest.raises(AptError):
        host.set(**wanted).apply()
    host.packages["engine"].held = False  # as kill -9 leaves it
    host.failing = {}
    host.set(**wanted).apply()
    assert host.packages["engine"] == State("5:2-1", held=True)
    assert host.ours == set()


def test_a_foreign_hold_that_was_lifted_is_put_back_without_being_asked_for(host: Host) -> None:
    host.ours = set()
    wanted = host.set(install={"engine": "5:2-1"}, lift_foreign_holds=True)
    expected = wanted.describe(wanted.wanted, wanted.wanted_holds)
    wanted.apply()
    assert host.packages["engine"] == State("5:2-1", held=True)
    assert host.ours == set()
    assert wanted.describe(wanted.before, wanted.holds()) == expected == "engine 5:2-1 (held)\n"


def test_packages_that_are_gone_or_no_longer_held_are_not_remembered(host: Host) -> None:
    host.ours |= {"gone", "library"}
    host.set(install={"other": "1"}, remove=["engine"], hold=["other"]).apply()
    assert host.ours == {"runtime", "other"}


def test_an_optional_package_that_is_in_the_way_is_left_out(host: Host) -> None:
    host.also = [("plugin=", "Remv library [1]")]
    install = {"engine": "5:2-1", "plugin": "3", "helper": "4"}
    wanted = host.set(install=install, optional=["plugin", "helper", "unknown"], hold=["engine", "plugin", "helper"])
    wanted.apply()
    assert (host.packages["helper"], "plugin" in host.packages) == (State("4", held=True), False)
    assert host.packages["engine"] == State("5:2-1", held=True)
    (warning,) = wanted.warnings
    assert warning.startswith("plugin 3 is left out: this would also remove library, which nobody asked for; ")
    again = host.set(install=install, optional=["plugin", "helper"], hold=["engine", "plugin", "helper"])
    before = again.before, again.holds()
    again.apply()
    assert (again.before, again.holds()) == before
    assert not [call for call in host.calls if call.startswith("install")]


def test_optional_packages_do_not_hide_what_is_wrong_with_the_others(host: Host) -> None:
    host.also = [("engine=", "Remv library [1]")]
    with pytest.raises(AptError, match=r"^this would also remove library"):
        host.set(install={"engine": "5:2-1", "plugin": "3"}, optional=["plugin"]).apply()


def test_what_cannot_be_found_is_said_with_what_the_sources_said(host: Host) -> None:
    host.failing = {"simulate": "Version '5:2-1' for 'engine' was not found"}
    message = (
        "Version '5:2-1' for 'engine' was not found; 'apt-get update' said: one source is gone; see that the package "
        f"sources have it and can be reached, or put its file into {host.store}"
    )
    with pytest.raises(AptError) as caught:
        host.set(install={"engine": "5:2-1"}).apply()
    assert str(caught.value) == message
