# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_runner, runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    registry_login,
    runner_modes,
    runner_schema,
    runner_snippet,
    runner_surroundings,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_modes import MODES, expand, with_expanded_config
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_surroundings import LOGIN, NONE, read
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping

DIND = "/etc/runnerkit/certs.d:/etc/docker/certs.d:ro"
HELPER = "/etc/runnerkit/helper-certs:/etc/gitlab-runner/certs:ro"
SECRET = "geheim-4711"
LOGINS = [{"registry": "registry.example:5000", "username": "runner", "password": SECRET}]
ALL = {
    "layers": ["engine", "dind", "helper"], "mirrors": ["https://mirror.example/"],
    "dind_image": "registry.example:5000/ci/engine:28.5.2", "logins": LOGINS,
}  # fmt: skip


def declared(mode: str, **more: Any) -> dict[str, Any]:
    return {"name": "build", "mode": mode, **more}


@pytest.mark.parametrize(
    ("mode", "layers", "volumes"),
    [
        pytest.param("dind", [], ["/certs/client", "/cache"], id="without trust nothing is mounted"),
        pytest.param("dind", ["engine", "podman", "os", "runner"], ["/certs/client", "/cache"], id="nor for the host"),
        pytest.param("dind", ["dind"], ["/certs/client", "/cache", DIND], id="dind services get a folder of their own"),
        pytest.param("dind_insecure", ["dind", "helper"], ["/cache", DIND, HELPER], id="without TLS as well"),
        pytest.param("dind", ["helper"], ["/certs/client", "/cache", HELPER], id="the helper's alone"),
        pytest.param(
            "socket", ["dind", "helper"],
            ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock", HELPER],
            id="with the socket there is no nested engine",
        ),
    ],
)  # fmt: skip
def test_trust_is_mounted_where_it_is_looked_for(mode: str, layers: list[str], volumes: list[str]) -> None:
    flat = expand(declared(mode), surroundings=read({"layers": layers}))
    assert flat["docker"]["volumes"] == volumes
    assert runner_mode.mode_of({**flat, "environment": flat.get("environment") or {}}) == mode


@pytest.mark.parametrize("mode", ["dind", "dind_insecure"])
def test_the_service_gets_mirrors_and_an_image_of_ones_own(mode: str) -> None:
    flat = expand(declared(mode), "28.5.2", surroundings=read(ALL))
    assert flat["docker"]["services"] == [
        {
            "name": "registry.example:5000/ci/engine:28.5.2", "alias": "docker",
            "command": ["--registry-mirror=https://mirror.example"],
        }
    ]  # fmt: skip
    # Whatever the image is called, it is known by its alias.
    assert runner_mode.dind_services(flat["docker"]["services"])


@pytest.mark.parametrize("mode", ["socket", "dind", "dind_insecure"])
def test_a_login_is_one_variable_more(mode: str) -> None:
    plain, found = expand(declared(mode)), expand(declared(mode), surroundings=read({"logins": LOGINS}))
    login = registry_login.variable(LOGINS)
    assert found == {**plain, "environment": {**plain.get("environment", {}), LOGIN: login}}


@pytest.mark.parametrize("mode", ["custom", "shell"])
def test_custom_and_shell_get_nothing(mode: str) -> None:
    assert expand(declared(mode), surroundings=read(ALL)) == expand(declared(mode))


@pytest.mark.parametrize("mode", MODES)
def test_nothing_around_changes_nothing(mode: str) -> None:
    empty = {"layers": [], "mirrors": [], "dind_image": "", "logins": [], "logins_before": []}
    for nothing in (None, {}, empty):
        assert expand(declared(mode), surroundings=read(nothing)) == expand(declared(mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("given", "config", "expected"),
    [
        pytest.param({"logins_before": ["build"]}, {}, {LOGIN: None}, id="one that is not declared any more goes"),
        pytest.param({"logins_before": ["other"]}, {}, {}, id="one that is not ours stays"),
        pytest.param(
            {"logins_before": ["build"]}, {"environment": {LOGIN: "{}"}}, {LOGIN: "{}"}, id="a declared one wins"
        ),
    ],
)
def test_logins_of_before(mode: str, given: dict[str, Any], config: dict[str, Any], expected: dict[str, Any]) -> None:
    flat = expand(declared(mode, config=config), surroundings=read(given))
    environment = mapping(flat.get("environment"))
    assert {name: value for name, value in environment.items() if name == LOGIN} == expected


def test_a_login_that_goes_leaves_other_variables_that_are_declared_as_a_list() -> None:
    flat = expand(declared("dind", config={"environment": ["A=b"]}), surroundings=read({"logins_before": ["build"]}))
    assert [each.partition("=")[0] for each in flat["environment"]] == [*runner_modes.VARIABLES["dind"], "A"]


def test_what_is_declared_wins() -> None:
    config = {"environment": {LOGIN: None}, "docker": {"volumes": ["/cache"], "services": None}}
    flat = expand(declared("dind", config=config), surroundings=read(ALL))
    assert flat["docker"]["volumes"] == ["/cache"]
    assert flat["docker"]["services"] is None
    assert flat["environment"][LOGIN] is None


def test_nothing_of_it_is_unknown_to_the_runner() -> None:
    flats = [expand({"name": mode, "mode": mode}, surroundings=read(ALL)) for mode in MODES if mode != "custom"]
    assert runner_schema.problems({}, [{**one, "url": "https://gitlab.example"} for one in flats], "18.2.0") == []


@given(st.sampled_from(MODES), st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in ALL.items()}))
def test_expanding_what_was_expanded_changes_nothing(mode: str, given: dict[str, Any]) -> None:
    around = read(given)
    once = with_expanded_config(declared(mode), "28.5.2", surroundings=around)
    assert with_expanded_config(once, None) == once
    assert with_expanded_config(once, None, surroundings=around) == once


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colour": "blue"}, "surroundings is a dictionary of layers, mirrors, dind_image, logins, logins_before, and"),
        ([1], "surroundings is a dictionary of layers, mirrors, dind_image, logins, logins_before, and has list"),
        ({"logins": [{"registry": "r", "username": SECRET}]}, "surroundings.logins[0]: password is missing"),
    ],
    ids=["an unknown key", "a list", "half a login"],
)
def test_what_is_wrong_is_told_without_a_secret(given: Any, words: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its text is what matters
        read(given)
    assert str(raised.value).startswith(words)
    assert SECRET not in str(raised.value)


def test_no_password_is_shown_by_accident() -> None:
    assert "auths" not in repr(read(ALL))
    assert read(None) is NONE


def test_runners_that_have_the_login_are_told_by_name() -> None:
    around = read({"logins": LOGINS})
    kinds: dict[str, dict[str, Any]] = {
        "socket": {"mode": "socket"},
        "listed": {"mode": "dind", "config": {"environment": ["A=b"]}},
        "own": {"mode": "dind", "config": {"environment": {LOGIN: "{}"}}},
        "shell": {"mode": "shell"},
        "gone": {"mode": "dind", "state": "absent"},
    }
    runners = [with_expanded_config({"name": name, **more}, surroundings=around) for name, more in kinds.items()]
    assert runner_surroundings.with_login(runners, registry_login.variable(LOGINS)) == ["socket", "listed"]
    assert runner_surroundings.with_login(runners, None) == []


@pytest.mark.parametrize("login", [None, "", "{", "[]", '{"auths": [], "credHelpers": 5}'])
def test_a_login_that_cannot_be_read_is_for_no_registry(login: str | None) -> None:
    assert runner_surroundings.registries_of(login) == []


def test_the_snippet_tells_what_surrounds_the_job_and_no_password() -> None:
    logins = [*LOGINS, {"registry": "ecr.example", "helper": "ecr-login"}]
    expanded = with_expanded_config(declared("dind"), "28.5.2", surroundings=read({**ALL, "logins": logins}))
    text = runner_snippet.snippet(expanded)
    assert "# The runner starts registry.example:5000/ci/engine:28.5.2 as docker for each job" in text
    assert "# It trusts the private registries that its host has for it, by /etc/docker/certs.d." in text
    assert "# Images of Docker Hub come to it through https://mirror.example." in text
    assert "# The runner is logged in to registry.example:5000 and ecr.example (DOCKER_AUTH_CONFIG)" in text
    login = json.loads(registry_login.variable(logins) or "")
    assert login["auths"]["registry.example:5000"]["auth"] not in text
    assert SECRET not in text


def test_the_snippet_names_the_image_that_jobs_have_to_bring() -> None:
    config = {"docker": {"services": None}}
    text = runner_snippet.snippet(declared("dind", config=config), "28.5.2", "registry.example/ci/dind:1")
    assert "    - name: registry.example/ci/dind:1\n" in text


def test_mirrors_do_not_make_a_command_that_listens_elsewhere() -> None:
    """Facts keep a command to themselves, and tell only whether the daemon may listen where nobody looks for it."""
    command = runner_surroundings.read(ALL).service["command"]
    assert not facts_runner._listens_elsewhere(command)
    assert facts_runner._listens_elsewhere([*command, "--host=tcp://0.0.0.0:1"])
