# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""How module docker_daemon has dockerd check its new configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.modules.daemon_world import Host, running


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return running(tmp_path, monkeypatch)


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
