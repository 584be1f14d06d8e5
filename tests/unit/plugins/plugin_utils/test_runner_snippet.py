# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_modes import (
    MODES,
    VARIABLES,
    with_expanded_config,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_snippet import snippet


def job(text: str) -> dict[str, Any]:
    """The one job of a snippet."""
    document = yaml.safe_load(text)
    assert list(document) == ["docker-example"]
    return dict(document["docker-example"])


def declared(mode: str, **more: Any) -> dict[str, Any]:
    return {"name": "build", "mode": mode, "tags": ["docker", "big: one"], **more}


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "custom"])
def test_a_job_builds_an_image_and_runs_it_with_a_folder_of_its_checkout(mode: str) -> None:
    found = job(snippet(declared(mode), "26.1.5"))
    assert found["tags"] == ["docker", "big: one"]
    script = "\n".join(found["script"])
    assert "docker version\n" in script
    assert "docker build --tag" in script
    assert 'docker run --rm -v "$PWD/data:/app/data"' in script
    assert found.get("image") == (None if mode == "shell" else "docker:26.1.4-cli")


@pytest.mark.parametrize("mode", MODES)
def test_a_runner_whose_mode_was_applied_gives_the_same(mode: str) -> None:
    expanded = with_expanded_config(declared(mode), "26.1.5")
    assert snippet(expanded) == snippet(declared(mode), "26.1.5")


def test_the_socket_needs_neither_service_nor_variables() -> None:
    text = snippet(declared("socket"), "26.1.5")
    assert not {"services", "variables"} & set(job(text))
    assert "bind mounts of it work" in text


def test_without_shared_builds_the_snippet_says_what_happens() -> None:
    volumes = ["/cache", "/var/run/docker.sock:/var/run/docker.sock"]
    assert "a bind mount of it is an EMPTY folder" in snippet(
        declared("socket", config={"docker": {"volumes": volumes}})
    )


def test_what_the_runner_gives_is_told_and_not_repeated() -> None:
    text = snippet(declared("dind"), "26.1.5")
    assert not {"services", "variables"} & set(job(text))
    assert "# The runner starts docker:26.1.4-dind as docker for each job: do not list it under services again." in text
    assert "# The runner sets DOCKER_HOST, DOCKER_TLS_CERTDIR, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH" in text


@pytest.mark.parametrize("mode", sorted(VARIABLES))
def test_what_the_runner_does_not_give_is_in_the_job(mode: str) -> None:
    config = {"environment": None, "docker": {"services": None, "image": "docker:28.5.2-cli"}}
    found = job(snippet(declared(mode, config=config), "26.1.5"))
    assert found["services"] == [{"name": "docker:28.5.2-dind", "alias": "docker"}]
    assert found["variables"] == VARIABLES[mode]


def test_a_hand_made_runner_is_told_by_its_settings() -> None:
    config = {
        "executor": "docker",
        "docker": {"image": "docker:28.5.2-cli", "privileged": True, "volumes": ["/certs/client", "/cache"]},
    }
    found = job(snippet(declared("custom", config=config)))
    assert found["services"][0]["name"] == "docker:28.5.2-dind"
    text = snippet(declared("custom"))
    assert "not known from its settings" in text
    assert "docker" not in "".join(job(text)["script"])


@pytest.mark.parametrize("tag", ["\U0001f433", "größer", "a:b", "a: b", "yes", "1:30", "a, b", "x]"])
def test_a_tag_is_the_same_when_it_is_read_again(tag: str) -> None:
    assert job(snippet(declared("shell", tags=[tag])))["tags"] == [tag]


def test_tags_that_nobody_declared_are_asked_for() -> None:
    assert "# Add the tags that the runner has in GitLab" in snippet({"name": "build", "mode": "shell"})
    assert "# Add the tags" not in snippet({"name": "build", "mode": "shell", "run_untagged": True})


@given(
    st.sampled_from(MODES),
    st.text(min_size=1),
    st.lists(st.text(min_size=1), max_size=3),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_whatever_the_names_it_is_one_job(mode: str, name: str, tags: list[str], image: str) -> None:
    config = {"docker": {"image": image, "services": [{"name": f"{image}dind", "alias": "a\nb: c"}]}}
    found = job(snippet({"name": name, "mode": mode, "tags": tags, "config": config}))
    assert all(isinstance(tag, str) for tag in found.get("tags", []))
