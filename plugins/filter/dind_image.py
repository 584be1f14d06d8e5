# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Door to what images for Docker-in-Docker services are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_modes


def dind_base_image(engine_version: Any) -> str:
    """The image with the daemon for the clients of an engine."""
    if engine_version is not None and not isinstance(engine_version, str):
        raise AnsibleFilterError(
            f"dind_base_image wants the version of an engine, such as 28.5.2, not {type(engine_version).__name__}"
        )
    return runner_modes.dind_image(engine_version)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"dind_base_image": dind_base_image}
