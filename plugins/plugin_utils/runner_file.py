# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml of a host, read and written from an action plugin so that nothing of it is logged or left on the way.

The file is full of tokens, and Ansible is not made for that: from `-vvv` on a connection prints what a module answers,
ANSIBLE_DEBUG prints its arguments as well, and without pipelining, or with ANSIBLE_KEEP_REMOTE_FILES, the module with
its arguments lies in files on both sides. `unlogged` and `piped` switch all of that off for the one call.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

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
        self.action = action
        self.task_vars = dict(task_vars or {})
        self.path = str(path)
        # What Ansible learned about the host's Python on the way; belongs into the result of the action.
        self.facts: dict[str, Any] = {}

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
        with unlogged(self.action):
            answer = self._call(arguments, pipelining=True)
            if _wants_terminal(answer):
                answer = self._call(arguments, pipelining=False)
            # Here, and not at the end of the action, which would keep what it is told to keep.
            if self.action._connection._shell.tmpdir:
                self.action._remove_tmp_path(self.action._connection._shell.tmpdir)
        self.facts.update(answer.get("ansible_facts") or {})
        told: Mapping[str, Any] | None = answer.get("runner_file")
        if told is None:
            raise RunnerFileError(f"cannot {verb} {self.path}: {_reason(answer)}")
        if answer.get("failed"):
            raise RunnerFileError(str(answer["msg"]))
        return told

    def _call(self, arguments: Mapping[str, Any], pipelining: bool) -> dict[str, Any]:
        with piped(self.action, pipelining):
            answer: dict[str, Any] = self.action._execute_module(
                module_name=MODULE, module_args={"path": self.path, **arguments}, task_vars=self.task_vars
            )
        return answer


@contextlib.contextmanager
def unlogged(action: ActionBase) -> Iterator[None]:
    """Meanwhile nobody prints what goes to the host or comes from it, and no temporary file is kept.

    The constants are those of this task's own process; connections ask their own play context.
    """
    contexts = {id(each): each for each in (action._play_context, action._connection._play_context)}
    switches: list[tuple[Any, str, bool]] = [(context, "no_log", True) for context in contexts.values()]
    switches += [(constants, name, False) for name in ("DEFAULT_DEBUG", "DEFAULT_KEEP_REMOTE_FILES")]
    before = [getattr(thing, name) for thing, name, _ in switches]
    for thing, name, wanted in switches:
        setattr(thing, name, wanted)
    try:
        yield
    finally:
        for (thing, name, _), value in zip(switches, before, strict=True):
            setattr(thing, name, value)


@contextlib.contextmanager
def piped(action: ActionBase, wanted: bool) -> Iterator[None]:
    """Meanwhile modules go over the open connection, where it can do that, or through files on both sides, which a run
    that is killed leaves behind.
    """
    connection = action._connection
    try:
        before = connection.get_option("pipelining")
        connection.set_option("pipelining", wanted)
    except KeyError:  # a connection that knows no such option
        yield
        return
    try:
        yield
    finally:
        connection.set_option("pipelining", before)


def _wants_terminal(answer: Mapping[str, Any]) -> bool:
    """Whether sudo refused to work without a terminal (`requiretty`), which is why people switch pipelining off."""
    return "runner_file" not in answer and "tty" in str(answer.get("module_stderr", ""))


def _reason(answer: Mapping[str, Any]) -> str:
    """Why there was no answer: the last thing said on standard error. Standard output may hold the file itself."""
    said = [line.strip() for line in str(answer.get("module_stderr") or "").splitlines() if line.strip()]
    if said:
        return said[-1][:300]
    return f"the host's Python did not answer (return code {answer.get('rc', 'unknown')}); look at the host's journal"
