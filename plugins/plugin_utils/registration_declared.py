# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A runner as it is declared, and what is wrong with declarations, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_attributes import ATTRIBUTES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_mark import LONGEST_NOTE, Mark

WAYS = ("token", "registration_token", "scope")
SCOPES = ("instance", "group", "project")
CREATED = "glrt-"
_SHORTEST_TIMEOUT = 600  # GitLab refuses less
_KEYS = {"name", "state", "mode", "url", "group", "project", "accepted_risks", "config", *WAYS, *ATTRIBUTES}


@dataclass(frozen=True)
class Declared:
    """One runner. WAY is how it comes to its token, None if it has one already."""

    name: str
    url: str
    way: str | None = None
    token: str | None = field(default=None, repr=False)
    registration_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    owner: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    absent: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any], url: str | None) -> Declared:
        """From a declaration in which nothing is wrong; URL is that of runners without one."""
        scope = given.get("scope")
        return cls(
            name=given["name"],
            url=base_url(given.get("url") or url or ""),
            way=next((way for way in WAYS if given.get(way)), None),
            token=given.get("token"),
            registration_token=given.get("registration_token"),
            scope=scope,
            owner=None if scope in (None, "instance") else str(given[scope]),
            # Without a text it is called as if none was declared.
            attributes={
                name: given[name]
                for name in ATTRIBUTES
                if given.get(name) is not None and (name, given[name]) != ("description", "")
            },
            absent=given.get("state") == "absent",
        )


def errors(runners: Sequence[Mapping[str, Any]], url: str | None, api_token: bool, host: str) -> list[str]:
    """One sentence for each mistake. URL is that of the GitLab that the API token belongs to."""
    found = []
    seen: set[str] = set()
    for index, given in enumerate(runners):
        where = f"runners[{index}]"
        found += [f"{where}{sentence} (runner '{given['name']}')" for sentence in mistakes(given, url, api_token, host)]
        if given["name"] in seen:
            found.append(f"{where}.name '{given['name']}' is there twice; give each runner a name of its own")
        seen.add(given["name"])
    return found


def mistakes(given: Mapping[str, Any], url: str | None, api_token: bool, host: str) -> Iterator[str]:
    """What is wrong with one runner that has a name: the ends of sentences that begin with its path."""
    yield from _types(given)
    if not given["name"].isprintable() or given["name"] != given["name"].strip():
        yield ".name has to be text on one line without blanks around it; correct it"
    if not isinstance(given.get("url") or "", str) or not (given.get("url") or url):
        yield ".url is not set, nor is gitlab_runner_url; set one of them"
        return
    yield from _way(given, url, api_token)
    yield from _tokens(given)
    if not any(_types(given)):
        yield from _attributes(given, host)


def _way(given: Mapping[str, Any], url: str | None, api_token: bool) -> Iterator[str]:
    """Exactly one way, or none, and what belongs to it."""
    ways = [way for way in WAYS if given.get(way)]
    attributes = [name for name in ATTRIBUTES if given.get(name) is not None]
    if len(ways) > 1:
        yield f" has {' and '.join(ways)}; keep one of them, as a runner comes to its token in one way only"
        return
    way = ways[0] if ways else None
    if attributes and way in ("token", None) and given.get("state") != "absent":
        yield (
            f" has {', '.join(attributes)}, which cannot be set by {'token' if way else 'a runner without a way'}; set "
            "them in GitLab, or let the runner be made with scope and gitlab_runner_api_token"
        )
    scope = given.get("scope")
    for kind in ("group", "project"):
        if (given.get(kind) is not None) != (scope == kind):
            yield (
                f".{kind} is missing, but scope is {kind}; give its id or full path"
                if scope == kind
                else f".{kind} is set, but scope is {scope or 'not set'}; set scope to {kind}, or take {kind} out"
            )
    if way != "scope" or given.get("state") == "absent":
        return
    if not api_token:
        yield ".scope needs gitlab_runner_api_token, which is not set; set it, or give the runner's token as token"
    if base_url(given.get("url") or url or "") != base_url(url or ""):
        yield (
            ".url is not gitlab_runner_url, to which alone gitlab_runner_api_token is sent, so scope cannot be used; "
            "give the runner's token as token"
        )


def _tokens(given: Mapping[str, Any]) -> Iterator[str]:
    """Tokens in the wrong place."""
    token, registration = given.get("token") or "", given.get("registration_token") or ""
    if not isinstance(token, str) or not isinstance(registration, str):
        return
    for key, value in (("token", token), ("registration_token", registration)):
        if value != value.strip() or not value.isprintable():
            yield f".{key} has blanks or line ends in it; give the token alone"
        if value.startswith(("glpat-", "gldt-", "glcbt-")):
            yield f".{key} is a token of a user or of a job, not of a runner; give a token that begins with {CREATED}"
    if token.startswith("GR1348941"):
        yield ".token is a registration token; give it as registration_token"
    if registration.startswith(CREATED):
        yield ".registration_token is an authentication token; give it as token"


def _attributes(given: Mapping[str, Any], host: str) -> Iterator[str]:
    """Values that GitLab would refuse."""
    tags = given.get("tags")
    for tag in tags or []:
        if not tag.strip() or "," in tag or tag != tag.strip():
            yield f".tags has {tag!r}, which cannot be a tag; take out commas and blanks around it"
    if given.get("run_untagged") is False and tags == []:
        yield ".run_untagged is false, but tags is empty, so the runner would get no job; give it tags"
    timeout = given.get("maximum_timeout")
    if timeout is not None and timeout != 0 and timeout < _SHORTEST_TIMEOUT:
        yield f".maximum_timeout is {timeout}; give at least {_SHORTEST_TIMEOUT} seconds, or 0 for no limit"
    # A system id has 14 letters.
    note = Mark(host, given["name"], "s_" + 12 * "0", 16 * "0").below(given.get("maintenance_note") or "")
    if len(note) > LONGEST_NOTE:
        yield (
            f".maintenance_note has {len(given.get('maintenance_note') or '')} letters, {len(note) - LONGEST_NOTE} too "
            f"many for GitLab together with the mark of runnerkit; shorten it"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(
        ("description", "maintenance_note", "token", "registration_token"),
        ("text", lambda value: isinstance(value, str)),
    ),
    **dict.fromkeys(("run_untagged", "locked", "paused"), ("true or false", lambda value: isinstance(value, bool))),
    "tags": ("a list of texts", lambda value: isinstance(value, list) and all(isinstance(tag, str) for tag in value)),
    "access_level": ("not_protected or ref_protected", lambda value: value in ("not_protected", "ref_protected")),
    "maximum_timeout": ("a number of seconds", _is_number),
    "scope": (", ".join(SCOPES[:-1]) + f" or {SCOPES[-1]}", lambda value: value in SCOPES),
    **dict.fromkeys(
        ("group", "project"),
        (
            "an id or a full path",
            lambda value: _is_number(value) or (isinstance(value, str) and bool(value.strip("/"))),
        ),
    ),
    "config": ("a dictionary", lambda value: isinstance(value, dict)),
}


def _types(given: Mapping[str, Any]) -> Iterator[str]:
    for key in given:
        if key not in _KEYS:
            yield f".{key} is not known; see the documentation of runner_registration for what a runner has"
    for key, (wanted, fits) in _TYPES.items():
        if given.get(key) is not None and not fits(given[key]):
            shown = "" if "token" in key or key == "config" else f", not {given[key]!r}"
            yield f".{key} has to be {wanted}{shown}; correct it"
