# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_program as program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome
from tests.unit.plugins.module_utils.probe_world import FakeJanitor


@pytest.mark.parametrize(
    ("version", "minimum", "old"),
    [
        ("20.10.6", "20.10.6", False),
        ("20.10.5", "20.10.6", True),
        ("20.10.5+dfsg1", "20.10.6", True),
        ("20.10.24+dfsg1", "20.10.6", False),
        ("20.10.6-rc1", "20.10.6", True),
        ("v28.5.2", "20.10.6", False),
        ("19.03.15", "20.10.6", True),
        ("29.0.0", "29", False),
        ("9.0", "20.10.6", True),
        ("20.10.6-ce", "20.10.6", False),
        ("28.0.0-beta.2", "28.0.0-rc.1", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, minimum: str, old: bool) -> None:
    assert (program.too_old(version, minimum, "x") is not None) is old


@pytest.mark.parametrize(
    ("version", "minimum", "message"),
    [
        ("dev", "20.10.6", "base is x, whose dockerd calls itself 'dev', which is no version; give a released one"),
        ("28.5.2", "new", "minimum_version is 'new'; give a version such as 20.10.6"),
    ],
    ids=["a build of somebody's own", "no version to compare with"],
)
def test_what_cannot_be_compared_is_refused(version: str, minimum: str, message: str) -> None:
    assert program.too_old(version, minimum, "x") == message


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:root"])
def test_a_daemon_that_runs_as_root_is_fine(user: str) -> None:
    assert program.refusal({"Config": {"User": user, "Cmd": ["x"]}}, "x") is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"Os": "windows"}, "base is x, an image for windows; give one for Linux"),
        ({"Config": {"User": "1000:1000"}}, "base is x, whose daemon runs as 1000:1000 and does not look"),
        ({"Config": {}}, "base is x, which starts nothing by itself; give a Docker-in-Docker image"),
        ({"Config": None}, "base is x, which starts nothing by itself; give a Docker-in-Docker image"),
    ],
    ids=["Windows", "another user", "no entry point", "no settings at all"],
)
def test_a_base_that_cannot_be_one(image: dict[str, Any], message: str) -> None:
    assert str(program.refusal(image, "x")).startswith(message)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"Architecture": "amd64"}, "amd64"),
        ({"Architecture": "arm", "Variant": "v7"}, "arm/v7"),
        ({"Architecture": "arm64", "Variant": ""}, "arm64"),
        ({}, "unknown"),
    ],
)
def test_the_architecture(image: dict[str, Any], expected: str) -> None:
    assert program.architecture(image) == expected


def test_programs_that_are_missing_or_say_nothing_of_libseccomp() -> None:
    assert program.read_versions("Docker version 18.09.0, build 4d60db4\nsh: runc: not found") == {
        "engine": "18.09.0", "containerd": None, "runc": None, "libseccomp": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        pytest.param(
            EngineError("http", "the engine could not start a container: exec /bin/sh: exec format error"),
            "the image x cannot be looked into: the engine could not start a container: exec /bin/sh: exec format "
            "error; it is for arm64, take the one for this host's architecture",
            id="another architecture",
        ),
        pytest.param(
            EngineError("http", 'the engine could not start a container: exec: "/bin/sh": no such file or directory'),
            'the image x cannot be looked into: the engine could not start a container: exec: "/bin/sh": no such file '
            "or directory",
            id="no shell",
        ),
        pytest.param(
            Outcome([], None, 0.0),
            "the programs in the image x did not say their versions in time; give a longer timeout", id="too slow",
        ),
        pytest.param(
            Outcome([(0.0, "/bin/sh: dockerd: not found")], 0, 0.0),
            "the image x holds no dockerd (/bin/sh: dockerd: not found); give one for Docker-in-Docker as base, such "
            "as docker:28.5.2-dind",
            id="no engine",
        ),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_looked_into(
    monkeypatch: pytest.MonkeyPatch, outcome: EngineError | Outcome, message: str
) -> None:
    def run(*_: Any) -> Outcome:
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    monkeypatch.setattr(program, "run_container", run)
    image = {"Id": "sha256:1", "Architecture": "arm64"}
    with pytest.raises(EngineError) as caught:
        program.look_inside(Engine("/nowhere"), FakeJanitor(), image, "x", time.monotonic() + 5)
    assert caught.value.message == message
