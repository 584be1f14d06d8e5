# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Logins to registries as they are declared: what is wrong with them, and the forms that Docker reads.

No sentence quotes a password.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, printable

VARIABLE = "gitlab_runner_registry_auth"
# Where logins go: the runners' environment, and config.json of users of the host.
PLACES = ("environment", "host")
# What Docker looks for when an image has no registry in front of its name.
HUB = "https://index.docker.io/v1/"
_HUB = (*registry_hosts.HUB, "registry-1.docker.io", "hub.docker.com")

_KEYS = ("registry", "username", "password", "helper")
_PREFIX = "docker-credential-"
# It becomes part of a program's name.
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9._@-]*\$?", re.ASCII)


def errors(logins: Any, variable: str = VARIABLE, places: Any = PLACES[:1], users: Any = ("root",)) -> list[str]:
    """A sentence for each mistake."""
    if not isinstance(logins, list | tuple):
        return [f"{variable} is {_kind(logins)}, where a list is wanted, each with registry, username and password"]
    found: list[str] = []
    seen: dict[str, int] = {}
    for number, login in enumerate(logins):
        path = f"{variable}[{number}]"
        if not isinstance(login, Mapping):
            found.append(f"{path} is {_kind(login)}, where a dictionary with registry, username and password is wanted")
            continue
        wrong = list(_wrong(path, login))
        found += wrong
        if not wrong:
            name = address(login["registry"])
            if seen.setdefault(name, number) != number:
                found.append(
                    f"{path} has the same registry as {variable}[{seen[name]}]; an engine has one login for each, "
                    "keep one of them"
                )
    return found + list(_where(variable, bool(logins), places, users))


def address(registry: str) -> str:
    """What Docker finds the login by."""
    plain = str(registry).strip().rstrip("/").lower()
    if plain in _HUB or f"{plain}/" == HUB or plain == HUB.removesuffix("/v1/"):
        return HUB
    return plain


def auths(logins: Any) -> dict[str, str]:
    """User name and password, in base64, by registry."""
    return {
        address(one["registry"]): base64.b64encode(f"{one['username']}:{one['password']}".encode()).decode("ascii")
        for one in map(mapping, entries(logins))
        if not one.get("helper")
    }


def helpers(logins: Any) -> dict[str, str]:
    """Credential helpers by registry: docker-credential-NAME is asked at each pull."""
    return {address(one["registry"]): str(one["helper"]) for one in map(mapping, entries(logins)) if one.get("helper")}


def variable(logins: Any) -> str | None:
    """DOCKER_AUTH_CONFIG; None without a login. The docker command takes nothing but `auths` there, and in it `auth`,
    so there is nothing else unless a helper is declared.
    """
    found: dict[str, Any] = {}
    if given := auths(logins):
        found["auths"] = {name: {"auth": auth} for name, auth in given.items()}
    if named := helpers(logins):
        found["credHelpers"] = named
    return json.dumps(found, separators=(",", ":")) if found else None


def _wrong(path: str, login: Mapping[str, Any]) -> Iterator[str]:
    for key in login:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_KEYS)}"
            yield f"{path}: there is no key {printable(str(key))}; {hint}"
    given = {key: login[key] for key in _KEYS if login.get(key) is not None}
    yield from _registry(path, given)
    if "helper" in given:
        yield from _helper(path, given)
        return
    for key in ("username", "password"):
        value = given.get(key)
        if value is None:
            yield f"{path}: {key} is missing; give username and password, or the name of a credential helper as helper"
        elif not isinstance(value, str):
            yield f"{path}: {key} is {_kind(value)}; put it in quotes, so that it is a text"
        elif not value or not value.isprintable():
            yield f"{path}: {key} is empty or has a line break or the like in it; give it as one line"
    if ":" in str(given.get("username", "")):
        yield f"{path}: username has a colon in it, and the password would begin there; give the name alone"


def _registry(path: str, given: Mapping[str, Any]) -> Iterator[str]:
    registry = given.get("registry")
    if not isinstance(registry, str):
        yield f"{path}: registry is {_kind(registry)}; give it as in front of an image's name, or docker.io"
    elif address(registry) != HUB:
        try:
            registry_hosts.split(registry)
        except registry_hosts.HostError as error:
            yield f"{path}: registry {error}"


def _helper(path: str, given: Mapping[str, Any]) -> Iterator[str]:
    helper = given["helper"]
    if "username" in given or "password" in given:
        yield f"{path}: username and password are given beside helper, which has its own; keep one of both"
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        yield f"{path}: helper is no name of a credential helper; give what follows {_PREFIX}, such as ecr-login"
    elif helper.startswith(_PREFIX):
        yield f"{path}: helper is {helper!r}, the whole program's name; write {helper.removeprefix(_PREFIX)}"


def _where(variable: str, any_login: bool, places: Any, users: Any) -> Iterator[str]:
    if not isinstance(places, list | tuple) or any(place not in PLACES for place in places):
        yield f"{variable}_in is {places!r}, where a list out of {' and '.join(PLACES)} is wanted"
    elif any_login and not places:
        yield f"{variable}_in is empty, so the logins would go nowhere; name {' or '.join(PLACES)}"
    if not isinstance(users, list | tuple) or not all(
        isinstance(user, str) and _USER.fullmatch(user) for user in users
    ):
        yield f"{variable}_users is {users!r}, where a list of names of users on the host is wanted"
    elif any_login and "host" in places and not users:
        yield f"{variable}_users is empty, so the logins would go to nobody; name root, as whom the runner runs"


def _kind(value: Any) -> str:
    """What stands there, without saying it."""
    if value is None:
        return "missing"
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a dictionary"}
    return next((word for kind, word in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")
