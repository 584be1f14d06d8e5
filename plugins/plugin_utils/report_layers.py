# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What was measured at each layer beside what the model says, calls with the same outcome together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import count, grouped


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Calls that got the same answer, were predicted alike and differ, if they do, for the same reason."""

    measured: str
    by: str | None
    model: str
    reason: str | None
    explained: bool
    calls: tuple[tuple[str, int], ...]

    @property
    def differs(self) -> bool:
        """Whether the model says something else."""
        return self.measured != self.model

    @property
    def answer(self) -> str:
        """The measured answer and who gave it."""
        if self.by in (None, "unknown"):
            return self.measured
        return f"{self.measured} by the {self.by}"

    @property
    def why(self) -> str:
        """The reason for a difference, in words also when there is none."""
        if self.reason or not self.differs:
            return self.reason or ""
        return "no reason is known for this: please report it, with this table"


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer under one profile, and the outcomes of its calls: differences first."""

    layer: str
    name: str
    profile: str
    engine: str | None
    state: str
    reason: str | None
    seconds: float | None
    outcomes: tuple[Outcome, ...]

    @property
    def title(self) -> str:
        """Its name, its engine and, where it is not what jobs get by default, its profile."""
        parts = [self.name]
        if self.engine:
            parts.append(self.engine)
        if self.profile != "default":
            parts.append(f"profile {self.profile}")
        return ", ".join(parts)

    @property
    def balance(self) -> str:
        """How many calls there are, how many differ and whether that is explained."""
        total = _calls(self.outcomes)
        differing = [outcome for outcome in self.outcomes if outcome.differs]
        if not differing:
            return f"{count(total, 'call')}, as the model says"
        unexplained = _calls(tuple(outcome for outcome in differing if not outcome.explained))
        number = _calls(tuple(differing))
        said = f"{count(total, 'call')}, {number} {'differs' if number == 1 else 'differ'} from the model"
        if unexplained:
            return f"{said}, {unexplained} not explained"
        return f"{said}, {'explained' if number == 1 else 'all explained'}"


def _calls(outcomes: tuple[Outcome, ...]) -> int:
    return sum(len(outcome.calls) for outcome in outcomes)


def layers(host: Mapping[str, Any]) -> list[Layer]:
    """The layers of a host of the report, in its order."""
    return [_layer(layer, host["calls"]) for layer in host["layers"]]


def _layer(layer: Mapping[str, Any], calls: list[dict[str, Any]]) -> Layer:
    own = [row for row in calls if _belongs(row, layer)]
    outcomes = [_outcome(rows) for rows in grouped(own, _sameness)]
    outcomes.sort(key=lambda outcome: (not outcome.differs, outcome.explained, outcome.calls[0][1]))
    return Layer(**layer, outcomes=tuple(outcomes))


def _belongs(row: Mapping[str, Any], layer: Mapping[str, Any]) -> bool:
    """Calls name their profile where a layer was measured under more than one."""
    profile = row.get("profile", layer["profile"])
    return bool((row["layer"], row["name"], profile) == (layer["layer"], layer["name"], layer["profile"]))


def _sameness(row: Mapping[str, Any]) -> list[Any]:
    return [row[key] for key in ("measured", "by", "model", "reason", "explained")]


def _outcome(rows: list[dict[str, Any]]) -> Outcome:
    first = rows[0]
    ordered = sorted((row["number"], row["call"]) for row in rows)
    return Outcome(
        first["measured"], first["by"], first["model"], first["reason"], first["explained"],
        tuple((call, number) for number, call in ordered),
    )  # fmt: skip
