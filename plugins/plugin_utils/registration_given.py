# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Runners whose token is given, runners that are registered with a registration token, and those that have one."""

from __future__ import annotations

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_attributes
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import Credentials, GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_mark import Mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_orphans import description
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import (
    UNKNOWN_TOKEN,
    Context,
    Present,
    Registered,
)


def settle_token(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Write a given token, once GitLab knows it."""
    gitlab = context.client(declared.url)
    token = declared.token or ""
    registered.id = present.id if present else None
    here = present if present and present.is_at(declared.url) else None
    same = here is not None and here.token == token
    if context.check or not context.verify:
        if same or _rotates(here, context, registered):
            return
        registered.outcome, registered.id = "verified", None
        registered.owned = {"token": token} if context.check else context.owned(Credentials(None, token))
        return
    known = gitlab.verify(token, context.system_id)
    if known is None:
        _unknown(gitlab, declared, here, context, registered)
        return
    if same and here is not None and known.id in (here.id, None):
        return
    registered.outcome, registered.id = "verified", known.id
    registered.owned = {"id": known.id} if same else context.owned(known)


def _rotates(here: Present | None, context: Context, registered: Registered) -> bool:
    """Whether the token in config.toml is one that the runner got by itself, and the given one an older one."""
    if context.verify or here is None or not here.token or here.token_expires_at is None:
        return False
    registered.warn(
        "another token than the given one stands in config.toml, where the runner renews it by itself; it stays, as "
        "without verify nobody knows which one is valid. Set verify to true, or take the token out of config.toml"
    )
    return True


def _unknown(
    gitlab: GitLab, declared: Declared, here: Present | None, context: Context, registered: Registered
) -> None:
    """GitLab does not know the given token. It once did if the runner renewed it by itself."""
    if here is not None and here.token and here.token != declared.token:
        known = gitlab.verify(here.token, context.system_id)
        if known is not None:
            registered.id = known.id or here.id
            registered.warn(
                "GitLab does not know the given token, but the one in config.toml, so that one stays: the runner "
                "renews its token by itself; take token out of the declaration, or give the one that is meant"
            )
            return
    raise GitLabError(
        "forbidden",
        f"GitLab at {gitlab.url} does not know the given token of runner '{declared.name}' (which is not shown), and "
        "config.toml has none that it knows; give one that is valid, or let the runner be made with scope and "
        "gitlab_runner_api_token",
        403,
    )


def settle_registration(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Register with a registration token, unless GitLab knows the token that is there already."""
    gitlab = context.client(declared.url)
    if present and present.token and present.is_at(declared.url):
        if context.check or not context.verify:
            registered.id = present.id
            return
        known = gitlab.verify(present.token, context.system_id)
        if known is not None:
            registered.id = known.id or present.id
            return
        registered.warn("GitLab does not know the token in config.toml any more, so it is registered again")
    elif present and not present.is_at(declared.url):
        registered.warn(f"its entry in config.toml was registered at {present.url}, where it stays; delete it there")
    registered.outcome = "registered"
    called = description(declared, context)
    registered.say(f"register runner '{called}' with the registration token")
    if context.check:
        registered.owned = {"token": UNKNOWN_TOKEN}
        return
    mark = Mark.new(context.host, declared.name, context.system_id)
    attributes = registration_attributes.registered(declared.attributes, called, mark)
    problem = None
    try:
        made = gitlab.register(declared.registration_token or "", attributes)
    except GitLabError as error:
        problem = error
        if error.done_perhaps:
            problem = error.but(
                f"whether GitLab made a runner is not known; look for one called '{called}' that never was in contact"
            )
    if problem is not None:
        raise problem
    registered.id = made.id
    registered.owned = context.owned(made)
    registered.take_back = lambda: gitlab.unregister(made.token)


def settle_there(declared: Declared, present: Present | None, registered: Registered) -> None:
    """Nothing to do but to have it."""
    if present is None or not present.token:
        raise GitLabError(
            "declared",
            f"runner '{declared.name}' has no token in config.toml, and none of scope, token and registration_token is "
            "declared; declare one of them",
        )
    registered.id = present.id
