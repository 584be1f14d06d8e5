# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon import DaemonError, plan, quote, render_drop_in
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import MASK
from ansible_collections.runnerkit.gitlab.plugins.modules import docker_daemon
from tests.unit.plugins.modules.daemon_world import Host, running

HEADER = "# Ansible managed: role runnerkit.gitlab.docker_engine\n[Service]\n"


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return running(tmp_path, monkeypatch)


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
