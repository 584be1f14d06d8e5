# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to findings and to the fleet's report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import findings, fleet, report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import read_registries


def readiness(
    facts: Any,
    minimum_version: str = findings.DEFAULT_MINIMUM_VERSION,
    probe: Any = None,
    images: Any = None,
    workaround: str = findings.WORKAROUND_PATH,
    registries: Any = None,
    expected: Any = None,
    ca_days: int = findings.DEFAULT_CA_DAYS,
    now: str | None = None,
) -> list[dict[str, Any]]:
    """Findings for one host."""
    if not isinstance(facts, Mapping) or "docker" not in facts:
        raise AnsibleFilterError(
            "readiness wants what runnerkit.gitlab.runtime_facts returns (ansible_facts['runnerkit']), "
            f"not {type(facts).__name__}"
        )
    if probe is not None and not isinstance(probe, Mapping):
        raise AnsibleFilterError(
            "readiness: probe is what runnerkit.gitlab.seccomp_probe returns (ansible_facts['runnerkit_probe']), "
            f"not {type(probe).__name__}"
        )
    for name, value, source in (
        (
            "registries",
            registries,
            "what runnerkit.gitlab.registry_check returns (ansible_facts['runnerkit_registries'])",
        ),
        ("expected", expected, "what the filter runnerkit.gitlab.registry_ca_expected returns"),
    ):
        if value is not None and (isinstance(value, str | Mapping) or not isinstance(value, Iterable)):
            raise AnsibleFilterError(f"readiness: {name} is {source}, not {type(value).__name__}")
    try:
        found = findings.find(
            facts, minimum_version, probe, fleet.image_list(images), workaround,
            registries=registries, expected=expected, ca_days=ca_days, now=findings.read_time(now),
        )  # fmt: skip
    except ValueError as error:
        raise AnsibleFilterError(f"readiness: {error}") from error
    return [finding.as_dict() for finding in found]


def readiness_registries(known: Any, expected: Any = None) -> list[dict[str, str]]:
    """What registry_check is to ask."""
    return [{"host": host} for host in read_registries(known, expected=expected).to_ask()]


def readiness_report(hosts: Any, settings: Any = None) -> dict[str, Any]:
    """The report on a fleet."""
    try:
        return fleet.report(hosts, settings)
    except ValueError as error:
        raise AnsibleFilterError(f"readiness_report: {error}") from error


def facts_report(facts: Mapping[str, Any]) -> str:
    """Facts as text."""
    return report.facts_report(facts)


def findings_report(found: Sequence[Mapping[str, Any]]) -> str:
    """Findings as text."""
    return report.findings_report(found)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "facts_report": facts_report,
            "findings_report": findings_report,
            "readiness": readiness,
            "readiness_registries": readiness_registries,
            "readiness_report": readiness_report,
        }
