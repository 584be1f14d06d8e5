# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Where the steps of a rolling upgrade stand on a line of time, as parts of its width in percent."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_words import clock, duration

# Seconds between two ticks: the first of these with which there are few enough, also for a phone.
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_MOST_TICKS = 7
_MOST_LONG_TICKS = 5
# What is shorter would not be seen; and what is shown of a step of which nothing tells the end.
_LEAST, _UNKNOWN = 0.4, 2.0
# About how wide the line is in pixels, and what a label takes of it beside its letters.
_ROOMS = {"desk": 740, "phone": 300}
_LETTER, _PADDING = 7, 10


@dataclasses.dataclass(frozen=True)
class Bar:
    """One step: its place, whether it failed, and for a desk and a phone the label that it has room for."""

    name: str
    left: float
    width: float
    title: str
    failed: bool
    labels: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Chart:
    """The line of time from BEGAN on."""

    began: datetime.datetime
    seconds: float

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Chart:
        """The line from the first step to the last; it has a length in any case."""
        return cls(_moment(summary["began"]), max(summary["seconds"], 1.0))

    def ticks(self) -> list[tuple[float, str]]:
        """Round times of the day, and where they stand."""
        first = self.began.timestamp()
        every = next((step for step in _TICKS if self.seconds / step <= _most(step)), self.seconds)
        style = "%H:%M:%S" if every < 60 else "%H:%M" if every < 86400 else "%m-%d"
        found, time = [], (first // every + 1) * every
        while time <= first + self.seconds:
            label = datetime.datetime.fromtimestamp(time, datetime.UTC).strftime(style)
            found.append((self._percent(time - first), label))
            time += every
        return found

    def bars(self, steps: Sequence[Mapping[str, Any]]) -> list[Bar]:
        """The steps of one host."""
        return [self._bar(step) for step in steps]

    def _bar(self, step: Mapping[str, Any]) -> Bar:
        left = self._percent((_moment(step["began"]) - self.began).total_seconds())
        lasted = step["seconds"]
        width = _UNKNOWN if lasted is None else max(_LEAST, self._percent(lasted))
        return Bar(
            name=step["name"],
            left=min(left, 100 - _LEAST),
            width=round(width, 3),
            title=f"{step['name']}{' did not succeed' if step['failed'] else ''}: "
            f"{clock(step['began'])}{'' if lasted is None else f', {duration(lasted)}'}",
            failed=step["failed"],
            labels=tuple((where, _label(step, width * room / 100 - _PADDING)) for where, room in _ROOMS.items()),
        )

    def _percent(self, seconds: float) -> float:
        return round(100 * seconds / self.seconds, 3)


def _most(every: int) -> int:
    """How many ticks there may be; those with seconds have longer labels."""
    return _MOST_TICKS if every >= 60 else _MOST_LONG_TICKS


def _label(step: Mapping[str, Any], room: float) -> str:
    """The longest label that fits, or none."""
    labels = [f"✕ {step['name']}", "✕"] if step["failed"] else [step["name"]]
    return next((label for label in labels if len(label) * _LETTER <= room), "")


def _moment(time: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(time)
