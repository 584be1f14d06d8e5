# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What facts do not tell of a runner, as it may hold a secret, and its jobs go by: read on the host, told to nobody."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import toml_reader
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_runner import RUNNER_CONFIG
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_store import account_of

LOGIN = "DOCKER_AUTH_CONFIG"
MIRROR = "--registry-mirror="
_BIGGEST = 4 << 20
_HUB = ("index.docker.io", "registry-1.docker.io")


def entry(name: str, path: str = RUNNER_CONFIG) -> Mapping[str, Any]:
    """The runner's table in config.toml; an empty one where there is none, or more than one of that name."""
    try:
        runners = toml_reader.loads(_read(path)).get("runners")
    except (OSError, UnicodeDecodeError, toml_reader.TomlError):
        return {}
    found = [one for one in runners if _table(one).get("name") == name] if isinstance(runners, list) else []
    return found[0] if len(found) == 1 else {}


def completed(runner: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    """A runner of facts whose services are told of registry mirrors as in config.toml: a daemon may not start by it."""
    docker = _table(runner.get("docker"))
    services, given = docker.get("services"), _table(table.get("docker")).get("services")
    if not isinstance(services, list) or not isinstance(given, list) or len(services) != len(given):
        return runner
    told = [
        {**one, "command": mirrors} if mirrors and not one.get("command") else one
        for one, mirrors in zip(map(_table, services), map(_mirrors, given))
    ]
    return {**runner, "docker": {**docker, "services": told}}


def logins(table: Mapping[str, Any], user: str = "root") -> dict[str, tuple[str, str]]:
    """Name and password by registry, where the runner looks for them: its environment first, then the user's file.

    Credential helpers are not asked.
    """
    account = account_of(user)
    texts = []
    if account is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            texts.append(_read(account.path))
    environment = table.get("environment")
    for each in environment if isinstance(environment, list) else []:
        name, _, text = str(each).partition("=")
        if name == LOGIN:
            texts.append(text)
    found: dict[str, tuple[str, str]] = {}
    for text in texts:
        found.update(_auths(text))
    return found


def _read(path: str) -> str:
    with open(path, "rb") as stream:
        return stream.read(_BIGGEST).decode("utf-8")


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mirrors(service: Any) -> list[str]:
    command = _table(service).get("command")
    return [str(word) for word in command if str(word).startswith(MIRROR)] if isinstance(command, list) else []


def _auths(text: str) -> dict[str, tuple[str, str]]:
    try:
        entries = _table(_table(json.loads(text)).get("auths"))
    except (ValueError, RecursionError):
        return {}
    found = {}
    for name, each in entries.items():
        try:
            user, colon, password = base64.b64decode(str(_table(each).get("auth") or "")).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            continue
        if colon:
            found[_registry(name)] = (user, password)
    return found


def _registry(name: str) -> str:
    """As images name it."""
    host = re.sub(r"^https?://", "", name).split("/", 1)[0]
    return "docker.io" if host in _HUB else host
