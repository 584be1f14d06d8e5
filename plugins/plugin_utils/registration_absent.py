# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Runners that shall go: GitLab is told before the entry leaves config.toml, and nobody else's runner is touched.

A runner whose token begins with glrt- may be shared by several hosts. GitLab calls each of them a manager of the
runner, and only this host's goes; the runner itself is deleted when it was made for this host and has no other manager.
"""

from __future__ import annotations

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import CREATED, Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_orphans import Maker
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import Context, Present, Registered


def leave(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Let GitLab forget the runner, as far as it is this host's."""
    registered.outcome = "absent"
    if not context.unregister:
        return
    problem = None
    try:
        if present is not None and present.token:
            _unregister(declared, present, present.token, context, registered)
        elif declared.scope and context.client(declared.url).has_api_token:
            # An interrupted run may have made one that never got into config.toml.
            Maker(declared, context, registered).clear()
    except GitLabError as error:
        problem = error.but("set unregister to false if its entry shall go without that")
    if problem is not None:
        raise problem


def _unregister(declared: Declared, present: Present, token: str, context: Context, registered: Registered) -> None:
    gitlab = context.client(present.url or declared.url)
    registered.id = present.id
    registered.outcome = "unregistered"
    if not token.startswith(CREATED):
        registered.say(f"unregister runner {present.id or '(id not known)'}")
        if not context.check and not gitlab.unregister(token):
            _was_gone(registered)
        return
    if present.id and _is_ours_alone(gitlab, present.id, declared, context, registered):
        registered.say(f"delete runner {present.id}, as no other host uses it")
        if not context.check and not gitlab.delete(present.id):
            _was_gone(registered)
        return
    if declared.scope and not gitlab.has_api_token:
        registered.warn("it stays in GitLab, since gitlab_runner_api_token is not there to delete it")
    if not context.system_id:
        # No runner ever ran there, or it would have left its system id.
        registered.outcome = "absent"
        return
    registered.say(f"unregister this host from runner {present.id or '(id not known)'}")
    if not context.check and not gitlab.unregister_manager(token, context.system_id):
        _was_gone(registered)


def _was_gone(registered: Registered) -> None:
    """GitLab knew nothing of it any more."""
    registered.server_changes.pop()
    registered.outcome = "absent"


def _is_ours_alone(
    gitlab: GitLab, runner_id: int, declared: Declared, context: Context, registered: Registered
) -> bool:
    """Whether the runner was made for this host and no other one shares it."""
    if not gitlab.has_api_token:
        return False
    try:
        details = gitlab.get(runner_id)
    except GitLabError as error:
        if error.status != 403:
            raise
        return False
    mark = registration_mark.split((details or {}).get("maintenance_note"))[1]
    if not registration_mark.names(mark, context.host, declared.name):
        if mark:
            registered.warn(
                f"runner {runner_id} stays in GitLab, since it was made for {registration_mark.whose(mark)}; delete it "
                "there if no other host uses it"
            )
        return False
    return all(each.get("system_id") == context.system_id for each in gitlab.managers(runner_id))
