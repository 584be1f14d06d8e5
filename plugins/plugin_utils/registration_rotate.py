# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Giving runners another token.

The old token is worth nothing as soon as GitLab has answered, so this comes last before config.toml is written. A run
that dies in between costs nothing but time for runners with scope: the next one finds their tokens invalid and resets
them again with the API token. Any other runner's token is lost then, and somebody has to reset it in GitLab.
"""

from __future__ import annotations

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import Credentials, GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import (
    UNKNOWN_TOKEN,
    Context,
    Present,
    Registered,
)


def rotate(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Reset the token of a runner that is settled, unless it got one just now."""
    if declared.absent or present is None or not present.token or "token" in (registered.owned or {}):
        return
    if declared.way == "token":
        registered.warn("its token is given, so it is not rotated; reset it in GitLab and give the new one")
        return
    gitlab = context.client(declared.url if declared.way == "scope" else present.url or declared.url)
    others = _others(gitlab, context, registered)
    if others:
        registered.warn(
            f"other machines use the same token ({', '.join(sorted(others))}), so it is not rotated; give each host a "
            "runner of its own, or reset the token in GitLab and give the new one to all"
        )
        return
    registered.outcome = "rotated"
    registered.say(f"reset the token of runner {registered.id or '(id not known)'}")
    if context.check:
        registered.owned = {"token": UNKNOWN_TOKEN}
        return
    owned = context.owned(_reset(gitlab, declared.name, present.token, registered.id if others is not None else None))
    if owned["id"] is None:
        del owned["id"]
    registered.owned = {**(registered.owned or {}), **owned}


def _others(gitlab: GitLab, context: Context, registered: Registered) -> set[str] | None:
    """System ids of other machines with this token, None where there is no API token that may ask."""
    if not gitlab.has_api_token or not registered.id:
        return None
    try:
        managers = gitlab.managers(registered.id)
    except GitLabError as error:
        if error.status not in (403, 404):
            raise
        return None
    return {str(each.get("system_id")) for each in managers} - {str(context.system_id)}


def _reset(gitlab: GitLab, name: str, token: str, runner_id: int | None) -> Credentials:
    """With the API token where RUNNER_ID is given, else with the token that is given up."""
    problem = None
    try:
        return gitlab.reset_token(runner_id) if runner_id else gitlab.reset_own_token(token)
    except GitLabError as error:
        problem = error
    if problem.done_perhaps and not runner_id:
        problem = problem.but(
            f"whether GitLab gave runner '{name}' another token is not known; if it takes no jobs any more, reset its "
            "token in GitLab and write the new one into config.toml"
        )
    raise problem
