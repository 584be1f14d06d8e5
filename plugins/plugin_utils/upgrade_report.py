# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The report on a rolling upgrade as plain data (docs/upgrade.schema.json): hosts, their steps, what it changed."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import SEVERITIES, Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    SCHEMA,
    ReportError,
    listed,
    name_ranges,
    plain,
)

# The worst first.
RESULTS = ("broken", "unreachable", "failed", "rolled_back", "skipped", "not_begun", "upgraded", "current")
STEPS = ("look", "fetch", "pause", "drain", "change", "try", "back", "resume")
# What a host has been through that was upgraded, or needed nothing.
GOOD = ("upgraded", "current")
_SETTINGS = ("generated",)


def upgrade_report(hosts: Any, settings: Any = None) -> dict[str, Any]:
    """The whole report in the order of the roll; ReportError names what cannot be read."""
    if isinstance(hosts, str | Mapping) or not isinstance(hosts, Iterable):
        raise ReportError(f"a list of hosts is wanted, each with name and result, not {type(hosts).__name__}")
    given = _settings(settings)
    rows = sorted(map(_host, plain(hosts)), key=lambda row: (row["order"] is None, row["order"] or 0))
    # Times that are written alike have the order of their texts.
    times = [time for row in rows for step in row["steps"] for time in (step["began"], step["ended"]) if time]
    began, ended = min(times, default=None), max(times, default=None)
    return {
        "schema": SCHEMA,
        "generated": given.get("generated"),
        "summary": {
            "hosts": len(rows),
            **{result: sum(row["result"] == result for row in rows) for result in RESULTS},
            "began": began,
            "ended": ended,
            "seconds": seconds_between(began, ended),
            "next": _next(rows),
        },
        "hosts": rows,
    }


def seconds_between(began: str | None, ended: str | None) -> float | None:
    """From one time to another; a clock that was put back makes no time negative."""
    if not began or not ended:
        return None
    span = datetime.datetime.fromisoformat(ended) - datetime.datetime.fromisoformat(began)
    return round(max(0.0, span.total_seconds()), 3)


def _settings(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ReportError(f"the settings are {given!r}, where a dictionary with {', '.join(_SETTINGS)} is wanted")
    odd = sorted(str(key) for key in given if key not in _SETTINGS)
    if odd:
        raise ReportError(f"the settings have {odd[0]!r}, which is none of {', '.join(_SETTINGS)}")
    settings: dict[str, Any] = plain(given)
    return settings


def _host(given: Any) -> dict[str, Any]:
    """One host of the report."""
    if not isinstance(given, Mapping) or not given.get("name"):
        raise ReportError(f"a host is {given!r}, where a dictionary with name and result is wanted")
    name, result, order = given["name"], given.get("result"), given.get("order") or None
    if result not in RESULTS:
        raise ReportError(f"host {name!r} has the result {result!r}, which is none of {', '.join(RESULTS)}")
    if order is not None and (isinstance(order, bool) or not isinstance(order, int)):
        raise ReportError(f"host {name!r} has the order {order!r}, where a number or nothing is wanted")
    steps = _steps(name, given.get("steps") or [])
    before, after = given.get("before"), given.get("after")
    return {
        "name": name,
        "order": order,
        "result": result,
        "reason": given.get("reason") or "",
        "moves": [{key: move.get(key) for key in ("what", "from", "to")} for move in given.get("moves") or []],
        "steps": steps,
        "out_of_service": _out_of_service(steps),
        "still_out": _still_out(steps),
        "paused": list(given.get("paused") or []),
        "left": [{key: left.get(key) for key in ("name", "why")} for left in given.get("left") or []],
        "notes": list(given.get("notes") or []),
        "before": before,
        "after": after,
        "solved": _missing_from(before, after),
        "brought": _missing_from(after, before),
    }


def _steps(host: str, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Steps with their durations; one of which nothing tells the end failed, and lasted until the next one began."""
    steps: list[dict[str, Any]] = []
    for step in given:
        if step.get("name") not in STEPS:
            raise ReportError(f"host {host!r} has the step {step.get('name')!r}, which is none of {', '.join(STEPS)}")
        times = {key: _time(host, step["name"], step.get(key)) for key in ("began", "ended")}
        if times["began"] is None:
            raise ReportError(f"host {host!r} has no beginning of its step {step['name']}; give began as well")
        steps.append({"name": step["name"], **times, "failed": bool(step.get("failed")) or times["ended"] is None})
    for step, following in itertools.zip_longest(steps, steps[1:]):
        step["seconds"] = seconds_between(step["began"], step["ended"] or (following["began"] if following else None))
    return steps


def _time(host: str, step: str, given: Any) -> str | None:
    """A time in UTC, written as all others are."""
    if not given:
        return None
    try:
        moment = datetime.datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise ReportError(
            f"host {host!r} has the time {given!r} at its step {step}, where one such as 2026-11-22T17:40:00Z is wanted"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _out_of_service(steps: Sequence[Mapping[str, Any]]) -> float | None:
    """For how long the host took no jobs; None when it was not paused, or is still."""
    began = next((step["began"] for step in steps if step["name"] == "pause"), None)
    ended = next((step["ended"] for step in reversed(steps) if step["name"] == "resume"), None)
    return None if _still_out(steps) else seconds_between(began, ended)


def _still_out(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the host was taken out of service and not put back; a pause that failed leaves a host as it was."""
    out = False
    for step in steps:
        if step["name"] == "resume":
            out = step["failed"]
        elif step["name"] not in ("look", "fetch"):
            out = out or step["name"] != "pause" or not step["failed"]
    return out


def _missing_from(some: Any, others: Any) -> list[dict[str, Any]] | None:
    """Findings of SOME that are not among OTHERS, the worst first; None when one of both is not known."""
    if some is None or others is None:
        return None
    known = {Finding(**finding).key for finding in others}
    found = [finding for finding in some if Finding(**finding).key not in known]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))


def _next(rows: Sequence[Mapping[str, Any]]) -> str:
    """What to do now, in one sentence."""
    if not rows:
        return "No host was to be upgraded."
    out = _named(row for row in rows if row["still_out"])
    trouble = _named(row for row in rows if row["result"] not in (*GOOD, "not_begun"))
    waiting = _named(row for row in rows if row["result"] == "not_begun")
    if not (out or trouble or waiting):
        return "Nothing is left to do: another run would change nothing."
    does = [
        *([f"first puts right what is still out of service ({out})"] if out else []),
        *([f"goes on with {waiting}"] if waiting else []),
        "leaves hosts alone that are up to date",
    ]
    see = f"See to what is said of {trouble}, then run" if trouble else "Run"
    return f"{see} playbooks/upgrade.yml again: it {listed(does)}."


def _named(rows: Iterable[Mapping[str, Any]]) -> str:
    return listed(name_ranges([row["name"] for row in rows]))
