# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""How module docker_daemon restarts a daemon: with its containers, for files it reads at its start, with patience."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from tests.unit.plugins.modules.daemon_world import Host, running


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return running(tmp_path, monkeypatch)


# Containers and live-restore


@pytest.mark.parametrize(
    ("found", "config"),
    [
        pytest.param({"mtu": 1500}, {"live-restore": True, "mtu": 1400}, id="wanted from now on"),
        pytest.param({"live-restore": False}, {"live-restore": True, "mtu": 1400}, id="switched off until now"),
        pytest.param({"live-restore": True}, {"mtu": 1400}, id="in the file, but never taken over"),
        pytest.param(None, {"live-restore": True, "mtu": 1400}, id="without a file before"),
    ],
)
def test_containers_outlive_a_restart_for_which_live_restore_was_not_in_force(
    host: Host, found: dict[str, Any] | None, config: dict[str, Any]
) -> None:
    if found is not None:
        host.write(found)
    host.containers = 3
    host.check_mode = True
    assert host.apply(config=config)["action"] == "restart"
    assert (host.settings, host.calls) == (found, ["check"])
    host.check_mode = False
    assert host.apply(config=config)["action"] == "restart"
    assert host.calls == ["check", "reload", "restart"]
    assert host.reloaded_with == {**(found or {}), "live-restore": True}, "nothing else is reloaded before the restart"
    assert host.settings == {**(found or {}), **config}
    assert host.containers == 3
    assert host.apply(config=config)["changed"] is False


@pytest.mark.parametrize(
    ("containers", "in_force", "config", "left"),
    [
        pytest.param(0, False, {"live-restore": True, "mtu": 1400}, 0, id="no container runs"),
        pytest.param(3, True, {"live-restore": True, "mtu": 1400}, 3, id="it is in force"),
    ],
)
def test_a_restart_without_a_reload_before_it(
    host: Host, containers: int, in_force: bool, config: dict[str, Any], left: int
) -> None:
    host.containers, host.live_restore = containers, in_force
    assert host.apply(config=config)["action"] == "restart"
    assert (host.calls, host.containers) == (["check", "restart"], left)


@pytest.mark.parametrize(
    ("found", "in_force"),
    [
        pytest.param(None, False, id="it was off"),
        pytest.param({"live-restore": True}, True, id="it goes with this change"),
    ],
)
@pytest.mark.parametrize("wanted", [{"live-restore": False}, {"live-restore": None}], ids=["off", "no key"])
def test_containers_outlive_a_restart_that_ends_without_live_restore(
    host: Host, found: dict[str, Any] | None, in_force: bool, wanted: dict[str, Any]
) -> None:
    if found is not None:
        host.write(found)
    host.containers, host.live_restore = 3, in_force
    assert host.apply(config={**wanted, "mtu": 1400})["action"] == "restart"
    assert host.calls == ["check", *([] if in_force else ["reload"]), "restart", "reload"]
    assert host.containers == 3
    assert (host.settings or {}).get("live-restore") in (None, False)
    host.sleep(1)
    assert host.live_restore is False
    assert host.apply(config={**wanted, "mtu": 1400})["changed"] is False


def test_the_file_from_before_comes_back_without_stopping_containers(host: Host) -> None:
    host.write({"debug": True})
    host.containers, host.broken = 3, lambda settings: "mtu" in settings
    result = host.apply(config={"mtu": 1400})
    assert result["restored"]
    assert host.calls == ["check", "reload", "restart", "restart", "reload"]
    assert (host.settings, host.containers) == ({"debug": True}, 3)


def test_the_engine_of_a_swarm_is_restarted_without_live_restore(host: Host) -> None:
    host.containers, host.swarm = 3, True
    assert host.apply(config={"mtu": 1400})["action"] == "restart"
    assert (host.calls, host.settings) == (["check", "restart"], {"mtu": 1400})


def test_live_restore_by_a_flag_of_the_unit_stays_out_of_the_file(host: Host) -> None:
    host.containers, host.live_restore = 3, True
    assert host.apply(config={"mtu": 1400})["action"] == "restart"
    assert host.calls == ["check", "restart"]
    assert host.settings == {"mtu": 1400}


def test_live_restore_alone_is_reloaded_once(host: Host) -> None:
    host.containers = 3
    assert host.apply(config={"live-restore": True})["action"] == "reload"
    assert host.calls == ["check", "reload"]


def ignore_reloads(host: Host) -> None:
    host.reload_takes = inf


def refuse_reloads(host: Host) -> None:
    host.systemd_refuses = "reload"


def say_nothing_after_a_reload(host: Host) -> None:
    host.chokes = lambda settings: settings.get("live-restore") is True


def not_say_so(host: Host) -> None:
    def chokes(settings: dict[str, Any]) -> bool:
        host.info_error = EngineError("http", "it was answered 500")
        return False

    host.chokes = chokes


@pytest.mark.parametrize("found", [pytest.param({"debug": True}, id="a file"), pytest.param(None, id="no file")])
@pytest.mark.parametrize("mischief", [ignore_reloads, refuse_reloads, say_nothing_after_a_reload, not_say_so])
def test_a_daemon_that_does_not_take_live_restore_over_is_not_restarted(
    host: Host, tmp_path: Path, mischief: Callable[[Host], None], found: dict[str, Any] | None
) -> None:
    if found is not None:
        host.write(found)
    host.containers = 3
    mischief(host)
    result = host.apply(config={"live-restore": True, "mtu": 1400}, environment={"A": "b"})
    assert result["failed"]
    assert result["msg"] == (
        "the daemon did not take live-restore over, so that a restart would stop 3 containers; "
        "restart it by hand when they may be stopped"
    )
    assert (host.settings, host.containers, host.calls) == (found, 3, ["check", "reload"])
    assert not (tmp_path / "docker.service.d/environment.conf").exists()
    assert host.now < 10
    host.answers_at = 0.0
    again = host.apply(config={}, environment=None)
    assert (again["changed"], host.calls) == (False, []), "nothing was begun, so that no restart is owed"


def test_a_daemon_that_says_nothing_about_its_containers_is_not_restarted(host: Host) -> None:
    host.containers = 3
    host.info_error = EngineError("timeout", "no answer within 1 s")
    result = host.apply(config={"live-restore": True, "mtu": 1400})
    assert result["msg"] == (
        "the daemon does not say whether a restart would stop containers: no answer within 1 s; "
        "restart it by hand when they may be stopped"
    )
    assert (host.settings, host.containers, host.calls) == (None, 3, ["check"])


def test_a_daemon_that_has_gone_meanwhile_is_started(host: Host) -> None:
    host.info_error = EngineError("refused", "nothing listens")
    assert host.apply(config={"live-restore": True, "mtu": 1400})["changed"]
    assert host.calls == ["check", "restart"]


# Files that are read at the start alone


def test_a_file_that_changed_since_the_start_costs_one_restart(host: Host, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("one")
    host.check_mode = True
    foretold = host.apply(read_at_start=[str(bundle)])
    assert (foretold["changed"], foretold["action"], host.calls) == (True, "restart", [])
    assert foretold["reasons"] == [f"{bundle} was changed after the daemon had started, which reads it only then"]
    host.check_mode = False
    assert host.apply() == foretold
    assert host.calls == ["restart"]
    # Its time still lies after that of the process, which has not started anew in this test.
    assert host.apply()["changed"] is False
    bundle.touch()
    assert host.apply()["changed"] is False
    bundle.write_text("two")
    assert host.apply()["action"] == "restart"
    host.invocation += 1  # somebody else restarted it
    assert host.apply()["action"] == "restart"


def test_a_restart_for_something_else_is_one_for_the_files_as_well(host: Host, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("one")
    host.containers = 3
    assert host.apply(read_at_start=[str(bundle)], config={"mtu": 1400})["action"] == "restart"
    assert host.calls == ["check", "reload", "restart", "reload"]
    assert host.containers == 3
    assert host.apply(config={"mtu": 1400})["changed"] is False


def test_a_daemon_that_is_down_reads_them_when_it_is_started(host: Host, tmp_path: Path) -> None:
    host.running = None
    (tmp_path / "bundle.crt").touch()
    assert host.apply(read_at_start=[str(tmp_path / "bundle.crt")])["reasons"] == ["the daemon does not run"]
    assert host.apply()["changed"] is False


@pytest.mark.parametrize("paths", [[], ["missing"]], ids=["none is named", "one that is missing"])
def test_files_that_are_not_there_are_no_reason(host: Host, tmp_path: Path, paths: list[str]) -> None:
    assert host.apply(read_at_start=[str(tmp_path / each) for each in paths])["changed"] is False
    assert host.calls == []


# Waiting


def test_a_daemon_that_is_slow_to_answer_is_waited_for(host: Host) -> None:
    host.answers_at = 12.0
    assert host.apply(config={"debug": True}, timeout=60)["action"] == "reload"
    assert host.calls == ["check", "reload"]
    assert 12 <= host.now < 60


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("config", "calls"), [({}, []), ({"debug": True}, ["check"]), ({"mtu": 1400}, ["check"])], ids=str
)
def test_a_daemon_that_does_not_answer_is_left_alone(
    host: Host, config: dict[str, Any], calls: list[str], check_mode: bool
) -> None:
    host.answers_at, host.installed, host.check_mode = inf, "29.0.0", check_mode
    result = host.apply(config=config, timeout=60)
    assert result["failed"]
    assert result["msg"] == (
        f"the daemon runs but has not answered on {host.params['socket']} for 60 s; "
        "look at journalctl -u docker.service, and restart it by hand if it hangs"
    )
    assert (host.settings, host.calls) == (None, calls)
    assert 60 <= host.now < 70


def test_a_daemon_that_dies_while_it_is_waited_for_is_started(host: Host) -> None:
    host.answers_at, host.dies_at = inf, 5.0
    host.installed = "29.0.0"
    result = host.apply(timeout=60)
    assert (result["action"], result["reasons"]) == ("start", ["the daemon does not run"])


def test_a_daemon_that_systemd_starts_over_and_over_gets_its_new_configuration(host: Host) -> None:
    host.write({"mtu": "nonsense"})
    host.sub_state, host.running = "auto-restart", None
    host.broken = lambda settings: settings.get("mtu") == "nonsense"
    result = host.apply(config={"mtu": 1400})
    assert (result["action"], result["reasons"][-1]) == ("start", "the daemon does not run")
    assert host.calls == ["check", "restart"]
    assert host.apply()["changed"] is False


def test_a_daemon_that_says_nothing_after_a_reload_gets_its_old_file_and_is_not_restarted(host: Host) -> None:
    host.write({"mtu": 1400})
    host.containers = 3
    host.chokes = lambda settings: "debug" in settings
    result = host.apply(config={"debug": True})
    assert (result["failed"], result["restored"]) == (True, True)
    assert (host.settings, host.containers, host.calls) == ({"mtu": 1400}, 3, ["check", "reload", "reload"])


def test_a_daemon_that_cannot_be_reloaded_because_it_has_gone_is_started_with_its_old_file(host: Host) -> None:
    host.write({"mtu": 1400})
    host.dies_at = 0.4
    host.chokes = lambda settings: "debug" in settings
    result = host.apply(config={"debug": True})
    assert (host.settings, host.calls) == ({"mtu": 1400}, ["check", "reload", "restart"])
    assert result["failed"]


def test_the_process_from_before_a_restart_is_not_taken_for_the_new_one(host: Host) -> None:
    host.restart_takes = 20.0
    assert host.apply(config={"mtu": 1400}, timeout=60)["changed"]
    assert host.invocation == 2
    assert 20 <= host.now < 60


def test_a_restart_that_hangs_is_waited_for_no_longer_than_the_time_limit(host: Host) -> None:
    host.write({"debug": True})
    host.restart_takes = inf
    result = host.apply(config={"mtu": 1400}, timeout=60)
    assert result["msg"].startswith("the daemon did not come up (daemon.json: mtu). Its last words: ")
    assert (result["restored"], host.settings, host.calls) == (False, {"debug": True}, ["check", "restart", "restart"])
    assert 120 <= host.now < 130, "once for the new configuration and once for the old one"


def test_without_time_to_wait_the_daemon_is_asked_once(host: Host) -> None:
    assert host.apply(timeout=0)["changed"] is False
