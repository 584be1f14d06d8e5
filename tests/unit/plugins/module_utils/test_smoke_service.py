# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import smoke_service
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_place import Place
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import read_plan
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_service import Running, start_service
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, frame
from tests.unit.plugins.module_utils.smoke_world import GONE, Answers

LOG = frame("level=info msg=nothing\nmount: permission denied (are you root?)\nlevel=warning msg=idle\n")


def container(running: bool = True, address: str = "127.0.0.1") -> bytes:
    return answer(
        {
            "State": {"Running": running, "ExitCode": 1},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}},
        }
    )


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed() -> int:
    with listening() as port:
        return port


def start(
    state: bytes, exposed: list[int], daemon: int | None = None, seconds: float = 5.0, **more: Any
) -> tuple[Running, Any]:
    """(the service, what the engine was asked to make)."""
    answers = {
        "/images/docker:dind/json": answer({"Config": {"ExposedPorts": {f"{port}/tcp": {} for port in exposed}}}),
        "/containers/create": answer({"Id": "c0ffee"}, "201 Created"),
        "/containers/c0ffee/start": GONE,
        "/containers/c0ffee/json": state,
        "/containers/c0ffee/logs": answer(LOG),
        "/containers/.*": GONE,
    }
    environment = [f"DOCKER_HOST=tcp://docker:{daemon}"] if daemon else []
    runner = {
        "name": "one",
        "mode": "dind",
        "environment": environment,
        "privileged": True,
        "services": ["docker:dind"],
    }
    plan = read_plan({**runner, **more})
    with fake_engine(Answers(answers)) as fake, contextlib.ExitStack() as stack:
        place = Place(("/a:/a",), "", "/builds/x")
        running = start_service(
            Engine(fake.path), FakeJanitor(), stack, plan, place, plan.services[0], time.monotonic() + seconds
        )
        made = next(json.loads(body) for _, target, body in fake.requests if target.startswith("/containers/create"))
    return running, made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_service, "GRACE", 0.2)
    monkeypatch.setattr(smoke_service, "RESERVE", 0.1)


def test_a_service_that_answers_is_linked_under_its_names() -> None:
    with listening() as port:
        running, made = start(container(), [closed(), port])
    assert running.links == (f"{running.container.name}:docker",)
    assert running.detail.startswith(f"docker:dind (docker) answers on port {port} after 0.")
    assert (made["HostConfig"]["Privileged"], made["HostConfig"]["Binds"]) == (True, ["/a:/a"])
    assert "Cmd" not in made


def test_what_the_runner_says_of_a_service_is_kept() -> None:
    service = {"name": "docker:dind", "command": ["--mtu=1400"], "entrypoint": ["own.sh"], "environment": ["A=1"]}
    _, made = start(container(address=""), [1], services=[service], services_privileged=False)
    assert (made["Cmd"], made["Entrypoint"], made["Env"]) == (["--mtu=1400"], ["own.sh"], ["A=1"])
    assert made["HostConfig"]["Privileged"] is False


def test_a_service_gets_nothing_that_is_the_jobs_alone() -> None:
    _, made = start(container(address=""), [1], security_opt=["seccomp=unconfined"], cap_add=["SYS_ADMIN"])
    assert not {"SecurityOpt", "CapAdd"} & set(made["HostConfig"])


@pytest.mark.parametrize(
    ("address", "exposed"),
    [pytest.param("127.0.0.1", [], id="no port"), pytest.param("", [1], id="an address that this host does not know")],
)
def test_a_service_that_cannot_be_asked_is_believed(address: str, exposed: list[int]) -> None:
    running, _ = start(container(address=address), exposed)
    assert running.detail.startswith("docker:dind (docker) runs after 0.")


def test_a_service_that_ends_says_why() -> None:
    with pytest.raises(EngineError) as caught:
        start(container(running=False), [1])
    assert caught.value.message == (
        "the service docker:dind ended with 1; what it said last: mount: permission denied (are you root?)"
    )


def test_the_other_port_is_told_from_none() -> None:
    wanted = closed()
    with listening() as port, pytest.raises(EngineError) as caught:
        start(container(), [port], wanted)
    assert caught.value.message == (
        f"the service docker:dind answers on port {port}, and DOCKER_HOST of the runner's environment names port "
        f"{wanted}, where nothing listens"
    )


def test_a_service_that_never_gets_up_is_given_up_with_its_last_lines() -> None:
    port = closed()
    with pytest.raises(EngineError) as caught:
        start(container(), [port], seconds=0.6)
    assert caught.value.kind == "timeout"
    before, _, words = caught.value.message.partition(" s; its last lines: ")
    assert before[:-1] == f"the service docker:dind did not answer on port {port} within "
    assert words == "level=info msg=nothing | mount: permission denied (are you root?) | level=warning msg=idle"


def test_a_daemon_that_dies_afterwards_is_noticed() -> None:
    with listening() as port:
        running, _ = start(container(), [port])
    answers = {"/containers/c0ffee/json": container(running=False), "/containers/c0ffee/logs": answer(LOG)}
    with fake_engine(answers) as fake:
        assert running.end(Engine(fake.path)).startswith(
            "the service docker:dind ended with 1; what it said last: mount"
        )
    with fake_engine({"/containers/c0ffee/json": container()}) as fake:
        assert running.end(Engine(fake.path)) == ""
