# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon import plan, quote, render_drop_in
from ansible_collections.runnerkit.gitlab.plugins.modules import docker_daemon

HEADER = "# Ansible managed: role runnerkit.gitlab.docker_engine\n[Service]\n"


class Answer(Exception):  # noqa: N818
    """What the module says at its end."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values.get("msg"))
        self.values = values


class Host:
    """A host with one engine, and the module's view of it. It does not come up with settings that are `broken`."""

    def __init__(self, folder: Path, **params: Any) -> None:
        self.dockerd = folder / "dockerd"
        self.dockerd.touch()
        self.path = folder / "etc/daemon.json"
        self.running: str | None = "28.5.2"
        self.installed = "28.5.2"
        self.load_state = "loaded"
        self.enabled = True
        self.validates = True
        self.refusal: tuple[int, str, str] = (0, "configuration OK", "")
        self.broken: Callable[[dict[str, Any]], bool] = lambda settings: False
        self.calls: list[str] = []
        self.check_mode = False
        self.params: dict[str, Any] = {
            "config": {},
            "environment": None,
            "enabled": True,
            "timeout": 1,
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

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        words = list(command)
        if words[0] == "systemctl":
            return self._systemctl(words[1:])
        if words[0] == "journalctl":
            return 0, "failed to start daemon: no such driver\n", ""
        if words[1] == "--help":
            return 0, "Usage: dockerd\n" + ("  --validate\n" if self.validates else ""), ""
        if words[1] == "--version":
            return 0, f"Docker version {self.installed}, build 1234567\n", ""
        self.calls.append("check")
        return self.refusal

    def _systemctl(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "show" and "ExecStart" in words[-1]:
            return 0, f"ExecStart={{ path={self.dockerd} ; argv[]={self.dockerd} -H fd:// ; pid=0 }}\n", ""
        if words[0] == "show":
            state = "enabled" if self.enabled else "disabled"
            active = "active" if self.running else "failed"
            return 0, f"LoadState={self.load_state}\nActiveState={active}\nUnitFileState={state}\n", ""
        if words[0] != "reset-failed":
            self.calls.append(words[0])
        if words[0] in ("restart", "reload"):
            self.running = None if self.broken(self.settings or {}) else self.installed
        if words[0] == "enable":
            self.enabled = True
        return 0, "", ""

    def fail_json(self, **values: Any) -> NoReturn:
        raise Answer(failed=True, **values)

    def exit_json(self, **values: Any) -> NoReturn:
        raise Answer(**values)

    def apply(self, **params: Any) -> dict[str, Any]:
        """Run the module; its answer."""
        self.params.update(params)
        self.calls.clear()
        module: Any = self
        with pytest.raises(Answer) as caught:
            docker_daemon.run(module)
        return caught.value.values


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """An engine that runs, without a daemon.json."""
    found = Host(tmp_path)
    monkeypatch.setattr(daemons, "PENDING", str(tmp_path / "pending"))
    monkeypatch.setattr(daemons, "DROP_IN", str(tmp_path / "{0}.d/environment.conf"))
    monkeypatch.setattr(daemons.Daemon, "version", lambda daemon: found.running)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
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

    def __init__(self, running: str | None = "28.5.2", installed: str | None = "28.5.2") -> None:
        self.drop_in_text = ""
        self.version = lambda: running
        self.installed_version = lambda: installed


@pytest.mark.parametrize(
    ("daemon", "drop_in", "keys", "pending", "action", "reasons"),
    [
        pytest.param(FakeDaemon(), "", [], "", "none", [], id="nothing to do"),
        pytest.param(
            FakeDaemon(), "", ["debug"], "", "reload", ["daemon.json: debug"], id="a key that can be reloaded"
        ),
        pytest.param(
            FakeDaemon(), "", ["debug", "mtu"], "", "restart", ["daemon.json: debug, mtu"], id="a key that cannot"
        ),
        pytest.param(FakeDaemon(), "x", [], "", "restart", ["the daemon's environment"], id="another environment"),
        pytest.param(
            FakeDaemon(),
            "",
            [],
            "restart\n",
            "restart",
            ["an earlier run was interrupted before the daemon had taken its configuration over"],
            id="cut off earlier",
        ),
        pytest.param(
            FakeDaemon(),
            "",
            ["mtu"],
            "reload",
            "restart",
            ["daemon.json: mtu", "an earlier run was interrupted before the daemon had taken its configuration over"],
            id="cut off earlier, and more to do now",
        ),
        pytest.param(FakeDaemon(), "", [], "nonsense", "none", [], id="a note that nobody wrote"),
        pytest.param(
            FakeDaemon("28.5.2", "29.0.0"),
            "",
            ["debug"],
            "",
            "restart",
            ["daemon.json: debug", "28.5.2 runs, 29.0.0 is installed"],
            id="another version is installed",
        ),
        pytest.param(FakeDaemon("28.5.2", None), "", [], "", "none", [], id="nobody knows what is installed"),
        pytest.param(
            FakeDaemon(None),
            "",
            ["debug"],
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
    keys: list[str],
    pending: str,
    action: str,
    reasons: list[str],
) -> None:
    note = tmp_path / "pending"
    note.write_text(pending)
    monkeypatch.setattr(daemons, "PENDING", str(note))
    assert plan(daemon, drop_in, keys) == (action, reasons)


@pytest.mark.parametrize(
    ("config", "environment", "action", "calls"),
    [
        pytest.param({"debug": True}, None, "reload", ["check", "reload"], id="a reload"),
        pytest.param({"mtu": 1400}, None, "restart", ["check", "restart"], id="a restart"),
        pytest.param({}, {"HTTP_PROXY": "http://p"}, "restart", ["daemon-reload", "restart"], id="an environment"),
        pytest.param({"labels": None}, None, "reload", ["check", "reload"], id="a key that goes"),
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
    result = host.apply(config={"storage-driver": "nonsense"})
    assert result["failed"]
    assert result["restored"]
    assert "failed to start daemon: no such driver" in result["msg"]
    assert "the configuration from before is back" in result["msg"]
    assert (host.settings, host.running, host.calls) == ({"debug": True}, "28.5.2", ["check", "restart", "restart"])
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
    host.running, host.enabled = None, False
    assert host.apply()["action"] == "start"
    assert host.calls == ["enable", "restart"]
    assert host.apply()["changed"] is False
    host.enabled = False
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
