# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What BuildKit remembers of a smoke job's build, and forgetting it."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError

REQUEST_TIMEOUT = 10.0
# Before, the question counts all of the engine's disk, which takes minutes on some hosts; those build without BuildKit
# unless they are told otherwise.
SINCE = (1, 42)
# Parts of a build that do not name what they are for.
_NAMELESS = ("local source for", "pulled from", "from local", "[internal]")
_ROUNDS = 4


def known_entries(engine: Engine) -> frozenset[str]:
    """The cache's entries as they are now."""
    with contextlib.suppress(EngineError):
        return frozenset(entry["ID"] for entry in _entries(engine))
    return frozenset()


def forget_build(engine: Engine, mark: str, before: frozenset[str]) -> int:
    """Remove new entries whose description has MARK, and new ones without a name; how many there were."""
    count = 0
    with contextlib.suppress(EngineError):
        # One that others rest on goes in a later round.
        for _ in range(_ROUNDS):
            ours = [entry["ID"] for entry in _entries(engine) if entry["ID"] not in before and _is_ours(entry, mark)]
            if not ours:
                break
            for identifier in ours:
                answer = engine.post(
                    "/build/prune", query={"all": True, "filters": {"id": [identifier]}}, timeout=REQUEST_TIMEOUT
                )
                count += len((answer or {}).get("CachesDeleted") or ())
    return count


def _is_ours(entry: dict[str, Any], mark: str) -> bool:
    description = str(entry.get("Description"))
    if entry.get("InUse"):
        return False
    return mark in description or description.startswith(_NAMELESS)


def _entries(engine: Engine) -> list[dict[str, Any]]:
    version = engine.get("/version").get("ApiVersion", "")
    if tuple(int(part) for part in str(version).split(".") if part.isdigit()) < SINCE:
        return []
    answer = engine.get(f"/v{version}/system/df", query={"type": "build-cache"}, timeout=REQUEST_TIMEOUT)
    found = answer.get("BuildCache") if isinstance(answer, dict) else None
    return [entry for entry in found or [] if isinstance(entry, dict) and isinstance(entry.get("ID"), str)]
