# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report import WIDTH, facts_report, findings_report

SYSTEM: dict[str, Any] = {
    "os": {"pretty_name": "Debian GNU/Linux 12 (bookworm)"}, "kernel": {"release": "6.1.0-13-amd64"},
    "architecture": "x86_64", "cgroup_version": 2, "service_manager": "systemd",
    "docker": None, "containerd": None, "runc": None, "libseccomp": None, "podman": None, "gitlab_runner": None,
}  # fmt: skip
HOST = "host           Debian GNU/Linux 12 (bookworm), kernel 6.1.0-13-amd64, x86_64, cgroup v2, systemd\n"
ENGINE: dict[str, Any] = {
    "installed": True, "running": True, "server_version": "28.5.2", "client_version": "28.5.2",
    "api_version": "1.51", "minimum_api_version": "1.24", "storage_driver": "overlay2", "cgroup_driver": "systemd",
    "seccomp_profile": "builtin", "live_restore": True, "containers_running": 2, "data_root": "/var/lib/docker",
    "package": {"name": "docker-ce", "version": "5:28.5.2-1", "source": "docker-ce", "held": True},
}  # fmt: skip
DAEMON = "daemon         overlay2, cgroup driver systemd, seccomp profile builtin, live-restore on\n"
CONTAINERS = "containers     2 running, data in /var/lib/docker"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, "docker         not installed", id="a host with nothing on it"),
        pytest.param(
            {"docker": {**ENGINE, "running": False, "error": "connection refused"}},
            "docker         does not answer: connection refused (docker-ce 5:28.5.2-1, held)",
            id="an engine that does not answer",
        ),
        pytest.param(
            {"docker": {**ENGINE, "running": False, "error": "no socket", "package": None}},
            "docker         does not answer: no socket",
            id="an engine without a package that does not answer",
        ),
        pytest.param(
            {"docker": ENGINE},
            "docker         28.5.2 (docker-ce 5:28.5.2-1, held, API 1.24 to 1.51)\n" + DAEMON + CONTAINERS,
            id="an engine that runs",
        ),
        pytest.param(
            {
                "docker": {
                    **ENGINE, "client_version": "20.10.24", "minimum_api_version": None, "live_restore": False,
                    "package": {"name": None, "version": None, "source": "static", "held": False},
                }
            },
            "docker         28.5.2 (not from a package)\ndocker client  20.10.24\n"
            + DAEMON.replace("live-restore on", "live-restore off") + CONTAINERS,
            id="a static engine with another client",
        ),
        pytest.param(
            {"docker": {**ENGINE, "client_version": None}},
            "docker         28.5.2 (docker-ce 5:28.5.2-1, held, API 1.24 to 1.51)\ndocker client  not installed\n"
            + DAEMON + CONTAINERS,
            id="an engine without a client",
        ),
        pytest.param(
            {
                "containerd": {"version": "1.7.28", "package": {"name": "containerd.io", "version": "1.7.28-1"}},
                "runc": {"version": "1.3.0", "libseccomp": "2.5.4"},
                "libseccomp": {"version": "2.5.4", "faccessat2": 439},
                "podman": {"version": "4.3.1"},
                "gitlab_runner": {"version": "18.5.0"},
            },
            "docker         not installed\ncontainerd     1.7.28 (containerd.io 1.7.28-1)\n"
            "runc           1.3.0 (with libseccomp 2.5.4)\nlibseccomp     2.5.4 (faccessat2: 439)\n"
            "podman         4.3.1\ngitlab-runner  18.5.0",
            id="everything else",
        ),
        pytest.param(
            {
                "gitlab_runner": {
                    "version": "18.5.0", "package": {"name": "gitlab-runner", "version": "18.5.0-1", "held": True},
                    "config_error": None,
                    "runners": [
                        {"name": "build", "mode": "dind", "url": "https://gitlab.example.com"},
                        {"name": None, "mode": "custom", "url": None},
                    ],
                },
            },
            "docker         not installed\ngitlab-runner  18.5.0 (gitlab-runner 18.5.0-1, held)\n"
            "runners        build (dind, https://gitlab.example.com), without a name (custom, no url)",
            id="runners with the way in which their jobs reach a daemon",
        ),
        pytest.param(
            {"gitlab_runner": {"version": None, "config_error": "config.toml is not TOML", "runners": []}},
            "docker         not installed\ngitlab-runner  unknown version\nrunners        config.toml is not TOML",
            id="runners that nobody can read",
        ),
        pytest.param(
            {
                "containerd": {"version": "1.7.28", "package": None},
                "runc": {"version": "1.0.0-rc93", "libseccomp": None},
                "libseccomp": {"version": "2.3.3", "faccessat2": -1},
            },
            "docker         not installed\ncontainerd     1.7.28\nrunc           1.0.0-rc93\n"
            "libseccomp     2.3.3 (faccessat2: unknown)",
            id="an old runtime that does not come from packages",
        ),
    ],
)  # fmt: skip
def test_facts_are_one_line_for_each_part(facts: dict[str, Any], expected: str) -> None:
    assert facts_report({**SYSTEM, **facts}) == HOST + expected


def test_no_findings_is_a_sentence() -> None:
    assert findings_report([]) == "no findings: this host meets every rule that was checked"


def test_findings_show_severity_evidence_and_fix() -> None:
    finding = {
        "id": "floor", "layer": "host", "severity": "broken", "summary": "too old",
        "evidence": {"kind": "measured", "docker.server_version": "20.10.5"}, "fix": "upgrade",
    }  # fmt: skip
    predicted = {**finding, "id": "clone3", "severity": "degraded", "evidence": {"kind": "predicted", "runc": "1.0.0"}}
    assert findings_report([finding, predicted]) == textwrap.dedent(
        """\
        broken   floor (host)
                 too old
                 measured: docker.server_version=20.10.5
                 fix: upgrade
        degraded clone3 (host)
                 too old
                 predicted: runc=1.0.0
                 fix: upgrade"""
    )


def test_long_sentences_are_wrapped_between_words() -> None:
    finding = {
        "id": "x", "layer": "host", "severity": "note", "summary": "docker_engine_version " * 12,
        "evidence": {"kind": "measured", "a": 1}, "fix": "none",
    }  # fmt: skip
    lines = findings_report([finding]).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[2].startswith(" " * 11 + "docker_engine_version")
