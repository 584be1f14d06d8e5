# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The plans of a fleet's upgrade as text for a terminal: hosts with the same plan share a paragraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import LEAST_WIDTH, WIDTH, names_of, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean, count, grouped, listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

_Named = tuple[str, Mapping[str, Any]]
# What stands under which word, in the order of the roll: what an earlier run left comes first.
_STATES = ("left", "going", "skipped", "idle")
_INDENT = " " * 10


def upgrade_plan_text(plans: Mapping[str, Mapping[str, Any]], width: int = WIDTH) -> str:
    """Who goes where and what that solves and brings, who is left out and why, and who has nothing to do."""
    width = max(width, LEAST_WIDTH)
    by_state: dict[str, list[_Named]] = {state: [] for state in _STATES}
    for named in plans.items():
        by_state[_state(named[1])].append(named)
    parts = [wrapped(_headline({state: len(found) for state, found in by_state.items()}), width)]
    for state, found in by_state.items():
        parts += ["\n".join(_paragraph(state, group, width)) for group in grouped(found, lambda named: _told(named[1]))]
    return clean("\n\n".join(parts))


def _state(plan: Mapping[str, Any]) -> str:
    if plan["skip"]:
        return "skipped"
    if plan["interrupted"]:
        return "left"
    return "going" if plan["changes"] else "idle"


def _headline(numbers: Mapping[str, int]) -> str:
    shown = {
        "to upgrade": numbers["left"] + numbers["going"],
        "skipped": numbers["skipped"],
        "with nothing to do": numbers["idle"],
    }
    said = ", ".join(f"{number} {words}" for words, number in shown.items() if number)
    return f"{count(sum(numbers.values()), 'host')}: {said}" if said else "No host was looked at."


def _told(plan: Mapping[str, Any]) -> list[Any]:
    """What is said of a host, but for what an earlier run left, which is said of each by its name."""
    if plan["skip"]:
        return [plan["skip"]]
    return [plan[part] for part in ("moves", "solves", "brings", "notes")]


def _paragraph(state: str, group: Sequence[_Named], width: int) -> list[str]:
    names, plan = names_of([name for name, _ in group]), group[0][1]
    if state == "skipped":
        return [wrapped(f"{names}: skipped, {plan['skip']}", width)]
    lines = [wrapped(f"{names}: nothing to do" if state == "idle" else names, width)]
    lines += [_line("first", _left(name, each["interrupted"]), width) for name, each in group if state == "left"]
    lines += _moves(plan["moves"], width)
    if plan["moves"]:
        lines += [line for word in ("solves", "brings") for line in _findings(word, plan[word], width)]
    return lines + [_line("note", note, width) for note in plan["notes"]]


def _line(word: str, said: str, width: int) -> str:
    return wrapped(said, width, f"  {word:<8}", _INDENT)


def _left(name: str, mark: Mapping[str, Any]) -> str:
    """What an earlier run left on a host."""
    since = text(mark.get("since"))
    paused = [found for each in entries(mark.get("paused")) if (found := text(mapping(each).get("name")))]
    still = f"; it left {listed(paused)} paused in GitLab" if paused else ""
    return f"{name}, since an upgrade{f' of {since}' if since else ''} did not get to its end{still}"


def _moves(moves: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    told = [(text(move["what"]) or "", _way(move)) for move in moves]
    wide = max((len(what) for what, _ in told), default=0)
    return [wrapped(way, width, f"  {what:<{wide}}  ", _INDENT) for what, way in told]


def _way(move: Mapping[str, Any]) -> str:
    if move["to"] is None:
        return f"{move['from'] or 'there'}, is removed"
    if move["from"] == move["to"]:
        return f"{move['to']}, again"
    return f"{move['from'] or 'not installed'} -> {move['to']}"


def _findings(word: str, found: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    if not found:
        return [_line(word, "nothing", width)]
    return [
        _line(word, f"{each['id']} ({each['layer']}, {each['severity']}): {each['summary']}", width) for each in found
    ]
