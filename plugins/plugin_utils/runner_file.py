# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml of a host, read and written from an action plugin. It is full of tokens, so each call is a quiet one."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule

MODULE = "runnerkit.gitlab.runner_config_file"
# Where the runner looks unless it is told otherwise.
PATH = "/etc/gitlab-runner/config.toml"


class RunnerFileError(Exception):
    """The file could not be read or written; the text is a sentence for people, without anything of the content."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The file as it was read. A missing one has no text and no owner."""

    exists: bool
    text: str = dataclasses.field(repr=False)
    sha256: str
    system_id: str | None
    mode: str | None = None
    uid: int | None = None
    gid: int | None = None


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of a write: CONFLICT means that the file was not what had been read, and nothing was written."""

    conflict: bool
    backup_file: str | None = None


class RunnerFile:
    """config.toml on the host that an action plugin acts on."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any] | None, path: str = PATH) -> None:
        self.path = str(path)
        self._host = QuietModule(action, task_vars, MODULE, "runner_file")
        self.facts = self._host.facts

    def read(self) -> Found:
        """The file, with the runner's system ID beside it."""
        answer = self._ask("read", {"state": "read"})
        try:
            text = base64.b64decode(answer["content"] or "").decode("utf-8")
        except UnicodeDecodeError:
            text = None
        # Outside of the handler, as Ansible shows what led to an error, and that error holds the file.
        if text is None:
            raise RunnerFileError(f"{self.path} is not text in UTF-8; save it as UTF-8, nothing was written")
        return Found(
            text=text, **{name: answer[name] for name in ("exists", "sha256", "system_id", "mode", "uid", "gid")}
        )

    def write(self, text: str, found: Found, *, backup: bool = False, restart_needed: bool = False) -> Written:
        """Replace the file by TEXT if it still is what was FOUND."""
        content = text.encode("utf-8")
        answer = self._ask(
            "write",
            {
                "state": "write",
                "content": base64.b64encode(content).decode("ascii"),
                "expected": found.sha256,
                "backup": backup,
                "restart_needed": restart_needed,
            },
        )
        # A connection that breaks and is tried again makes the module write twice: what it wanted is there.
        conflict = answer["conflict"] and answer["sha256"] != hashlib.sha256(content).hexdigest()
        return Written(conflict=conflict, backup_file=answer["backup_file"])

    def _ask(self, verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call of the host's half; its answer never leaves this class as it is."""
        answer = self._host.ask({"path": self.path, **arguments})
        if answer.told is None:
            raise RunnerFileError(f"cannot {verb} {self.path}: {answer.silence}")
        if answer.problem is not None:
            raise RunnerFileError(answer.problem)
        return answer.told
