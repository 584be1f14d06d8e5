# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import mode_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images, runner_schema, runner_variables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_modes import (
    MODES,
    RISKS,
    expand,
    risks_of,
    with_expanded_config,
)

ENGINE = "5:26.1.5~3-0~debian-trixie"
URL = "https://gitlab.example.com"


# Each by itself: other variables of the runner stay.
GONE = dict.fromkeys(("DOCKER_HOST", "DOCKER_TLS_CERTDIR", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"))


def declared(mode: str, **more: Any) -> dict[str, Any]:
    return {"name": "build", "mode": mode, **more}


def facts_of(flat: dict[str, Any]) -> dict[str, Any]:
    """What facts tell of a runner once it is in config.toml, as far as it matters for its mode."""
    variables = runner_variables.table(flat.get("environment"))
    found = {
        "name": flat["name"],
        "executor": flat.get("executor"),
        "docker": flat.get("docker"),
        "environment": variables,
    }
    return {**found, "mode": mode_of(found)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        pytest.param("custom", {}, id="custom presets nothing"),
        pytest.param("shell", {"executor": "shell"}, id="the shell"),
        pytest.param(
            "socket",
            {
                "executor": "docker",
                "docker": {
                    "image": "docker:26.1.4-cli",
                    "privileged": False,
                    "volumes": ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"],
                },
            },
            id="the engine's socket",
        ),
        pytest.param(
            "dind",
            {
                "executor": "docker",
                "environment": {
                    "DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_CERTDIR": "/certs", "DOCKER_TLS_VERIFY": "1",
                    "DOCKER_CERT_PATH": "/certs/client",
                },
                "docker": {
                    "image": "docker:26.1.4-cli",
                    "privileged": True,
                    "volumes": ["/certs/client", "/cache"],
                    "services": [{"name": "docker:26.1.4-dind", "alias": "docker"}],
                },
            },
            id="a daemon of the job's own",
        ),
        pytest.param(
            "dind_insecure",
            {
                "executor": "docker",
                "environment": {
                    "DOCKER_HOST": "tcp://docker:2375", "DOCKER_TLS_CERTDIR": "", "DOCKER_TLS_VERIFY": None,
                    "DOCKER_CERT_PATH": None,
                },
                "docker": {
                    "image": "docker:26.1.4-cli",
                    "privileged": True,
                    "volumes": ["/cache"],
                    "services": [{"name": "docker:26.1.4-dind", "alias": "docker"}],
                },
            },
            id="the same without certificates",
        ),
    ],
)  # fmt: skip
def test_what_a_mode_stands_for(mode: str, expected: dict[str, Any]) -> None:
    flat = expand(declared(mode), ENGINE, url=URL)
    assert flat == {"name": "build", "url": URL, **expected}
    assert mode_of(facts_of(flat)) == mode


@pytest.mark.parametrize(
    ("engine", "image"),
    [
        pytest.param("20.10.24+dfsg1", "docker:20.10.24-cli", id="Debian's spelling"),
        pytest.param("26.1.5+dfsg1-9", "docker:26.1.4-cli", id="Debian 13's, of which there is no image"),
        pytest.param("20.10.25-0ubuntu1", "docker:20.10.24-cli", id="Ubuntu's, of which there is no image"),
        pytest.param("26.1.3", "docker:26.1.3-cli", id="an older one of such a line"),
        pytest.param("19.03.15", "docker:20.10.6", id="an engine below GitLab's floor"),
        pytest.param("20.10.16", "docker:20.10.16", id="before there were tags for the command alone"),
        pytest.param("20.10.17", "docker:20.10.17-cli", id="the first with such a tag"),
        pytest.param("29.0.0-rc.1", "docker:29.0.0-rc1-cli", id="a candidate"),
        pytest.param(None, "docker:28.5.2-cli", id="an engine of which nothing is known"),
        pytest.param("dev", "docker:28.5.2-cli", id="an engine that does not tell"),
    ],
)
def test_the_image_is_that_of_the_engine(engine: str | None, image: str) -> None:
    for mode in ("socket", "dind"):
        assert expand(declared(mode), engine)["docker"]["image"] == image
    services = expand(declared("dind"), engine)["docker"]["services"]
    command, daemon = images.image_base(image), images.image_base(services[0]["name"])
    assert command.docker_version == daemon.docker_version
    assert daemon.dind


def test_what_is_declared_wins_key_by_key() -> None:
    config = {
        "limit": 2, "executor": "docker-autoscaler",
        "docker": {"image": "registry.example.com/docker:cli", "volumes": ["/cache"], "pull_policy": "if-not-present"},
    }  # fmt: skip
    before = copy.deepcopy(config)
    flat = expand(declared("socket", url=URL, config=config), ENGINE, url="https://other.example.com")
    assert flat == {
        "name": "build", "url": URL, "limit": 2, "executor": "docker-autoscaler",
        "docker": {
            "image": "registry.example.com/docker:cli", "privileged": False, "volumes": ["/cache"],
            "pull_policy": "if-not-present",
        },
    }  # fmt: skip
    assert config == before


def test_a_null_removes_what_the_mode_sets_and_what_the_file_has() -> None:
    flat = expand(declared("dind", config={"environment": None, "docker": {"services": None, "memory": None}}), ENGINE)
    assert flat["environment"] is None
    assert flat["docker"]["services"] is None
    assert flat["docker"]["memory"] is None
    assert flat["docker"]["privileged"] is True


def test_a_variable_more_does_not_do_away_with_those_of_the_mode() -> None:
    config = {"environment": ["HTTP_PROXY=http://proxy:3128", "DOCKER_TLS_CERTDIR=/tls"]}
    assert expand(declared("dind", config=config), ENGINE)["environment"] == [
        "DOCKER_HOST=tcp://docker:2376", "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=/certs/client",
        "HTTP_PROXY=http://proxy:3128", "DOCKER_TLS_CERTDIR=/tls",
    ]  # fmt: skip


def test_variables_may_be_declared_one_by_one() -> None:
    config = {"environment": {"HTTP_PROXY": "http://proxy:3128", "DOCKER_TLS_CERTDIR": "/tls", "OLD": None}}
    assert expand(declared("dind", config=config), ENGINE)["environment"] == {
        "DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_CERTDIR": "/tls", "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": "/certs/client", "HTTP_PROXY": "http://proxy:3128", "OLD": None,
    }  # fmt: skip


def test_builds_elsewhere_are_shared_from_there() -> None:
    flat = expand(declared("socket", config={"builds_dir": "/srv/ci"}), ENGINE)
    assert flat["docker"]["volumes"][0] == "/srv/ci:/srv/ci"


def test_a_runner_that_goes_is_its_name_alone() -> None:
    assert expand(declared("socket", state="absent", config={"limit": 1})) == {"name": "build", "state": "absent"}


@pytest.mark.parametrize(
    ("was", "now", "removed"),
    [
        pytest.param(
            "dind", "socket", {"environment": GONE, "docker": {"services": None}}, id="from dind to the socket"
        ),
        pytest.param("dind_insecure", "shell", {"environment": GONE}, id="from dind to the shell"),
        pytest.param("socket", "socket", {}, id="no change"),
        pytest.param("dind", "custom", {}, id="custom presets nothing and removes nothing"),
        pytest.param("dind", "dind_insecure", {}, id="from one dind to the other"),
    ],
)
def test_a_runner_keeps_nothing_of_another_mode_that_would_mislead_its_jobs(
    was: str, now: str, removed: dict[str, Any]
) -> None:
    before = [facts_of(expand({"name": "other", "mode": "dind"})), facts_of(expand(declared(was), ENGINE))]
    plain, found = expand(declared(now), ENGINE), expand(declared(now), ENGINE, before=before)
    docker = {**plain.get("docker", {}), **removed.get("docker", {})}
    assert found == {**plain, **removed, **({"docker": docker} if docker else {})}
    # Once that is done, there is nothing more to do.
    assert expand(declared(now), ENGINE, before=[facts_of(found)]) == plain


def test_what_is_declared_is_kept_when_the_mode_changes() -> None:
    config = {"environment": ["A=b"], "docker": {"services": [{"name": "redis:7"}]}}
    before = [facts_of(expand(declared("dind"), ENGINE))]
    flat = expand(declared("socket", config=config), ENGINE, before=before)
    assert flat["environment"] == ["A=b"]
    assert flat["docker"]["services"] == [{"name": "redis:7"}]


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.none() | st.integers(0, 9),
        "environment": st.none()
        | st.lists(st.sampled_from(["A=1", "B=", "DOCKER_HOST=x", "DOCKER_TLS_VERIFY="]))
        | st.dictionaries(st.sampled_from(["A", "DOCKER_HOST"]), st.none() | st.sampled_from(["", "x"])),
        "docker": st.fixed_dictionaries(
            {}, optional={"volumes": st.none() | st.just(["/cache"]), "services": st.none(), "image": st.just("ruby:3")}
        ),
    },
)


@given(st.sampled_from(MODES), CONFIGS)
def test_expanding_what_was_expanded_changes_nothing(mode: str, config: dict[str, Any]) -> None:
    once = with_expanded_config(declared(mode, config=config), ENGINE, url=URL)
    assert with_expanded_config(once, None) == once
    assert (once["mode"], once["state"], once["url"]) == (mode, "present", URL)
    assert not {"name", "url", "state"} & set(once["config"])
    assert expand(once) == expand(declared(mode, config=config), ENGINE, url=URL)


def test_no_mode_sets_a_key_that_the_runner_does_not_know() -> None:
    flats = [expand({"name": mode, "mode": mode}, ENGINE, url=URL) for mode in MODES if mode != "custom"]
    assert runner_schema.problems({}, flats, "18.2.0") == []


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(ValueError, match="mode is 'dnid', which is none of custom, socket, dind"):
        expand(declared("dnid"))


@pytest.mark.parametrize(
    ("runner", "group", "risks"),
    [
        pytest.param(declared("custom"), True, [], id="nothing is known of custom"),
        pytest.param(declared("socket"), False, ["socket"], id="the socket"),
        pytest.param(declared("dind"), False, ["privileged"], id="dind"),
        pytest.param(declared("shell"), False, [], id="the shell alone"),
        pytest.param(declared("shell"), True, ["docker_group"], id="the shell with the group"),
        pytest.param(
            declared("dind", config={"docker": {"privileged": False, "services_privileged": True}}), False,
            ["privileged"], id="privileges for services",
        ),
        pytest.param(
            declared("custom", config={"docker": {"volumes": ["/run/docker.sock:/docker.sock"], "privileged": True}}),
            False, ["socket", "privileged"], id="a hand-made runner with both",
        ),
        pytest.param(declared("socket", config={"docker": {"volumes": None}}), False, [], id="a mode without its risk"),
    ],
)  # fmt: skip
def test_risks_are_those_of_the_settings_and_not_of_the_word(
    runner: dict[str, Any], group: bool, risks: list[str]
) -> None:
    assert risks_of(expand(runner), group) == risks
    assert set(risks) <= set(RISKS)
