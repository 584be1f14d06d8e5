# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is wrong with declared runners, all of it at once, before anything is touched. No sentence quotes a token."""

from __future__ import annotations

import collections
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import DOCKER_EXECUTORS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_declared, runner_modes
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping

VARIABLE = "gitlab_runner_runners"

_CHOICES = {
    "state": ("present", "absent"),
    "mode": runner_modes.MODES,
    "scope": ("instance", "group", "project"),
    "access_level": ("not_protected", "ref_protected"),
}
_TEXTS = ("name", "url", "token", "registration_token")
_NOTES = ("description", "maintenance_note")
_SWITCHES = ("run_untagged", "locked", "paused")
_LISTS = ("tags", "accepted_risks")
_SECRETS = ("token", "registration_token")
_WAYS = (*_SECRETS, "scope")
# Kept in GitLab, not in config.toml.
ATTRIBUTES = (
    "description", "maintenance_note", "tags", "run_untagged", "locked", "paused", "access_level", "maximum_timeout",
)  # fmt: skip
_KEYS = (*_CHOICES, *_TEXTS, *_NOTES, *_SWITCHES, *_LISTS, "maximum_timeout", "group", "project", "config")
_ADDRESS = re.compile(r"https?://[^\s/]+(?:/\S*)?")
_OF_AN_INSTANCE = "glrt-t1_"


def errors(
    declared: Any,
    *,
    variable: str = VARIABLE,
    accepted_risks: Any = (),
    api_token: bool = False,
    url: str | None = None,
    docker_group: bool = False,
    host: str = "",
) -> list[str]:
    """A sentence for each mistake. API_TOKEN says whether there is one, URL is what runners without one get, HOST the
    name of their host, which stands in the maintenance note.
    """
    if not isinstance(declared, list):
        return [f"{variable} is {_kind(declared)}, where a list of runners is wanted, each with a name"]
    accepted = list(_unknown_risks("gitlab_runner_accepted_risks", accepted_risks))
    found = [*accepted, *_twice(variable, declared)]
    for number, runner in enumerate(declared):
        path = f"{variable}[{number}]"
        if not isinstance(runner, Mapping):
            found.append(f"{path} is {_kind(runner)}, where a dictionary with a name is wanted")
            continue
        name = runner.get("name")
        where = f"{path} ({name})" if isinstance(name, str) and name else path
        wrong = list(_shape(where, runner))
        if not wrong and runner.get("state") != "absent":
            wrong += _ways(where, runner, api_token)
            wrong += _settings(where, runner, url)
            wrong += _risks(where, runner, accepted_risks, docker_group)
        # What the registration would refuse later on is said now, before anything is touched.
        found += wrong or [
            f"{path}{end} (runner {name!r})" for end in registration_declared.mistakes(runner, url, api_token, host)
        ]
    return found


def name_errors(there: Iterable[Any], path: str) -> list[str]:
    """What is in the way of finding each of these runners, which facts tell of, by its name in the file at PATH."""
    names = collections.Counter(str(mapping(runner).get("name") or "") for runner in there)
    return [
        f"{path} has {count} [[runners]] {f'named {name!r}' if name else 'without a name'}; give each a name of its "
        "own there, nothing was touched"
        for name, count in names.items()
        if not name or count > 1
    ]


def _kind(value: Any) -> str:
    """What stands there, without saying it."""
    if value is None:
        return "empty"
    if value == "":
        return "an empty text"
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a dictionary"}
    return next((word for kind, word in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")


def _twice(variable: str, declared: list[Any]) -> Iterator[str]:
    names: dict[Any, list[int]] = {}
    for number, runner in enumerate(declared):
        name = runner.get("name") if isinstance(runner, Mapping) else None
        if isinstance(name, str) and name:
            names.setdefault(name, []).append(number)
    for name, numbers in names.items():
        if len(numbers) > 1:
            places = " and ".join(f"{variable}[{number}]" for number in numbers)
            yield f"{places} have the same name {name!r}; the name finds the entry in config.toml, so give each its own"


def _shape(where: str, runner: Mapping[str, Any]) -> Iterator[str]:
    """Names, types and choices."""
    for key in runner:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else "keys of config.toml belong into its config"
            yield f"{where}: there is no key {key}; {hint}"
    given = {key: value for key, value in runner.items() if value is not None}
    if "name" not in given:
        yield f"{where}: name is missing; it finds the runner's entry in config.toml"
    for key, choices in _CHOICES.items():
        if key in given and given[key] not in choices:
            yield f"{where}: {key} is {given[key]!r}, which is none of {', '.join(choices)}"
    for keys, fits, wanted in _KINDS:
        for key in keys:
            if key in given and not fits(given[key]):
                yield f"{where}: {key} is {_kind(given[key])}, where {wanted} is wanted"
    yield from _numbers(where, given)


def _numbers(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    timeout = given.get("maximum_timeout", 0)
    if not isinstance(timeout, int) or isinstance(timeout, bool):
        yield f"{where}: maximum_timeout is {_kind(timeout)}, where seconds are wanted"
    for key in ("group", "project"):
        value = given.get(key, "x")
        if not isinstance(value, int | str) or isinstance(value, bool) or not str(value).strip():
            yield f"{where}: {key} is {_kind(value)}, where an id or a full path such as platform/builds is wanted"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (_TEXTS, _is_text, "a text"),
    (_NOTES, lambda value: isinstance(value, str), "a text"),
    (_SWITCHES, lambda value: isinstance(value, bool), "true or false"),
    (_LISTS, _are_texts, "a list of texts"),
    (("config",), lambda value: isinstance(value, Mapping), "a dictionary of keys as [[runners]] has them"),
)


def _ways(where: str, runner: Mapping[str, Any], api_token: bool) -> Iterator[str]:
    """How the runner comes to its token."""
    ways = [key for key in _WAYS if runner.get(key)]
    if len(ways) > 1:
        yield f"{where}: {' and '.join(ways)} are different ways to register it; keep one of them"
    scope = runner.get("scope")
    for key in ("group", "project"):
        if runner.get(key) is not None and scope != key:
            yield f"{where}: {key} is given, and scope is {scope or 'not'}; set scope: {key}, or leave {key} out"
        if scope == key and runner.get(key) is None:
            yield f"{where}: scope is {key}, and {key} is missing; give its id or its full path"
    if scope and not api_token:
        yield f"{where}: scope is {scope}, so GitLab has to be asked to create it, and gitlab_runner_api_token is empty"
    kept = [key for key in ATTRIBUTES if runner.get(key) is not None]
    if kept and "token" in ways:
        yield f"{where}: {', '.join(kept)} cannot be set for a runner that is given by its token; set it in GitLab"
    elif kept and not ways:
        yield f"{where}: {', '.join(kept)} would go nowhere; give a scope, so that the runner is kept in step in GitLab"
    if runner.get("run_untagged") is False and not runner.get("tags") and ways and ways != ["token"]:
        yield f"{where}: run_untagged is false and tags is empty, so it would never get a job; give it tags"
    yield from _mixed_up(where, runner)


def _mixed_up(where: str, runner: Mapping[str, Any]) -> Iterator[str]:
    """Tokens tell by their beginnings what they are."""
    token, registration = (str(runner.get(key) or "") for key in _SECRETS)
    if token.startswith("GR1348941"):
        yield f"{where}: token is a registration token; give it as registration_token"
    if registration.startswith("glrt-"):
        yield f"{where}: registration_token is an authentication token; give it as token"
    for key, value in zip(_SECRETS, (token, registration), strict=True):
        if value.startswith("glpat-"):
            yield f"{where}: {key} is a personal access token; give it as gitlab_runner_api_token, and a scope here"
    tags = runner.get("tags") or []
    if any("," in tag for tag in tags):
        yield f"{where}: tags has one with a comma in it, which GitLab takes for two; write each tag by itself"


def _settings(where: str, runner: Mapping[str, Any], url: str | None) -> Iterator[str]:
    """Its address, and what its config may not say."""
    address = runner.get("url") or url
    if not address:
        yield f"{where}: url is missing; give it here or as gitlab_runner_url"
    elif not _ADDRESS.fullmatch(str(address)):
        yield f"{where}: url is no address such as https://gitlab.example.com"
    elif "@" in str(address).split("/")[2]:
        yield f"{where}: url has a user's name in it, which the runner does not use; leave it out"
    config = runner.get("config") or {}
    for key in ("name", "url", "state"):
        if key in config:
            yield f"{where}: config.{key} is not a setting of its own; give it as {key} of the runner"
    mode, executor = runner.get("mode") or "custom", config.get("executor")
    fitting = {"custom": (), "shell": ("shell",)}.get(mode, DOCKER_EXECUTORS)
    if executor is not None and fitting and executor not in fitting:
        fit = " or ".join(fitting)
        yield f"{where}: config.executor is {executor!r}, and mode {mode} needs {fit}; take another mode, or custom"


def _unknown_risks(name: str, given: Any) -> Iterator[str]:
    if not given:
        return
    if not _are_texts(given):
        yield f"{name} is {_kind(given)}, where a list out of {', '.join(runner_modes.RISKS)} is wanted"
        return
    for risk in given:
        if risk not in runner_modes.RISKS:
            yield f"{name} has {risk!r}, which is none of {', '.join(runner_modes.RISKS)}"


def _risks(where: str, runner: Mapping[str, Any], accepted: Any, docker_group: bool) -> Iterator[str]:
    """An instance runner takes jobs of every project, so whoever declares one has to know what they can do."""
    own = runner.get("accepted_risks") or []
    yield from _unknown_risks(f"{where}: accepted_risks", own)
    token = str(runner.get("token") or "")
    if runner.get("scope") != "instance" and not token.startswith(_OF_AN_INSTANCE):
        return
    agreed = {*_words(own), *_words(accepted)}
    for risk in runner_modes.risks_of(runner_modes.expand(runner), docker_group):
        if risk not in agreed:
            yield (
                f"{where}: it is an instance runner, open to every project, and {runner_modes.RISKS[risk]}; narrow its "
                f"scope, or accept that with {risk} in accepted_risks or gitlab_runner_accepted_risks"
            )


def _words(given: Any) -> Iterable[str]:
    return given if _are_texts(given) else ()
