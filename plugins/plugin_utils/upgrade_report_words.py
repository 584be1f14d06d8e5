# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Words for the parts of the report on a rolling upgrade, the same in all its forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed, read
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import RESULTS

_KEYS = ("schema", "generated", "summary", "hosts")
# What happened to one host, and to several.
_SAID = {
    "broken": ("is broken", "are broken"),
    "unreachable": ("could not be reached", "could not be reached"),
    "failed": ("failed", "failed"),
    "rolled_back": ("was rolled back", "were rolled back"),
    "skipped": ("was skipped", "were skipped"),
    "not_begun": ("was not begun", "were not begun"),
    "upgraded": ("was upgraded", "were upgraded"),
    "current": ("was up to date", "were up to date"),
}


def read_upgrade(report: Any) -> dict[str, Any]:
    """A copy of a report in plain types and cleaned text; ReportError says what is not one."""
    return read(report, _KEYS, "upgrade_report")


def headline(summary: Mapping[str, Any]) -> str:
    """What became of the fleet, in one sentence."""
    total = summary["hosts"]
    counted = [(result, summary[result]) for result in RESULTS if summary[result]]
    if not total:
        return "No host was to be upgraded."
    if len(counted) == 1:
        one, many = _SAID[counted[0][0]]
        return f"The one host {one}." if total == 1 else f"All {total} hosts {many}."
    return f"Of {total} hosts {listed([f'{number} {_SAID[result][number != 1]}' for result, number in counted])}."


def word(result: str) -> str:
    """A result for people."""
    return result.replace("_", " ")


def duration(seconds: float | None) -> str:
    """`0.4s`, `38s`, `1m12s`, `2h03m`."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def clock(time: str | None) -> str:
    """The time of the day, in UTC."""
    return time[11:19] if time else "-"


def way(move: Mapping[str, Any], result: str = "") -> str:
    """From which version to which; of a host that was rolled back the way back as well."""
    if not move["from"]:
        return f"new {move['to']}"
    if not move["to"]:
        return f"{move['from']} removed"
    back = f" → {move['from']}" if result == "rolled_back" else ""
    return f"{move['from']} → {move['to']}{back}"


def way_of(host: Mapping[str, Any], what: str) -> str:
    """The way of Docker Engine or GitLab Runner on a host."""
    return next((way(move, host["result"]) for move in host["moves"] if move["what"] == what), "-")


def drained(host: Mapping[str, Any]) -> str:
    """How long the host waited for its jobs."""
    lasted = [step["seconds"] or 0.0 for step in host["steps"] if step["name"] == "drain"]
    return duration(sum(lasted) if lasted else None)


def out_of_service(host: Mapping[str, Any]) -> str:
    """How long the host took no jobs."""
    return "still" if host["still_out"] else duration(host["out_of_service"])


def span(host: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """When the host's turn began and ended."""
    times = [time for step in host["steps"] for time in (step["began"], step["ended"]) if time]
    return min(times, default=None), max(times, default=None)


def in_the_roll(hosts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hosts that had a turn; that it looked at hosts with nothing to do is no turn."""
    return [host for host in hosts if host["steps"] and host["result"] != "current"]
