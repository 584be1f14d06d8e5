# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_reads
from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon import DaemonError, plan, quote, render_drop_in
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import MASK
from ansible_collections.runnerkit.gitlab.plugins.modules import docker_daemon

HEADER = "# Ansible managed: role runnerkit.gitlab.docker_engine\n[Service]\n"


class Answer(Exception):  # noqa: N818
    """What the module says at its end."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values.get("msg"))
        self.values = values


class Host:
    """A host with one engine, and the module's view of it. Its time passes only where somebody waits.

    The daemon does not come up with settings that are `broken`, and says nothing after a reload with those it
    `chokes` on.
    """

    def __init__(self, folder: Path, **params: Any) -> None:
        self.dockerd = folder / "dockerd"
        self.dockerd.touch()
        self.exec_start = f"{self.dockerd} -H fd://"
        self.path = folder / "etc/daemon.json"
        self.running: str | None = "28.5.2"
        self.installed = "28.5.2"
        self.containers = 0
        self.live_restore = False
        self.swarm = False
        self.load_state = "loaded"
        self.sub_state = "running"
        self.file_state = "enabled"
        self.validates = True
        self.refusal: tuple[int, str, str] = (0, "configuration OK", "")
        self.systemd_refuses = ""
        self.log = ["failed to start daemon: no such driver at http://u:hunter2@p"]
        self.broken: Callable[[dict[str, Any]], bool] = lambda settings: False
        self.chokes: Callable[[dict[str, Any]], bool] = lambda settings: False
        self.info_error: EngineError | None = None
        self.now = 0.0
        self.answers_at = 0.0
        self.dies_at = inf
        self.reload_takes, self.restart_takes = 0.2, 0.5
        self.invocation = 1
        self.jobs: list[tuple[float, Callable[[], None]]] = []
        self.calls: list[str] = []
        self.versions_asked = 0
        self.checked: dict[str, Any] = {}
        self.check_command: list[str] = []
        self.reloaded_with: dict[str, Any] | None = None
        self.check_mode = False
        self.params: dict[str, Any] = {
            "config": {},
            "environment": None,
            "enabled": True,
            "validate": True,
            "timeout": 1,
            "read_at_start": [],
            "unit": "docker.service",
            "path": str(self.path),
            "socket": str(folder / "docker.sock"),
            **params,
        }

    def write(self, settings: dict[str, Any]) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(settings))

    @property
    def settings(self) -> dict[str, Any] | None:
        return json.loads(self.path.read_text()) if self.path.exists() else None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [job for at, job in self.jobs if at <= self.now]
        self.jobs = [(at, job) for at, job in self.jobs if at > self.now]
        for job in due:
            job()
        if self.now >= self.dies_at:
            self.running, self.dies_at = None, inf

    def _reloaded(self) -> None:
        settings = self.settings or {}
        self.reloaded_with = settings
        self.live_restore = settings.get("live-restore") is True

    def _restarted(self) -> None:
        settings = self.settings or {}
        # The old process leaves containers alone or stops them, and the new one does so with those it finds.
        starts = not self.broken(settings)
        kept = self.live_restore and (not starts or settings.get("live-restore") is True)
        self.containers = self.containers if kept else 0
        self.running = self.installed if starts else None
        self.sub_state = "running"
        self.answers_at = 0.0
        self.live_restore = settings.get("live-restore") is True
        self.invocation += 1

    def get(self, path: str, query: object = None, timeout: float = 5.0) -> dict[str, Any]:
        """The engine's answers."""
        assert self.running, "systemd would start it for the one who asks"
        if self.now < self.answers_at:
            self.sleep(timeout)
            raise EngineError("timeout", "it gave no answer")
        if path == "/version":
            return {"Version": self.running}
        assert path == "/info"
        if self.info_error:
            raise self.info_error
        return {
            "LiveRestoreEnabled": self.live_restore,
            "ContainersRunning": self.containers,
            "Swarm": {"LocalNodeState": "active" if self.swarm else "inactive"},
        }

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        words = list(command)
        if words[0] == "systemctl":
            return self._systemctl(words[1:])
        if words[0] == "journalctl":
            return 0, "\n".join(self.log), ""
        if words[1] == "--help":
            return 0, "Usage: dockerd\n" + ("  --validate\n" if self.validates else ""), ""
        if words[1] == "--version":
            self.versions_asked += 1
            return 0, f"Docker version {self.installed}, build 1234567\n", ""
        self.calls.append("check")
        self.check_command = words
        self.checked = json.loads(Path(words[words.index("--config-file") + 1]).read_text())
        return self.refusal

    def _systemctl(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "show" and "ExecStart" in words[-1]:
            return 0, f"ExecStart={{ path=x ; argv[]={self.exec_start} ; pid=0 }}\n" if self.exec_start else "", ""
        if words[0] == "show":
            return 0, "\n".join(f"{name}={value}" for name, value in self._properties().items()), ""
        if words[0] == "reset-failed":
            return 0, "", ""
        verb = words[1] if words[0] == "--no-block" else words[0]
        self.calls.append(verb)
        if verb == self.systemd_refuses:
            return 1, "", f"systemd does not {verb}\n"
        if verb == "reload":
            self.answers_at = inf if self.chokes(self.settings or {}) else 0.0
            self.jobs.append((self.now + self.reload_takes, self._reloaded))
        if verb == "restart":
            assert words[0] == "--no-block", "systemctl might wait for ever"
            self.jobs.append((self.now + self.restart_takes, self._restarted))
        if verb == "enable":
            self.file_state = "enabled"
        return 0, "", ""

    def _properties(self) -> dict[str, str | int]:
        active = "active" if self.running else "failed"
        return {
            "LoadState": self.load_state,
            "ActiveState": "activating" if self.sub_state == "auto-restart" else active,
            "SubState": self.sub_state,
            "UnitFileState": self.file_state,
            "InvocationID": self.invocation,
            "MainPID": 4711 if self.running else 0,
        }

    def fail_json(self, **values: Any) -> NoReturn:
        raise Answer(failed=True, **values)

    def exit_json(self, **values: Any) -> NoReturn:
        raise Answer(**values)

    def apply(self, **params: Any) -> dict[str, Any]:
        """Run the module; its answer."""
        self.params.update(params)
        self.calls.clear()
        with pytest.raises(Answer) as caught:
            docker_daemon.main()
        return caught.value.values


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """An engine that runs, without a daemon.json."""
    found = Host(tmp_path)

    def daemon_module(argument_spec: dict[str, Any], **kwargs: Any) -> Host:
        assert set(argument_spec) == set(found.params)
        return found

    monkeypatch.setattr(docker_daemon, "DaemonModule", daemon_module)
    monkeypatch.setattr(daemons, "PENDING", str(tmp_path / "pending"))
    monkeypatch.setattr(daemons, "DROP_IN", str(tmp_path / "{0}.d/environment.conf"))
    monkeypatch.setattr(daemon_reads, "NOTE", str(tmp_path / "read"))
    monkeypatch.setattr(daemon_reads, "_started", {4711: time.time() - 60}.get)
    monkeypatch.setattr(daemons, "Engine", lambda path, timeout: found)
    monkeypatch.setattr(daemons, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep))
    return found


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        pytest.param({"HTTPS_PROXY": "http://p:3128"}, ['Environment="HTTPS_PROXY=http://p:3128"'], id="a proxy"),
        pytest.param({"B": "2", "A": "1"}, ['Environment="A=1"', 'Environment="B=2"'], id="sorted"),
        pytest.param({"P": "http://u:a%40b@p"}, ['Environment="P=http://u:a%%40b@p"'], id="a percent sign"),
        pytest.param({"Q": 'say "hi" \\o/'}, [r'Environment="Q=say \"hi\" \\o/"'], id="quotes and backslashes"),
        pytest.param({"N": "a\nExecStart=/bin/sh"}, [r'Environment="N=a\nExecStart=/bin/sh"'], id="a line break"),
        pytest.param({"DEBUG": 1}, ['Environment="DEBUG=1"'], id="a number"),
    ],
)
def test_the_drop_in(environment: dict[str, Any], lines: list[str]) -> None:
    assert render_drop_in(environment) == HEADER + "\n".join(lines) + "\n"


def test_no_environment_is_no_drop_in() -> None:
    assert render_drop_in({}) == ""


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_is_quoted_is_read_again_on_one_line(value: str) -> None:
    quoted = quote(value)
    assert "\n" not in quoted
    assert [word.replace("%%", "%") for word in shlex.split(quoted)] == [value]


class FakeDaemon:
    """What the plan asks of a daemon."""

    def __init__(self, running: str | None = "28.5.2", installed: str | None = "28.5.2", answers: bool = True) -> None:
        self.drop_in_text = ""
        self.params = {"timeout": 60, "socket": "/run/docker.sock", "unit": "docker.service"}
        self.runs = lambda: running is not None
        self.wait = lambda seconds: answers
        self.version = lambda: running
        self.installed_version = lambda: installed
        self.outdated = list


@pytest.mark.parametrize(
    ("daemon", "drop_in", "after", "pending", "action", "reasons"),
    [
        pytest.param(FakeDaemon(), "", {}, "", "none", [], id="nothing to do"),
        pytest.param(
            FakeDaemon(), "", {"debug": 1}, "", "reload", ["daemon.json: debug"], id="a key that can be reloaded"
        ),
        pytest.param(
            FakeDaemon(), "", {"debug": 1, "mtu": 1}, "", "restart", ["daemon.json: debug, mtu"], id="a key that cannot"
        ),
        pytest.param(FakeDaemon(), "x", {}, "", "restart", ["the daemon's environment"], id="another environment"),
        pytest.param(
            FakeDaemon(),
            "",
            {},
            "restart\n",
            "restart",
            ["an earlier run was interrupted before the daemon had taken its configuration over"],
            id="cut off earlier",
        ),
        pytest.param(
            FakeDaemon(),
            "",
            {"mtu": 1},
            "reload",
            "restart",
            ["daemon.json: mtu", "an earlier run was interrupted before the daemon had taken its configuration over"],
            id="cut off earlier, and more to do now",
        ),
        pytest.param(FakeDaemon(), "", {}, "nonsense", "none", [], id="a note that nobody wrote"),
        pytest.param(
            FakeDaemon("28.5.2", "29.0.0"),
            "",
            {"debug": 1},
            "",
            "restart",
            ["daemon.json: debug", "28.5.2 runs, 29.0.0 is installed"],
            id="another version is installed",
        ),
        pytest.param(FakeDaemon("28.5.2", None), "", {}, "", "none", [], id="nobody knows what is installed"),
        pytest.param(
            FakeDaemon(None),
            "",
            {"debug": 1},
            "",
            "start",
            ["daemon.json: debug", "the daemon does not run"],
            id="it is down",
        ),
    ],
)
def test_the_plan(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    daemon: Any,
    drop_in: str,
    after: Mapping[str, Any],
    pending: str,
    action: str,
    reasons: list[str],
) -> None:
    note = tmp_path / "pending"
    note.write_text(pending)
    monkeypatch.setattr(daemons, "PENDING", str(note))
    assert plan(daemon, drop_in, {}, after) == (action, reasons)


def test_a_key_that_goes_is_planned_as_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "PENDING", str(tmp_path / "pending"))
    daemon: Any = FakeDaemon()
    assert plan(daemon, "", {"debug": True}, {}) == ("restart", ["daemon.json: debug"])


def test_there_is_no_plan_for_a_daemon_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "PENDING", str(tmp_path / "pending"))
    daemon: Any = FakeDaemon(installed="29.0.0", answers=False)
    with pytest.raises(DaemonError, match=r"the daemon runs but has not answered on /run/docker\.sock for 60 s"):
        plan(daemon, "x", {}, {"mtu": 1400})


@pytest.mark.parametrize(
    ("config", "environment", "action", "calls"),
    [
        pytest.param({"debug": True}, None, "reload", ["check", "reload"], id="a reload"),
        pytest.param({"mtu": 1400}, None, "restart", ["check", "restart"], id="a restart"),
        pytest.param({}, {"HTTP_PROXY": "http://p"}, "restart", ["daemon-reload", "restart"], id="an environment"),
        pytest.param({"labels": None}, None, "restart", ["check", "restart"], id="a key that goes"),
    ],
)
def test_check_mode_changes_nothing_then_it_is_applied_then_nothing_is_left(
    host: Host, config: dict[str, Any], environment: dict[str, str] | None, action: str, calls: list[str]
) -> None:
    host.write({"labels": ["a"], "bip": "10.0.0.1/24"})
    before = host.settings
    host.check_mode = True
    foretold = host.apply(config=config, environment=environment)
    assert (foretold["changed"], foretold["action"], host.settings) == (True, action, before)
    assert host.calls == [call for call in calls if call == "check"]
    host.check_mode = False
    assert host.apply(config=config, environment=environment) == foretold
    assert host.calls == calls
    again = host.apply(config=config, environment=environment)
    assert (again["changed"], again["action"], host.calls) == (False, "none", [])
    assert (host.settings or {})["bip"] == "10.0.0.1/24"


def test_secrets_are_not_in_the_diff_and_the_drop_in_is_roots_alone(host: Host, tmp_path: Path) -> None:
    result = host.apply(
        config={"proxies": {"http-proxy": "http://u:hunter2@p"}}, environment={"HTTP_PROXY": "http://u:hunter2@p"}
    )
    assert "hunter2" not in json.dumps(result)
    drop_in = tmp_path / "docker.service.d/environment.conf"
    assert "hunter2" in drop_in.read_text()
    assert drop_in.stat().st_mode & 0o777 == 0o600


def test_an_empty_environment_removes_the_drop_in_and_none_leaves_it(host: Host, tmp_path: Path) -> None:
    drop_in = tmp_path / "docker.service.d/environment.conf"
    host.apply(environment={"A": "b"})
    assert not host.apply(environment=None)["changed"]
    assert drop_in.exists()
    assert host.apply(environment={})["action"] == "restart"
    assert not drop_in.exists()


@pytest.mark.parametrize(
    ("validates", "refusal", "said"),
    [
        pytest.param(
            True, (1, "", "unable to configure: conflict\n"), "unable to configure: conflict", id="by validation"
        ),
        pytest.param(True, (1, "", ""), "it gave no reason", id="by validation, without a word"),
        pytest.param(
            False, (1, "", "time=x\nunable to configure\n"), "unable to configure", id="by a start, before 23.0"
        ),
        pytest.param(False, (139, "", ""), "it gave no reason", id="by a start, without a word"),
    ],
)
def test_what_dockerd_refuses_is_not_written(
    host: Host, validates: bool, refusal: tuple[int, str, str], said: str
) -> None:
    host.write({"debug": False})
    host.validates, host.refusal = validates, refusal
    result = host.apply(config={"debug": True})
    assert result["msg"] == f"dockerd refuses the new {host.path}, nothing was changed: {said}"
    assert (host.settings, host.calls) == ({"debug": False}, ["check"])


def test_an_engine_before_23_is_content_when_it_gets_as_far_as_the_pid_file(host: Host) -> None:
    host.validates = False
    host.refusal = (1, "", "failed to start daemon: pid file found, ensure docker is not running or delete /tmp/pid\n")
    assert host.apply(config={"debug": True})["changed"]


def test_a_configuration_with_which_the_daemon_does_not_come_up_is_taken_back(host: Host) -> None:
    host.write({"debug": True})
    host.broken = lambda settings: "storage-driver" in settings
    result = host.apply(config={"storage-driver": "nonsense"}, timeout=60)
    assert result["failed"]
    assert result["restored"]
    assert "failed to start daemon: no such driver" in result["msg"]
    assert "the configuration from before is back" in result["msg"]
    assert (host.settings, host.running, host.calls) == ({"debug": True}, "28.5.2", ["check", "restart", "restart"])
    assert host.now < 5, "systemd says that it failed, so that nobody has to wait for it"
    assert not host.apply(config={"debug": True})["changed"]


def test_a_new_file_goes_again_when_the_daemon_does_not_come_up_with_it(host: Host) -> None:
    host.broken = lambda settings: "storage-driver" in settings
    assert host.apply(config={"storage-driver": "nonsense"})["restored"]
    assert host.settings is None


def test_a_daemon_that_does_not_come_up_at_all_is_not_said_to_be_back(host: Host) -> None:
    host.running = None
    host.broken = lambda settings: True
    result = host.apply()
    assert (result["failed"], result["restored"]) == (True, False)
    assert "the daemon does not run" in result["msg"]


def test_a_daemon_that_is_down_is_started_and_enabled(host: Host) -> None:
    host.running, host.file_state = None, "disabled"
    assert host.apply()["action"] == "start"
    assert host.calls == ["enable", "restart"]
    assert host.apply()["changed"] is False
    host.file_state = "disabled"
    assert host.apply()["changed"]
    assert host.calls == ["enable"]


def test_a_daemon_json_that_is_damaged_is_named(host: Host) -> None:
    host.path.parent.mkdir()
    host.path.write_text("{")
    message = host.apply(config={"debug": True})["msg"]
    assert message.startswith(f"{host.path} on this host cannot be merged into: it is not JSON: ")
    assert message.endswith("; mend it by hand or remove it")


def test_a_host_without_the_engine(host: Host) -> None:
    host.load_state, host.running = "not-found", None
    host.check_mode = True
    assert host.apply(config={"debug": True})["action"] == "start"
    host.check_mode = False
    message = "there is no unit docker.service on this host; install the engine first"
    assert host.apply(config={"debug": True})["msg"] == message


@pytest.mark.parametrize(
    ("file_state", "enabled", "expected"),
    [
        ("disabled", True, ["enable"]),
        ("disabled", False, []),
        *(
            (state, True, [])
            for state in ("enabled", "enabled-runtime", "static", "linked", "indirect", "generated", "")
        ),
    ],
)
def test_only_a_unit_that_is_disabled_is_enabled(
    host: Host, file_state: str, enabled: bool, expected: list[str]
) -> None:
    host.file_state = file_state
    assert host.apply(enabled=enabled)["changed"] is bool(expected)
    assert host.calls == expected


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_masked_unit_is_said_to_be_masked(host: Host, check_mode: bool) -> None:
    host.load_state, host.running, host.check_mode = "masked", None, check_mode
    result = host.apply(config={"debug": True})
    assert result["failed"]
    assert result["msg"] == "docker.service is masked on this host; run 'systemctl unmask docker.service'"
    assert (host.settings, host.calls) == (None, [])


def test_what_systemd_refuses_is_one_sentence(host: Host) -> None:
    host.file_state, host.systemd_refuses = "disabled", "enable"
    assert host.apply()["msg"] == "the daemon's configuration could not be applied: systemd does not enable"


def test_a_daemon_json_that_is_no_text_is_one_sentence(host: Host) -> None:
    host.path.parent.mkdir()
    host.path.write_bytes(b"\xff")
    message = host.apply(config={"debug": True})["msg"]
    assert message.startswith(f"the daemon's configuration could not be applied: {host.path} is not text in UTF-8: ")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        pytest.param(["time=1 level=info msg=up", "fatal", "time=2 level=debug msg=bye"], "fatal", id="what tells"),
        pytest.param(["time=1 level=info msg=up"], "time=1 level=info msg=up", id="what there is"),
        pytest.param(["a", "b", "level=error c", "d"], "b | level=error c | d", id="the last ones"),
        pytest.param([], "none", id="nothing"),
    ],
)
def test_the_last_words_are_those_that_tell_something(host: Host, log: list[str], said: str) -> None:
    host.log, host.broken = log, lambda settings: True
    result = host.apply(config={"mtu": 1400})
    assert result["msg"] == f"the daemon did not come up (daemon.json: mtu). Its last words: {said}"
    assert result["log"] == log


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


# dockerd's check


@pytest.mark.parametrize(
    "exec_start",
    [
        pytest.param("{folder}/wrapper dockerd -H fd://", id="a wrapper"),
        pytest.param("/usr/bin/env dockerd", id="env"),
        pytest.param("/nonexistent/dockerd -H fd://", id="a dockerd that is not there"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_unit_that_starts_something_else_is_not_run_for_a_question(
    host: Host, tmp_path: Path, exec_start: str
) -> None:
    (tmp_path / "wrapper").touch()
    host.exec_start, host.installed = exec_start.format(folder=tmp_path), "29.0.0"
    host.refusal = (1, "", "it is no dockerd")
    result = host.apply(config={"debug": True})
    assert (result["action"], result["reasons"]) == ("reload", ["daemon.json: debug"])
    assert (host.calls, host.versions_asked) == (["reload"], 0)


@pytest.mark.parametrize("validates", [True, False], ids=["by validation", "by a start, before 23.0"])
def test_a_check_makes_no_folder_where_the_daemon_will_have_its_own(
    host: Host, tmp_path: Path, validates: bool
) -> None:
    host.validates = validates
    host.refusal = (0, "", "") if validates else (1, "", "pid file found\n")
    config = {"data-root": str(tmp_path / "data"), "exec-root": str(tmp_path / "exec"), "pidfile": "/p", "mtu": 1400}
    assert host.apply(config=config)["changed"]
    folder = Path(host.check_command[host.check_command.index("--config-file") + 1]).parent
    roots = {"data-root": str(folder / "data-root"), "exec-root": str(folder / "exec-root")}
    assert host.checked == {**roots, "mtu": 1400}
    assert host.check_command[:3] == [str(host.dockerd), "-H", "fd://"]
    assert ("--validate" in host.check_command, "--pidfile" in host.check_command) == (validates, not validates)
    assert not folder.exists()
    assert host.settings == config


@pytest.mark.parametrize(
    "config", [{"mtu": 1400}, {"data-root": ["no", "path"]}], ids=["a folder not set", "a folder that is none"]
)
def test_a_check_leaves_other_settings_for_dockerd_to_judge(host: Host, config: dict[str, Any]) -> None:
    host.apply(config=config)
    assert host.checked == config


@pytest.mark.parametrize("check_mode", [False, True])
def test_without_validation_dockerd_is_not_asked(host: Host, check_mode: bool) -> None:
    host.refusal, host.check_mode = (1, "", "the following directives don't match"), check_mode
    config = {"settings-of-tomorrow": True}
    assert host.apply(config=config, validate=False)["changed"]
    assert (host.settings, host.calls) == ((None, []) if check_mode else (config, ["restart"]))


# What is shown


def succeed(host: Host) -> None:
    """As it is."""


def mask(host: Host) -> None:
    host.load_state = "masked"


def do_not_come_up(host: Host) -> None:
    host.broken = lambda settings: True


def be_refused(host: Host) -> None:
    host.systemd_refuses = "daemon-reload"


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (succeed, None),
        (mask, "docker.service is masked"),
        (do_not_come_up, "the daemon did not come up"),
        (be_refused, "the daemon's configuration could not be applied"),
    ],
)
def test_every_ending_shows_the_options_without_their_secrets(
    host: Host, ending: Callable[[Host], None], message: str | None
) -> None:
    ending(host)
    proxy = "http://u:hunter2@p"
    result = host.apply(
        config={"proxies": {"http-proxy": proxy}, "registry-token": "hunter2"}, environment={"HTTP_PROXY": proxy}
    )
    assert result.get("msg", "").startswith(message or "")
    assert result.get("failed", False) is (message is not None)
    shown = result["invocation"]["module_args"]
    assert shown["config"] == {"proxies": {"http-proxy": f"http://{MASK}@p"}, "registry-token": MASK}
    assert shown["environment"] == {"HTTP_PROXY": f"http://{MASK}@p"}
    assert (shown["path"], shown["validate"]) == (str(host.path), True)
    assert "hunter2" not in json.dumps(result)
    assert host.params["config"]["registry-token"] == "hunter2", "the options themselves stay as they are"


def test_the_hosts_journal_gets_no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda module, message, log_args=None: written.append(message))
    with patch_module_args({"config": {"log-opts": {"splunk-token": "hunter2"}}}):
        module = docker_daemon.DaemonModule(argument_spec={"config": {"type": "dict"}})
    assert module.params["config"] == {"log-opts": {"splunk-token": "hunter2"}}
    assert written == []
