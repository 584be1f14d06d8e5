# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Findings about registries: the same trouble of many is one finding that names them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import SEVERITIES, Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed

# Of more than these the rest is a number; the evidence has all of them.
_NAMED = 3
_MOST = 12


@dataclasses.dataclass(frozen=True)
class Trouble:
    """What is wrong with one registry: said of it after a colon, so that it can be said of several."""

    id: str
    severity: str
    about: str
    says: str
    evidence: Mapping[str, Any]
    fix: str

    @property
    def same(self) -> tuple[str, ...]:
        """What makes it the same trouble of another registry."""
        return self.id, self.severity, self.says, self.fix


def findings_of(troubles: Iterable[Trouble], layer: str = "registry") -> Iterator[Finding]:
    """Each trouble once, with all whom it befalls."""
    groups: dict[tuple[str, ...], list[Trouble]] = {}
    for trouble in troubles:
        groups.setdefault(trouble.same, []).append(trouble)
    for group in groups.values():
        first = group[0]
        names = list(dict.fromkeys(trouble.about for trouble in group))
        yield Finding(
            first.id, layer, first.severity, f"{named(names)}: {first.says}",
            {"kind": "measured", "registries": names, **_together(group)}, first.fix,
        )  # fmt: skip


def named(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    if len(names) <= _NAMED + 1:
        return listed(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _together(troubles: Sequence[Trouble]) -> dict[str, Any]:
    """What all of them have is a value; where they differ, it is a list."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for trouble in troubles for name in trouble.evidence):
        values: list[Any] = []
        for trouble in troubles:
            value = trouble.evidence.get(name)
            values += [each for each in (value if isinstance(value, list) else [value]) if each not in (None, *values)]
        if not values:
            continue
        as_list = len(values) > 1 or any(isinstance(trouble.evidence.get(name), list) for trouble in troubles)
        rest = [f"and {len(values) - _MOST} more"] if len(values) > _MOST else []
        found[name] = [*values[:_MOST], *rest] if as_list else values[0]
    return found


def worst_of(troubles: Iterable[Trouble], key: str) -> list[Trouble]:
    """Of troubles of the same id about the same KEY of the evidence those that are worst."""
    groups: dict[tuple[str, Any], list[Trouble]] = {}
    for trouble in troubles:
        groups.setdefault((trouble.id, trouble.evidence.get(key)), []).append(trouble)
    found = []
    for group in groups.values():
        worst = min(SEVERITIES.index(trouble.severity) for trouble in group)
        found += [trouble for trouble in group if SEVERITIES.index(trouble.severity) == worst]
    return found
