# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The job's container: started with the script, listened to until it ends or the time is over."""

from __future__ import annotations

import datetime
import time
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import Container, throw_away, unframe
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import Heard, hear
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import Steps, telling

PAUSE = 0.05
LONGEST_PAUSE = 0.3
REQUEST_TIMEOUT = 5.0

_UNFINISHED = "not done when the time limit was over; what it said last: "


class Outcome(NamedTuple):
    """What a job printed, each line with its time, and how it ended: None where the time was over before."""

    lines: Sequence[tuple[float, str]]
    code: int | None
    began: float


def run_container(
    engine: Engine, janitor: Janitor, config: Mapping[str, Any], host_config: Mapping[str, Any], deadline: float
) -> Outcome:
    """Run a job's container to its end."""
    began = time.time()
    with throw_away(engine, janitor, config, host_config, deadline) as container:
        pause = PAUSE
        while True:
            state = engine.get(f"/containers/{container.id}/json", timeout=REQUEST_TIMEOUT).get("State") or {}
            if not state.get("Running"):
                code = state.get("ExitCode")
                return Outcome(_lines(engine, container), code if isinstance(code, int) else 1, began)
            if time.monotonic() >= deadline:
                return Outcome(_lines(engine, container), None, began)
            time.sleep(pause)
            pause = min(pause * 1.2, LONGEST_PAUSE)


def record(steps: Steps, outcome: Outcome, expected: Sequence[str]) -> None:
    """What the job's output says of its steps."""
    heard = {each.step: each for each in hear(outcome.lines)}
    for name in expected:
        step = heard.get(name)
        if step is None:
            _record_nothing(steps, name, outcome)
            return
        _record_step(steps, step, outcome)
        if step.code is None:
            return


def _record_step(steps: Steps, step: Heard, outcome: Outcome) -> None:
    if step.code == 0:
        steps.add(step.step, True, (step.ended or step.began) - step.began, step.lines[-1] if step.lines else "")
        return
    seconds = (step.ended or time.time()) - step.began
    if step.code is not None:
        steps.add(step.step, False, seconds, telling(step.lines))
    elif outcome.code is None:
        steps.add(step.step, False, seconds, _UNFINISHED + telling(step.lines))
    else:
        steps.add(step.step, False, seconds, f"{_ending(outcome.code)}; what it said last: {telling(step.lines)}")


def _record_nothing(steps: Steps, name: str, outcome: Outcome) -> None:
    """A step that did not begin: because of an earlier one, or because the job did not get that far."""
    if any(not step["ok"] for step in steps.done):
        return
    words = telling([line for _, line in outcome.lines])
    ending = _ending(outcome.code) if outcome.code is not None else "the time limit was over"
    steps.add(name, False, time.time() - outcome.began, f"{ending} before this step began; what was said last: {words}")


def _ending(code: int) -> str:
    return f"the job was killed by signal {code - 128}" if code > 128 else f"the job ended with {code}"


def _lines(engine: Engine, container: Container) -> list[tuple[float, str]]:
    query = {"stdout": True, "stderr": True, "timestamps": True}
    try:
        answer = engine.request("GET", f"/containers/{container.id}/logs", query=query, timeout=REQUEST_TIMEOUT)
    except EngineError as error:
        return [(time.time(), f"(the job's output could not be read: {error.message})")]
    return [timed(line) for line in unframe(answer.body).decode("utf-8", "replace").splitlines()]


def timed(line: str) -> tuple[float, str]:
    """A line of a log with the engine's own time before it."""
    stamp, _, text = line.partition(" ")
    try:
        moment = datetime.datetime.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
        fraction = stamp[19:].rstrip("Z")
        return moment.timestamp() + (float(fraction) if fraction.startswith(".") else 0.0), text
    except ValueError:
        return time.time(), line
