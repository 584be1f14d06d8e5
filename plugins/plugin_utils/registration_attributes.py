# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What GitLab keeps of a runner: what is sent when one is made, and what differs afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_mark import Mark

# Ours -> GitLab's.
ATTRIBUTES = {
    "description": "description",
    "maintenance_note": "maintenance_note",
    "tags": "tag_list",
    "run_untagged": "run_untagged",
    "locked": "locked",
    "paused": "paused",
    "access_level": "access_level",
    "maximum_timeout": "maximum_timeout",
}


@dataclass(frozen=True)
class Difference:
    """One attribute that is not as it was declared. NEW is what is sent."""

    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.name}: {_shown(self.name, self.old)} -> {_shown(self.name, self.new)}"


def created(attributes: Mapping[str, Any], description: str, mark: Mark) -> dict[str, Any]:
    """For POST /user/runners, except for the scope. What is not declared is left to GitLab's defaults."""
    body: dict[str, Any] = {ATTRIBUTES[name]: value for name, value in attributes.items()}
    body["description"] = attributes.get("description") or description
    body["maintenance_note"] = mark.below(attributes.get("maintenance_note") or "")
    if not body.get("maximum_timeout"):
        body.pop("maximum_timeout", None)
    return body


def registered(attributes: Mapping[str, Any], description: str, mark: Mark) -> dict[str, Any]:
    """For POST /runners, with the defaults of `gitlab-runner register`, and the tags in one text as it sends them."""
    body = created(attributes, description, mark)
    tags = body.pop("tag_list", [])
    if tags:
        body["tag_list"] = ",".join(tags)
    return {"run_untagged": not tags, "locked": True, "paused": False, **body}


def differences(attributes: Mapping[str, Any], details: Mapping[str, Any]) -> list[Difference]:
    """The declared attributes that differ in GitLab; others are nobody's business here."""
    return list(_differences(attributes, details))


def _differences(attributes: Mapping[str, Any], details: Mapping[str, Any]) -> Iterator[Difference]:
    for name, wanted in attributes.items():
        found = details.get(ATTRIBUTES[name])
        if name == "tags":
            if sorted(set(found or [])) != sorted(set(wanted)):
                yield Difference(name, found or [], list(wanted))
        elif name == "maintenance_note":
            text, mark = registration_mark.split(found)
            if text.strip() != wanted.replace("\r\n", "\n").strip():
                yield Difference(name, found or "", "\n".join(filter(None, [wanted.rstrip(), mark])))
        elif name == "maximum_timeout":
            # 0 is how no limit of the runner's own is declared; GitLab's word for it is null.
            if (found or 0) != wanted:
                yield Difference(name, found, wanted or None)
        elif found != wanted:
            yield Difference(name, found, wanted)


def body(found: list[Difference]) -> dict[str, Any]:
    """For PUT /runners/:id: the differing ones alone."""
    return {ATTRIBUTES[each.name]: each.new for each in found}


def _shown(name: str, value: Any) -> str:
    if name == "maintenance_note":
        return repr(registration_mark.split(value)[0])
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)
