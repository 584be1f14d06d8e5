# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The fleet's report as one self-contained page: data/report/ has its template, its style and its script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import report_layers, report_page, report_registries
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    SEVERITIES,
    STATES,
    answer_word,
    count,
    evidence_pairs,
    grouped,
    headline,
    until_day,
)

# With more rows than this the matrix scrolls in a box of its own, so that its head stays in sight.
_TALL = 20


def page(report: Mapping[str, Any]) -> str:
    """The page, the same for the same report."""
    hosts = report["hosts"]
    return report_page.rendered(
        "page.html.j2",
        ["style.css"],
        "script.js",
        _FILTERS,
        report=report,
        summary=report["summary"],
        headline=headline(report["summary"]),
        upgrade_first=report["summary"]["upgrade_first"],
        changes=grouped((host for host in hosts if host["what_if"]), lambda host: host["what_if"]),
        anchors=report_page.anchors(host["name"] for host in hosts),
        registries=report_registries.shared(hosts),
        ranks={state: rank for rank, state in enumerate(STATES)},
        tall=len(hosts) > _TALL,
    )


def _calm(host: Mapping[str, Any]) -> bool:
    """Whether all of it is ready, and measured."""
    return host["state"] == "ready" and all(
        (cell["state"], cell["kind"]) == ("ready", "measured") for cell in host["cells"].values()
    )


def _weight(findings: list[dict[str, Any]]) -> str:
    """How many findings of each severity there are."""
    numbers = {severity: sum(1 for one in findings if one["severity"] == severity) for severity in SEVERITIES}
    said = [
        count(number, severity) if severity in ("risk", "note") else f"{number} {severity}"
        for severity, number in numbers.items()
        if number
    ]
    return ", ".join(said) or "no findings"


_FILTERS: dict[str, Callable[..., Any]] = {
    "answer": answer_word,
    "calm": _calm,
    "evidence": evidence_pairs,
    "layers": report_layers.layers,
    "until": until_day,
    "weight": _weight,
}
