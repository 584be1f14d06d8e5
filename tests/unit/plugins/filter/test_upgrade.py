# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The doors to plans of upgrades: what cannot be read is told in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter import upgrade

FACTS: dict[str, Any] = {"docker": {}}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param((None, None), "wants what runnerkit.gitlab.runtime_facts returns", id="no facts"),
        pytest.param(({}, None), "wants what runnerkit.gitlab.runtime_facts returns", id="facts of something else"),
        pytest.param(
            (FACTS, {"changes": True}), "engine_plan is what runnerkit.gitlab.engine_package_plan returns, not {",
            id="another plan of the engine",
        ),
        pytest.param(
            (FACTS, None, "18.2"), "runner_plan is what runnerkit.gitlab.runner_package_plan returns, not '18.2'",
            id="another plan of the runner",
        ),
        pytest.param((FACTS, {"install": {}}), "the plan has no 'target'", id="a part of a plan"),
        pytest.param((FACTS, None, None, None, {"x": 1}), "the settings have 'x'", id="a setting that is none"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_told(arguments: tuple[Any, ...], error: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        upgrade.upgrade_plan(*arguments)
    assert str(caught.value).startswith("upgrade_plan")
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(([],), "wants a dictionary of hosts", id="a list"),
        pytest.param(({"a": {}},), "these are no plans .KeyError: 'skip'.", id="a host without a plan"),
        pytest.param(({"a": 7},), "these are no plans .TypeError", id="a number"),
        pytest.param(({}, "wide"), "width is 'wide', where a number such as 110 is wanted", id="a width that is none"),
    ],
)
def test_what_is_no_plans_is_told(arguments: tuple[Any, ...], error: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"upgrade_plan_text:? {error}"):
        upgrade.upgrade_plan_text(*arguments)
