# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_daemon
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.modules import seccomp_profile
from tests.unit.plugins.module_utils.profile_engine import ProfileEngine

VERSION = "5:20.10.5~3-0~debian-bookworm"


class Answer(Exception):  # noqa: N818
    """What the module says at its end."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values.get("msg"))
        self.values = values


class Host:
    """A host with one engine, and the module's view of it."""

    def __init__(self, folder: Path, engine: ProfileEngine) -> None:
        self.engine = engine
        self.profile = folder / "docker/profile.json"
        self.record = folder / "lib/record.json"
        self.daemon_json = folder / "docker/daemon.json"
        self.pending = folder / "pending"
        self.dockerd = folder / "dockerd"
        self.dockerd.touch()
        self.arguments = "-H fd://"
        self.running: str | None = "20.10.5"
        self.installed = "20.10.5"
        self.package: str | None = VERSION
        self.in_force = "default"
        self.options: list[str] | None = None
        self.info_error: EngineError | None = None
        self.check_mode = False
        self.params: dict[str, Any] = {
            "path": str(self.profile),
            "state": "present",
            "defer": False,
            "record": str(self.record),
            "config": str(self.daemon_json),
            "unit": "docker.service",
            "socket": str(folder / "docker.sock"),
            "timeout": 10,
        }

    def configure(self, **settings: Any) -> None:
        self.daemon_json.parent.mkdir(exist_ok=True)
        self.daemon_json.write_text(json.dumps(settings))

    def take_over(self) -> None:
        """As docker_daemon would."""
        self.configure(**{"seccomp-profile": str(self.profile)})
        self.in_force = str(self.profile)
        self.pending.unlink(missing_ok=True)

    def get(self, path: str, query: object = None, timeout: float = 5.0) -> dict[str, Any]:
        """The engine's answers."""
        assert self.running, "systemd would start it for the one who asks"
        if self.info_error:
            raise self.info_error
        if path == "/version":
            return {"Version": self.running}
        return {"SecurityOptions": ["name=apparmor", f"name=seccomp,profile={self.in_force}"]}

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        if command[:2] == ["systemctl", "show"] and "ExecStart" in command[-1]:
            return 0, f"ExecStart={{ path=x ; argv[]={self.dockerd} {self.arguments} ; pid=0 }}\n", ""
        if command[:2] == ["systemctl", "show"]:
            return 0, f"ActiveState={'active' if self.running else 'failed'}\nSubState=running\n", ""
        assert command == [str(self.dockerd), "--version"]
        return 0, f"Docker version {self.installed}, build 1234567\n", ""

    def fail_json(self, **values: Any) -> NoReturn:
        raise Answer(failed=True, **values)

    def exit_json(self, **values: Any) -> NoReturn:
        raise Answer(**values)

    def apply(self, **params: Any) -> dict[str, Any]:
        """Run the module; its answer."""
        self.params.update(params)
        with pytest.raises(Answer) as caught:
            seccomp_profile.main()
        return caught.value.values


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """An engine that runs with its own profile."""
    engine = ProfileEngine()
    engine.patch(monkeypatch)
    found = Host(tmp_path, engine)

    def module(argument_spec: dict[str, Any], **kwargs: Any) -> Host:
        assert set(argument_spec) == set(found.params)
        return found

    def packages(_names: object) -> dict[str, Package]:
        return (
            {"docker-ce": Package("docker-ce", found.package, "amd64", "install", "installed")} if found.package else {}
        )

    monkeypatch.setattr(seccomp_profile, "AnsibleModule", module)
    monkeypatch.setattr(seccomp_profile, "PENDING", str(found.pending))
    monkeypatch.setattr(profile_daemon, "PENDING", str(found.pending))
    monkeypatch.setattr(profile_daemon, "read_packages", packages)
    monkeypatch.setattr(daemons, "Engine", lambda path, timeout: found)
    monkeypatch.setattr(seccomp_profile, "bounding_status", lambda: f"CapBnd:\t{(1 << 41) - 1:016x}\n")
    return found


def test_the_profile_is_derived_written_and_remembered(host: Host) -> None:
    host.configure(debug=True)
    answer = host.apply()
    assert (answer["changed"], answer["deferred"], answer["in_force"]) == (True, False, False)
    assert answer["reason"] == "the profile has to be derived from the engine"
    assert (answer["engine"], answer["package"]) == ("20.10.5", f"docker-ce={VERSION}")
    assert answer["containers"] == host.engine.started == 17
    assert json.loads(host.profile.read_text())["defaultAction"] == "SCMP_ACT_TRACE"
    assert answer["diff"]["after"] == host.profile.read_text()
    assert json.loads(host.record.read_text())["sha256"] == answer["sha256"]
    # daemon.json is another module's.
    assert json.loads(host.daemon_json.read_text()) == {"debug": True}
    assert not host.pending.exists()


@pytest.mark.parametrize("seconds", [0, -1, 601])
def test_a_time_limit_that_a_probe_might_take_for_a_leftovers_age_is_refused(host: Host, seconds: int) -> None:
    answer = host.apply(timeout=seconds)
    assert (answer["failed"], answer["msg"]) == (True, f"timeout is {seconds}; give seconds from 1 to 600")
    assert host.engine.started == 0


def test_a_second_run_starts_no_container(host: Host) -> None:
    host.apply()
    host.take_over()
    started = host.engine.started
    answer = host.apply()
    assert (answer["changed"], answer["in_force"], answer["reason"], answer["containers"]) == (False, True, None, 0)
    assert host.engine.started == started


@pytest.mark.parametrize(
    "break_it",
    [
        lambda host: host.configure(),
        lambda host: setattr(host, "in_force", "default"),
        lambda host: setattr(host, "running", None),
        lambda host: setattr(host, "info_error", EngineError("timeout", "it gave no answer")),
        lambda host: host.pending.write_text("restart"),
    ],
    ids=[
        "daemon.json does not name it", "the daemon runs with its own", "the daemon is down", "the daemon hangs",
        "a restart is due",
    ],
)  # fmt: skip
def test_it_is_not_in_force_when(host: Host, break_it: Any) -> None:
    host.apply()
    host.take_over()
    break_it(host)
    answer = host.apply()
    assert (answer["changed"], answer["in_force"]) == (False, False)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_text("{}"), "was changed by somebody else"),
        (lambda path: path.chmod(0o666), "was changed by somebody else"),
        (lambda path: path.unlink(), "is missing"),
    ],
    ids=["edited", "writable for everybody", "removed"],
)
def test_a_file_that_somebody_touched_is_put_right_and_loaded(host: Host, damage: Any, reason: str) -> None:
    host.apply()
    text = host.profile.read_text()
    host.take_over()
    started = host.engine.started
    damage(host.profile)

    host.check_mode = True
    shown = host.apply()
    assert shown["changed"]
    assert not host.pending.exists()

    host.check_mode = False
    answer = host.apply()
    assert answer["changed"]
    assert answer["reason"] == f"{host.profile} {reason}"
    assert shown["diff"] == answer["diff"]
    assert host.profile.read_text() == text
    assert host.profile.stat().st_mode & 0o777 == 0o644
    assert host.pending.read_text() == "restart"
    assert host.engine.started == started


def test_a_file_that_the_daemon_does_not_use_costs_no_restart(host: Host) -> None:
    host.apply()
    host.profile.write_text("{}")
    assert host.apply()["changed"]
    assert not host.pending.exists()


def test_an_interrupted_run_is_healed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    host.profile.parent.mkdir()
    host.profile.write_text("what was there")
    with monkeypatch.context() as patch:
        # The record is written by then.
        patch.setattr(seccomp_profile, "write_atomically", killed)
        with pytest.raises(KeyboardInterrupt):
            host.apply()
    assert host.record.exists()
    assert host.profile.read_text() == "what was there"
    started = host.engine.started
    assert host.apply()["changed"]
    assert json.loads(host.profile.read_text())["defaultAction"] == "SCMP_ACT_TRACE"
    assert host.engine.started == started


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"installed": "20.10.24", "running": "20.10.24"}, "was derived from docker-ce="),
        ({"package": "5:20.10.5~3-1"}, f"was derived from docker-ce={VERSION}, and docker-ce=5:20.10.5~3-1 is"),
        ({"package": None}, f"was derived from docker-ce={VERSION}, and 20.10.5 is installed"),
    ],
    ids=["another engine", "another build of the engine", "an engine without a package"],
)
def test_another_engine_is_asked_anew(host: Host, change: dict[str, Any], reason: str) -> None:
    host.apply()
    for name, value in change.items():
        setattr(host, name, value)
    answer = host.apply()
    assert reason in answer["reason"]
    assert answer["containers"] == 17
    assert answer["changed"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (lambda host: host.take_over(), "the engine runs with the seccomp profile {path}, not with its own"),
        (lambda host: setattr(host, "in_force", str(host.profile)), "the engine runs with the seccomp profile {path}"),
        (lambda host: setattr(host, "running", None), "the engine does not run"),
        (lambda host: setattr(host, "running", "20.10.24"), "20.10.24 runs, 20.10.5 is installed"),
    ],
    ids=["in force without a record", "in force but not configured", "down", "another program runs"],
)
def test_an_engine_that_cannot_be_asked_now(host: Host, state: Any, reason: str) -> None:
    state(host)
    reason = reason.format(path=host.profile)

    deferred = host.apply(defer=True)
    assert (deferred["changed"], deferred["deferred"]) == (False, True)
    assert reason in deferred["reason"]

    failed = host.apply(defer=False)
    assert failed["failed"]
    assert reason in failed["msg"]

    host.check_mode = True
    assert host.apply()["changed"]
    assert host.engine.started == 0
    assert not host.profile.exists()


def test_a_host_without_an_engine_will_have_a_profile(host: Host) -> None:
    host.dockerd.unlink()
    host.running = host.package = None
    host.check_mode = True
    answer = host.apply()
    assert (answer["changed"], answer["deferred"]) == (True, True)
    assert "there is no engine" in answer["reason"]


@pytest.mark.parametrize(
    ("choose", "sentence"),
    [
        (lambda host: host.configure(**{"seccomp-profile": "/etc/mine.json"}), "has seccomp-profile '/etc/mine.json'"),
        (lambda host: host.configure(**{"seccomp-profile": "unconfined"}), "has seccomp-profile 'unconfined'"),
        (
            lambda host: setattr(host, "arguments", "--seccomp-profile /a.json"),
            "dockerd with --seccomp-profile /a.json",
        ),
        (
            lambda host: setattr(host, "arguments", "--seccomp-profile=/a.json"),
            "dockerd with --seccomp-profile /a.json",
        ),
    ],
    ids=["a file in daemon.json", "unconfined in daemon.json", "two arguments", "one argument"],
)
def test_a_profile_that_somebody_else_chose_is_refused(host: Host, choose: Any, sentence: str) -> None:
    choose(host)
    answer = host.apply(defer=True)
    assert answer["failed"]
    assert sentence in answer["msg"]
    assert "do without the workaround" in answer["msg"]
    assert host.engine.started == 0
    assert not host.profile.exists()


def test_a_daemon_json_that_cannot_be_read_is_said(host: Host) -> None:
    host.configure()
    host.daemon_json.write_text("{")
    answer = host.apply()
    assert answer["failed"]
    assert "mend it by hand or remove it" in answer["msg"]


def test_an_engine_that_hangs_is_said(host: Host) -> None:
    host.info_error = EngineError("timeout", "it gave no answer within 10 s")
    answer = host.apply()
    assert answer["failed"]
    assert "is left as it is: it gave no answer within 10 s" in answer["msg"]


def test_check_mode_derives_and_writes_nothing(host: Host) -> None:
    host.check_mode = True
    answer = host.apply()
    assert answer["changed"]
    assert "SCMP_ACT_TRACE" in answer["diff"]["after"]
    assert not host.profile.exists()
    assert not host.record.exists()


def test_it_goes_with_its_record_and_nothing_else(host: Host) -> None:
    host.apply()
    other = host.profile.with_name("other.json")
    other.touch()
    host.check_mode = True
    assert host.apply(state="absent")["changed"]
    assert host.profile.exists()
    host.check_mode = False
    assert host.apply()["changed"]
    assert not host.profile.exists()
    assert not host.record.exists()
    assert os.listdir(host.profile.parent) == ["other.json"]
    assert not host.apply()["changed"]


def test_it_does_not_go_while_the_daemon_needs_it(host: Host) -> None:
    host.apply()
    host.take_over()
    answer = host.apply(state="absent")
    assert answer["failed"]
    assert "remove the key first" in answer["msg"]
    assert host.profile.exists()
