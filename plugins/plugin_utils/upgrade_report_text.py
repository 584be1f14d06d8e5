# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The report on a rolling upgrade as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import upgrade_report_words as words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import WIDTH, names_of, read_width, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import grouped, when
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_table import bands, table
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import GOOD, RESULTS

_INDENT = " " * 12
# Columns of the table, and what is upgraded there.
_SHOWN = {"engine": "Docker Engine", "runner": "GitLab Runner"}
_WIDEST_HOST = 34
_WIDEST = 19


def upgrade_text(report: Mapping[str, Any], width: int | str = WIDTH) -> str:
    """What became of the fleet, a table of the roll, reasons, findings that went and came, and what to do next."""
    width = read_width(width)
    summary, hosts = report["summary"], report["hosts"]
    if not hosts:
        return words.headline(summary)
    rolled = words.in_the_roll(hosts)
    took = f" It began {when(summary['began'])} and took {words.duration(summary['seconds'])}." if rolled else ""
    parts = [
        wrapped(words.headline(summary) + took, width),
        *_tables(rolled, width),
        *_results(hosts, width),
        *_packages(rolled, width),
        *_notes(hosts, width),
        *_findings(rolled, width),
        wrapped(summary["next"], width),
    ]
    return "\n\n".join(parts)


def _tables(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """The roll in its order, in as many tables as its columns need."""
    if not hosts:
        return []
    rows = [_row(host) for host in hosts]
    wide = {column: max(len(text) for text in (*column.split(), *(row[column] for row in rows))) for column in rows[0]}
    label = ["#", "host"]
    labels = [wide.pop("#"), min(_WIDEST_HOST, wide.pop("host"))]
    columns = {column: min(_WIDEST, size) for column, size in wide.items()}
    return [
        table(
            [*label, *band],
            ([row[column] for column in (*label, *band)] for row in rows),
            [*labels, *(columns[column] for column in band)],
        )
        for band in bands(columns, width, labels)
    ]


def _row(host: Mapping[str, Any]) -> dict[str, str]:
    began, ended = words.span(host)
    return {
        "#": "-" if host["order"] is None else str(host["order"]),
        "host": host["name"],
        "result": words.word(host["result"]),
        **{column: words.way_of(host, what) for column, what in _SHOWN.items()},
        "drain": words.drained(host),
        "out of service": words.out_of_service(host),
        "began": words.clock(began),
        "ended": words.clock(ended),
    }


def _results(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """Hosts of which the table does not say all: why others are not upgraded, the worst first, and who had no turn."""
    rolled = words.in_the_roll(hosts)
    told = [host for host in hosts if host["result"] not in GOOD or host["still_out"] or host not in rolled]
    told.sort(key=lambda host: RESULTS.index(host["result"]))
    paragraphs = []
    for group in grouped(told, lambda host: [host["result"], host["reason"], host["still_out"]]):
        first = group[0]
        out = ", still out of service" if first["still_out"] else ""
        head = f"{names_of([host['name'] for host in group])}: {words.word(first['result'])}{out}"
        reason = [wrapped(first["reason"], width, "  ", "    ")] if first["reason"] else []
        paragraphs.append("\n".join([wrapped(head, width), *reason]))
    return paragraphs


def _packages(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """What moved beside engine and runner, once for hosts on which that is the same."""
    moved = [(host["name"], _moved(host)) for host in hosts if host["result"] == "upgraded"]
    return [
        wrapped(f"other packages of {names_of([name for name, _ in group])}: {group[0][1]}", width)
        for group in grouped((pair for pair in moved if pair[1]), lambda pair: pair[1])
    ]


def _moved(host: Mapping[str, Any]) -> str:
    shown = _SHOWN.values()
    return ", ".join(f"{move['what']} {words.way(move)}" for move in host["moves"] if move["what"] not in shown)


def _notes(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """Runners that were not paused, and what else was to be said, each once."""
    said: dict[str, list[str]] = {}
    for host in hosts:
        for text in [
            *(f"runner {left['name']} was not paused: {left['why']}" for left in host["left"]),
            *host["notes"],
        ]:
            said.setdefault(text, []).append(host["name"])
    if not said:
        return []
    lines = [wrapped(f"{names_of(names, 6)}: {text}", width, "  ", "    ") for text, names in said.items()]
    return ["\n".join(["worth knowing", *lines])]


def _findings(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """What the upgrade solved and brought, once for hosts on which that is the same."""
    changed = [host for host in hosts if host["solved"] or host["brought"]]
    return [
        _change(group, width)
        for group in grouped(changed, lambda host: [[_short(host[word]) for word in ("solved", "brought")]])
    ]


def _change(hosts: Sequence[dict[str, Any]], width: int) -> str:
    lines = [wrapped(f"findings of {names_of([host['name'] for host in hosts])}", width)]
    for word in ("solved", "brought"):
        told = ", ".join(_short(hosts[0][word])) or "nothing"
        lines.append(wrapped(told, width, f"  {word:<8}  ", _INDENT))
    return "\n".join(lines)


def _short(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{found['id']} ({found['layer']}, {found['severity']})" for found in findings]
