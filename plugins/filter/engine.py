# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about engines: versions, plans, daemon.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import daemon_config, engine_plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion


def engine_version(value: Any) -> str:
    """The upstream version behind any spelling, in semantic versioning's form."""
    try:
        return EngineVersion.parse(value).semver
    except ValueError as error:
        raise AnsibleFilterError(f"engine_version: {error}") from error


def _settings(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.from_mapping(values)
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"the settings of the engine plan are not complete: {error}") from error


def engine_needs_index(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether versions on offer have to be looked up."""
    try:
        return engine_plan.needs_index(_settings(settings), facts)
    except ValueError as error:
        raise AnsibleFilterError(f"engine_needs_index: {error}") from error


def engine_package_plan(
    facts: Mapping[str, Any], info: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What has to happen to a host's packages."""
    try:
        return engine_plan.make_plan(_settings(settings), facts, info).as_dict()
    except (KeyError, ValueError) as error:
        raise AnsibleFilterError(f"engine_package_plan: {error}") from error


def daemon_config_errors(config: Any, variable: str = "docker_engine_daemon_config") -> list[str]:
    """What is wrong with settings for daemon.json."""
    if not isinstance(config, Mapping):
        return [f"{variable} has to be a mapping of daemon.json's keys, not {config!r}"]
    return daemon_config.config_errors(config, variable)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "daemon_config_errors": daemon_config_errors,
            "engine_needs_index": engine_needs_index,
            "engine_package_plan": engine_package_plan,
            "engine_version": engine_version,
        }
