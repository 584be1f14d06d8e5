# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import fleet, runner_modes, runner_variables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find
from tests.unit.plugins.plugin_utils import readiness_world as world

EMPTY: dict[str, Any] = {
    "image": None, "helper_image": None, "privileged": False, "services_privileged": None, "volumes": [],
    "services": [], "security_opt": [], "services_security_opt": [], "disable_cache": False, "runtime": None,
    "network_mode": None, "pull_policy": [], "allowed_images": [],
    "allowed_services": [], "allowed_privileged_images": [], "allowed_privileged_services": [], "host": None,
}  # fmt: skip


def runner(mode: str, environment: Mapping[str, str] | None = None, **docker: Any) -> dict[str, Any]:
    """What facts tell of a runner of such a mode, but for what is given."""
    flat = runner_modes.expand({"name": "one", "mode": mode}, "20.10.24")
    given = runner_variables.table(flat.get("environment"))
    found: dict[str, Any] = {
        "name": "one", "id": 1, "url": "https://gitlab.example.com", "executor": flat.get("executor", "docker"),
        "builds_dir": None, "environment": given if environment is None else dict(environment),
        "docker": None if mode == "shell" else {**EMPTY, **flat.get("docker", {}), **docker},
    }  # fmt: skip
    return {**found, "mode": runner_mode.mode_of(found)}


def facts(*runners: dict[str, Any], version: str = "18.2.0", error: str | None = None, **docker: Any) -> dict[str, Any]:
    """A host with these runners."""
    return {
        **world.facts(**docker),
        "gitlab_runner": {
            "version": version, "path": "/usr/bin/gitlab-runner", "package": None, "concurrent": 1,
            "config_path": "/etc/gitlab-runner/config.toml", "config_error": error, "runners": list(runners),
        },
    }  # fmt: skip


def found(*runners: dict[str, Any], **more: Any) -> list[Finding]:
    """The findings about them, without those about the rest of the host."""
    others = {finding.id for finding in find(facts(**more))} - {"runner_config_broken"}
    return [finding for finding in find(facts(*runners, **more)) if finding.id not in others]


def said(*runners: dict[str, Any], **more: Any) -> dict[str, str]:
    return {finding.id: finding.severity for finding in found(*runners, **more)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        pytest.param("socket", {"socket_root": "risk"}, id="the socket is a risk"),
        pytest.param("dind", {"privileged": "risk"}, id="dind is a risk"),
        pytest.param("dind_insecure", {"privileged": "risk"}, id="dind without certificates is the same risk"),
        pytest.param("shell", {}, id="the shell alone is none"),
        pytest.param("custom", {}, id="nothing is said of what is not known"),
    ],
)
def test_a_mode_as_it_is_preset_has_its_risk_and_no_fault(mode: str, expected: dict[str, str]) -> None:
    assert said(runner(mode)) == expected


SERVICE = {"name": "docker:20.10.24-dind", "alias": None}
TLS = dict(runner_modes.VARIABLES["dind"])
PLAIN = dict(runner_modes.VARIABLES["dind_insecure"])
ELSEWHERE = {"name": "registry.example.com:5000/mirror/docker:20.10.24-dind", "alias": None}
SOCKET = "/var/run/docker.sock:/var/run/docker.sock"


@pytest.mark.parametrize(
    ("given_runner", "identifier", "severity", "words"),
    [
        pytest.param(
            runner("socket", volumes=["/cache", SOCKET]), "builds_not_mounted", "degraded",
            "finds it empty, since the host's engine looks for /builds on the host", id="no builds of the host",
        ),
        pytest.param(
            runner("socket", volumes=["/srv/builds:/builds", SOCKET]), "builds_not_mounted", "degraded",
            "looks for /builds on the host", id="builds at another place of the host",
        ),
        pytest.param(
            {**runner("socket"), "builds_dir": "/srv/ci"}, "builds_not_mounted", "degraded",
            "looks for /srv/ci on the host", id="builds_dir elsewhere",
        ),
        pytest.param(
            runner("socket", services=[SERVICE], privileged=True), "socket_and_dind", "broken",
            "the service docker:20.10.24-dind finds the host's socket", id="socket and service",
        ),
        pytest.param(
            runner("dind", privileged=False), "dind_not_privileged", "broken",
            "a Docker daemon starts in a privileged container only", id="a service without privileges",
        ),
        pytest.param(
            runner("dind", allowed_privileged_services=["**/other:*"]), "dind_not_privileged", "broken",
            "since allowed_privileged_services does not name it", id="a service that is on no list",
        ),
        pytest.param(
            runner("dind", services_privileged=False), "dind_not_privileged", "broken", "docker:20.10.24-dind",
            id="privileges for jobs alone",
        ),
        pytest.param(
            runner("dind", PLAIN | {"DOCKER_HOST": "tcp://docker:2376"}), "dind_tls_mismatch", "broken",
            "DOCKER_TLS_CERTDIR is empty, so that the daemon listens on 2375, and DOCKER_HOST names 2376",
            id="the port of TLS without it",
        ),
        pytest.param(
            runner("dind", PLAIN | {"DOCKER_TLS_VERIFY": "1"}), "dind_tls_mismatch", "broken",
            "DOCKER_TLS_VERIFY wants one", id="a certificate wanted where there is none",
        ),
        pytest.param(
            runner("dind", {"DOCKER_HOST": "tcp://docker:2375"}), "dind_tls_mismatch", "broken",
            "DOCKER_TLS_CERTDIR is not set, so that the daemon listens on 2376, and DOCKER_HOST names 2375",
            id="the plain port where the image's default is TLS",
        ),
        pytest.param(
            runner("dind", {"DOCKER_HOST": "tcp://docker:2375"}, services=[]), "dind_tls_mismatch", "degraded",
            "names 2375", id="the plain port where a job may bring its own service",
        ),
        pytest.param(
            runner("dind", volumes=["/cache"]), "dind_tls_mismatch", "broken", "no volume for /certs/client",
            id="no volume for the certificates",
        ),
        pytest.param(
            runner("dind", disable_cache=True), "dind_tls_mismatch", "broken",
            "disable_cache is true, so that the runner does not make the volume /certs/client",
            id="no volumes for caches, which that for the certificates is one of",
        ),
        pytest.param(
            runner("dind", TLS | {"DOCKER_HOST": "tcp://dind:2376"}, services=[{**SERVICE, "alias": "dind"}]),
            "dind_tls_mismatch", "broken",
            "DOCKER_HOST names dind, and the daemon's certificate is one for the name docker",
            id="a name that is not in the certificate",
        ),
        pytest.param(
            runner("dind", TLS | {"DOCKER_CERT_PATH": "/certs"}), "dind_tls_mismatch", "broken",
            "into /certs/client, and DOCKER_CERT_PATH is /certs", id="certificates looked for elsewhere",
        ),
        pytest.param(
            runner("dind", services=[ELSEWHERE]), "dind_alias", "broken",
            "DOCKER_HOST names docker, and the service registry.example.com:5000/mirror/docker:20.10.24-dind is known "
            "as registry.example.com-mirror-docker and registry.example.com__mirror__docker",
            id="an image of another registry without an alias",
        ),
        pytest.param(
            runner("dind", TLS | {"DOCKER_HOST": "tcp://dockerdaemon:2376"}), "dind_alias", "broken",
            "DOCKER_HOST names dockerdaemon, and the service docker:20.10.24-dind is known as docker",
            id="an alias that nobody gave",
        ),
        pytest.param(
            runner("dind", {}, services=[ELSEWHERE]), "dind_alias", "degraded", "the docker command looks for docker",
            id="no alias, and jobs may name the service",
        ),
        pytest.param(
            runner("dind", image="docker:26.1.5-cli"), "dind_cli_differs", "note",
            "their daemon is docker:20.10.24-dind", id="a command of another line",
        ),
        pytest.param(
            runner("dind", services=[{"name": "docker:29.0.0-dind", "alias": "docker"}]), "dind_cli_differs",
            "degraded", "refuses commands older than 25.0", id="a command that the daemon refuses",
        ),
        pytest.param(
            runner("dind", services=[{"name": "docker:dind", "alias": None}]), "dind_tag_floats", "degraded",
            "another Docker from one day to the next", id="a service without a version",
        ),
        pytest.param(
            runner("dind", services=[{"name": "docker:19.03.15-dind", "alias": None}]), "floor", "broken",
            "docker:19.03.15-dind is Docker Engine 19.03.15, older than 20.10.6", id="an old service",
        ),
        pytest.param(
            runner("custom", security_opt=["seccomp=unconfined"]), "runner_profile", "risk",
            "without a seccomp profile: no system call is refused", id="no seccomp profile",
        ),
        pytest.param(
            runner("custom", security_opt=["apparmor:unconfined"]), "runner_profile", "risk", "an AppArmor profile",
            id="no AppArmor profile, in the old spelling",
        ),
        pytest.param(
            runner("custom", security_opt=["seccomp=/etc/jobs.json"]), "runner_profile", "note",
            "seccomp=/etc/jobs.json names a file", id="a profile by its file",
        ),
        pytest.param(
            runner("custom", security_opt=["seccomp={...}"]), "runner_profile", "note", "of the runner's own",
            id="a profile that is written out",
        ),
        pytest.param(
            runner("custom", runtime="sysbox-runc"), "runner_profile", "note", "the runtime sysbox-runc",
            id="another runtime",
        ),
        pytest.param(
            runner("custom", host="tcp://10.0.0.7:2376", privileged=True), "runner_engine", "note",
            "the engine at tcp://10.0.0.7:2376", id="another engine",
        ),
        pytest.param(
            runner("custom", privileged=True, allowed_privileged_images=["docker:*"],
                   allowed_privileged_services=["docker:*"]),
            "privileged", "risk", "its jobs and services of some images run privileged",
            id="privileges for some images",
        ),
        pytest.param(
            runner("custom", services_privileged=True), "privileged", "risk", "its services run privileged",
            id="privileges for services",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_runner(given_runner: dict[str, Any], identifier: str, severity: str, words: str) -> None:
    [finding] = [each for each in found(given_runner) if each.id == identifier]
    assert finding.severity == severity
    assert words in finding.summary
    assert finding.summary.startswith("runner one: ")
    assert finding.evidence["name"] == "one"
    assert finding.fix


@pytest.mark.parametrize(
    "given_runner",
    [
        pytest.param(runner("socket", volumes=["/srv:/srv", "/builds/:/builds", SOCKET]), id="a slash at the end"),
        pytest.param(
            {**runner("socket", volumes=["/srv:/srv:rw", SOCKET]), "builds_dir": "/srv/ci"}, id="a folder above builds"
        ),
        pytest.param(runner("dind", {}, services=[]), id="as GitLab documents it"),
        pytest.param(runner("dind", services=[{**ELSEWHERE, "alias": "daemon, docker"}]), id="several aliases"),
        pytest.param(runner("dind", volumes=["/certs", "/cache"]), id="the folder above the certificates"),
        pytest.param(runner("dind", allowed_privileged_services=["docker:*-dind"]), id="a service that is on the list"),
        pytest.param(runner("dind", privileged=False, services_privileged=True), id="privileges for the service alone"),
        pytest.param(
            runner("dind", volumes=["/srv/certs:/certs/client", "/cache"], disable_cache=True),
            id="certificates on the host",
        ),
        pytest.param(
            runner(
                "dind",
                TLS | {"DOCKER_HOST": "tcp://dind:2376", "DOCKER_TLS_SAN": "DNS:dind"},
                services=[{**SERVICE, "alias": "dind"}],
            ),
            id="a name that the certificate is given",
        ),
        pytest.param(
            runner("dind", PLAIN | {"DOCKER_HOST": "tcp://dind:2375"}, services=[{**SERVICE, "alias": "dind"}]),
            id="any name where there is no certificate",
        ),
        pytest.param(
            runner("dind", {"DOCKER_HOST": "tcp://docker:2375"}, services=[{**SERVICE, "own_command": True}]),
            id="a daemon that is started in a way of its own",
        ),
        pytest.param(runner("dind", services=[{"name": "not an image dind", "alias": "docker"}]), id="no image at all"),
        pytest.param(
            runner("custom", {"DOCKER_HOST": "tcp://builder.example.com:2375"}, privileged=True),
            id="somebody else's daemon",
        ),
        pytest.param(runner("custom", security_opt=["no-new-privileges"]), id="what makes things safer"),
    ],
)
def test_what_is_right_is_at_most_a_risk(given_runner: dict[str, Any]) -> None:
    assert set(said(given_runner)) <= {"socket_root", "privileged"}


def test_a_service_without_privileges_is_right_with_a_runtime_that_gives_them() -> None:
    assert said(runner("dind", privileged=False, runtime="sysbox-runc")) == {"runner_profile": "note"}


def test_machines_that_come_and_go_are_judged_by_their_contradictions_alone() -> None:
    socket = {**runner("socket", volumes=[SOCKET]), "executor": "docker-autoscaler"}
    assert said(socket) == {}
    dind = {**runner("dind", privileged=False), "executor": "docker+machine"}
    assert said(dind) == {"dind_not_privileged": "broken"}


@pytest.mark.parametrize(("version", "severity"), [("17.11.0", "broken"), ("18.2.0", "note"), ("dev", "note")])
def test_the_path_of_a_profile_breaks_jobs_of_old_runners(version: str, severity: str) -> None:
    given_runner = runner("custom", security_opt=["seccomp=/etc/jobs.json"])
    assert said(given_runner, version=version) == {"runner_profile": severity}


def test_the_docker_group_makes_jobs_of_the_shell_root() -> None:
    assert said(runner("shell"), group_members=["gitlab-runner"]) == {"docker_group": "risk"}
    assert said(runner("dind"), group_members=["gitlab-runner"]) == {"privileged": "risk"}


def test_calls_that_the_host_blocks_do_not_concern_privileged_jobs() -> None:
    probe = world.probe(world.layer(calls=world.answers(faccessat2="EPERM")))
    [note] = [one for one in find(facts(runner("dind")), probe=probe) if one.id == "runner_profile"]
    assert note.severity == "note"
    assert "so faccessat2, which layer host blocks, is not blocked for them" in note.summary
    for other in (runner("socket"), runner("dind", allowed_privileged_images=["docker:*"])):
        assert not [one for one in find(facts(other), probe=probe) if one.id == "runner_profile"]


@pytest.mark.parametrize(
    ("error", "severity"),
    [
        pytest.param("config.toml is not TOML from line 1, column 2 on; correct it by hand", "broken", id="broken"),
        pytest.param("config.toml cannot be read: Permission denied", "unknown", id="hidden from this user"),
    ],
)
def test_a_configuration_that_nobody_can_read(error: str, severity: str) -> None:
    [finding] = [each for each in find(facts(error=error)) if each.id == "runner_config_broken"]
    assert (finding.severity, finding.layer) == (severity, "runner")
    assert error in finding.summary


def test_runners_of_one_host_are_findings_of_their_own() -> None:
    two = {**runner("socket"), "name": "two"}
    keys = [finding.key for finding in found(runner("socket"), two)]
    assert len(keys) == len(set(keys)) == 2


def test_the_fleet_report_has_the_version_of_the_runner_as_text() -> None:
    report = fleet.report([{"name": "host", "facts": facts(runner("socket", volumes=[SOCKET])), "probe": None}])
    [row] = report["hosts"]
    assert row["facts"]["gitlab_runner"] == "18.2.0"
    assert {"socket_root", "builds_not_mounted"} <= {finding["id"] for finding in row["findings"]}
    assert row["state"] == "degraded"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(runner("dind"), ANYTHING)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(EMPTY, ANYTHING)),
)
def test_whatever_facts_say_nothing_breaks(odd: dict[str, Any], docker: dict[str, Any]) -> None:
    for mode in runner_modes.MODES:
        base = runner(mode)
        find(facts({**base, "docker": {**(base["docker"] or {}), **docker}, **odd}))
    find({**world.facts(), "gitlab_runner": {"version": "1", "runners": [odd, docker]}})
