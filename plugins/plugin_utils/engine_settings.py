# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What goes into a plan for the engine's packages, and what a plan is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Packages:
    """The packages of one source by the part they play; a source without a `client` has it in the engine's package."""

    engine: str
    client: str | None
    runtime: Sequence[str]
    optional: Sequence[str] = ()
    replaces: Sequence[str] = ()
    # An optional package is left out beside one of its rivals.
    rivals: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @property
    def all(self) -> list[str]:
        """Every package of the source."""
        return [self.engine, *([self.client] if self.client else []), *self.runtime, *self.optional]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The role's variables that the plan depends on."""

    source: str
    version: str
    minimum_version: str
    packages: Packages
    libseccomp: str
    hold: bool = True
    allow_downgrade: bool = False
    lift_foreign_holds: bool = False
    live_restore: bool = True
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)  # package -> version, source `files` only

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """From what the role passes, where the packages are a mapping, too."""
        known = {field.name for field in dataclasses.fields(cls)}
        packages = Packages(**values["packages"])
        return cls(**{**{key: values[key] for key in values if key in known}, "packages": packages})


@dataclasses.dataclass
class Plan:
    """What to do. On a host that is as it should be there is nothing in it."""

    install: dict[str, str] = dataclasses.field(default_factory=dict)  # package -> version
    remove: list[str] = dataclasses.field(default_factory=list)
    hold: list[str] = dataclasses.field(default_factory=list)
    release: list[str] = dataclasses.field(default_factory=list)  # holds to be lifted for good
    heal: bool = False  # an interrupted run has to be finished first
    optional: list[str] = dataclasses.field(default_factory=list)  # of `install`, what may be left out
    before: dict[str, str] = dataclasses.field(default_factory=dict)  # package -> version, the way back
    held: list[str] = dataclasses.field(default_factory=list)  # of these, the held ones
    new: list[str] = dataclasses.field(default_factory=list)  # what has to go on the way back
    back_to: str | None = None  # upstream version of the engine there
    unfinished: bool = False  # an earlier run did not get to its end
    current: str | None = None  # upstream versions of the engine
    target: str | None = None
    engine_moves: bool = False
    below_floor: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)
    errors: list[str] = dataclasses.field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.install or self.remove or self.heal or self.hold or self.release or self.unfinished)

    def as_dict(self) -> dict[str, Any]:
        """For Ansible."""
        return {**dataclasses.asdict(self), "changes": self.changes}

    def without_actions(self) -> Plan:
        """The same, but with nothing to do: a plan with errors is not carried out, not even in parts."""
        nothing: dict[str, Any] = {"install": {}, "remove": [], "hold": [], "release": [], "optional": [], "new": []}
        return dataclasses.replace(self, **nothing, heal=False, unfinished=False, engine_moves=False, notes=[])
