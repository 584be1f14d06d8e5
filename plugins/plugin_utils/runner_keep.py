# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Bringing a host's config.toml to what is declared, whoever else writes it meanwhile: one read, at most one write."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_mask, runner_schema, runner_toml
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import Found, RunnerFile, RunnerFileError

_Made = TypeVar("_Made")

# How often a file that changes under our hands is read and written again.
ATTEMPTS = 3
# The file is full of tokens: one that others may read is as wrong as one that says something else.
MODE = "0600"


@dataclasses.dataclass(frozen=True)
class Kept:
    """What became of the file. Only `result` is meant to be shown: BEFORE and AFTER hold tokens."""

    before: str = dataclasses.field(repr=False)
    after: str = dataclasses.field(repr=False)
    mode_before: str | None
    changed: bool
    restart_needed: list[str]
    backup_file: str | None

    def result(self, path: str) -> dict[str, Any]:
        """As an action returns it, secrets masked in the diff."""
        before, after = runner_mask.masked_pair(self.before, self.after) if self.changed else ("", "")
        mode = f" (mode {self.mode_before})" if self.mode_before not in (None, MODE) else ""
        shown = {"before_header": f"{path}{mode}", "after_header": path, "before": before, "after": after}
        return {
            "changed": self.changed,
            "restart_needed": self.restart_needed,
            "backup_file": self.backup_file,
            "diff": [shown] if self.changed else [],
        }


def parse(path: str, text: str) -> dict[str, Any]:
    """What the file says; RunnerFileError when it is broken."""
    parsed, problem = _attempt(lambda: runner_toml.parse(text))
    if parsed is None:
        raise RunnerFileError(f"{path} on the host: {problem}")
    return parsed


def keep(
    file: RunnerFile,
    found: Found,
    change: Callable[[str], str],
    *,
    backup: bool = False,
    check_mode: bool = False,
) -> Kept:
    """FOUND brought to what CHANGE makes of its text. When somebody else wrote the file in between, theirs is read and
    CHANGE applied to that.
    """
    for _ in range(ATTEMPTS):
        planned = plan(file.path, found, change)
        if check_mode or not planned.changed:
            return planned
        done = file.write(planned.after, found, backup=backup, restart_needed=bool(planned.restart_needed))
        if not done.conflict:
            return dataclasses.replace(planned, backup_file=done.backup_file)
        found = file.read()
    raise RunnerFileError(
        f"{file.path} was changed by somebody else {ATTEMPTS} times while it was being written; find out who writes "
        "it, then run again"
    )


def plan(path: str, found: Found, change: Callable[[str], str]) -> Kept:
    """What would become of the file."""
    parse(path, found.text)
    after, problem = _attempt(lambda: change(found.text))
    if after is None:
        raise RunnerFileError(f"{path} on the host: {problem}")
    changed = after != found.text or (found.exists and found.mode != MODE)
    restart = runner_schema.restart_needed(parse(path, found.text), parse(path, after)) if changed else []
    return Kept(
        before=found.text,
        after=after,
        mode_before=found.mode,
        changed=changed,
        restart_needed=list(restart),
        backup_file=None,
    )


def unregistered(parsed: Mapping[str, Any], runners: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of declared runners that would be written without a token, which no runner can work with."""
    entries = parsed.get("runners")
    known = {
        entry.get("name")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and entry.get("token")
    }
    return [str(runner["name"]) for runner in runners if runner["name"] not in known]


def _attempt(work: Callable[[], _Made]) -> tuple[_Made | None, str]:
    """What WORK makes, or what is wrong with the file. Ansible shows the errors behind an error, so none is left."""
    try:
        return work(), ""
    except runner_toml.TomlProblem as problem:
        return None, str(problem)
