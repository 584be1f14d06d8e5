# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which engine a host goes back to when a change of its packages fails."""

from __future__ import annotations

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# Packages with an engine in them.
ENGINES = ("docker-ce", "docker.io", "docker-engine", "moby-engine")


def note_engine(plan: Plan, engine: str) -> None:
    """The release of the engine that the host goes back to, where a record says it."""
    plan.back_to = plan.current
    if plan.unfinished:
        versions = [plan.before[name] for name in (engine, *ENGINES) if name in plan.before]
        plan.back_to = str(EngineVersion.parse(versions[0])) if versions else None
