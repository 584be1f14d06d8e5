# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The matrix of the fleet as tables for a terminal: hosts and columns, a word in each cell."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import grouped

# Up to here every host has a row of its own; beyond, hosts with the same row share one.
_SINGLE_ROWS = 12
_WIDEST_HOST = 34
_WIDEST_COLUMN = 24
_STATE = len("degraded")
_GAP = "  "
# Where names of images and hosts may be broken, the separator stays at the end of the line.
_PIECE = re.compile(r"[^/:@.\s-]*[/:@.\s-]?")


def tables(report: Mapping[str, Any], width: int) -> list[str]:
    """The matrix, in as many tables as its columns need."""
    rows = _rows(report["hosts"])
    label = min(_WIDEST_HOST, max(len("host"), *(len(name) for name, _ in rows)))
    columns = {column["id"]: _column_width(column["id"], rows) for column in report["columns"]}
    found = [
        table(
            ["host", "state", *band],
            ([name, host["state"], *(_word(host["cells"][ident]) for ident in band)] for name, host in rows),
            [label, _STATE, *(columns[ident] for ident in band)],
        )
        for band in bands(columns, width, [label, _STATE])
    ]
    if any(cell["kind"] == "predicted" for _, host in rows for cell in host["cells"].values()):
        found[-1] += "\n* predicted from versions, not measured"
    if any(host["state"] == "broken" and not _broken_cells(host) for _, host in rows):
        # The matrix alone would look like a mistake.
        said = "broken without a broken cell: the engine is below the floor or does not run, or a finding says why"
        found[-1] += f"\n{wrapped(said, width)}"
    return found


def _broken_cells(host: Mapping[str, Any]) -> bool:
    return any(cell["state"] == "broken" for cell in host["cells"].values())


def _rows(hosts: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    if len(hosts) <= _SINGLE_ROWS:
        return [(host["name"], host) for host in hosts]
    groups = grouped(hosts, lambda host: [host["state"], [_word(cell) for cell in host["cells"].values()]])
    return [(_first_and_more(group), group[0]) for group in groups]


def _first_and_more(hosts: Sequence[Mapping[str, Any]]) -> str:
    first = str(hosts[0]["name"])
    return f"{first} and {len(hosts) - 1} more" if len(hosts) > 1 else first


def _word(cell: Mapping[str, Any]) -> str:
    return f"{cell['state']}{'*' if cell['kind'] == 'predicted' else ''}"


def _column_width(ident: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
    words = [len(_word(host["cells"][ident])) for _, host in rows]
    return max(*words, min(_WIDEST_COLUMN, len(ident)))


def bands(columns: Mapping[str, int], width: int, beside: Sequence[int]) -> list[list[str]]:
    """Columns, by their widths, in the groups that fit into WIDTH when columns BESIDE stand before each group."""
    room = width - len(_GAP.join("-" * wide for wide in beside))
    found: list[list[str]] = [[]]
    left = room
    for ident, wide in columns.items():
        if found[-1] and left < wide + len(_GAP):
            found.append([])
            left = room
        found[-1].append(ident)
        left -= wide + len(_GAP)
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """A head, a line below it, and rows."""
    lines = [*row_lines(head, widths), _GAP.join("-" * wide for wide in widths)]
    for row in rows:
        lines += row_lines(row, widths)
    return "\n".join(lines)


def row_lines(values: Sequence[str], widths: Sequence[int]) -> list[str]:
    """A row, on several lines where a value is wider than its column."""
    cells = [_cut(value, wide) for value, wide in zip(values, widths, strict=True)]
    height = max(len(cell) for cell in cells)
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [
        _GAP.join(f"{part:<{wide}}" for part, wide in zip(line, widths, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _cut(value: str, width: int) -> list[str]:
    """A value in lines of at most WIDTH, broken where a name has a separator."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(value.split())):
        for part in textwrap.wrap(piece, width, drop_whitespace=False) or []:
            if len(lines[-1]) + len(part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return [line.strip() for line in lines]
