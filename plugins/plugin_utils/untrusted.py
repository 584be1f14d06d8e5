# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Reading values that came from hosts: whatever stands where text, a mapping or a version should be, nothing breaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_NOTHING: Mapping[str, Any] = {}


def text(value: Any) -> str | None:
    """Text that says something, without Ansible's tags; numbers are what YAML makes of 28.5."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return printable(str(value)).strip() or None


def printable(value: str) -> str:
    """Text on one line that moves no terminal's cursor, whoever wrote it."""
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in value)


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, or an empty one."""
    return value if isinstance(value, Mapping) else _NOTHING


def entries(value: Any) -> list[Any]:
    """The members of a list, or none."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) else []


def texts(value: Any) -> list[str]:
    """The members of a list that are text."""
    return [found for found in map(text, entries(value)) if found]


def version(value: Any) -> EngineVersion | None:
    """The release behind a version, None for what is none (`dev`, an empty text, a list)."""
    found = text(value)
    if found is None:
        return None
    try:
        return EngineVersion.parse(found)
    except ValueError:
        return None
