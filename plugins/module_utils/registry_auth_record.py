# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which logins to registries are of our making on a host. Names only: neither a password nor what could tell one.

`users` has for each user the registries with an entry of ours in `auths` and `credHelpers`, and the paths that were
made for that. `runners` has the names of the runners whose DOCKER_AUTH_CONFIG is ours.
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically

PATH = "/var/lib/runnerkit/registry-auth.json"
VERSION = 1
MODE = 0o600
# What config.json calls them.
AUTHS, HELPERS = "auths", "credHelpers"
_BIGGEST = 1024 * 1024


class RecordError(Exception):
    """The record is there and says nothing; the text is a sentence."""


class Owned(NamedTuple):
    """What is ours in the config.json of one user."""

    auths: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    def union(self, other: Owned) -> Owned:
        """All of both."""
        return Owned(*(tuple(sorted({*mine, *theirs})) for mine, theirs in zip(self, other)))


class Record(NamedTuple):
    """The whole of it."""

    users: Mapping[str, Owned]
    runners: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.runners and not any(any(owned) for owned in self.users.values())


NOTHING = Record({})


def read(path: str = PATH) -> Record:
    """The record; a broken one is refused, as nobody could say then what is ours."""
    broken = (
        f"{path} cannot be read as a record of this role; mend it, or remove it: then what it told of stays as it is"
    )
    try:
        if os.path.exists(path) and os.path.getsize(path) > _BIGGEST:
            raise RecordError(broken)
        text = read_text(path)
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror or error}") from None
    if text is None:
        return NOTHING
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    raise RecordError(broken)


def write(record: Record, path: str = PATH) -> None:
    """Remember it; of nothing there is no file."""
    if record.empty:
        remove(path)
        return
    users = {
        name: {AUTHS: list(owned.auths), HELPERS: list(owned.helpers), "made": list(owned.made)}
        for name, owned in sorted(record.users.items())
        if any(owned)
    }
    document = {"version": VERSION, "users": users, "runners": list(record.runners)}
    write_atomically(path, (json.dumps(document, indent=1) + "\n").encode(), MODE)


def _parsed(found: Any) -> Record:
    if found["version"] != VERSION:
        raise ValueError
    users = {
        str(name): Owned(_names(one[AUTHS]), _names(one[HELPERS]), _names(one["made"]))
        for name, one in found["users"].items()
    }
    return Record(users, _names(found["runners"]))


def _names(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise TypeError
    return tuple(sorted(found))
