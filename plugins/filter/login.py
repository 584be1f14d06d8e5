# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about logins to registries, and about mirrors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    registry_login,
    registry_mirrors,
    runner_surroundings,
)


def registry_auth_errors(
    logins: Any,
    variable: str = registry_login.VARIABLE,
    places: Any = None,
    users: Any = None,
) -> list[str]:
    """What is wrong with logins to registries."""
    return registry_login.errors(
        logins, variable, ["environment"] if places is None else places, ["root"] if users is None else users
    )


def registry_auth_runners(runners: Any, logins: Any) -> list[str]:
    """Names of the runners that have these logins in their environment."""
    if not isinstance(runners, list):
        raise AnsibleFilterError(f"registry_auth_runners wants a list of runners, not {type(runners).__name__}")
    wrong = registry_login.errors(logins or [])
    if wrong:
        raise AnsibleFilterError(f"registry_auth_runners: {'; '.join(wrong)}")
    return runner_surroundings.with_login(runners, registry_login.variable(logins or []))


def registry_mirror_errors(mirrors: Any, variable: str) -> list[str]:
    """What is wrong with addresses of registry mirrors."""
    return registry_mirrors.errors(mirrors, variable)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "registry_auth_errors": registry_auth_errors,
            "registry_auth_runners": registry_auth_runners,
            "registry_mirror_errors": registry_mirror_errors,
        }
