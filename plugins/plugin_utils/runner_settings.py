# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What goes into a plan for the runner's program, and what a plan is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.package_plan import PackagePlan


@dataclasses.dataclass(frozen=True)
class Settings:
    """The role's variables that the plan depends on."""

    source: str
    version: str
    runner: str  # names of the packages
    helper_images: str
    replaces: Sequence[str] = ()
    program: str = "/usr/bin/gitlab-runner"  # where the source puts it
    want_helper_images: bool = True
    hold: bool = True
    allow_downgrade: bool = False
    lift_foreign_holds: bool = False
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)  # package -> version, source `files` only
    checksum: str = ""  # source `binary` only

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """From what the role passes."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: values[key] for key in values if key in known})

    @property
    def packages(self) -> list[str]:
        """The packages of which the plan knows that they belong to the runner."""
        return [self.runner, self.helper_images]


@dataclasses.dataclass
class Plan(PackagePlan):
    """What to do for the runner."""

    runner_moves: bool = False  # its program is exchanged, so it has to be drained before
    binary: bool = False  # the program at the wanted place has to be brought
    set_aside: list[str] = dataclasses.field(default_factory=list)  # programs of no package that are in the way

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(super().changes or self.binary or self.set_aside)

    def without_actions(self, **more: Any) -> Plan:
        """The same, but with nothing to do."""
        return super().without_actions(runner_moves=False, binary=False, set_aside=[], **more)
