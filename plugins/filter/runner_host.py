# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about what declared runners write to a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_layout as layout
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_modes, runner_options, runner_schema
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, texts


def runner_config_errors(
    runners: Any, settings: Any = None, version: str | None = None, allow_unknown: bool = False
) -> list[str]:
    """What GitLab Runner would not take of declared settings."""
    try:
        declared = runner_options.runners(runners, "runners")
        flat = [runner_modes.expand(one) for one in declared if one.get("state") != "absent"]
        return runner_schema.problems(runner_options.settings(settings, "settings"), flat, version, bool(allow_unknown))
    except ValueError as error:
        raise AnsibleFilterError(f"runner_config_errors: {error}") from None


def runner_missing_libraries(libraries: Any) -> list[str]:
    """What the controller lacks, told before anything is touched and not in the middle of a run."""
    found = []
    for library in entries(libraries):
        try:
            runner_options.need(str(library))
        except runner_options.OptionError as error:
            found.append(str(error))
    return found


def runner_layout(runners: Any, facts: Any = None, authority: str | None = None) -> dict[str, list[str]]:
    """What runners need on their host that is not there."""
    declared = [mapping(one) for one in entries(runners)]
    if isinstance(runners, str | Mapping):
        raise AnsibleFilterError(f"runner_layout wants a list of runners, not {type(runners).__name__}")
    there = mapping(mapping(facts).get("gitlab_runner"))
    managed = texts(mapping(mapping(facts).get("registry_ca")).get("managed"))
    return {
        "certificates": layout.certificates(declared, authority, mapping(there.get("certificates")), managed)
        if authority
        else [],
        "folders": layout.folders(declared, entries(there.get("builds_folders"))),
    }


def runner_authority_errors(given: Any, authority: Any = None) -> list[str]:
    """What is wrong with the certificate authority of the GitLab servers."""
    return layout.authority_errors(str(given or "").strip(), str(authority or ""))


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "runner_authority_errors": runner_authority_errors,
            "runner_config_errors": runner_config_errors,
            "runner_layout": runner_layout,
            "runner_missing_libraries": runner_missing_libraries,
        }
