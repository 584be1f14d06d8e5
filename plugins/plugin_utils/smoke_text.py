# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Smoke jobs as text for a terminal: a table, and what is behind each failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import WIDTH, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.smoke_causes import Cause, cause, failed_step
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

STEPS = ("image", "services", "job", "docker_version", "docker_build", "bind_mount")
_HEAD = ("runner", "mode", *STEPS)
_WIDEST_NAME = 20
_GAP = "  "


def smoke_text(results: Sequence[Mapping[str, Any]], findings: Sequence[Finding]) -> str:
    """The table, and a paragraph for each runner whose job failed or was not tried."""
    if not results:
        return "no smoke job was run"
    rows = [_row(result) for result in results]
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths), _GAP.join("-" * width for width in widths)]
    lines += [_line(row, widths) for row in rows]
    for result in results:
        if result.get("ok") is not True:
            lines += ["", *_explained(result, findings)]
    return "\n".join(lines)


def _row(result: Mapping[str, Any]) -> list[str]:
    name = text(result.get("name")) or "(no name)"
    short = name if len(name) <= _WIDEST_NAME else name[: _WIDEST_NAME - 3] + "..."
    return [short, text(result.get("mode")) or "", *(_cell(result, step) for step in STEPS)]


def _cell(result: Mapping[str, Any], name: str) -> str:
    steps = [mapping(step) for step in entries(result.get("steps")) if mapping(step).get("step") == name]
    if not steps:
        return "-"
    seconds = sum(step["seconds"] for step in steps if isinstance(step.get("seconds"), int | float))
    return f"ok {seconds:.1f} s" if all(step.get("ok") for step in steps) else "FAILS"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _explained(result: Mapping[str, Any], findings: Sequence[Finding]) -> Iterator[str]:
    who = f"{text(result.get('name')) or '(no name)'} ({text(result.get('mode')) or 'custom'})"
    step = failed_step(result)
    if step is None:
        verb = "not tried" if result.get("ok") is None else "cannot be tried"
        yield wrapped(f"{who}: {verb}: {text(result.get('error')) or 'no reason was given'}", WIDTH)
        return
    yield f"{who}: {step.get('step')} fails"
    yield _indented(f"it said: {text(step.get('detail')) or '(nothing)'}")
    likely = cause(result, findings)
    if likely is None:
        yield _indented("no cause is known; run playbooks/audit.yml for the findings of this host")
        return
    yield _indented(_likely(likely))
    yield _indented(f"fix: {likely.fix}")


def _likely(likely: Cause) -> str:
    if likely.id is None:
        return f"cause: {likely.summary}"
    return f"likely cause: {likely.id}{'' if likely.found else ' (no finding of this host)'}: {likely.summary}"


def _indented(words: str) -> str:
    return wrapped(words, WIDTH, "  ", "    ")
