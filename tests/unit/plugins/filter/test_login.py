# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter import login, runner

SECRET = "geheim-4711"
HALF = [{"registry": "r.example", "password": SECRET}]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: login.registry_auth_runners({"name": "x"}, []),
            "registry_auth_runners wants a list of runners, not dict",
        ),
        (
            lambda: login.registry_auth_runners([], HALF),
            "registry_auth_runners: gitlab_runner_registry_auth[0]: username",
        ),
        (
            lambda: runner.runner_expand([], surroundings={"logins": HALF}),
            "runner_expand: surroundings.logins[0]: username",
        ),
        (lambda: runner.runner_expand("x"), "runner_expand wants a runner or a list of them, not str"),
        (lambda: runner.runner_expand(["x"]), "runner_expand: a runner is a dictionary with a name, not str"),
    ],
    ids=["no list", "half a login", "half a login around", "no runners", "no runner"],
)
def test_what_is_wrong_is_told_without_a_password(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        call()
    assert str(raised.value).startswith(words)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_logins_go_into_the_environment_unless_it_is_said_otherwise() -> None:
    good = [{"registry": "r.example", "helper": "ecr-login"}]
    assert login.registry_auth_errors(good) == []
    assert login.registry_auth_errors(good, places=[]) != []
    assert login.registry_auth_runners([], None) == []
