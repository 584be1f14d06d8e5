# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host with a Docker engine, as module docker_daemon meets it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_reads, needrestart
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.modules import docker_daemon


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
        self.others: dict[str, str] = {}
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
            "defer_for": [],
            "needrestart": True,
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
        if words[0] == "show" and words[1] != self.params["unit"]:
            return 0, f"ActiveState={self.others.get(words[1], 'inactive')}\n", ""
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


def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """An engine that runs, without a daemon.json, and needrestart told to leave it alone."""
    found = Host(tmp_path)

    def daemon_module(argument_spec: dict[str, Any], **kwargs: Any) -> Host:
        assert set(argument_spec) == set(found.params)
        return found

    monkeypatch.setattr(docker_daemon, "DaemonModule", daemon_module)
    monkeypatch.setattr(daemons, "PENDING", str(tmp_path / "pending"))
    monkeypatch.setattr(daemons, "DROP_IN", str(tmp_path / "{0}.d/environment.conf"))
    monkeypatch.setattr(needrestart, "PATH", str(tmp_path / "needrestart/runnerkit-{0}.conf"))
    monkeypatch.setattr(daemon_reads, "NOTE", str(tmp_path / "read"))
    monkeypatch.setattr(daemon_reads, "_started", {4711: time.time() - 60}.get)
    monkeypatch.setattr(daemons, "Engine", lambda path, timeout: found)
    monkeypatch.setattr(daemons, "time", SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep))
    needrestart.Override("docker_engine", ["containerd.service", "docker.service", "docker.socket"]).apply()
    return found
