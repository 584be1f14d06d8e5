# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_container, probe_janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import empty_image, throw_away, unframe
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import MARK, FakeJanitor, frame

CONTENT = Layout({}, ("/usr",), {}, "/usr/bin/python3", ())
RUNNING = answer({"State": {"Running": True, "Pid": 41}})
WELL = {
    "/containers/json": answer([]),
    "/images/json": answer([]),
    "/images/create": answer(b'{"status":"sha256:1"}\r\n'),
    "/containers/create": answer({"Id": "c0ffee"}, "201 Created"),
    "/containers/c0ffee/start": answer(b"", "204 No Content"),
    "/containers/c0ffee/logs": answer(frame("a warning\nREADY yes\n")),
    "/containers/c0ffee/json": RUNNING,
}


def use(table: Mapping[str, bytes | None], seconds: float = 5.0) -> tuple[str, list[tuple[str, str, Any]], FakeJanitor]:
    """Make an image, run a container of it, read its output: (output, requests, the janitor)."""
    janitor = FakeJanitor()
    with fake_engine(table) as fake:
        deadline = time.monotonic() + seconds
        engine = Engine(fake.path)
        try:
            with empty_image(engine, janitor, deadline, CONTENT) as image:
                config = {"Image": image, "Cmd": ["x"], "Labels": {"own": "1"}}
                with throw_away(engine, janitor, config, {"ReadonlyRootfs": True}, deadline) as container:
                    output = container.output_until("READY")
        finally:
            requests = [
                (method, target, json.loads(body) if body.startswith(b"{") else body)
                for method, target, body in fake.requests
            ]
            janitor.requests = requests
    return output, requests, janitor


def test_everything_that_is_made_is_marked_and_removed() -> None:
    output, requests, janitor = use(WELL)
    assert output == "a warning\nREADY yes\n"
    imported = next(target for method, target, _ in requests if target.startswith("/images/create"))
    assert f"changes=LABEL+runnerkit.probe%3D{MARK}" in imported
    created = next(body for _, target, body in requests if target.startswith("/containers/create"))
    assert created["Labels"] == {"own": "1", "runnerkit.probe": MARK}
    assert created["HostConfig"]["ReadonlyRootfs"] is True
    assert created["HostConfig"]["NetworkMode"] == "none"
    assert created["HostConfig"]["LogConfig"]["Type"] == "json-file"
    removed = [target for method, target, _ in requests if method == "DELETE"]
    assert len(removed) == 2
    assert removed[0].startswith("/containers/runnerkit-probe-")
    assert removed[0].endswith("?force=true&v=true")
    assert re.fullmatch(rf"/images/runnerkit-probe-{MARK}:[0-9a-f]{{8}}\?force=true", removed[1])
    # It was told before anything was made, and nothing is left to do.
    assert len(set(janitor.engines)) == 1
    assert not janitor.keeps


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        pytest.param(
            {"/images/create": answer({"message": "write /x: no space left on device"}, "500 Internal Server Error")},
            "http",
            "could not make an empty image: write /x: no space left on device; make room on the engine's disk",
            id="the disk is full",
        ),
        pytest.param(
            {"/images/create": answer(b'{"status":"x"}\r\n{"error":"no space left on device","errorDetail":{}}\r\n')},
            "io",
            "the engine could not make an empty image: no space left on device; make room on the engine's disk",
            id="the disk is full, which the stream says",
        ),
        pytest.param(
            {"/images/create": answer({"message": "authorization denied by plugin casbin: no"}, "403 Forbidden")},
            "http",
            "the engine could not make an empty image: authorization denied by plugin casbin: no",
            id="an authorization plugin says no",
        ),
        pytest.param(
            {"/images/create": answer(b"<html>")}, "protocol", "is not JSON", id="the import is answered oddly"
        ),
        pytest.param({"/images/create": None}, "timeout", "did not make an empty image within", id="the import hangs"),
        pytest.param(
            {"/containers/create": answer({"Warnings": []})}, "protocol", "names no container", id="no identifier"
        ),
        pytest.param(
            {"/containers/create": answer([])}, "protocol", "names no container", id="a list for an identifier"
        ),
        pytest.param(
            {"/containers/c0ffee/start": answer({"message": "OCI\nruntime " + "x" * 600}, "400 Bad Request")},
            "http",
            "the engine could not start a container: OCI runtime xxx",
            id="the runtime says no at length",
        ),
        pytest.param(
            {"/containers/c0ffee/start": None}, "timeout", "did not start a container within", id="the start hangs"
        ),
        pytest.param(
            {
                "/containers/c0ffee/logs": answer(frame("exec: not found\n")),
                "/containers/c0ffee/json": answer({"State": {"Running": False, "ExitCode": 127}}),
            },
            "program",
            "ended with 127 before it had answered; its last words: 'exec: not found'",
            id="the program ends without an answer",
        ),
        pytest.param(
            {
                "/containers/c0ffee/logs": answer(b""),
                "/containers/c0ffee/json": answer({"State": {"Running": False, "ExitCode": 159}}),
            },
            "program",
            "was killed by signal 31; its last words: nothing",
            id="the program is killed",
        ),
        pytest.param(
            {
                "/containers/c0ffee/logs": answer(b""),
                "/containers/c0ffee/json": answer({"State": {"Running": False, "OOMKilled": True, "ExitCode": 137}}),
            },
            "program",
            "for want of memory",
            id="the program gets no memory",
        ),
        pytest.param(
            {"/containers/c0ffee/logs": answer(frame("READY and no end of line"))},
            "timeout",
            "the time limit was over before the container's program had answered",
            id="the answer never ends",
        ),
        pytest.param(
            {"/containers/c0ffee/logs": answer(b""), "/containers/c0ffee/json": answer({"State": "fine"})},
            "protocol",
            "has no state",
            id="a state of another shape",
        ),
    ],
)
def test_trouble_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, bytes | None], kind: str, message: str
) -> None:
    monkeypatch.setattr(probe_container, "REMOVAL_TIMEOUT", 0.2)
    with pytest.raises(EngineError) as caught:
        use({**WELL, **changes}, seconds=0.5)
    assert caught.value.kind == kind
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def test_an_output_that_came_after_the_first_look_is_not_missed() -> None:
    # Asked for its state, the container has ended; by then the log has the answer.
    table = dict(WELL)
    table["/containers/c0ffee/json"] = answer({"State": {"Running": False, "ExitCode": 0}})
    output, _, _ = use(table)
    assert output.endswith("READY yes\n")


def test_what_cannot_be_removed_is_left_to_the_janitor() -> None:
    janitor = FakeJanitor()
    with fake_engine(WELL) as fake:
        engine = Engine(fake.path)
        with throw_away(engine, janitor, {"Image": "x"}, {}, time.monotonic() + 5):
            fake.close()
    assert janitor.keeps


@pytest.mark.parametrize("path", ["/images/create", "/containers/create"])
@pytest.mark.parametrize(
    "response", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], ids=["hangs", "breaks off"]
)
def test_what_an_engine_may_still_make_is_left_to_the_janitor_whatever_its_removal_says(
    monkeypatch: pytest.MonkeyPatch, path: str, response: bytes | None
) -> None:
    monkeypatch.setattr(probe_container, "REMOVAL_TIMEOUT", 0.2)
    # DELETE is answered 404: it is not there yet.
    janitor = FakeJanitor()
    with fake_engine({**WELL, path: response}) as fake:
        engine, deadline = Engine(fake.path), time.monotonic() + 0.5
        with pytest.raises(EngineError), empty_image(engine, janitor, deadline, CONTENT):  # noqa: SIM117
            with throw_away(engine, janitor, {"Image": "x"}, {}, deadline):
                pass
        assert [target for method, target, _ in fake.requests if method == "DELETE"] or response is None
    assert janitor.keeps
    (limit,) = probe_janitor._unanswered([json.loads(line) for line in janitor.lines])
    assert limit == pytest.approx(0.5, abs=0.11)


def test_what_an_engine_refused_to_make_is_not_waited_for() -> None:
    janitor = FakeJanitor()
    table = {**WELL, "/containers/create": answer({"message": "no"}, "500 No")}
    with fake_engine(table) as fake, pytest.raises(EngineError):  # noqa: SIM117
        with throw_away(Engine(fake.path), janitor, {}, {}, time.monotonic() + 5):
            pass
    assert not janitor.keeps


def test_an_engines_words_do_not_reach_the_terminal_as_they_are() -> None:
    stream = answer(b'{"error":"\\u001b]0;pwned\\u0007 \\u009b31m"}')
    with pytest.raises(EngineError) as caught:
        use({**WELL, "/images/create": stream})
    assert caught.value.message.endswith("?]0;pwned? ?31m")


def test_old_leftovers_of_others_are_removed_on_the_way() -> None:
    mine = {"Names": ["/runnerkit-probe-0123456789ab"], "Labels": {"runnerkit.probe": "0123456789ab"}}
    old, new = {"Id": "01d", "Created": 1, **mine}, {"Id": "4e3", "Created": int(time.time()) - 1800, **mine}
    _, requests, _ = use({**WELL, "/containers/json": answer([old, new])})
    removed = [target.split("?")[0] for method, target, _ in requests if method == "DELETE"]
    assert "/containers/01d" in removed
    assert "/containers/4e3" not in removed


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(frame("one\n") + frame("two\n", stream=2), b"one\ntwo\n", id="frames of both streams"),
        pytest.param(frame("one\n")[:-2], b"on", id="a frame cut short"),
        pytest.param(b"as it is\n", b"as it is\n", id="no frames, as with a terminal"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_frames_are_taken_off(body: bytes, text: bytes) -> None:
    assert unframe(body) == text
