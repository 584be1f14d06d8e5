# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_behaviour import (
    END,
    image_behaviour,
    measure_image,
    own_behaviour,
    script,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import MARKER
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, frame

NOTHING = {"result": "untested", "detail": "the image has no program that would show it"}


@pytest.mark.parametrize(
    ("lines", "access", "threads"),
    [
        pytest.param(
            [f"{MARKER} access works", f"{MARKER} threads works /usr/bin/python3"],
            {"result": "works", "detail": "test -x /bin/sh"},
            {"result": "works", "detail": "a thread of /usr/bin/python3"},
            id="all is well",
        ),
        pytest.param(
            [f"{MARKER} access fails", f"{MARKER} threads fails /usr/bin/perl 1", "Thread creation failed", "at -e"],
            {"result": "fails", "detail": "test -x /bin/sh"},
            {"result": "fails", "detail": "a thread of /usr/bin/perl (status 1): 'at -e'"},
            id="nothing is",
        ),
        pytest.param(
            [f"{MARKER} threads fails /bin/threads 159"],
            NOTHING,
            {"result": "fails", "detail": "a thread of /bin/threads (status 159): nothing"},
            id="a program that was killed says nothing",
        ),
        pytest.param([f"{MARKER} access"], NOTHING, NOTHING, id="a line cut short"),
        pytest.param([f"{MARKER} threads fails"], NOTHING, NOTHING, id="another one cut short"),
        pytest.param(["sh: 1: syntax error"], NOTHING, NOTHING, id="a shell that understands nothing"),
    ],
)
def test_the_scripts_output_is_read(lines: list[str], access: dict[str, str], threads: dict[str, str]) -> None:
    found = image_behaviour("lab/x:1", "\n".join([*lines, END, ""]))
    assert found == {"image": "lab/x:1", "access": access, "threads": threads}


@given(st.lists(st.sampled_from([MARKER, "access", "threads", "works", "fails", "\n", " ", "x", "1"])).map("".join))
def test_no_output_whatever_breaks_the_reader(output: str) -> None:
    found = image_behaviour("x", output)
    assert {found["access"]["result"], found["threads"]["result"]} <= {"works", "fails", "untested"}


def test_the_script_runs_in_a_plain_shell() -> None:
    ended = subprocess.run(["sh", "-c", script()], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.endswith(f"{END}\n")
    assert image_behaviour("this", ended.stdout)["access"] == {"result": "works", "detail": "test -x /bin/sh"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"result": "works", "detail": ""}, {"result": "works", "detail": "a thread of the host's Python"}),
        pytest.param(
            {"result": "fails", "detail": "can't start new thread"},
            {"result": "fails", "detail": "a thread of the host's Python: can't start new thread"},
        ),
        pytest.param(None, {"result": "untested", "detail": "the probe's program did not tell"}),
        pytest.param({"result": []}, {"result": "untested", "detail": "the probe's program did not tell"}),
    ],
    ids=["it works", "it fails", "nothing was said", "nonsense was said"],
)
def test_the_interpreters_own_behaviour(said: Any, expected: dict[str, str]) -> None:
    assert own_behaviour({"threads": said})["threads"] == expected


@pytest.mark.parametrize(
    ("created", "result", "detail"),
    [
        pytest.param(answer({"Id": "c0ffee"}, "201 Created"), "works", "test -x /bin/sh", id="an image that is there"),
        pytest.param(
            answer({"message": "No such image: ruby:2.7"}, "404 Not Found"),
            "untested",
            "ruby:2.7 is not on this host and the probe pulls nothing; pull it first",
            id="an image that is not",
        ),
        pytest.param(
            answer({"message": "no space left on device"}, "500 Internal Server Error"),
            "untested",
            "the engine could not make a container: no space left on device; make room on the engine's disk",
            id="a full disk",
        ),
    ],
)
def test_an_image_is_tried(created: bytes, result: str, detail: str) -> None:
    table = {
        "/containers/create": created,
        "/containers/c0ffee/start": answer(b"", "204 No Content"),
        "/containers/c0ffee/logs": answer(frame(f"{MARKER} access works\n{END}\n")),
        "/containers/c0ffee/json": answer({"State": {"Running": False, "ExitCode": 0}}),
    }
    with fake_engine(table) as fake:
        found = measure_image(Engine(fake.path), FakeJanitor(), "ruby:2.7", {"SecurityOpt": []}, time.monotonic() + 5)
    assert found["access"] == {"result": result, "detail": detail}
    assert found["image"] == "ruby:2.7"
