# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_again import again_if_vanished, vanished

GONE = EngineError("http", "the engine could not start a container: No such container: c0ffee", 404)


def playing(*answers: EngineError | str) -> tuple[list[str], object]:
    """What came of it when the attempts end like this: (the attempts, the end)."""
    left, made = list(answers), []

    def work() -> str:
        made.append("attempt")
        end = left.pop(0)
        if isinstance(end, EngineError):
            raise end
        return end

    try:
        return made, again_if_vanished(work)
    except EngineError as error:
        return made, error


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("No such image: runnerkit-probe-0123456789ab:1", True, id="the image"),
        pytest.param("No such container: c0ffee", True, id="the container"),
        pytest.param("container is marked for removal and cannot be started", True, id="the container, not quite yet"),
        pytest.param("removal of container c0ffee is already in progress", True, id="somebody is at it"),
        pytest.param("layer does not exist", True, id="the image, half-way"),
        pytest.param("page not found", False, id="no engine"),
        pytest.param("no space left on device", False, id="something else"),
    ],
)
def test_what_vanished_is_told_from_other_trouble(message: str, expected: bool) -> None:
    assert vanished(EngineError("http", message, 404)) is expected
    assert not vanished(EngineError("missing", message))


def test_what_vanished_once_is_made_once_more() -> None:
    assert playing(GONE, "well") == (["attempt", "attempt"], "well")


def test_a_second_time_says_that_something_prunes_this_engine() -> None:
    made, error = playing(GONE, GONE)
    assert len(made) == 2
    assert isinstance(error, EngineError)
    assert error.kind == "http"
    assert "`docker system prune` (the engine could not start a container: No such container: c0ffee)" in error.message
    assert error.message.endswith("; probe again when it has ended")


@pytest.mark.parametrize("first", [True, False], ids=["at first", "the second time"])
def test_other_trouble_is_not_tried_away(first: bool) -> None:
    trouble = EngineError("timeout", "slow")
    made, error = playing(*([trouble] if first else [GONE, trouble]))
    assert error is trouble
    assert len(made) == (1 if first else 2)
