# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The private registries of a fleet: those that are the same on several hosts once, with the hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_rows import place
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import names_of, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    STATES,
    answer_word,
    count,
    grouped,
    until_day,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_table import row_lines

# Of more rows than these those in which all is well are a number.
_MOST_ROWS = 12
_HEAD = ("registry", "state", "trusted by", "until", "answer")
_WIDEST = (38, 8, 21, 10, 20)
# Columns that may be narrower, in this order, and how narrow: hosts, who trusts, the answer, the registry; then all.
_GIVING = ((5, 24), (2, 15), (4, 10), (0, 24), (5, 6), (2, 6), (0, 9), (4, 6))
_GAP = 2
# The words of a row, and its hosts.
_Line = tuple[tuple[str, ...], str]


@dataclasses.dataclass(frozen=True)
class Shared:
    """Registries of which all is the same, on several hosts."""

    names: tuple[str, ...]
    row: Mapping[str, Any]
    hosts: tuple[str, ...]

    @property
    def title(self) -> str:
        """Their names, in short."""
        more = len(self.names) - 1
        return f"{self.names[0]} and {more} more" if more else self.names[0]

    @property
    def words(self) -> tuple[str, ...]:
        """What a table says of them."""
        row = self.row
        return self.title, row["state"], ", ".join(row["layers"]) or "-", until_day(row), answer_word(row)


def shared(hosts: Sequence[Mapping[str, Any]]) -> list[Shared]:
    """The registries of the fleet, the worst first; of many those share a row that differ by their names alone."""
    pairs = [(host["name"], row) for host in hosts for row in host["registries"]]
    found = [
        Shared((group[0][1]["name"],), group[0][1], tuple(name for name, _ in group))
        for group in grouped(pairs, lambda pair: [pair[1]["name"], *_sameness(pair[1])])
    ]
    if len(found) > _MOST_ROWS:
        found = [
            dataclasses.replace(group[0], names=tuple(name for one in group for name in one.names))
            for group in grouped(found, lambda one: [place(one.names[0]), one.hosts, *_sameness(one.row)])
        ]
    # Of the same state they stay in the order that they have on their hosts.
    return sorted(found, key=lambda one: STATES.index(one.row["state"]))


def _sameness(row: Mapping[str, Any]) -> list[Any]:
    kind = row["answer"]["kind"] if row["answer"] else None
    return [row[name] for name in ("state", "layers", "authorities", "clients", "until")] + [kind]


def registries_text(hosts: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """A table of them; nothing where there are none."""
    found = shared(hosts)
    if not found:
        return []
    told = found if len(found) <= _MOST_ROWS else [one for one in found if one.row["state"] != "ready"]
    lines = ["private registries, and who is trusted for them where"]
    if told:
        lines += _table([(one.words, names_of(one.hosts)) for one in told], len(hosts) > 1, width)
    number = sum(len(one.names) for one in found) - sum(len(one.names) for one in told)
    if number:
        more = "more " if told else ""
        said = count(number, f"{more}registry", f"{more}registries")
        lines.append(wrapped(f"{said} {'is' if number == 1 else 'are'} ready", width, "  "))
    return ["\n".join(lines)]


def _table(rows: Sequence[_Line], with_hosts: bool, width: int) -> list[str]:
    widths = [
        min(most, max(len(head), *(len(words[column]) for words, _ in rows)))
        for column, (head, most) in enumerate(zip(_HEAD, _WIDEST, strict=True))
    ]
    cells = [[*words, hosts] if with_hosts else list(words) for words, hosts in rows]
    head = [*_HEAD, "hosts"] if with_hosts else list(_HEAD)
    if with_hosts:
        widths.append(max(len(row[-1]) for row in [head, *cells]))
    # On a narrow terminal the columns give that have the most to give.
    over = sum(widths) + _GAP * len(widths) - width
    for column, least in _GIVING:
        if column < len(widths):
            taken = min(max(0, over), max(0, widths[column] - least))
            widths[column] -= taken
            over -= taken
    lines = [*row_lines(head, widths), "  ".join("-" * wide for wide in widths)]
    for row in cells:
        lines += row_lines(row, widths)
    return [f"  {line}" for line in lines]
