# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What goes into a plan for the engine's packages, and what a plan is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.package_plan import PackagePlan


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
class Plan(PackagePlan):
    """What to do for the engine."""

    optional: list[str] = dataclasses.field(default_factory=list)  # of `install`, what may be left out
    engine_moves: bool = False
    below_floor: bool = False

    def without_actions(self, **more: Any) -> Plan:
        """The same, but with nothing to do."""
        return super().without_actions(optional=[], engine_moves=False, **more)
