# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The shape of what a measurement returns, and the time it has."""

from __future__ import annotations

import time
from typing import Any, Mapping, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text

LAYER_KEYS = ("state", "reason", "error", "engine", "image", "profile", "calls", "filter", "behaviour", "seconds")


def measured(
    profile: str,
    engine: Mapping[str, Any],
    calls: Mapping[str, Any],
    filter_: Mapping[str, Any] | None,
    behaviour: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A layer that was measured; who calls adds what the layer is called and how long it took."""
    return {
        "state": "measured",
        "reason": None,
        "error": None,
        "engine": engine,
        "image": None,
        "profile": profile,
        "calls": calls,
        "filter": filter_,
        "behaviour": list(behaviour),
        "seconds": 0.0,
    }


def unknown(
    profile: str,
    error: str,
    reason: str,
    seconds: float = 0.0,
    engine: Mapping[str, Any] | None = None,
    image: str | None = None,
) -> dict[str, Any]:
    """A layer that could not be measured, and why, in a sentence; `error` is an EngineError's kind or `program`."""
    return {
        "state": "unknown",
        "reason": printable(redact_text(reason)),
        "error": error,
        "engine": engine,
        "image": image,
        "profile": profile,
        "calls": {},
        "filter": None,
        "behaviour": [],
        "seconds": round(seconds, 3),
    }


def untested(image: str | None, reason: str) -> dict[str, Any]:
    """Behaviour that could not be tried."""
    lack = {"result": "untested", "detail": printable(redact_text(reason))}
    return {"image": image, "access": dict(lack), "threads": dict(lack)}


def remaining(deadline: float, what: str) -> float:
    """Seconds left until DEADLINE (of time.monotonic()); EngineError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise EngineError("timeout", f"the time limit was over before {what}; give a longer timeout")
    # Sentences name it.
    return max(0.1, round(left, 1))
