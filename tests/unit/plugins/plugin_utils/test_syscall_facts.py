# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import predict_all

FACTS: dict[str, Any] = {
    "architecture": "x86_64",
    "docker": {"running": True, "server_version": "20.10.24+dfsg1", "seccomp_profile": "default"},
    "kernel": {"release": "6.1.0-18-amd64"},
    "runc": {"version": "1.1.5+ds1", "libseccomp": "2.5.4"},
    "libseccomp": {"version": "2.5.4", "syscalls": {}},
}


def test_facts_of_a_host_predict_each_call_that_it_has() -> None:
    found = predict_all(FACTS)
    assert next(iter(found)) == "statx"
    assert len(found) == 49
    assert {call for call, one in found.items() if not one.certain} == set()
    assert (found["faccessat2"].answer, found["fsopen"].answer, found["mseal"].answer) == ("allowed", "EPERM", "ENOSYS")


def docker(**changes: Any) -> dict[str, Any]:
    return {**FACTS, "docker": {**FACTS["docker"], **changes}}


@pytest.mark.parametrize(
    ("facts", "layer", "answer", "telling"),
    [
        pytest.param(
            docker(seccomp_profile="builtin"), None, "EPERM", "Docker 20.10.24", id="the default by its new name"
        ),
        pytest.param(
            docker(seccomp_profile="unconfined"), None, "allowed", "no filter", id="an engine that filters nothing"
        ),
        pytest.param(
            docker(seccomp_profile=None), None, "allowed", "no filter", id="an engine or kernel without seccomp"
        ),
        pytest.param(
            docker(seccomp_profile="/etc/p.json"), None, "EPERM", "/etc/p.json is in force", id="a custom profile"
        ),
        pytest.param(
            docker(
                running=False, server_version=None, seccomp_profile=None, package={"version": "5:24.0.9-1~debian.12"}
            ),
            None,
            "EPERM",
            "Docker 24.0.9",
            id="a stopped engine, by its package",
        ),
        pytest.param(
            {**FACTS, "runc": {"version": "1.0.0~rc92", "libseccomp": None}},
            None,
            "EPERM",
            "Docker 20.10.24",
            id="a runc that does not tell its library: the host's",
        ),
        pytest.param(
            FACTS,
            {"layer": "host", "profile": "unconfined"},
            "allowed",
            "no filter",
            id="a container without a profile",
        ),
        pytest.param(
            FACTS,
            {"layer": "dind", "image": "docker:25-dind", "engine": {"name": "docker", "version": "25.0.5"}},
            "EPERM",
            "runc's version is not known",
            id="a dind image brings a runc of its own",
        ),
        pytest.param(
            FACTS,
            {
                "layer": "dind",
                "image": None,
                "engine": {"name": "docker", "version": "25.0.5", "seccomp_profile": None},
            },
            "EPERM",
            "Docker 25.0.5",
            id="dind with the host's own programs",
        ),
        pytest.param(
            FACTS,
            {"layer": "podman", "engine": {"name": "podman", "version": "4.3.1", "runtime": "crun", "runc": None}},
            "EPERM",
            "podman 4.3.1",
            id="podman",
        ),
    ],
)
def test_facts_and_layers(facts: dict[str, Any], layer: dict[str, Any] | None, answer: str, telling: str) -> None:
    found = predict_all(facts, layer)["process_madvise"]
    assert found.answer == answer
    assert telling in found.reason


@pytest.mark.parametrize(
    ("facts", "layer"),
    [
        pytest.param(docker(running=False, server_version=None, package=None), None, id="no engine"),
        pytest.param({}, None, id="no facts"),
        pytest.param(FACTS, {"layer": "dind", "engine": None}, id="a dind that did not come up"),
        pytest.param(
            FACTS, {"layer": "podman", "engine": {"name": "podman", "version": None}}, id="a podman without version"
        ),
    ],
)
def test_without_an_engine_nothing_is_predicted(facts: dict[str, Any], layer: dict[str, Any] | None) -> None:
    assert predict_all(facts, layer) == {}
