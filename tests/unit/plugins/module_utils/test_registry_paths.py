# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths


@pytest.mark.parametrize(
    ("host", "name"),
    [
        pytest.param("registry.example:5000", "registry.example", id="a name with a port"),
        pytest.param("registry.example", "registry.example", id="a name"),
        pytest.param("10.0.0.4:5000", "10.0.0.4", id="an address with a port"),
        pytest.param("Git.Example", "Git.Example", id="the runner keeps the spelling"),
        pytest.param("[fd00::4]:5000", "[fd00", id="the runner cuts IPv6 addresses at their first colon"),
    ],
)
def test_names_are_what_the_runner_makes_of_hosts(host: str, name: str) -> None:
    assert paths.name_of(host) == name
    assert paths.runner(host) == f"/etc/gitlab-runner/certs/{name}.crt"


def test_folders_have_the_host_as_images_have_it() -> None:
    assert paths.ca("engine", "[fd00::4]:5000") == "/etc/docker/certs.d/[fd00::4]:5000/ca.crt"
    assert paths.ca("podman", "registry.example:5000") == "/etc/containers/certs.d/registry.example:5000/ca.crt"
    folder = "/etc/runnerkit/certs.d/registry.example"
    assert paths.client("dind", "registry.example") == (f"{folder}/client.cert", f"{folder}/client.key")


def test_what_jobs_can_read_is_in_folders_of_its_own() -> None:
    assert paths.DIND_VOLUME == "/etc/runnerkit/certs.d:/etc/docker/certs.d:ro"
    assert paths.HELPER_VOLUME == "/etc/runnerkit/helper-certs:/etc/gitlab-runner/certs:ro"
    assert paths.helper() == "/etc/runnerkit/helper-certs/ca.crt"


def test_anchors_are_named_by_their_certificate() -> None:
    assert paths.anchor("ABCDEF0123456789" + "0" * 48) == "runnerkit-abcdef0123456789"
