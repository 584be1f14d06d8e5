# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about upgrades: plans for hosts, and what got worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    report_lines,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    upgrade_plan as plans,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    upgrade_plan_text as plan_text,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    upgrade_regressions as measured,
)


def upgrade_plan(
    facts: Any, engine_plan: Any, runner_plan: Any = None, probe: Any = None, settings: Any = None
) -> dict[str, Any]:
    """What an upgrade would do to a host."""
    if not isinstance(facts, Mapping) or "docker" not in facts:
        raise AnsibleFilterError(
            "upgrade_plan wants what runnerkit.gitlab.runtime_facts returns (ansible_facts['runnerkit']), "
            f"not {type(facts).__name__}"
        )
    for name, plan in (("engine", engine_plan), ("runner", runner_plan)):
        if plan is not None and not (isinstance(plan, Mapping) and "install" in plan):
            raise AnsibleFilterError(
                f"upgrade_plan: {name}_plan is what runnerkit.gitlab.{name}_package_plan returns, not {plan!r}"
            )
    try:
        return plans.upgrade_plan(facts, engine_plan, runner_plan, probe, settings)
    except KeyError as error:
        raise AnsibleFilterError(f"upgrade_plan: the plan has no {error}; give the whole of it") from error
    except ValueError as error:
        raise AnsibleFilterError(f"upgrade_plan: {error}") from error


def upgrade_plan_text(hosts: Any, width: int | str = report_lines.WIDTH) -> str:
    """The plans of a fleet for a terminal."""
    if not isinstance(hosts, Mapping):
        raise AnsibleFilterError(
            "upgrade_plan_text wants a dictionary of hosts and what runnerkit.gitlab.upgrade_plan returns of them, "
            f"not {type(hosts).__name__}"
        )
    try:
        wide = int(width)
    except (TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"upgrade_plan_text: width is {width!r}, where a number such as 110 is wanted"
        ) from error
    try:
        return plan_text.upgrade_plan_text(hosts, wide)
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(
            f"upgrade_plan_text: these are no plans ({type(error).__name__}: {error}); "
            "make them with runnerkit.gitlab.upgrade_plan"
        ) from error


def upgrade_allowed(probe: Any) -> dict[str, list[str]]:
    """The calls that each layer allows."""
    return measured.allowed(probe)


def upgrade_regressions(before: Any, probe: Any) -> list[str]:
    """What worked before and does not any more."""
    return measured.regressions(before, probe)


def upgrade_fallbacks(before: Any, probe: Any) -> list[str]:
    """What works in another way than before."""
    return measured.fallbacks(before, probe)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "upgrade_allowed": upgrade_allowed,
            "upgrade_fallbacks": upgrade_fallbacks,
            "upgrade_plan": upgrade_plan,
            "upgrade_plan_text": upgrade_plan_text,
            "upgrade_regressions": upgrade_regressions,
        }
