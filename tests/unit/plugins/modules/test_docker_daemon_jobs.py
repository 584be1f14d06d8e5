# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""How module docker_daemon spares the jobs that a restart would cut off: its own restart, and needrestart's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.modules.daemon_world import Host, running

RUNNER = "gitlab-runner.service"
OVERRIDE = """\
# Ansible managed: role runnerkit.gitlab.docker_engine
$nrconf{override_rc}{qr(^containerd\\.service$)} = 0;
$nrconf{override_rc}{qr(^docker\\.service$)} = 0;
$nrconf{override_rc}{qr(^docker\\.socket$)} = 0;
"""


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return running(tmp_path, monkeypatch)


@pytest.fixture(name="override")
def _override(tmp_path: Path) -> Path:
    return tmp_path / "needrestart/runnerkit-docker_engine.conf"


@pytest.mark.parametrize("state", ["active", "reloading", "deactivating"])
def test_a_restart_waits_for_the_caller_while_somebody_is_at_work(host: Host, override: Path, state: str) -> None:
    host.write({"debug": True})
    host.file_state = "disabled"
    override.unlink()
    host.others = {RUNNER: state}
    result = host.apply(config={"mtu": 1400}, environment={"A": "b"}, defer_for=["other.service", RUNNER])
    assert (result["changed"], result["action"], result["deferred"]) == (False, "none", True)
    assert result["reasons"] == ["daemon.json: mtu", "the daemon's environment"]
    assert (host.settings, host.calls) == ({"debug": True}, ["check"]), "nothing at all was changed"
    assert not override.exists()

    host.others = {RUNNER: "inactive"}
    result = host.apply()
    assert (result["changed"], result["action"], result["deferred"]) == (True, "restart", False)
    assert host.apply()["changed"] is False


@pytest.mark.parametrize("state", ["inactive", "failed", "activating", ""])
def test_nobody_is_waited_for_who_is_not_at_work(host: Host, state: str) -> None:
    host.others = {RUNNER: state}
    result = host.apply(config={"mtu": 1400}, defer_for=[RUNNER])
    assert (result["action"], result["deferred"]) == ("restart", False)


def test_nobody_is_waited_for_who_was_not_named(host: Host) -> None:
    host.others = {RUNNER: "active"}
    assert host.apply(config={"mtu": 1400})["action"] == "restart"


@pytest.mark.parametrize(
    ("config", "runs", "action"),
    [
        pytest.param({"mtu": 1400}, False, "start", id="a start"),
        pytest.param({"debug": True}, True, "reload", id="a reload"),
        pytest.param({}, True, "none", id="nothing"),
    ],
)
def test_what_disturbs_nobody_is_done_at_once(host: Host, config: dict[str, Any], runs: bool, action: str) -> None:
    host.others = {RUNNER: "active"}
    if not runs:
        host.running = None
    result = host.apply(config=config, defer_for=[RUNNER])
    assert (result["action"], result["deferred"]) == (action, False)


def test_check_mode_foretells_what_is_done_in_the_end(host: Host) -> None:
    host.others, host.check_mode = {RUNNER: "active"}, True
    result = host.apply(config={"mtu": 1400}, defer_for=[RUNNER])
    assert (result["changed"], result["action"], result["deferred"]) == (True, "restart", False)


def test_a_restart_that_an_interrupted_run_owes_waits_as_well(host: Host, tmp_path: Path) -> None:
    (tmp_path / "pending").write_text("restart")
    host.others = {RUNNER: "active"}
    assert host.apply(defer_for=[RUNNER])["deferred"] is True
    host.others = {}
    assert host.apply()["action"] == "restart"


def test_needrestart_is_told_to_leave_the_engine_alone(host: Host, override: Path) -> None:
    override.unlink()
    host.check_mode = True
    foretold = host.apply()
    assert (foretold["changed"], foretold["action"], override.exists()) == (True, "none", False)
    host.check_mode = False
    assert host.apply() == foretold
    assert (override.read_text(), host.calls) == (OVERRIDE, []), "the daemon itself is as it should be"
    header = {"before_header": str(override), "after_header": str(override)}
    assert foretold["diff"][-1] == {**header, "before": "", "after": OVERRIDE}
    assert host.apply()["changed"] is False


def test_a_unit_by_another_name_is_left_alone_as_well(host: Host, override: Path) -> None:
    host.apply(unit="docker@b.service")
    assert "qr(^docker\\@b\\.service$)" in override.read_text()


@pytest.mark.parametrize("found", [None, "# somebody's\n"], ids=["no file", "another file"])
def test_needrestart_is_somebody_elses_business(host: Host, override: Path, found: str | None) -> None:
    override.unlink()
    if found is not None:
        override.write_text(found)
    result = host.apply(needrestart=False)
    assert result["changed"] is False
    assert (override.read_text() if override.exists() else None) == found
    assert result["diff"][-1]["before"] == result["diff"][-1]["after"]
