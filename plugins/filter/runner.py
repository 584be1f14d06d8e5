# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about runners: modes, mistakes, snippets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_checks, runner_modes, runner_surroundings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_snippet as snippets
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries


def runner_expand(
    runners: Any,
    engine_version: str | None = None,
    url: str | None = None,
    before: Any = None,
    flat: bool = False,
    surroundings: Any = None,
) -> Any:
    """Declared runners with their modes applied."""
    try:
        around = runner_surroundings.read(surroundings)
    except ValueError as error:
        raise AnsibleFilterError(f"runner_expand: {error}") from None
    expand = runner_modes.expand if flat else runner_modes.with_expanded_config

    def expanded(runner: Any) -> dict[str, Any]:
        if not isinstance(runner, Mapping):
            kind = type(runner).__name__
            raise AnsibleFilterError(f"runner_expand: a runner is a dictionary with a name, not {kind}")
        try:
            return expand(runner, engine_version, url=url, before=entries(before), surroundings=around)
        except ValueError as error:
            raise AnsibleFilterError(f"runner_expand: runner {runner.get('name')}: {error}") from error

    if isinstance(runners, Mapping):
        return expanded(runners)
    if not isinstance(runners, list):
        raise AnsibleFilterError(f"runner_expand wants a runner or a list of them, not {type(runners).__name__}")
    return [expanded(one) for one in runners]


def runner_errors(
    runners: Any,
    variable: str = runner_checks.VARIABLE,
    accepted_risks: Any = None,
    api_token: bool = False,
    url: str | None = None,
    docker_group: bool = False,
    host: str = "",
) -> list[str]:
    """What is wrong with declared runners."""
    return runner_checks.errors(
        runners, variable=variable, accepted_risks=accepted_risks, api_token=bool(api_token), url=url,
        docker_group=bool(docker_group), host=host,
    )  # fmt: skip


def runner_name_errors(there: Any, path: str = "config.toml") -> list[str]:
    """What is in the way of finding runners by their names."""
    return runner_checks.name_errors(entries(there), path)


def runner_snippet(runner: Any, engine_version: str | None = None, dind_image: str | None = None) -> str:
    """A job for a runner."""
    if not isinstance(runner, Mapping):
        raise AnsibleFilterError(f"runner_snippet wants a runner of gitlab_runner_runners, not {type(runner).__name__}")
    try:
        return snippets.snippet(runner, engine_version, dind_image)
    except ValueError as error:
        raise AnsibleFilterError(f"runner_snippet: runner {runner.get('name')}: {error}") from error


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "runner_errors": runner_errors,
            "runner_expand": runner_expand,
            "runner_name_errors": runner_name_errors,
            "runner_snippet": runner_snippet,
        }
