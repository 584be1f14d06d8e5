# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""daemon.json by meaning: merging what is wanted into what is there, and what that asks of the running daemon."""

from __future__ import annotations

import json
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Keys that dockerd takes over on SIGHUP (docs.docker.com, dockerd reference, "Configuration reload behavior"); the
# others are read at start only. `features` is left out: some of them, as containerd-snapshotter, want a start.
# Containers feel nothing of either with live-restore, but jobs talking to the daemon do.
RELOADABLE = frozenset(
    {
        "authorization-plugins",
        "debug",
        "default-runtime",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    }
)


class DaemonJsonError(ValueError):
    """The text is not a JSON object."""


def parse(text: str) -> dict[str, Any]:
    """The settings in the text of a daemon.json; an empty file has none."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DaemonJsonError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DaemonJsonError(f"it has to be a JSON object, not a {type(value).__name__}")
    return value


def merge(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted` laid over `found`: objects key by key, lists and scalars as a whole, null removes a key."""
    merged = dict(found)
    for key, value in wanted.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def render(settings: Mapping[str, Any]) -> str:
    """As text, in the order the keys have."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def differing_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level keys whose value is not the same."""
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def needs_restart(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the difference takes effect only when the daemon starts; a key that is gone is not noticed on SIGHUP."""
    return any(key not in RELOADABLE or key not in after for key in differing_keys(before, after))
