# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Declared runners and the [[runners]] entries of config.toml: which belongs to which, and what goes into one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_absent
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import CREATED, WAYS, Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import Context, Present, Registered


def by_name(parsed: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The [[runners]] entries that have a name."""
    return {entry["name"]: entry for entry in _all(parsed) if isinstance(entry.get("name"), str)}


def ids(parsed: Mapping[str, Any]) -> frozenset[int]:
    """The runners of GitLab's that any entry stands for."""
    return frozenset(present.id for present in map(Present.read, _all(parsed)) if present.id)


def undeclared(parsed: Mapping[str, Any], names: Collection[str]) -> list[tuple[str, Present]]:
    """The other entries, also those that have no name or share one."""
    found = ((entry.get("name"), Present.read(entry)) for entry in _all(parsed))
    return [
        (name if isinstance(name, str) and name else "(without a name)", present)
        for name, present in found
        if not (isinstance(name, str) and name in names)
    ]


def _all(parsed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = parsed.get("runners")
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def config(given: Mapping[str, Any], entry: Mapping[str, Any] | None = None, url: str | None = None) -> dict[str, Any]:
    """The declared keys of an entry. ENTRY is the one that is there; URL is that of runners without one."""
    keys = {**(given.get("config") or {}), "name": given["name"]}
    there = (entry or {}).get("url")
    known = isinstance(there, str) and bool(there)
    if known and not given.get("url") and not any(given.get(way) for way in WAYS):
        # It was registered somewhere, and its token is worth something there only.
        keys.pop("url", None)
        return keys
    wanted = keys.get("url") or given.get("url") or url
    if wanted and not (known and base_url(str(there)) == base_url(str(wanted))):
        keys["url"] = wanted
    elif known:
        # The same address in other letters.
        keys.pop("url", None)
    return keys


def removed(name: str, present: Present, context: Context) -> Registered:
    """An entry that nobody declared and that `exclusive` removes.

    What may be in use elsewhere, as a runner with an older kind of token, stays in GitLab; and a GitLab that does not
    answer is no reason to keep the entry.
    """
    registered = Registered(name, outcome="absent", id=present.id)
    if not context.unregister or not present.token or not present.url:
        return registered
    if not present.token.startswith(CREATED):
        registered.warn(
            "it is not declared, so its entry goes, but it stays in GitLab; declare it with state absent to unregister "
            "it"
        )
        return registered
    try:
        registration_absent.leave(Declared(name, present.url, absent=True), present, context, registered)
    except GitLabError as error:
        registered.warn(f"it is not declared, so its entry goes, but it stays in GitLab: {error.message}")
        registered.server_changes.clear()
        registered.outcome = "absent"
    return registered
