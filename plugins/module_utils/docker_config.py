# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.json of the docker command by meaning: logins set and taken out one by one, all else left alone."""

from __future__ import annotations

import json
from typing import Any, Mapping, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_record import AUTHS, HELPERS, Owned

STORE = "credsStore"


class DockerConfigError(ValueError):
    """The text is no config.json; what it says follows the file's name, and quotes nothing of it."""


class Merged(NamedTuple):
    """The document as it shall be, and what is ours in it then."""

    document: dict[str, Any]
    owned: Owned


def parse(content: bytes) -> dict[str, Any]:
    """The document; an empty file has nothing in it."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise DockerConfigError("is not text in UTF-8")
    if not text.strip():
        return {}
    try:
        found, wrong = json.loads(text), ""
    except ValueError as error:
        # Its sentence tells the place alone. Raised below: what led to an error holds the text.
        found, wrong = None, f"is not JSON ({error})"
    except RecursionError:
        found, wrong = None, "is not JSON that anybody could read"
    if wrong:
        raise DockerConfigError(wrong)
    if not isinstance(found, dict):
        raise DockerConfigError("is JSON, but no object")
    for key in (AUTHS, HELPERS):
        if not isinstance(found.get(key) or {}, dict):
            raise DockerConfigError(f"has {key!r}, which is no object")
    return found


def render(document: Mapping[str, Any]) -> bytes:
    """As the docker command writes it."""
    text = json.dumps(document, indent="\t", ensure_ascii=False) + "\n"
    # Half a pair, which JSON can say and UTF-8 cannot, stays the escape that it was.
    return text.encode("utf-8", "backslashreplace")


def merge(found: Mapping[str, Any], auths: Mapping[str, str], helpers: Mapping[str, str], owned: Owned) -> Merged:
    """The wanted logins laid into what is there. What was OWNED and is not wanted any more goes.

    A login that was there as it is wanted is not ours, so it stays when nobody wants it any more.
    """
    there = {name: one for name, one in _table(found, AUTHS).items() if name not in owned.auths or name in auths}
    programs = {
        name: one for name, one in _table(found, HELPERS).items() if name not in owned.helpers or name in helpers
    }
    # The docker command asks a helper where there is one, and never looks at the login then.
    new = {name: auth for name, auth in auths.items() if not _is(there.get(name), auth) or name in programs}
    named = {name: helper for name, helper in helpers.items() if programs.get(name) != helper}
    there.update({name: {"auth": auth} for name, auth in new.items()})
    programs = {**{name: one for name, one in programs.items() if name not in new}, **named}
    return Merged(
        _with(_with(found, AUTHS, there), HELPERS, programs),
        Owned(_ours(auths, new, owned.auths), _ours(helpers, named, owned.helpers), owned.made),
    )


def _table(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    return dict(found.get(key) or {})


def _with(found: Mapping[str, Any], key: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """FOUND with this table; one that has become empty goes, one that was empty stays."""
    if table:
        return {**found, key: table}
    return {name: value for name, value in found.items() if name != key or not value}


def _ours(wanted: Mapping[str, str], new: Mapping[str, str], before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(name for name in wanted if name in new or name in before))


def shown(document: Mapping[str, Any], earlier: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    """What a document says of the registries NAMES, a line each, without a password."""
    lines = []
    before = earlier.get(AUTHS) or {}
    there, programs = document.get(AUTHS) or {}, document.get(HELPERS) or {}
    for name in sorted(names):
        if name in there:
            other = name in before and before[name] != there[name]
            lines.append(f"{name}: {'(another login)' if other else '(a login)'}\n")
        if name in programs:
            lines.append(f"{name}: docker-credential-{printable(str(programs[name]))}\n")
    return "".join(lines)


def _is(entry: Any, auth: str) -> bool:
    return isinstance(entry, dict) and entry.get("auth") == auth
