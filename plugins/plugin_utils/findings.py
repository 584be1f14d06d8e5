# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Findings: what is wrong with a runner host, how it is known, and what to do about it. Pure rules over facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import find_machines
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import LAYERS, SEVERITIES, Finding, worst_first
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_engine import find_engine, find_library
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_images import find_images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_layers import find_layers
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_maintenance import find_maintenance
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_profile import find_profile
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_registry import find_registries
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_runner import find_runners
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import (
    DEFAULT_CA_DAYS,
    DEFAULT_MINIMUM_VERSION,
    WORKAROUND_PATH,
    Host,
    read_host,
    read_time,
)

__all__ = [
    "DEFAULT_CA_DAYS", "DEFAULT_MINIMUM_VERSION", "LAYERS", "SEVERITIES", "WORKAROUND_PATH", "Finding", "find",
    "find_on", "read_time",
]  # fmt: skip

_RULES = (
    find_engine, find_library, find_profile, find_layers, find_images, find_machines, find_maintenance, find_runners,
    find_registries,
)  # fmt: skip


def find(
    facts: Mapping[str, Any],
    minimum_version: str = DEFAULT_MINIMUM_VERSION,
    probe: Mapping[str, Any] | None = None,
    images: Iterable[str] = (),
    workaround_path: str = WORKAROUND_PATH,
    **registries: Any,
) -> list[Finding]:
    """All findings for one host, the worst first; ValueError names a setting that cannot be read.

    REGISTRIES are what read_host takes of that name: registries, expected, ca_days and now.
    """
    return find_on(
        read_host(
            facts, probe, minimum_version=minimum_version, images=images, workaround_path=workaround_path, **registries
        )
    )


def find_on(host: Host) -> list[Finding]:
    """All findings for a host that was read, the worst first."""
    return worst_first(finding for rule in _RULES for finding in rule(host))
