# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The report on a rolling upgrade as one self-contained page with a timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import report_page
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import upgrade_report_words as words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import grouped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import RESULTS, STEPS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_chart import Chart


def upgrade_html(report: Mapping[str, Any]) -> str:
    """The page, the same for the same report."""
    hosts = report["hosts"]
    rolled = words.in_the_roll(hosts)
    others = sorted((host for host in hosts if host not in rolled), key=lambda host: RESULTS.index(host["result"]))
    done = {step["name"] for host in rolled for step in host["steps"]}
    return report_page.rendered(
        "upgrade.html.j2",
        ["style.css", "upgrade.css"],
        "",
        _FILTERS,
        report=report,
        summary=report["summary"],
        headline=words.headline(report["summary"]),
        chart=Chart.of(report["summary"]) if rolled else None,
        steps=[step for step in STEPS if step in done],
        rolled=rolled,
        others=grouped(others, lambda host: [host["result"], host["reason"]]),
        anchors=report_page.anchors(host["name"] for host in hosts),
    )


_FILTERS: dict[str, Callable[..., Any]] = {
    "clock": words.clock,
    "drained": words.drained,
    "duration": words.duration,
    "out_of_service": words.out_of_service,
    "span": words.span,
    "way": words.way,
    "way_of": words.way_of,
    "word": words.word,
}
