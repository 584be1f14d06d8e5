# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Pausing runners in unit tests: a mark in a real file, and a GitLab that may have its bad days."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.action.runner_pause import ActionModule
from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance
from ansible_collections.runnerkit.gitlab.plugins.modules import maintenance_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import gitlab_options
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from tests.support.gitlab_world import SYSTEM_ID, instance
from tests.unit.plugins.plugin_utils.runner_file_world import Connection

# How often GitLab is asked.
ATTEMPTS = 2


def hasty(client: GitLab) -> GitLab:
    """One that nobody has to wait for."""
    client.attempts, client._timeout = ATTEMPTS, 0.3
    return client


class World:
    """A host with two runners, `a` and `b`, of a GitLab of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.lab = instance()
        self.file = folder / "lib/maintenance.json"
        self.capsys = capsys
        self.calls: list[str] = []
        self.silent: list[int] = []  # calls of the host that it does not answer
        self.tokens = {"api": self.lab.admin_token}
        self.ids = {name: self.runner() for name in "ab"}
        monkeypatch.setattr(maintenance, "PATH", str(self.file))
        monkeypatch.setattr(GitLab, "wait_for", lambda *_: None)
        usual = gitlab_options.client
        monkeypatch.setattr(gitlab_options, "client", lambda *options: hasty(usual(*options)))

    def runner(self) -> int:
        made = self.lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
        self.meet(made["token"])
        return int(made["id"])

    def meet(self, token: str, system_id: str = SYSTEM_ID) -> None:
        """A machine asks for a job with this token, and makes itself known by that."""
        self.lab.call("POST", "/api/v4/jobs/request", {"token": token, "system_id": system_id})

    @property
    def facts(self) -> list[dict[str, Any]]:
        return [{"name": name, "id": number, "url": self.lab.url + "/"} for name, number in self.ids.items()]

    @property
    def mark(self) -> dict[str, Any] | None:
        return json.loads(self.file.read_text()) if self.file.exists() else None

    @property
    def paused(self) -> list[str]:
        """The runners that are paused in GitLab."""
        found = {row["id"]: row["paused"] for row in self.lab.runners()}
        return [name for name, number in self.ids.items() if found.get(number)]

    def asked(self) -> list[str]:
        return [row["method"] for row in self.lab.requests("", "/api/v4/runners/")]

    def run(self, state: str, check: bool = False, **more: Any) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "state": state, "by": "upgrade", "runners": self.facts, "url": self.lab.url, "ca": self.lab.ca,
            "api_token": self.lab.admin_token,
        }  # fmt: skip
        options = {key: value for key, value in {**usual, **more}.items() if value is not None}
        task = SimpleNamespace(args=options, check_mode=check, async_val=0, action="runner_pause")
        action: Any = ActionModule(task, Connection(pipelining=True), SimpleNamespace(no_log=False), None, None, None)  # type: ignore[arg-type]
        action._execute_module = lambda **call: self._execute(check, **call)
        result: dict[str, Any] = action.run(task_vars={})
        self.no_token_in(json.dumps(result) + repr(result))
        if self.file.exists():
            self.no_token_in(self.file.read_text())
        return result

    def no_token_in(self, text: str) -> None:
        assert not [secret for secret in (*self.lab.secrets(), self.lab.admin_token, "verysecret") if secret in text]

    def _execute(self, check: bool, module_name: str, module_args: dict[str, Any], task_vars: Any) -> Any:
        assert module_name == "runnerkit.gitlab.maintenance_mark"
        self.calls.append(module_args["state"])
        if len(self.calls) in self.silent:
            return {"failed": True, "module_stderr": "the host is gone\n", "rc": 255}
        with patch_module_args({**module_args, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            maintenance_mark.main()
        text = self.capsys.readouterr().out
        self.no_token_in(text)
        return json.loads(text)

    def trouble(self, number: int, **what: Any) -> None:
        """Something is wrong when a runner is changed."""
        self.lab.fault(path=f"/runners/{number}$", method="PUT", **what)
