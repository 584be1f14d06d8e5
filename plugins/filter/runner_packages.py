# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about where GitLab Runner comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_settings import Settings


def _settings(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.from_mapping(values)
    except TypeError as error:
        raise AnsibleFilterError(f"the settings of the runner's plan are not complete: {error}") from error


def runner_needs_index(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether versions on offer have to be looked up."""
    try:
        return runner_plan.needs_index(_settings(settings), facts)
    except ValueError as error:
        raise AnsibleFilterError(f"runner_needs_index: {error}") from error


def runner_package_plan(
    facts: Mapping[str, Any], info: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What has to happen to a host's packages."""
    try:
        return runner_plan.make_plan(_settings(settings), facts, info).as_dict()
    except (KeyError, ValueError) as error:
        raise AnsibleFilterError(f"runner_package_plan: {error}") from error


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"runner_needs_index": runner_needs_index, "runner_package_plan": runner_package_plan}
