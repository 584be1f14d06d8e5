# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import way_back
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


def test_everything_can_be_fetched_before_and_nothing_is_touched_then(host: Host) -> None:
    before = dict(host.packages)
    host.set(install={"engine": "5:2-1"}, hold=["engine"], way_back="engine", fetch_only=True).fetch()
    assert host.calls == [
        "update",
        "simulate engine=5:2-1 --allow-change-held-packages",
        "download engine=5:2-1 --allow-change-held-packages",
    ]
    assert (host.packages, host.ours) == (before, {"engine", "runtime"})
    assert [path.name for path in host.store.iterdir()] == ["engine_5%3a1-1_all.deb"]
    assert way_back.read("engine") is None


@pytest.mark.parametrize(
    ("wanted", "interrupted"),
    [
        pytest.param({"engine": "5:1-1"}, False, id="where nothing changes"),
        pytest.param({"engine": "5:2-1"}, True, id="where an interrupted run has to be finished first"),
    ],
)
def test_there_is_nothing_to_fetch(host: Host, wanted: dict[str, str], interrupted: bool) -> None:
    host.interrupted = interrupted
    host.set(install=wanted, fetch_only=True).fetch()
    assert host.calls == []


@pytest.mark.parametrize(
    ("arguments", "failing", "message"),
    [
        pytest.param({}, {"download": "No space left"}, "^No space left$", id="a full disk"),
        pytest.param(
            {},
            {"simulate": "Version '5:2-1' for 'engine' was not found"},
            "^Version '5:2-1' for 'engine' was not found; 'apt-get update' said: one source is gone; see that ",
            id="a version that is gone",
        ),
        pytest.param({"foreign": True}, {}, "^engine is held by somebody else; ", id="a hold of somebody else"),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_touched(
    host: Host, arguments: dict[str, bool], failing: dict[str, str], message: str
) -> None:
    host.failing = failing
    host.ours -= {"engine"} if arguments.get("foreign") else set()
    with pytest.raises(AptError, match=message):
        host.set(install={"engine": "5:2-1"}, fetch_only=True).fetch()
    assert host.packages["engine"] == State("5:1-1", held=True)
    assert not any(call.startswith(("hold", "unhold", "install")) for call in host.calls)


def test_going_back_takes_the_file_that_was_kept(host: Host) -> None:
    host.set(install={"engine": "5:2-1"}, hold=["engine"]).apply()
    host.set(
        install={"engine": "5:1-1"}, hold=["engine"], allow_downgrade=True, refresh=False, save_previous=False
    ).apply()
    assert host.calls[1] == "simulate engine_5%3a1-1_all.deb --allow-downgrades"
    assert "update" not in host.calls
    assert host.packages["engine"] == State("5:1-1", held=True)


def test_a_set_of_which_one_has_moved_goes_back_as_a_whole(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.set(install={"engine": "5:2-1"}, hold=["engine"]).apply()
    get = host._get

    def torn(words: list[str]) -> tuple[int, str, str]:
        """As apt is while it has a file for one, and what depends on it is not named."""
        if "install" in words and "runtime=1" not in words:
            host.calls.append("torn")
            return 100, "", "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages\n"
        return get(words)

    monkeypatch.setattr(host, "_get", torn)
    back = {"allow_downgrade": True, "refresh": False, "save_previous": False}
    host.set(install={"engine": "5:1-1", "runtime": "1"}, hold=["engine", "runtime"], **back).apply()
    assert host.calls == [
        "unhold engine",
        "torn",
        "simulate runtime=1 engine_5%3a1-1_all.deb --allow-downgrades",
        "download runtime=1 engine_5%3a1-1_all.deb --allow-downgrades",
        "install runtime=1 engine_5%3a1-1_all.deb --allow-downgrades",
        "hold engine runtime",
    ]
    assert host.packages["engine"] == State("5:1-1", held=True)

    host.packages["engine"] = State("5:2-1", held=True)
    with pytest.raises(AptError, match=r"^Unmet dependencies\."):
        host.set(install={"engine": "5:1-1"}, hold=["engine"], **back).apply()


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


def test_files_go_back_before_the_packages_that_read_them(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "daemon.json"
    settings.write_text("of before")
    host.set(install={"engine": "5:2-1"}, hold=["engine"], way_back="engine", keep_files=[str(settings)]).apply()
    settings.write_text("too new")
    seen: list[str] = []
    install = host._install

    def look_and_install(word: str) -> None:
        seen.append(settings.read_text())
        install(word)

    monkeypatch.setattr(host, "_install", look_and_install)

    back = host.set(
        install={"engine": "5:1-1"}, hold=["engine"], allow_downgrade=True, refresh=False, save_previous=False,
        way_back="engine", put_files_back=True,
    )  # fmt: skip
    assert (back.changed, back.stale_files) == (True, [str(settings)])
    back.apply()
    assert set(seen) == {"of before"}
    assert host.packages["engine"].version == "5:1-1"


def test_files_go_back_also_where_no_package_has_to(host: Host, tmp_path: Path) -> None:
    settings = tmp_path / "daemon.json"
    way_back.keep_files("engine", [str(settings)])
    way_back.keep("engine", {"before": {"engine": "5:1-1"}, "absent": [], "held": ["engine"], "foreign": []})
    settings.write_text("new")
    back = host.set(install={"engine": "5:1-1"}, hold=["engine"], way_back="engine", put_files_back=True)
    assert back.changed
    back.apply()
    assert not settings.exists()
    assert not host.set(install={"engine": "5:1-1"}, hold=["engine"], way_back="engine", put_files_back=True).changed
