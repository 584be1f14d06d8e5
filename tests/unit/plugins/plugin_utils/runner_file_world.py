# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""An action plugin that acts on a host which is a folder: the host's half runs in this process, on real files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store
from ansible_collections.runnerkit.gitlab.plugins.modules import runner_config_file


class Action(ActionBase):
    """An action plugin that does nothing by itself."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().run(tmp, task_vars)


class Connection:
    """What actions ask of a connection."""

    def __init__(self, pipelining: bool | None) -> None:
        self._play_context = SimpleNamespace(no_log=False)
        self._shell = SimpleNamespace(tmpdir=None)
        self.options = {} if pipelining is None else {"pipelining": pipelining}

    def get_option(self, name: str) -> Any:
        return self.options[name]

    def set_option(self, name: str, value: Any) -> None:
        self.options[name] = value


class World:
    """A host with `path`, its config.toml. BEFORE_WRITE happens just before a write gets there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "RESTART_MARK", str(folder / "mark"))
        self.path = folder / "gitlab-runner/config.toml"
        self.mark = folder / "mark"
        self.connection = Connection(pipelining=False)
        self.monkeypatch = monkeypatch
        self.calls: list[str] = []
        self.loud: list[str] = []
        self.pipelining: list[Any] = []
        self.before_write: Callable[[], object] = lambda: None
        self.answers: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer

    def holds(self, text: str, mode: int = 0o600) -> None:
        """Give the host a file."""
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_bytes(text.encode())
        self.path.chmod(mode)

    @property
    def text(self) -> str:
        return self.path.read_bytes().decode()

    def action(self, kind: Any = Action, arguments: Mapping[str, Any] | None = None, check_mode: bool = False) -> Any:
        """An action plugin in the middle of a task for this host."""
        task = SimpleNamespace(args=dict(arguments or {}), check_mode=check_mode, async_val=0, action="runner_config")
        made = kind(task, self.connection, SimpleNamespace(no_log=False), None, None)
        made._execute_module = self._execute
        made._remove_tmp_path = self._tidy
        return made

    def _tidy(self, path: str) -> None:
        self.calls.append(f"remove {path}")
        self.connection._shell.tmpdir = None

    def _noisy(self) -> bool:
        kept = [getattr(constants, name) for name in ("DEFAULT_DEBUG", "DEFAULT_KEEP_REMOTE_FILES")]
        return any(kept) or not self.connection._play_context.no_log

    def _execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        assert module_name == "runnerkit.gitlab.runner_config_file"
        if self._noisy():
            self.loud.append(module_args["state"])
        self.calls.append(module_args["state"])
        self.pipelining.append(self.connection.options.get("pipelining"))
        if module_args["state"] == "write":
            self.before_write()
        arguments: dict[str, Any] = dict(runner_config_file.ARGUMENTS)
        defaults = {name: spec.get("default") for name, spec in arguments.items()}
        module: Any = SimpleNamespace(params={**defaults, **module_args}, check_mode=False)
        try:
            told = getattr(runner_config_file, module_args["state"])(module)
        except store.StoreError as error:
            return self.answers({"failed": True, "msg": str(error), "runner_file": {}})
        return self.answers({"changed": False, "runner_file": told, "invocation": {"module_args": module_args}})
