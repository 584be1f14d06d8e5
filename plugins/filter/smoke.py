# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Door to the report on smoke jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import findings, smoke_text


def smoke_report(smoke: Any, facts: Any = None, probe: Any = None) -> str:
    """Smoke jobs as text."""
    if not isinstance(smoke, list) or not all(isinstance(result, Mapping) for result in smoke):
        raise AnsibleFilterError(
            "smoke_report wants the list that runnerkit.gitlab.runner_smoke returns as smoke, "
            f"not {type(smoke).__name__}"
        )
    for name, value in (("facts", facts), ("probe", probe)):
        if value is not None and not isinstance(value, Mapping):
            raise AnsibleFilterError(f"smoke_report: {name} is a dictionary of facts, not {type(value).__name__}")
    try:
        found = findings.find(facts, probe=probe) if facts else []
    except ValueError as error:
        raise AnsibleFilterError(f"smoke_report: {error}") from error
    return smoke_text.smoke_text(smoke, found)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"smoke_report": smoke_report}
