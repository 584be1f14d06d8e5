# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a host goes back to when a change of its packages fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# Packages with an engine in them.
ENGINES = ("docker-ce", "docker.io", "docker-engine", "moby-engine")
_ABSENT = (None, "not-installed", "config-files")


def is_present(package: Mapping[str, Any]) -> bool:
    """Whether files of the package are on the host, be it by halves."""
    return package.get("state") not in _ABSENT


def note_before(
    plan: Plan, names: Iterable[str], packages: Mapping[str, Mapping[str, Any]], record: Mapping[str, Any] | None
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


def note_engine(plan: Plan, engine: str) -> None:
    """The release of the engine that the host goes back to, where a record says it."""
    plan.back_to = plan.current
    if plan.unfinished:
        versions = [plan.before[name] for name in (engine, *ENGINES) if name in plan.before]
        plan.back_to = str(EngineVersion.parse(versions[0])) if versions else None


def note_newcomers(plan: Plan, names: Iterable[str], packages: Mapping[str, Mapping[str, Any]]) -> None:
    """What has to go on the way back: packages that the plan brings, or that an interrupted run brought."""
    there = [name for name in names if is_present(packages.get(name, {})) or name in plan.install]
    plan.new = sorted(name for name in there if name not in plan.before)
