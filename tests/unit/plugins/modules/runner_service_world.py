# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host with systemd and GitLab Runner, as module runner_service meets it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import needrestart, runner_hold, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service as services
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_state as states
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.modules import runner_service

HOME = "/home/gitlab-runner"


class Answer(Exception):  # noqa: N818
    """What the module says at its end."""

    def __init__(self, **values: Any) -> None:
        super().__init__(values.get("msg"))
        self.values = values


class Host:
    """A host with systemd and one runner, which has a job until `job_ends`. Time passes only where somebody waits.

    systemd knows of drop-ins what they were at the last daemon-reload.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unit = folder / "etc/gitlab-runner.service"
        self.drop_in = folder / "etc/gitlab-runner.service.d/runnerkit.conf"
        self.drain = folder / "run/gitlab-runner.service.d/zz.conf"
        self.mark = folder / "var/restart"
        self.hold = folder / "var/hold"
        self.needrestart = folder / "etc/needrestart.conf"
        self.program = folder / "bin/gitlab-runner"
        for path in (self.unit, self.drop_in, self.drain, self.mark, self.program):
            path.parent.mkdir(parents=True, exist_ok=True)
        self.program.touch(mode=0o755)
        self.config = folder / "config.toml"
        self.state = "inactive"
        self.sub_state = "running"
        self.file_state = "enabled"
        self.load_state = "loaded"
        self.process = 0
        self.running_command = ""
        self.crashes = False
        self.job_ends = 0.0
        self.stopping_since = 0.0
        self.ended = 0.0
        self.aborted = False
        self.queued = False
        self.loaded: list[str] = []
        self.warnings: list[str] = []
        self.now = 1000.0
        self.calls: list[str] = []
        self.check_mode = False
        self.params: dict[str, Any] = {name: spec.get("default") for name, spec in runner_service.ARGUMENTS.items()}

    # The runner and systemd.

    def install(self, *arguments: str) -> None:
        """Write a unit as the runner does."""
        words = " ".join(f'"{word}"' for word in ("run", *arguments))
        self.unit.write_text(f"[Service]\nExecStart={self.program} {words}\nRestart=always\n")
        self._reload()

    @property
    def standard(self) -> list[str]:
        words = texts.standard("x", "gitlab-runner", HOME, str(self.config)).words
        return words[2:]

    def runs(self, *arguments: str) -> Host:
        """A unit is there and the runner was started."""
        self.install(*(arguments or self.standard))
        self._start()
        self.calls.clear()
        return self

    @property
    def command(self) -> str:
        found = [texts.written_command(path.read_text()) for path in (self.unit, self.drop_in) if path.exists()]
        known = [command for command in found if command]
        return " ".join(known[-1].words) if known else ""

    def _drop_ins(self) -> list[str]:
        return [path.read_text() for path in (self.drop_in, self.drain) if path.exists()]

    def _reload(self) -> None:
        self.loaded = self._drop_ins()

    def boot(self) -> Host:
        """Start anew, as after a power cut."""
        self.drain.unlink(missing_ok=True)
        self.state, self.queued, self.stopping_since, self.ended = "inactive", False, 0.0, 0.0
        self._reload()
        return self.start() if self.file_state == "enabled" else self

    def start(self) -> Host:
        """What `systemctl start` does, whoever calls it."""
        refused = self.hold.exists() and any("ConditionPathExists=!" in text for text in self.loaded)
        if self.state == "deactivating":
            self.queued = True
        elif not refused and (self.state in ("inactive", "failed") or self.sub_state == "auto-restart"):
            self._start()
        return self

    def _start(self) -> None:
        self.process += 1
        self.state = "activating" if self.crashes else "active"
        self.sub_state = "auto-restart" if self.crashes else "running"
        self.running_command = self.command

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.state == "deactivating" and self.now >= self.job_ends:
            self.state, self.ended = "inactive", self.job_ends
            if self.queued:
                self.queued = False
                self.start()

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        words = list(command)
        if words[0] == "journalctl":
            return 0, "FATAL: no good", ""
        if words[0] == str(self.program):
            options = [word.lstrip("-").split("=", 1) for word in words[2:]]
            self.install(*(part for name, value in options for part in (f"--{name}", value)))
            self.calls.append("install")
            return 0, "", ""
        verb = next(word for word in words[1:] if not word.startswith("-"))
        if verb == "show":
            return 0, "\n".join(f"{name}={value}" for name, value in self._properties().items()), ""
        if verb == "list-jobs":
            return 0, f"  7 gitlab-runner.service {'start waiting' if self.queued else 'stop running'}\n", ""
        if verb == "reset-failed":
            return 0, "", ""
        self.calls.append(verb)
        self.systemctl(verb)
        return 0, "", ""

    def systemctl(self, verb: str) -> None:
        if verb == "daemon-reload":
            self._reload()
        elif verb == "stop":
            self._stop()
        elif verb == "kill":
            self.aborted, self.job_ends = self.now < self.job_ends, self.now
        elif verb == "start":
            self.start()
        elif verb in ("enable", "disable"):
            self.file_state = verb + "d"

    def _stop(self) -> None:
        patient = any("TimeoutStopSec=infinity" in text for text in self.loaded)
        assert patient or self.sub_state == "auto-restart", "systemd would kill it some time"
        self.queued = False
        if self.state != "deactivating":
            self.stopping_since = self.ended = self.now
            self.state = "deactivating" if self.now < self.job_ends else "inactive"
            self.sub_state = "stop-sigterm"

    def _properties(self) -> dict[str, str]:
        there = self.unit.exists()
        command = self.command
        return {
            "LoadState": self.load_state if there else "not-found",
            "ActiveState": self.state,
            "SubState": self.sub_state,
            "UnitFileState": self.file_state if there else "",
            "NeedDaemonReload": "no" if self.loaded == self._drop_ins() else "yes",
            "MainPID": str(self.process) if self.state in ("active", "deactivating") else "0",
            "FragmentPath": str(self.unit) if there else "",
            "ExecStart": f"{{ path=x ; argv[]={command} ; pid=0 }}" if there else "",
            "ActiveExitTimestampMonotonic": str(int(self.stopping_since * 1e6)),
            "InactiveEnterTimestampMonotonic": str(int(self.ended * 1e6)),
        }

    # The module.

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fail_json(self, **values: Any) -> NoReturn:
        raise Answer(failed=True, **values)

    def exit_json(self, **values: Any) -> NoReturn:
        raise Answer(**values)

    def apply(self, state: str = "started", **params: Any) -> dict[str, Any]:
        """Run the module as role gitlab_runner does; its answer."""
        self.params.update({name: spec.get("default") for name, spec in runner_service.ARGUMENTS.items()})
        self.params.update(state=state, config=str(self.config), program=str(self.program), graceful=True)
        self.params.update(params)
        self.calls.clear()
        self.warnings.clear()
        with pytest.raises(Answer) as caught:
            runner_service.main()
        return caught.value.values


def host_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose runner was not installed yet."""
    found = Host(folder)
    clock = SimpleNamespace(monotonic=lambda: found.now, sleep=found.sleep)
    monkeypatch.setattr(runner_service, "AnsibleModule", lambda **_options: found)
    monkeypatch.setattr(runner_service, "SYSTEMD", str(folder))
    monkeypatch.setattr(states, "DROP_IN", str(found.drop_in))
    monkeypatch.setattr(states, "DRAIN_DROP_IN", str(found.drain))
    monkeypatch.setattr(states, "RESTART_MARK", str(found.mark))
    monkeypatch.setattr(states, "UNIT_FILE", str(found.unit))
    monkeypatch.setattr(runner_hold, "PATH", str(found.hold))
    monkeypatch.setattr(needrestart, "PATH", str(found.needrestart))
    monkeypatch.setattr(services, "time", clock)
    monkeypatch.setattr(states, "time", clock)
    monkeypatch.setattr(way_back, "DIRECTORY", str(folder / "way_back"))
    return found
