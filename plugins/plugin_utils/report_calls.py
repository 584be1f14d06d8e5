# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The measured calls of the fleet beside the model, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import report_layers
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import WIDTH, names_of, read_width, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import grouped


def calls_text(report: Mapping[str, Any], width: int | str = WIDTH) -> str:
    """For each host and layer every call: what was measured, beside what the model says."""
    width = read_width(width)
    blocks: list[str] = []
    for hosts in grouped(report["hosts"], lambda host: [host["layers"], host["calls"]]):
        names = names_of([host["name"] for host in hosts])
        found = report_layers.layers(hosts[0])
        if not found:
            blocks.append(wrapped(f"{names}: nothing was measured", width))
        blocks += [_layer(names, layer, width) for layer in found]
    return "\n\n".join(blocks) or "No host was looked at."


def _layer(names: str, layer: report_layers.Layer, width: int) -> str:
    if layer.state != "measured":
        return wrapped(f"{names}: {layer.title}: not measured: {layer.reason}", width)
    head = wrapped(f"{names}: {layer.title}: {layer.balance}", width)
    rows = [(outcome.answer, outcome.model) for outcome in layer.outcomes]
    wide = [max(len(row[place]) for row in [*rows, ("measured", "model")]) for place in (0, 1)]
    lines = [f"  {'measured':<{wide[0]}}  {'model':<{wide[1]}}  calls and their numbers"]
    for outcome, row in zip(layer.outcomes, rows, strict=True):
        start = f"  {row[0]:<{wide[0]}}  {row[1]:<{wide[1]}}  "
        calls = ", ".join(f"{call}\u00a0{number}" for call, number in outcome.calls)
        lines.append(wrapped(calls, width, start, " " * len(start)).replace("\u00a0", " "))
        if outcome.why:
            lines.append(wrapped(outcome.why, width, " " * len(start), " " * (len(start) + 2)))
    return "\n".join([head, *lines])
