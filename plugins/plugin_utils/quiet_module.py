# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A module called from an action plugin so that nothing of what it is given and answers is logged or left on the way.

Ansible is not made for secrets: from `-vvv` on a connection prints what a module answers, ANSIBLE_DEBUG prints its
arguments as well, and without pipelining, or with ANSIBLE_KEEP_REMOTE_FILES, the module with its arguments lies in
files on both sides. `unlogged` and `piped` switch all of that off for the one call.

The module answers what it has to say under a key of its own, by which an answer is told from Ansible's own excuses.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a call. Without TOLD the module did not answer, and SILENCE says why; a module that answered and
    failed says so in PROBLEM. Both are for people, and hold nothing of what was on its way.
    """

    told: Mapping[str, Any] | None = dataclasses.field(repr=False, default=None)
    problem: str | None = None
    silence: str | None = None


class QuietModule:
    """MODULE on the host that an action plugin acts on; KEY is where its answers are."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any] | None, module: str, key: str) -> None:
        self.action = action
        self.task_vars = dict(task_vars or {})
        self.module = module
        self.key = key
        # What Ansible learned about the host's Python on the way; belongs into the result of the action.
        self.facts: dict[str, Any] = {}

    def ask(self, arguments: Mapping[str, Any]) -> Answer:
        """One call. Nothing is raised: Ansible shows what led to an error, and that may hold the answer."""
        with unlogged(self.action):
            answer = self._call(arguments, pipelining=True)
            if self._wants_terminal(answer):
                answer = self._call(arguments, pipelining=False)
            # Here, and not at the end of the action, which would keep what it is told to keep.
            if self.action._connection._shell.tmpdir:
                self.action._remove_tmp_path(self.action._connection._shell.tmpdir)
        self.facts.update(answer.get("ansible_facts") or {})
        told: Mapping[str, Any] | None = answer.get(self.key)
        if told is None:
            return Answer(silence=_reason(answer))
        return Answer(told=told, problem=str(answer["msg"]) if answer.get("failed") else None)

    def _call(self, arguments: Mapping[str, Any], pipelining: bool) -> dict[str, Any]:
        with piped(self.action, pipelining):
            answer: dict[str, Any] = self.action._execute_module(
                module_name=self.module, module_args=dict(arguments), task_vars=self.task_vars
            )
        return answer

    def _wants_terminal(self, answer: Mapping[str, Any]) -> bool:
        """Whether sudo refused to work without a terminal (`requiretty`), which is why people switch pipelining off."""
        return self.key not in answer and "tty" in str(answer.get("module_stderr", ""))


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


def _reason(answer: Mapping[str, Any]) -> str:
    """Why there was no answer: the last thing said on standard error. Standard output may hold the answer itself."""
    said = [line.strip() for line in str(answer.get("module_stderr") or "").splitlines() if line.strip()]
    if said:
        return said[-1][:300]
    return f"the host's Python did not answer (return code {answer.get('rc', 'unknown')}); look at the host's journal"
