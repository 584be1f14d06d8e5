# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which keys GitLab Runner's config.toml takes, so that a wrong one is found before any host is touched."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_variables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import (
    GLOBAL,
    RUNNER,
    RUNNERS,
    Field,
    Fields,
    feature_flags,
    fields,
    removed_executors,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import entries, is_absent, same
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_rules import RULES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_types import fits, remedy, shown, words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_ALLOW = "gitlab_runner_allow_unknown_keys"
_FLAGS = "feature_flags"
_CLOSE = 0.75


def problems(
    settings: Mapping[str, Any],
    runners: Sequence[Mapping[str, Any]],
    version: str | None = None,
    allow_unknown: bool = False,
) -> list[str]:
    """One sentence for each declared key that the runner would not take as it is meant; none when all is well."""
    installed = _version(version)
    check = _Check(installed, allow_unknown)
    found = []
    if fields(GLOBAL).find(settings, RUNNERS) is not None:
        found.append("runners cannot be declared among the global settings; declare them in gitlab_runner_runners")
        settings = {key: value for key, value in settings.items() if str(key).casefold() != RUNNERS}
    found += check.table("", "", GLOBAL, settings)
    names: dict[Any, int] = {}
    for index, runner in enumerate(runners):
        path = f"{RUNNERS}[{index}]"
        name = runner.get("name")
        if not isinstance(name, str) or not name:
            found.append(f"{path}.name has to be text that is not empty; runners are found by their names")
        elif name in names:
            found.append(
                f"{path}.name is {name!r}, which {RUNNERS}[{names[name]}] has, too; give each runner a name of its own"
            )
        else:
            names[name] = index
        whose = f" (runner {name!r})" if isinstance(name, str) and name else ""
        rest = {key: value for key, value in runner_variables.resolved(runner).items() if key != "name"}
        found += [*check.table(path, whose, RUNNER, rest), *_executor(path, whose, rest)]
    return found


def _version(text: str | None) -> EngineVersion | None:
    """The installed runner's version; one that is no version is as good as none."""
    try:
        return EngineVersion.parse(text) if text else None
    except ValueError:
        return None


class _Check:
    """The sentences on tables of one declaration."""

    def __init__(self, installed: EngineVersion | None, allow_unknown: bool) -> None:
        self.installed = installed
        self.allow_unknown = allow_unknown

    def table(self, path: str, whose: str, table: str, values: Mapping[str, Any]) -> Iterator[str]:
        """Everything that is wrong in a table of the data."""
        known, seen = fields(table), dict[str, str]()
        for key, value in values.items():
            here = f"{path}.{key}" if path else str(key)
            field = known.get(str(key))
            if field is None:
                yield from self._unknown(here, whose, str(key), known, value)
                continue
            if field.name in seen:
                yield f"{here}{whose} is the same key as {seen[field.name]!r}; declare it once"
                continue
            seen[field.name] = str(key)
            if trouble := self._unfit(here, whose, field):
                yield trouble
            elif value is not None:
                yield from self._value(here, whose, field, value)
                rule = RULES.get((table, field.name))
                if rule and fits(field.type, value):
                    yield from (f"{here}{place}{whose} {trouble}" for place, trouble in rule(value))

    def _unknown(self, here: str, whose: str, key: str, known: Fields, value: Any) -> Iterator[str]:
        # A key that is taken out may be anything.
        if self.allow_unknown or value is None:
            return
        usable = [
            name for name, field in known.by_name.items() if name != RUNNERS and not self._unfit(here, whose, field)
        ]
        near = difflib.get_close_matches(key, usable, n=1, cutoff=_CLOSE)
        hint = f"did you mean {near[0]!r}?" if near else f"correct it, or allow it with {_ALLOW}: true"
        yield f"{here}{whose} is no key of the runner's; {hint}"

    def _unfit(self, here: str, whose: str, field: Field) -> str | None:
        """Why this runner cannot be told this key."""
        if field.owned:
            return f"{here}{whose} is kept by the runner and cannot be declared here; leave it out"
        if field.removed and (self.installed is None or self.installed >= EngineVersion.parse(field.removed)):
            return f"{here}{whose} is no key of the runner's since {field.removed}; use {field.now} instead"
        if field.since and self.installed and _line(self.installed) < _line(EngineVersion.parse(field.since)):
            return (
                f"{here}{whose} is known to gitlab-runner {field.since} and newer, and the host's is {self.installed};"
                " raise gitlab_runner_version or leave the key out"
            )
        return None

    def _value(self, here: str, whose: str, field: Field, value: Any) -> Iterator[str]:
        if not fits(field.type, value):
            yield f"{here}{whose} has to be {words(field.type)}, not {shown(here, value)}{remedy(field, value)}"
        elif isinstance(value, Mapping):
            yield from self._mapping(here, whose, field, value)
        elif isinstance(value, (list, tuple)):
            for index, member in enumerate(value):
                yield from self._member(f"{here}[{index}]", whose, field, member)
        elif field.enum and value != "" and value not in field.enum:
            yield _not_one_of(here, whose, field, value)

    def _mapping(self, here: str, whose: str, field: Field, value: Mapping[str, Any]) -> Iterator[str]:
        if field.table:
            yield from self.table(here, whose, field.table, value)
            return
        member = Field(field.name, field.item or "any")
        for key, inner in value.items():
            if inner is not None:
                yield from self._value(f"{here}.{key}", whose, member, inner)
            if field.name == _FLAGS and key not in feature_flags() and not self.allow_unknown and inner is not None:
                near = difflib.get_close_matches(str(key), feature_flags(), n=1, cutoff=0.85)
                if near:
                    yield f"{here}.{key}{whose} is no feature flag of the runner's; did you mean {near[0]!r}?"

    def _member(self, here: str, whose: str, field: Field, member: Any) -> Iterator[str]:
        if field.table and isinstance(member, Mapping):
            yield from self.table(here, whose, field.table, member)
            return
        kind = "table" if field.type == "tables" else (field.item or "string" if field.type != "any" else "any")
        if member is None:
            yield f"{here}{whose} is null, which a list cannot hold; leave it out"
        else:
            yield from self._value(here, whose, Field(field.name, kind, enum=field.enum), member)


def _line(version: EngineVersion) -> tuple[int, ...]:
    """The release line: keys come with new ones only."""
    return (*version.release, 0)[:2]


def _not_one_of(here: str, whose: str, field: Field, value: str) -> str:
    if field.name == "executor" and value in removed_executors():
        return f"{here}{whose} is {value!r}, which the runner no longer has; use 'docker' or 'ssh' instead"
    near = difflib.get_close_matches(value, field.enum, n=1, cutoff=_CLOSE)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{here}{whose} has to be one of {', '.join(field.enum)}, not {shown(here, value)}{hint}"


def _executor(path: str, whose: str, runner: Mapping[str, Any]) -> Iterator[str]:
    """Tables that the declared executor does not read."""
    executor = runner.get("executor")
    if executor not in fields(RUNNER).by_name["executor"].enum:
        return
    for key, value in runner.items():
        field = fields(RUNNER).get(str(key))
        if field and field.executors and value is not None and executor not in field.executors:
            yield (
                f"{path}.{key}{whose} is read by the executors {', '.join(field.executors)} only, and {path}.executor"
                f" is {executor!r}; leave it out, or set it to null to remove it"
            )


def restart_needed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The changed keys (paths) that the runner reads only when it starts; both are whole parsed files."""
    known = fields(GLOBAL)
    changed = list(_changed("", before, after, known, False))
    old, new = (_by_name(entries(data, RUNNERS, known)) for data in (before, after))
    for name in [*new, *(name for name in old if name not in new)]:
        one, other = old.get(name, {}), new.get(name, {})
        changed += _changed(f"{RUNNERS}[{name!r}]", one, other, fields(RUNNER), False)
    return changed


def _by_name(runners: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for index, runner in enumerate(runners):
        if isinstance(runner, Mapping):
            key = fields(RUNNER).find(runner, "name")
            name = str(runner[key]) if key is not None else str(index)
            found[name if name not in found else f"{name} {index}"] = runner
    return found


def _changed(
    path: str, one: Mapping[str, Any], other: Mapping[str, Any], known: Fields, restart: bool
) -> Iterator[str]:
    """Changed keys that are read at the start; RESTART: because of the table that they are in."""
    for field in known.by_name.values():
        if not path and field.name == RUNNERS:
            continue
        here = f"{path}.{field.name}" if path else field.name
        old, new = (_get(data, field.name, known) for data in (one, other))
        inside, needs = known.inside(field.name), restart or field.restart
        if field.type == "table":
            yield from _changed(here, _table(old), _table(new), inside, needs)
        elif needs and not same(field, _said(field, old), _said(field, new), inside):
            yield here


def _get(data: Mapping[str, Any], name: str, known: Fields) -> Any:
    key = known.find(data, name)
    return None if key is None else data[key]


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _said(field: Field, value: Any) -> Any:
    return None if is_absent(field, value) else value
