# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_login
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_login import HUB, address, errors, variable

SECRET = "geheim-4711"
GOOD = {"registry": "registry.example:5000", "username": "runner", "password": SECRET}
HELPER = {"registry": "ecr.example", "helper": "ecr-login"}
PATH = "gitlab_runner_registry_auth[0]"


@pytest.mark.parametrize(
    "logins",
    [[], [GOOD], [HELPER], [GOOD, HELPER], [{**GOOD, "helper": None}], [{**GOOD, "registry": "[fd00::4]:5000"}]],
    ids=["none", "a password", "a helper", "both kinds", "a null", "an IPv6 address"],
)
def test_good_logins_pass(logins: list[dict[str, Any]]) -> None:
    assert errors(logins) == []


@pytest.mark.parametrize(
    ("logins", "error"),
    [
        pytest.param(
            SECRET,
            "gitlab_runner_registry_auth is a text, where a list is wanted, each with registry, username and password",
            id="a text",
        ),
        pytest.param([SECRET], f"{PATH} is a text, where a dictionary", id="a list of texts"),
        pytest.param(
            [{**GOOD, "pasword": SECRET}], f"{PATH}: there is no key pasword; did you mean password?", id="misspelt"
        ),
        pytest.param(
            [{**GOOD, "x": 1}], f"{PATH}: there is no key x; there are registry, username", id="an unknown key"
        ),
        pytest.param(
            [{"username": "a", "password": SECRET}], f"{PATH}: registry is missing; give it", id="no registry"
        ),
        pytest.param(
            [{**GOOD, "registry": "https://r.example/v2"}],
            f"{PATH}: registry is 'https://r.example/v2', an address",
            id="a registry with a scheme",
        ),
        pytest.param(
            [{**GOOD, "registry": f"u:{SECRET}@r"}],
            f"{PATH}: registry has a user's name in it",
            id="a login in the name",
        ),
        pytest.param([{**GOOD, "password": None}], f"{PATH}: password is missing; give", id="no password"),
        pytest.param([{**GOOD, "username": None}], f"{PATH}: username is missing; give", id="no name"),
        pytest.param([{**GOOD, "password": 4711}], f"{PATH}: password is a number; put it in quotes", id="a number"),
        pytest.param([{**GOOD, "password": ""}], f"{PATH}: password is empty or has a line break", id="empty"),
        pytest.param(
            [{**GOOD, "password": f"{SECRET}\n"}], f"{PATH}: password is empty or has a line break", id="two lines"
        ),
        pytest.param([{**GOOD, "username": "a:b"}], f"{PATH}: username has a colon in it", id="a colon"),
        pytest.param([{**GOOD, "helper": "pass"}], f"{PATH}: username and password are given beside helper", id="both"),
        pytest.param(
            [{**HELPER, "helper": "docker-credential-ecr-login"}],
            f"{PATH}: helper is 'docker-credential-ecr-login', the whole program's name; write ecr-login",
            id="the program",
        ),
        pytest.param([{**HELPER, "helper": "../x"}], f"{PATH}: helper is no name of a credential helper", id="a path"),
        pytest.param([{**HELPER, "helper": 5}], f"{PATH}: helper is no name of a credential helper", id="no text"),
        pytest.param(
            [GOOD, {**GOOD, "registry": "Registry.Example:5000"}],
            "gitlab_runner_registry_auth[1] has the same registry "
            "as gitlab_runner_registry_auth[0]; an engine has one login for each",
            id="twice",
        ),
        pytest.param(
            [{**GOOD, "registry": "docker.io"}, {**GOOD, "registry": HUB}],
            "gitlab_runner_registry_auth[1] has the same",
            id="Docker Hub by two of its names",
        ),
    ],
)
def test_a_mistake_is_told_without_a_password(logins: Any, error: str) -> None:
    found = errors(logins)
    assert len(found) == 1, found
    assert found[0].startswith(error)
    assert SECRET not in found[0]


@pytest.mark.parametrize(
    ("places", "users", "error"),
    [
        pytest.param("host", ["root"], "gitlab_runner_registry_auth_in is 'host', where a list out of", id="a text"),
        pytest.param(
            ["hots"], ["root"], "gitlab_runner_registry_auth_in is ['hots'], where a list out of", id="misspelt"
        ),
        pytest.param(
            [], ["root"], "gitlab_runner_registry_auth_in is empty, so the logins would go nowhere", id="nowhere"
        ),
        pytest.param(["host"], [], "gitlab_runner_registry_auth_users is empty, so the logins", id="nobody"),
        pytest.param(["host"], ["a/b"], "gitlab_runner_registry_auth_users is ['a/b'], where", id="no name of a user"),
        pytest.param(["host"], "root", "gitlab_runner_registry_auth_users is 'root', where", id="a text for users"),
    ],
)
def test_where_logins_go(places: Any, users: Any, error: str) -> None:
    [found] = errors([GOOD], places=places, users=users)
    assert found.startswith(error)


def test_without_logins_it_does_not_matter_where_they_would_go() -> None:
    assert errors([], places=[], users=[]) == []


@pytest.mark.parametrize(
    "name", ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"]
)
def test_docker_hub_has_a_name_of_its_own(name: str) -> None:
    assert address(name) == HUB
    assert errors([{**GOOD, "registry": name}]) == []


@pytest.mark.parametrize(
    ("logins", "expected"),
    [
        ([], None),
        (
            [GOOD],
            {"auths": {"registry.example:5000": {"auth": base64.b64encode(f"runner:{SECRET}".encode()).decode()}}},
        ),
        ([HELPER], {"credHelpers": {"ecr.example": "ecr-login"}}),
    ],
    ids=["nothing", "a password", "a helper"],
)
def test_the_variable_has_nothing_that_the_docker_command_refuses(logins: Any, expected: Any) -> None:
    text = variable(logins)
    assert (json.loads(text) if text else None) == expected
    assert text is None or "\n" not in text


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1), st.text(min_size=1))
def test_whatever_the_password_it_arrives_and_the_runner_expands_nothing_in_it(password: str, username: str) -> None:
    login = {"registry": "r.example", "username": username, "password": password}
    if errors([login]):
        return
    text = variable([login]) or ""
    # A dollar would begin a variable.
    assert "$" not in text
    auth = json.loads(text)["auths"]["r.example"]["auth"]
    assert base64.b64decode(auth).decode().split(":", 1) == [username, password]


def test_passwords_and_helpers_are_told_apart() -> None:
    assert set(registry_login.auths([GOOD, HELPER])) == {"registry.example:5000"}
    assert registry_login.helpers([GOOD, HELPER]) == {"ecr.example": "ecr-login"}
