# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_cache import forget_build, known_entries
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import (
    LONGEST,
    Steps,
    StoppedError,
    fit,
    last_lines,
    telling,
)
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine


def test_a_failing_step_is_recorded_and_ends_what_follows() -> None:
    steps = Steps()
    with steps.step("image") as note:
        note("one")
        note("two")
    with pytest.raises(StoppedError), steps.step("services"):
        raise EngineError("program", "it ended")
    steps.explain("for a reason")
    result = steps.result("name", "dind")
    assert [(step["step"], step["ok"], step["detail"]) for step in result["steps"]] == [
        ("image", True, "one; two"),
        ("services", False, "it ended; for a reason"),
    ]
    assert (result["ok"], result["error"]) == (False, "services: it ended; for a reason")


def test_a_part_that_goes_well_is_no_step() -> None:
    steps = Steps()
    with steps.failing("job"):
        pass
    assert steps.result("name", "dind")["ok"] is False
    assert steps.done == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\n\tb\x1b[31m red\x1b[0m", "a b red", id="on one line, without colours"),
        pytest.param("Get https://me:secret@host/", "Get https://********@host/", id="without secrets"),
        pytest.param("x" * 700 + "end", "... " + "x" * (LONGEST - 3) + "end", id="of long ones the end"),
    ],
)
def test_words_fit_a_report(text: str, expected: str) -> None:
    assert fit(text) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["Client: 1", "Cannot connect", "", "bye"], "Cannot connect", id="what tells of trouble"),
        pytest.param(["one", "two"], "one | two", id="or the last lines"),
        pytest.param(
            ["-exec: Fails if", "unable to configure the daemon"],
            "-exec: Fails if | unable to configure the daemon",
            id="what a daemon says that does not start",
        ),
        pytest.param(["error: a", "error: a"], "error: a", id="once"),
        pytest.param(["level=info msg=error", "exit"], "exit", id="not what a daemon says all the time"),
        pytest.param(["level=info msg=error"], "level=info msg=error", id="unless it says nothing else"),
        pytest.param([], "(it said nothing)", id="nothing"),
    ],
)
def test_the_telling_lines_are_chosen(lines: list[str], expected: str) -> None:
    assert telling(lines) == expected


def test_the_last_lines_of_a_log() -> None:
    assert last_lines("1\n2\n3\n\n4\n5\n") == "2 | 3 | 4 | 5"
    assert last_lines("\n") == "(it said nothing)"


def entry(identifier: str, description: str, in_use: bool = False) -> dict[str, object]:
    return {"ID": identifier, "Description": description, "InUse": in_use}


CACHE = [
    entry("old", "[2/2] RUN abc123"), entry("ours", "[2/2] RUN abc123"), entry("busy", "[3/3] RUN abc123", in_use=True),
    entry("theirs", "[2/2] RUN make"), entry("context", "local source for context"),
]  # fmt: skip


def test_of_the_cache_what_this_build_made_is_forgotten() -> None:
    table = {
        "/version": answer({"ApiVersion": "1.45"}),
        "/v1.45/system/df": answer({"BuildCache": CACHE}),
        "/build/prune": answer({"CachesDeleted": ["x"]}),
    }
    with fake_engine(table) as fake:
        engine = Engine(fake.path)
        assert known_entries(engine) == {"old", "ours", "busy", "theirs", "context"}
        assert forget_build(engine, "abc123", frozenset({"old"})) > 0
        pruned = {target for _, target, _ in fake.requests if target.startswith("/build/prune")}
    assert pruned == {
        "/build/prune?all=true&filters=%7B%22id%22%3A+%5B%22ours%22%5D%7D",
        "/build/prune?all=true&filters=%7B%22id%22%3A+%5B%22context%22%5D%7D",
    }


@pytest.mark.parametrize("version", ["1.41", "", "x"], ids=["an old engine", "no version", "no number"])
def test_an_engine_that_would_count_its_whole_disk_is_not_asked(version: str) -> None:
    with fake_engine({"/version": answer({"ApiVersion": version})}) as fake:
        assert forget_build(Engine(fake.path), "abc123", frozenset()) == 0
        assert [target for _, target, _ in fake.requests] == ["/version"]
