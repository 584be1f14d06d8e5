# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import time

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome, record, run_container, timed
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import Steps
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, frame
from tests.unit.plugins.module_utils.smoke_world import GONE, Answers

BEGIN, END = "runnerkit-smoke-0123456789ab begin ", "runnerkit-smoke-0123456789ab end "
STEPS = ("job", "docker_version")


def recorded(lines: list[str], code: int | None) -> list[tuple[str, bool, str]]:
    """The steps of a job that printed this."""
    steps = Steps()
    record(steps, Outcome([(float(number), line) for number, line in enumerate(lines)], code, 0.0), STEPS)
    return [(step["step"], step["ok"], step["detail"]) for step in steps.done]


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        pytest.param(
            [f"{BEGIN}job", "as root", f"{END}job 0", f"{BEGIN}docker_version", "1", "2", f"{END}docker_version 0"], 0,
            [("job", True, "as root"), ("docker_version", True, "2")], id="all went well",
        ),
        pytest.param(
            [f"{BEGIN}job", "mkdir: permission denied", f"{END}job 1"], 1,
            [("job", False, "mkdir: permission denied")], id="what follows a failure is not told of",
        ),
        pytest.param(
            [f"{BEGIN}job", f"{END}job 0", f"{BEGIN}docker_version", "waiting"], None,
            [
                ("job", True, ""),
                ("docker_version", False, "not done when the time limit was over; what it said last: waiting"),
            ],
            id="the time was over",
        ),
        pytest.param(
            [f"{BEGIN}job"], 137,
            [("job", False, "the job was killed by signal 9; what it said last: (it said nothing)")], id="killed",
        ),
        pytest.param(
            ["exec: sh: not found"], 127,
            [("job", False, "the job ended with 127 before this step began; what was said last: exec: sh: not found")],
            id="it did not begin",
        ),
        pytest.param(
            [], None,
            [("job", False, "the time limit was over before this step began; what was said last: (it said nothing)")],
            id="it did not begin in time",
        ),
    ],
)  # fmt: skip
def test_what_a_job_says_is_recorded(lines: list[str], code: int | None, expected: list[tuple[str, bool, str]]) -> None:
    assert recorded(lines, code) == expected


def run(running: bool, seconds: float = 5.0) -> Outcome:
    answers = {
        "/containers/create": answer({"Id": "c0ffee"}, "201 Created"),
        "/containers/c0ffee/start": GONE,
        "/containers/c0ffee/json": answer({"State": {"Running": running, "ExitCode": 3}}),
        "/containers/c0ffee/logs": answer(frame("2026-11-22T10:00:00.5Z one\n2026-11-22T10:00:01Z two\n")),
        "/containers/.*": GONE,
    }
    with fake_engine(Answers(answers)) as fake:
        return run_container(Engine(fake.path), FakeJanitor(), {"Image": "i"}, {}, time.monotonic() + seconds)


def test_a_container_is_listened_to_until_it_ends() -> None:
    outcome = run(running=False)
    assert outcome.code == 3
    assert [line for _, line in outcome.lines] == ["one", "two"]
    assert outcome.lines[1][0] - outcome.lines[0][0] == pytest.approx(0.5)


def test_a_container_that_does_not_end_is_left_with_what_it_said() -> None:
    outcome = run(running=True, seconds=0.3)
    assert (outcome.code, len(outcome.lines)) == (None, 2)


def test_a_line_without_a_time_is_taken_as_it_is() -> None:
    assert timed("no time at all")[1] == "no time at all"
