# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Once more, where somebody removes what a probe has just made: many a host has a timer for `docker system prune`."""

from __future__ import annotations

import re
from typing import Callable, TypeVar

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError

Result = TypeVar("Result")

_VANISHED = re.compile(
    r"\bno such (?:image|container)\b|\bmarked for removal\b|\bremoval of container \S+ is already in progress"
    r"|\blayer does not exist\b",
    re.IGNORECASE,
)


def vanished(error: EngineError) -> bool:
    """Whether it says that a container, or the image for it, is not there any more."""
    return error.kind == "http" and bool(_VANISHED.search(error.message))


def again_if_vanished(work: Callable[[], Result], again: Callable[[], Result] | None = None) -> Result:
    """What WORK returns, or the second time, AGAIN; a container that vanishes twice is an EngineError that says why."""
    try:
        return work()
    except EngineError as error:
        if not vanished(error):
            raise
    try:
        return (again or work)()
    except EngineError as error:
        if not vanished(error):
            raise
        raise EngineError(
            "http",
            "something removes containers or images of this engine as soon as they are made, such as a timer for "
            f"`docker system prune` ({error.message}); probe again when it has ended",
            error.status,
        ) from error
