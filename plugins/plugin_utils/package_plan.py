# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the plans for the engine's and for the runner's packages have in common: holds, the way back, what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

_ABSENT = (None, "not-installed", "config-files")
_PlanT = TypeVar("_PlanT", bound="PackagePlan")


@dataclasses.dataclass
class PackagePlan:
    """What to do. On a host that is as it should be there is nothing in it."""

    install: dict[str, str] = dataclasses.field(default_factory=dict)  # package -> version
    remove: list[str] = dataclasses.field(default_factory=list)
    hold: list[str] = dataclasses.field(default_factory=list)
    release: list[str] = dataclasses.field(default_factory=list)  # holds to be lifted for good
    heal: bool = False  # an interrupted run has to be finished first
    before: dict[str, str] = dataclasses.field(default_factory=dict)  # package -> version, the way back
    held: list[str] = dataclasses.field(default_factory=list)  # of these, the held ones
    new: list[str] = dataclasses.field(default_factory=list)  # what has to go on the way back
    back_to: str | None = None  # upstream version that the host goes back to
    unfinished: bool = False  # an earlier run did not get to its end
    current: str | None = None  # upstream versions of what the plan is about
    target: str | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    errors: list[str] = dataclasses.field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.install or self.remove or self.heal or self.hold or self.release or self.unfinished)

    def as_dict(self) -> dict[str, Any]:
        """For Ansible."""
        return {**dataclasses.asdict(self), "changes": self.changes}

    def without_actions(self: _PlanT, **more: Any) -> _PlanT:
        """The same, but with nothing to do: a plan with errors is not carried out, not even in parts."""
        nothing: dict[str, Any] = {"install": {}, "remove": [], "hold": [], "release": [], "new": [], **more}
        return dataclasses.replace(self, **nothing, heal=False, unfinished=False, notes=[])


def is_present(package: Mapping[str, Any]) -> bool:
    """Whether files of the package are on the host, be it by halves."""
    return package.get("state") not in _ABSENT


def is_foreign(name: str, packages: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether somebody else holds the package."""
    package = packages.get(name, {})
    return bool(package.get("held") and not package.get("held_by_us"))


def note_before(
    plan: PackagePlan, names: Iterable[str], packages: Mapping[str, Mapping[str, Any]], record: Mapping[str, Any] | None
) -> None:
    """Set the plan's way back: what an interrupted run wrote down, and for all else what is there now."""
    plan.unfinished = record is not None
    record = record or {}
    spoken = {*record.get("before", {}), *record.get("absent", [])}
    plan.before = dict(record.get("before", {}))
    plan.held = list(record.get("held", []))
    for name in names:
        package = packages.get(name, {})
        version = package.get("installed")
        if name in spoken or not is_present(package) or not version:
            continue
        plan.before[name] = version
        if package.get("held"):
            plan.held.append(name)


def note_newcomers(plan: PackagePlan, names: Iterable[str], packages: Mapping[str, Mapping[str, Any]]) -> None:
    """What has to go on the way back: packages that the plan brings, or that an interrupted run brought."""
    there = [name for name in names if is_present(packages.get(name, {})) or name in plan.install]
    plan.new = sorted(name for name in there if name not in plan.before)


def note_holds(
    plan: PackagePlan, names: Iterable[str], packages: Mapping[str, Mapping[str, Any]], wanted: bool
) -> None:
    """The holds of those of NAMES that are there afterwards."""
    held = {name for name, package in packages.items() if package.get("held")}
    whole = {name for name, package in packages.items() if package.get("state") == "installed"}
    present = {name for name in names if name in whole or name in plan.install}
    if wanted:
        # A hold is lifted for a move only, so it has to be asked for again.
        plan.hold = sorted((present - held) | (held & set(plan.install)))
    else:
        plan.release = sorted(name for name in present & held if packages[name].get("held_by_us"))
