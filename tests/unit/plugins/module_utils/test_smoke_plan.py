# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import (
    Plan,
    UnfitError,
    Volume,
    aliases_of,
    daemon_in,
    read_plan,
)

SOCKET = "/var/run/docker.sock:/var/run/docker.sock"


def docker(**changes: Any) -> dict[str, Any]:
    """A runner as facts have it."""
    settings = {"image": "docker:28-cli", "volumes": ["/builds:/builds", "/cache", SOCKET], "services": [], **changes}
    return {"name": "one", "mode": "socket", "executor": "docker", "environment": {}, "docker": settings}


def test_facts_and_a_flat_table_are_the_same_job() -> None:
    facts = docker()
    flat = {**{key: value for key, value in facts.items() if key != "docker"}, **facts["docker"], "environment": []}
    assert read_plan(facts) == read_plan(flat)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/cache", Volume(None, "/cache", None), id="a path in the container"),
        pytest.param("/builds:/builds", Volume("/builds", "/builds", None), id="a path of the host"),
        pytest.param("/etc/x:/etc/x:ro", Volume("/etc/x", "/etc/x", "ro"), id="a path with a mode"),
        pytest.param("data:/data:rw", Volume("data", "/data", "rw"), id="a volume by its name"),
    ],
)
def test_a_volume_is_read(text: str, expected: Volume) -> None:
    assert read_plan(docker(volumes=[text])).volumes == (expected,)


@pytest.mark.parametrize(
    ("image", "names"),
    [
        pytest.param("docker:28-dind", ("docker",), id="a name"),
        pytest.param("group/dind", ("group__dind", "group-dind"), id="a name with a slash"),
        pytest.param(
            "reg.example.com:5000/group/dind:1@sha256:00",
            ("reg.example.com__group__dind", "reg.example.com-group-dind"),
            id="a registry with a port, a tag and a digest",
        ),
    ],
)
def test_a_service_is_known_by_its_image(image: str, names: tuple[str, ...]) -> None:
    assert aliases_of(image) == names


def test_aliases_come_first_and_stay_when_another_image_stands_in() -> None:
    runner = docker(services=[{"name": "own/dind:1", "alias": "docker, daemon"}, {"name": "postgres:16"}])
    service, other = read_plan(runner, dind_image="docker:28-dind").services
    assert (service.image, service.aliases) == ("docker:28-dind", ("docker", "daemon", "own__dind", "own-dind"))
    assert (other.image, other.aliases) == ("postgres:16", ("postgres",))


def test_a_daemon_is_known_by_the_name_under_which_jobs_look_for_it() -> None:
    runner = {**docker(services=[{"name": "own/engine:1", "alias": "docker"}], volumes=[]), "mode": "custom"}
    assert read_plan(runner).docker
    assert [each.image for each in read_plan(runner, dind_image="docker:28-dind").services] == ["docker:28-dind"]


@pytest.mark.parametrize(
    ("image", "dind_image", "service"),
    [
        pytest.param("docker:28.5.2-cli", None, "docker:28.5.2-dind", id="of the command's version"),
        pytest.param("mirror:5000/docker:28", None, "mirror:5000/docker:28-dind", id="from the same registry"),
        pytest.param("own:1", "docker:28-dind", "docker:28-dind", id="as asked for"),
    ],
)
def test_where_jobs_bring_their_daemon_one_is_brought(image: str, dind_image: str | None, service: str) -> None:
    runner = {**docker(image=image, volumes=["/certs/client"]), "mode": "dind"}
    plan = read_plan(runner, dind_image=dind_image)
    assert [(each.image, each.aliases) for each in plan.services] == [(service, ("docker",))]


@pytest.mark.parametrize(
    ("privileged", "services", "expected"),
    [
        pytest.param(True, None, (True, True), id="as the job is"),
        pytest.param(False, True, (False, True), id="services alone"),
        pytest.param(True, False, (True, False), id="the job alone"),
    ],
)
def test_services_are_privileged(privileged: bool, services: bool | None, expected: tuple[bool, bool]) -> None:
    plan = read_plan(docker(privileged=privileged, services_privileged=services, services=["docker:dind"]))
    assert (plan.privileged, plan.services[0].privileged) == expected


@pytest.mark.parametrize(
    ("pattern", "image", "fits"),
    [
        pytest.param("docker:*-dind", "docker:28.5.2-dind", True, id="any version"),
        pytest.param("docker:*-dind", "docker:28.5.2-cli", False, id="another image"),
        pytest.param("*", "group/docker:dind", False, id="a star stops at a slash"),
        pytest.param("**/docker:*", "reg.example.com/a/docker:dind", True, id="two do not"),
        pytest.param("**/docker:*", "docker:dind", True, id="nor do they want one"),
        pytest.param("reg/{docker,dind}:2[0-9]", "reg/dind:28", True, id="one of several, and a range"),
        pytest.param("docker:2?[!.]", "docker:28.", False, id="none of a range"),
        pytest.param("docker.io/x", "dockerAio/x", False, id="a dot is a dot"),
        pytest.param("[]", "docker:28", False, id="an empty range fits nothing"),
        pytest.param("docker:[9-0]", "docker:9", False, id="nor does one that cannot be read"),
    ],
)
def test_privileges_are_for_the_images_that_are_listed(pattern: str, image: str, fits: bool) -> None:
    lists = {"allowed_privileged_images": [pattern], "allowed_privileged_services": [pattern]}
    plan = read_plan(docker(image=image, services=[image], privileged=True, **lists), "stand-in", "stand-in")
    assert (plan.privileged, plan.services[0].privileged) == (fits, fits)


@pytest.mark.parametrize(
    ("runner", "reaches"),
    [
        pytest.param(docker(), True, id="by the mode"),
        pytest.param({**docker(), "mode": "custom"}, True, id="by the socket"),
        pytest.param({**docker(volumes=[]), "mode": "custom"}, False, id="not at all"),
        pytest.param(
            {**docker(volumes=[]), "mode": "custom", "environment": {"DOCKER_HOST": "tcp://far:2375"}},
            True,
            id="by name",
        ),
        pytest.param({**docker(volumes=[], services=["docker:dind"]), "mode": "custom"}, True, id="by a service"),
        pytest.param({"name": "s", "mode": "shell", "executor": "shell", "docker": None}, True, id="on the host"),
        pytest.param({"name": "s", "mode": "shell", "docker_access": False}, False, id="not, as was said"),
    ],
)
def test_jobs_reach_an_engine(runner: dict[str, Any], reaches: bool) -> None:
    assert read_plan(runner).docker is reaches


@pytest.mark.parametrize(
    ("runner", "fault", "message"),
    [
        pytest.param(
            {"executor": "kubernetes"}, False,
            "jobs of the executor kubernetes do not run on this host; nothing was tried", id="an executor elsewhere",
        ),
        pytest.param(
            docker(host="tcp://far:2376"), False,
            "docker.host is tcp://far:2376, another machine's engine; nothing was tried on this host",
            id="an engine elsewhere",
        ),
        pytest.param(
            docker(volumes=["builds"]), True,
            "docker.volumes has 'builds'; write /container, /host:/container or name:/container", id="a bad volume",
        ),
        pytest.param(
            docker(services=[{"alias": "x"}]), True,
            "a service has no name, which is its image; give services[].name", id="a service without a name",
        ),
        pytest.param(
            {**docker(image="own:1"), "mode": "dind"}, False,
            "jobs bring a service with a Docker daemon themselves, and which is not known; give dind_image",
            id="an unknown daemon",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_says_why(runner: dict[str, Any], fault: bool, message: str) -> None:
    with pytest.raises(UnfitError) as caught:
        read_plan(runner)
    assert (caught.value.fault, caught.value.message) == (fault, message)


@pytest.mark.parametrize(
    ("more", "per_build"),
    [
        pytest.param({}, False, id="not by itself"),
        pytest.param({"environment": {"FF_NETWORK_PER_BUILD": "true"}}, True, id="by a variable"),
        pytest.param({"environment": ["FF_NETWORK_PER_BUILD=0"]}, False, id="not by a variable that says no"),
        pytest.param(
            {"feature_flags": {"FF_NETWORK_PER_BUILD": False}, "environment": ["FF_NETWORK_PER_BUILD=1"]}, False,
            id="a flag before a variable",
        ),
    ],
)  # fmt: skip
def test_a_network_of_its_own(more: dict[str, Any], per_build: bool) -> None:
    assert read_plan({**docker(), **more}).network_per_build is per_build


def test_an_engine_by_its_socket_and_settings_under_the_names_of_the_api() -> None:
    plan = read_plan(docker(host="unix:///run/other.sock", runtime="runsc", security_opt=["x"], dns="10.0.0.1"))
    assert plan.socket == "/run/other.sock"
    assert plan.settings == {"SecurityOpt": ["x"], "Dns": ["10.0.0.1"], "Runtime": "runsc"}


def test_services_have_their_own_security_options_and_no_capabilities() -> None:
    plan = read_plan(docker(security_opt=["x"], services_security_opt=["y"], cap_add=["ALL"], dns="10.0.0.1"))
    assert plan.settings == {"SecurityOpt": ["x"], "CapAdd": ["ALL"], "Dns": ["10.0.0.1"]}
    assert plan.services_settings == {"SecurityOpt": ["y"], "Dns": ["10.0.0.1"]}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param("DOCKER_HOST=tcp://docker:2376", ("docker", 2376), id="a name and a port"),
        pytest.param("DOCKER_HOST=unix:///run/docker.sock", None, id="a socket"),
        pytest.param("DOCKER_HOST", None, id="no value"),
    ],
)
def test_the_daemon_in_the_environment(variable: str, expected: tuple[str, int] | None) -> None:
    assert daemon_in([variable]) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=5,
)
KEYS = (
    "name", "mode", "executor", "environment", "docker", "image", "services", "volumes", "builds_dir", "host",
    "allowed_privileged_images", "allowed_privileged_services", "privileged", "disable_cache",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_whatever_is_given_is_a_plan_or_a_sentence(runner: dict[str, Any]) -> None:
    with suppress(UnfitError):
        assert isinstance(read_plan(runner), Plan)
