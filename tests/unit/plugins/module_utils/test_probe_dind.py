# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_dind
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import unknown
from tests.unit.plugins.module_utils.fake_engine import FakeEngine, answer, fake_engine, socket_folder
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, FakeKernel, frame

PLACE = Layout({"bin": "usr/bin"}, ("/usr",), {}, "/usr/bin/python3", ())
IMAGE = "docker:26.1-dind"
WELL = {
    "/version": answer({"Version": "26.1.5", "Components": []}),
    "/info": answer({"SecurityOptions": ["name=seccomp,profile=builtin"]}),
    f"/images/{IMAGE}/json": answer({"Config": {"Env": ["PATH=/bin", "DOCKER_VERSION=26.1.5"]}}),
    "/containers/json": answer([]),
    "/images/json": answer([]),
    "/images/create": answer(b'{"status":"sha256:1"}\r\n'),
    "/containers/create": answer({"Id": "c0ffee"}, "201 Created"),
    "/containers/c0ffee/start": answer(b"", "204 No Content"),
    "/containers/c0ffee/logs": answer(frame("")),
    "/containers/c0ffee/json": answer({"State": {"Running": True, "Pid": 41}}),
}
ENDED = answer({"State": {"Running": False, "Pid": 0, "ExitCode": 1}})


class Tidy(FakeJanitor):
    """Remembers the folders, too."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: list[str] = []

    def folder(self, path: str) -> None:
        assert not Path(path).exists()
        self.folders.append(path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in place of /run, and nothing measured in the nested engine."""
    with socket_folder() as folder:
        monkeypatch.setattr(probe_dind, "RUN", str(folder))
        monkeypatch.setattr(probe_dind, "layout", lambda: PLACE)
        monkeypatch.setattr("shutil.which", lambda name, path: f"/usr/sbin/{name}")
        monkeypatch.setattr(probe_dind, "_answers", lambda *_: True)
        monkeypatch.setattr(
            probe_dind,
            "measure_engine",
            lambda nested, *_, **settings: {**unknown("default", "io", "not asked"), "reason": None, "asked": settings},
        )
        yield folder


def measure(
    table: Mapping[str, bytes | None], image: str | None = IMAGE, seconds: float = 5.0, images: tuple[str, ...] = ()
) -> tuple[dict[str, Any], FakeEngine, Tidy]:
    janitor = Tidy()
    with fake_engine(table) as fake:
        layer = probe_dind.measure_dind(
            engine=Engine(fake.path),
            janitor=janitor,
            image=image,
            profile="default",
            images=images,
            deadline=time.monotonic() + seconds,
            kernel=FakeKernel({}),
        )
    return layer, fake, janitor


def created(fake: FakeEngine) -> dict[str, Any]:
    """The body with which the container was made."""
    found: dict[str, Any] = json.loads(next(body for _, target, body in fake.requests if "containers/create" in target))
    return found


@pytest.mark.parametrize(
    ("image", "name"),
    [
        pytest.param(IMAGE, f"dind ({IMAGE})", id="an image"),
        pytest.param(None, "dind (this host's dockerd)", id="the host's own"),
    ],
)
def test_the_nested_engine_is_asked_and_everything_goes(run: Path, image: str | None, name: str) -> None:
    layer, fake, janitor = measure(WELL, image)
    assert (layer["layer"], layer["name"], layer["image"], layer["user"]) == ("dind", name, image, None)
    asked = layer["asked"]
    assert asked["root"] == "/proc/41/root"
    assert asked["interpreter_root"] == "/host"
    assert janitor.engines == [fake.path] * len(janitor.engines)
    assert len(janitor.folders) == 1
    assert not list(run.iterdir())
    assert not janitor.keeps
    deleted = [target for method, target, _ in fake.requests if method == "DELETE"]
    assert deleted[0].startswith("/containers/")
    assert deleted[0].endswith("?force=true&v=true")


def test_an_images_container_is_privileged_without_network_tls_or_tcp(run: Path) -> None:
    _, fake, _ = measure(WELL)
    body = created(fake)
    host = body["HostConfig"]
    assert body["Image"] == IMAGE
    assert "Entrypoint" not in body
    assert body["Cmd"][0] == "dockerd"
    assert {"--iptables=false", "--ip6tables=false", "--bridge=none"} <= set(body["Cmd"])
    assert not [word for word in body["Cmd"] if "tcp" in word]
    assert "DOCKER_TLS_CERTDIR=" in body["Env"]
    assert body["Volumes"] == {"/var/lib/docker": {}}
    assert host["Privileged"] is True
    assert host["NetworkMode"] == "none"
    assert body["NetworkDisabled"] is True
    mounts = {mount["Target"]: mount for mount in host["Mounts"]}
    assert mounts["/host/usr"]["Source"] == "/usr"
    assert mounts["/host/usr"]["ReadOnly"] is True
    assert mounts["/probe"]["Source"].startswith(str(run))
    assert "/usr" not in mounts


def test_the_hosts_own_engine_sees_the_hosts_programs(run: Path) -> None:
    _, fake, _ = measure(WELL, None)
    body = created(fake)
    assert body["Image"].startswith("runnerkit-probe-")
    assert body["Cmd"][:2] == ["/bin/sh", "-c"]
    assert "dockerd" in body["Cmd"]
    assert {"/usr", "/host/usr", "/probe"} == {mount["Target"] for mount in body["HostConfig"]["Mounts"]}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(["DOCKER_VERSION=20.10.24"], True, id="20.10 knows the option"),
        pytest.param(["DOCKER_VERSION=19.03.15"], False, id="19.03 would end because of it"),
        pytest.param([], False, id="an image that tells no version"),
        pytest.param(None, False, id="an image without variables"),
    ],
)
def test_ip6tables_is_switched_off_where_that_can_be_said(
    run: Path, environment: list[str] | None, expected: bool
) -> None:
    _, fake, _ = measure({**WELL, f"/images/{IMAGE}/json": answer({"Config": {"Env": environment}})})
    assert ("--ip6tables=false" in created(fake)["Cmd"]) is expected


@pytest.mark.parametrize(
    ("changes", "image", "error", "reason"),
    [
        pytest.param(
            {f"/images/{IMAGE}/json": answer({"message": "No such image"}, "404 Not Found")},
            IMAGE,
            "missing",
            f"the image {IMAGE} is not on this host and the probe pulls nothing; run `docker pull {IMAGE}`",
            id="the image is not there",
        ),
        pytest.param(
            {
                "/containers/c0ffee/start": answer(
                    {"message": "OCI runtime create failed: unable to apply caps: operation not permitted"}, "500 No"
                )
            },
            None,
            "http",
            "this engine cannot start a privileged container, and so no Docker-in-Docker service: "
            "OCI runtime create failed: unable to apply caps: operation not permitted",
            id="nothing privileged can be started",
        ),
        pytest.param(
            {
                "/containers/c0ffee/start": answer(
                    {"message": 'failed: exec: "dockerd": executable file not found in $PATH: unknown'}, "400 Bad"
                )
            },
            IMAGE,
            "missing",
            f"the image {IMAGE} holds no dockerd; name a Docker-in-Docker image in dind_images",
            id="an image of something else",
        ),
        pytest.param(
            {"/containers/create": answer({"message": "no space left on device"}, "500 No")},
            IMAGE,
            "http",
            "the engine could not make a container: no space left on device; make room on the engine's disk",
            id="the disk is full",
        ),
        pytest.param(
            {"/info": answer({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]})},
            None,
            "permission",
            "{socket} is that of an engine without root (rootless), which sees a /run of its own and not this host's; "
            "leave the layer dind out, or name the socket of root's engine",
            id="an engine without root",
        ),
        pytest.param(
            {"/containers/create": answer({"message": "No such image: x"}, "404 Not Found")},
            None,
            "http",
            "something removes containers or images of this engine as soon as they are made, such as a timer for "
            "`docker system prune` (the engine could not make a container: No such image: x); "
            "probe again when it has ended",
            id="pruned twice",
        ),
        pytest.param(
            {"/version": answer(b"<html>")},
            IMAGE,
            "protocol",
            "the engine's answer is not JSON: Expecting value: line 1 column 1 (char 0)",
            id="no engine at all",
        ),
    ],
)
def test_what_cannot_be_measured_says_why(
    run: Path, changes: Mapping[str, bytes | None], image: str | None, error: str, reason: str
) -> None:
    layer, fake, _ = measure({**WELL, **changes}, image)
    reason = reason.format(socket=fake.path).replace("/run ", f"{run} ")
    assert (layer["state"], layer["error"], layer["reason"]) == ("unknown", error, reason)
    assert layer["name"].startswith("dind (")
    assert not list(run.iterdir())


def test_a_nested_engine_that_ends_is_quoted(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_dind, "_answers", lambda *_: False)
    log = frame('time="2026-01-01" level=info msg="Starting up"\nfailed to start daemon: no cgroups\n', 2)
    layer, _, _ = measure({**WELL, "/containers/c0ffee/json": ENDED, "/containers/c0ffee/logs": answer(log)})
    assert layer["error"] == "program"
    assert layer["reason"] == "the nested engine ended: failed to start daemon: no cgroups"


def test_a_nested_engine_that_never_answers_ends_with_the_time_limit(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_dind, "_answers", lambda *_: False)
    log = answer(frame('time="x" level=info msg="Loading containers: start."\n'))
    layer, _, _ = measure({**WELL, "/containers/c0ffee/logs": log}, seconds=0.3)
    assert layer["error"] == "timeout"
    assert layer["reason"].endswith("its last words: Loading containers: start.")
    assert not list(run.iterdir())


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(None, "this host has no dockerd on ", id="not installed"),
        pytest.param(
            "/snap/docker/1/bin/dockerd", "/snap/docker/1/bin/dockerd, outside of /usr; ", id="somewhere else"
        ),
    ],
)
def test_an_own_engine_that_cannot_be_used(
    run: Path, monkeypatch: pytest.MonkeyPatch, found: str | None, reason: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: found)
    layer, _, _ = measure(WELL, None)
    assert (layer["state"], layer["error"]) == ("unknown", "missing")
    assert reason in layer["reason"]
    assert "dind_images" in layer["reason"]


def test_a_folder_that_cannot_be_made_is_a_reason(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_dind, "RUN", str(run / "nowhere"))
    layer, _, _ = measure(WELL)
    assert layer["error"] == "io"
    assert layer["reason"].startswith("the folder for the nested engine's socket: ")


def test_an_ordinary_user_is_told_to_become_root(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def refuse(path: str, *mode: int) -> None:
        if path.startswith(str(run)):
            raise PermissionError(13, "Permission denied")
        mkdir(path, *mode)

    monkeypatch.setattr(os, "mkdir", refuse)
    layer, fake, _ = measure(WELL)
    assert layer["error"] == "permission"
    assert layer["reason"] == f"{run}, for the nested engine's socket, may not be written by this user; become root"
    assert not [target for _, target, _ in fake.requests if target.startswith("/containers/create")]


def test_no_engine_on_the_host() -> None:
    layer = probe_dind.measure_dind(
        engine=Engine("/nonexistent/docker.sock"),
        janitor=Tidy(),
        image=None,
        profile="default",
        images=(),
        deadline=time.monotonic() + 5,
        kernel=FakeKernel({}),
    )
    assert (layer["state"], layer["error"]) == ("unknown", "absent")
