# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Registering runners, the door to all of it: one declared runner, what config.toml has of it, and what comes out.

Nothing here reads or writes a host. `settle` decides and acts in GitLab; `rotate` does what should come last;
`take_back` undoes what is worth nothing because config.toml could not be written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    registration_absent,
    registration_created,
    registration_given,
    registration_rotate,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import Context, Present, Registered

__all__ = ["Context", "Declared", "Present", "Registered", "rotate", "settle", "take_back"]

rotate = registration_rotate.rotate


def settle(declared: Declared, present: Present | None, context: Context) -> Registered:
    """Bring GitLab to what is declared of one runner, and say what has to stand in config.toml."""
    registered = Registered(declared.name)
    problem = None
    try:
        _settle(declared, present, context, registered)
    except GitLabError as error:
        problem = error
    if problem is None:
        return registered
    if present is None or not problem.away or not _stays(declared, present, registered):
        raise problem
    registered.id = present.id
    registered.warn(
        "GitLab cannot be asked, so whether it knows the token in config.toml, and what else it has of the runner, was "
        f"not compared; its entry is kept as declared ({problem.message})"
    )
    return registered


def _stays(declared: Declared, present: Present, registered: Registered) -> bool:
    """Whether the entry can do without GitLab's word: it has the token that it had, and nothing was begun."""
    if declared.absent or not present.token or not present.is_at(declared.url) or registered.outcome != "unchanged":
        return False
    return declared.way != "token" or declared.token == present.token


def _settle(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    if declared.absent:
        registration_absent.leave(declared, present, context, registered)
    elif declared.way == "scope":
        with contextlib.suppress(registration_created.Unknown):
            registration_created.settle(declared, present, context, registered)
    elif declared.way == "token":
        registration_given.settle_token(declared, present, context, registered)
    elif declared.way == "registration_token":
        registration_given.settle_registration(declared, present, context, registered)
    else:
        registration_given.settle_there(declared, present, registered)


def take_back(done: Iterable[Registered]) -> list[str]:
    """Remove from GitLab what was made in this run and got into no config.toml; sentences on what could not be."""
    left = []
    for each in done:
        if each.take_back is None:
            continue
        try:
            each.take_back()
        except GitLabError as error:
            left.append(f"runner '{each.name}' (id {each.id}) stays in GitLab although no host has its token: {error}")
    return left
