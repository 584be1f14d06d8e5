# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_docker, probe_engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, EngineResponse
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_engine import measure_engine, security_options
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import MARKER
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import LAYER_KEYS
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, FakeKernel, frame

VERSION = {"Version": "20.10.5+dfsg1", "Components": [{"Name": "runc", "Version": "1.0.0~rc93+ds1"}]}
INFO = {"DefaultRuntime": "runc", "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"]}
REPORT = {
    "calls": {"clone3": ["ENOSYS", None], "faccessat2": ["EPERM", "profile"], "statx": ["EINVAL", "kernel"]},
    "access": {"result": "fails", "detail": "Operation not permitted"},
    "threads": {"result": "works", "detail": ""},
}
WELL = {
    "/version": answer(VERSION),
    "/info": answer(INFO),
    "/containers/json": answer([]),
    "/images/json": answer([]),
    "/images/create": answer({"status": "sha256:1"}),
    "/containers/create": answer({"Id": "c0ffee"}, "201 Created"),
    "/containers/c0ffee/start": answer(b"", "204 No Content"),
    "/containers/c0ffee/logs": answer(frame(f"{MARKER} {json.dumps(REPORT)}\n")),
    "/containers/c0ffee/json": answer({"State": {"Running": True}}),
}


def measure(table: Mapping[str, bytes | None], seconds: float = 5.0, **settings: Any) -> dict[str, Any]:
    with fake_engine(table) as fake:
        return measure_engine(
            Engine(fake.path),
            FakeJanitor(),
            kernel=FakeKernel({"clone3": "present"}),
            deadline=time.monotonic() + seconds,
            **settings,
        )


def test_a_layer_is_measured() -> None:
    layer = measure(WELL)
    assert tuple(layer) == LAYER_KEYS
    assert layer["state"] == "measured"
    assert layer["engine"] == {
        "name": "docker",
        "version": "20.10.5+dfsg1",
        "runc": "1.0.0~rc93+ds1",
        "runtime": "runc",
        "seccomp_profile": "default",
        "rootless": False,
    }
    assert layer["calls"]["clone3"] == {"answer": "ENOSYS", "by": "profile", "errno": None}
    assert layer["calls"]["faccessat2"] == {"answer": "EPERM", "by": "profile", "errno": None}
    assert layer["filter"] is None
    assert layer["behaviour"][0]["access"]["result"] == "fails"
    assert 0 < layer["seconds"] < 5


def test_the_filter_is_read_where_the_engine_keeps_it(tmp_path: Path) -> None:
    bundle = tmp_path / "run/containerd/io.containerd.runtime.v2.task/moby/c0ffee"
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text('{"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}}}')
    layer = measure(WELL, root=str(tmp_path))
    assert layer["filter"] == {"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": {}}


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        pytest.param(
            {"/version": None}, "timeout", "gave no answer within 0.5 s; look at the engine's log", id="hangs"
        ),
        pytest.param({"/version": b"\0\1\2" * 99}, "protocol", "does not speak the Engine API", id="garbage"),
        pytest.param({"/version": answer([])}, "protocol", "answer to /version is not an object", id="a list"),
        pytest.param({"/info": answer(7)}, "protocol", "answer to /info is not an object", id="a number"),
        pytest.param(
            {"/version": answer({"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]})},
            "protocol",
            "is answered by podman; name the layer podman for it",
            id="podman in disguise",
        ),
        pytest.param(
            {"/containers/c0ffee/logs": answer(frame(f"{MARKER} {{}}\n"))},
            "program",
            "the probe's program printed a result of another shape",
            id="a result without calls",
        ),
        pytest.param(
            {"/containers/c0ffee/logs": answer(frame(MARKER + ' {"error": "ctypes", "detail": "no _ctypes"}\n'))},
            "program",
            "the host's Python has no ctypes (no _ctypes); install the whole standard library of python3",
            id="no ctypes",
        ),
    ],
)
def test_trouble_is_a_layer_of_state_unknown(changes: dict[str, bytes | None], error: str, reason: str) -> None:
    layer = measure({**WELL, **changes}, seconds=0.5)
    assert tuple(layer) == LAYER_KEYS
    assert (layer["state"], layer["error"], layer["calls"]) == ("unknown", error, {})
    assert reason in layer["reason"]


@pytest.mark.parametrize(
    ("path", "error"),
    [pytest.param("absent.sock", "absent", id="no socket"), pytest.param(".", "refused", id="a folder for a socket")],
)
def test_without_an_engine_the_layer_is_unknown(tmp_path: Path, path: str, error: str) -> None:
    layer = measure_engine(Engine(str(tmp_path / path)), FakeJanitor(), kernel=FakeKernel(None))
    assert (layer["state"], layer["error"]) == ("unknown", error)


def test_a_supervised_call_is_compared_with_the_kernels_own_answer() -> None:
    report = {**REPORT, "calls": {"statx": ["EINVAL", "profile"]}}
    table = {**WELL, "/containers/c0ffee/logs": answer(frame(f"{MARKER} {json.dumps(report)}\n"))}
    with fake_engine(table) as fake:
        kernel = FakeKernel({"statx": "present"}, {"statx": "EINVAL"})
        layer = measure_engine(Engine(fake.path), FakeJanitor(), kernel=kernel)
    assert layer["calls"]["statx"]["answer"] == "allowed"


def test_an_engine_that_is_pruned_meanwhile_is_asked_twice() -> None:
    gone = answer({"message": "No such image: runnerkit-probe"}, "404 Not Found")
    with fake_engine({**WELL, "/containers/create": gone}) as fake:
        layer = measure_engine(Engine(fake.path), FakeJanitor(), kernel=FakeKernel({}))
        imports = [target for _, target, _ in fake.requests if target.startswith("/images/create")]
    assert len(set(imports)) == 2
    assert layer["error"] == "http"
    assert "docker system prune" in layer["reason"]


def test_an_engine_that_was_stopped_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_docker, "would_start_service", lambda path, proc, first: True)
    with fake_engine(WELL) as fake:
        layer = measure_engine(Engine(fake.path), FakeJanitor(), kernel=FakeKernel(None))
        assert fake.requests == []
    assert (layer["state"], layer["error"]) == ("unknown", "refused")
    assert layer["reason"] == f"{fake.path} is held by systemd, whose service for it does not run; start the engine"


def test_an_architecture_without_a_table_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_engine, "callable_numbers", dict)
    layer = measure(WELL)
    assert (layer["state"], layer["error"]) == ("unknown", "program")


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        pytest.param(None, "missing", "does not exist on this host; correct its path", id="not there"),
        pytest.param("{", "io", "is not JSON", id="cut short"),
        pytest.param("", "io", "is not JSON", id="empty"),
    ],
)
def test_a_profile_of_no_use_is_a_sentence(tmp_path: Path, content: str | None, kind: str, message: str) -> None:
    path = tmp_path / "profile.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(EngineError) as caught:
        security_options(str(path))
    assert caught.value.kind == kind
    assert caught.value.message.startswith(f"the seccomp profile {path} ")
    assert message in caught.value.message


def test_a_profile_goes_to_the_engine_as_text(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text('{"defaultAction": "SCMP_ACT_TRACE"}')
    assert security_options(str(path)) == ["label=disable", 'seccomp={"defaultAction": "SCMP_ACT_TRACE"}']
    assert security_options("default") == ["label=disable"]
    assert security_options("unconfined") == ["label=disable", "seccomp=unconfined"]


class ParrotEngine(Engine):
    """Answers every request with the next of some documents, whatever was asked."""

    def __init__(self, documents: list[Any]) -> None:
        super().__init__("/nowhere")
        self.documents = documents

    def request(self, *args: Any, **kwargs: Any) -> EngineResponse:
        self.documents = [*self.documents[1:], self.documents[0]]
        return EngineResponse(200, {}, json.dumps(self.documents[0]).encode())


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda more: (
        st.lists(more)
        | st.dictionaries(
            st.sampled_from(
                ["Id", "State", "Pid", "Components", "Name", "Version", "SecurityOptions", "error", "Created"]
            ),
            more,
        )
    ),
)


@given(st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_no_answers_whatever_are_a_traceback(documents: list[Any]) -> None:
    layer = measure_engine(
        ParrotEngine(documents), FakeJanitor(), kernel=FakeKernel(None), deadline=time.monotonic() + 0.02
    )
    assert (layer["state"], layer["calls"]) == ("unknown", {})
    assert layer["reason"]
