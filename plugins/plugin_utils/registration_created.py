# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Runners that are made in GitLab with the API token: found again, made anew when they are gone, kept in step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_attributes, registration_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_orphans import Maker, description
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import (
    UNKNOWN_TOKEN,
    Context,
    Present,
    Registered,
)


@dataclass(frozen=True)
class _Found:
    """A runner of GitLab's that the entry in config.toml stands for, whether the entry's token works, and whether the
    runner was made for another host, which this one may be a copy of.
    """

    id: int
    details: Mapping[str, Any]
    valid: bool = True
    others: bool = False


def settle(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Bring one runner to what is declared."""
    gitlab = context.client(declared.url)
    found = _find(gitlab, declared, present, context, registered)
    if found is None:
        _make(declared, present, context, registered)
        return
    registered.id = found.id
    _check_place(gitlab, declared, found.details)
    if not found.valid:
        _adopt(gitlab, found, context, registered)
    elif present is not None and present.id != found.id:
        registered.outcome = "adopted"
        registered.owned = {"id": found.id}
    if not found.others:
        _keep_in_step(gitlab, declared, found, context, registered)


def _find(
    gitlab: GitLab, declared: Declared, present: Present | None, context: Context, registered: Registered
) -> _Found | None:
    """The runner that the entry stands for; None if it has to be made."""
    if present is None:
        return None
    if not present.is_at(declared.url):
        return _moved(gitlab, declared, present, context, registered)
    if not present.token or not context.verify or context.check:
        # Nothing is asked with the token: in check mode because GitLab notes a contact then.
        details = gitlab.get(present.id) if present.id else None
        if details and present.id:
            return _mine(_Found(present.id, details, valid=bool(present.token)), declared, context, registered)
        if present.token and not present.id:
            registered.warn("its entry in config.toml has no id, so what GitLab knows of it was not compared")
            raise Unknown
        return None
    known = gitlab.verify(present.token, context.system_id)
    runner_id = (known and known.id) or present.id
    if known and not runner_id:
        registered.warn("GitLab does not tell its id, so what GitLab knows of it was not compared; upgrade GitLab")
        raise Unknown
    details = gitlab.get(runner_id) if runner_id else None
    if not details or not runner_id:
        return None
    return _mine(_Found(runner_id, details, valid=known is not None), declared, context, registered)


class Unknown(Exception):  # noqa: N818 (nothing went wrong)
    """Nothing more can be found out about the runner without asking with its token."""


def _mine(found: _Found, declared: Declared, context: Context, registered: Registered) -> _Found | None:
    """FOUND, unless its token is of no use and it was not made for this runner, so that it is not ours to reset."""
    mark = registration_mark.split(found.details.get("maintenance_note"))[1]
    if registration_mark.names(mark, context.host, declared.name):
        return found
    if found.valid:
        if mark:
            registered.warn(
                f"runner {found.id} in GitLab was made for {registration_mark.whose(mark)}, so its attributes there "
                "are left alone; if this host is a copy of that one, give it a machine-id of its own, delete "
                ".runner_system_id and the entry in config.toml, and it gets a runner of its own; if it was renamed, "
                f"write {context.host}/{declared.name} in place of that into the last line of the runner's maintenance "
                "note"
            )
        return replace(found, others=bool(mark))
    registered.warn(
        f"the token in config.toml is not valid, and runner {found.id} in GitLab was not made for this host, so it "
        "stays as it is and another runner is made"
    )
    return None


def _moved(
    gitlab: GitLab, declared: Declared, present: Present, context: Context, registered: Registered
) -> _Found | None:
    """The entry names another address. It may be the same GitLab under another name: the mark tells, before any token
    is shown to it.
    """
    details = None
    if present.id:
        try:
            details = gitlab.get(present.id)
        except GitLabError as error:
            if error.status != 403:
                raise
    mark = registration_mark.split((details or {}).get("maintenance_note"))[1]
    if details and present.id and registration_mark.names(mark, context.host, declared.name):
        valid = bool(present.token)
        if present.token and context.verify and not context.check:
            valid = gitlab.verify(present.token, context.system_id) is not None
        return _Found(present.id, details, valid)
    registered.warn(f"its entry in config.toml was registered at {present.url}, where it stays; delete it there")
    return None


def _make(declared: Declared, present: Present | None, context: Context, registered: Registered) -> None:
    """Make the runner, and before that remove what is left of earlier attempts."""
    registered.outcome = "created" if present is None else "recreated"
    maker = Maker(declared, context, registered)
    maker.clear()
    owner = f" of {declared.scope} {declared.owner}" if declared.owner else ""
    registered.say(f"create {declared.scope} runner '{description(declared, context)}'{owner}")
    if context.check:
        registered.owned = {"token": UNKNOWN_TOKEN}
        return
    made = maker.make()
    gitlab, made_id = maker.gitlab, made.id
    registered.id = made_id
    registered.owned = context.owned(made)
    if made_id:
        registered.take_back = lambda: gitlab.delete(made_id)


def _adopt(gitlab: GitLab, found: _Found, context: Context, registered: Registered) -> None:
    """It is there and ours, but its token got lost."""
    registered.outcome = "adopted"
    registered.say(f"reset the token of runner {found.id}")
    registered.owned = {"token": UNKNOWN_TOKEN} if context.check else context.owned(gitlab.reset_token(found.id))


def _keep_in_step(gitlab: GitLab, declared: Declared, found: _Found, context: Context, registered: Registered) -> None:
    """Send the attributes that differ, all at once."""
    differences = registration_attributes.differences(declared.attributes, found.details)
    for each in differences:
        registered.say(str(each))
    if differences and registered.outcome == "unchanged":
        registered.outcome = "updated"
    if differences and not context.check:
        gitlab.update(found.id, registration_attributes.body(differences))


def _check_place(gitlab: GitLab, declared: Declared, details: Mapping[str, Any]) -> None:
    """GitLab cannot move a runner, so one that belongs elsewhere is for people to decide on."""
    kind = str(details.get("runner_type", "")).removesuffix("_type")
    place = kind
    if kind == declared.scope:
        owners = details.get(f"{kind}s")
        if not declared.owner or not isinstance(owners, list) or not owners or _is_among(gitlab, declared, owners):
            return
        place = f"{kind} " + " and ".join(str(each.get("id")) for each in owners if isinstance(each, Mapping))
    wanted = f"{declared.scope} {declared.owner}" if declared.owner else str(declared.scope)
    raise GitLabError(
        "place",
        f"runner '{declared.name}' (id {details.get('id')}) belongs to {place} in GitLab, which cannot move it, but is "
        f"declared for {wanted}; declare it with state absent once, or under another name",
    )


def _is_among(gitlab: GitLab, declared: Declared, owners: list[Any]) -> bool:
    """Whether the declared group or project owns the runner. Its path is looked up only where the answer has none."""
    known = [each for each in owners if isinstance(each, Mapping)]
    wanted = str(declared.owner).strip("/")
    paths = {str(each.get(key, "")) for each in known for key in ("full_path", "path_with_namespace")}
    addresses = [str(each.get("web_url", "")) for each in known]
    if wanted in paths or any(address.endswith(f"/groups/{wanted}") for address in addresses):
        return True
    return gitlab.id_of(str(declared.scope), wanted) in {each.get("id") for each in known}
