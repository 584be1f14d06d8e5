# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The trust on a host has to reach the containers of its jobs, and its runners."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.plugin_utils.registry_world import HOST, authority, found, known
from tests.unit.plugins.plugin_utils.test_findings_runner import runner

MOUNT = "/etc/runnerkit/certs.d:/etc/docker/certs.d:ro"
HELPER = "/etc/runnerkit/helper-certs:/etc/gitlab-runner/certs:ro"
OWN_IMAGE = [{"name": "registry.example:5000/dind:26.1.5", "alias": "docker"}]


@pytest.mark.parametrize(
    ("layers", "given", "expected"),
    [
        pytest.param(["dind"], runner("dind"), ("dind", "broken"), id="docker's own image without the volume"),
        pytest.param(["dind"], runner("dind", volumes=["/certs/client", "/cache", MOUNT]), None, id="with the volume"),
        pytest.param(
            ["dind"], runner("dind", volumes=["/certs/client", "/srv/docker:/etc/docker"]), None, id="another"
        ),
        pytest.param(["dind"], runner("dind", volumes=["/etc/docker/certs.d"]), ("dind", "broken"), id="an empty one"),
        pytest.param(["dind"], runner("dind", services=OWN_IMAGE), ("dind", "degraded"), id="an image of one's own"),
        pytest.param(["dind"], runner("dind", services=[]), ("dind", "degraded"), id="jobs name the service"),
        pytest.param(["dind"], runner("socket"), None, id="no daemon of its own"),
        pytest.param(["dind"], runner("dind", host="tcp://10.0.0.7:2376"), None, id="on another host"),
        pytest.param(["engine"], runner("dind"), None, id="nothing is there for dind services"),
        pytest.param(["helper"], runner("socket"), ("runner", "degraded"), id="helper containers without the volume"),
        pytest.param(["helper"], runner("socket", volumes=["/cache", HELPER]), None, id="helper containers with it"),
        pytest.param(
            ["helper"], runner("socket", volumes=["/srv/ca.pem:/etc/gitlab-runner/certs/ca.crt:ro"]), None,
            id="the one file, as GitLab's documentation has it",
        ),
        pytest.param(
            ["helper"], runner("socket", volumes=["/srv/other.crt:/etc/gitlab-runner/certs/other.crt:ro"]),
            ("runner", "degraded"), id="another file there, which helper images pass over",
        ),
        pytest.param(["helper"], runner("shell"), None, id="no helper containers"),
    ],
)  # fmt: skip
def test_containers_have_to_see_it(layers: list[str], given: dict[str, Any], expected: tuple[str, str] | None) -> None:
    host = HOST if layers != ["helper"] else None
    told = found(known(authority(host, layers)), gitlab_runner={"version": "18.2.0", "runners": [given]})
    seen = [(each.layer, each.severity) for each in told if each.id == "registry_ca_not_mounted"]
    assert seen == ([expected] if expected else [])


def test_a_folder_of_one_registry_is_not_asked_for_again() -> None:
    folder = "/etc/docker/certs.d/other.example"
    given = runner("dind", volumes=["/certs/client", f"{folder}:{folder}:ro"])
    trusted = known(authority(HOST, ["dind"]), authority("other.example", ["dind"]))
    [finding] = [
        each
        for each in found(trusted, gitlab_runner={"version": "18.2.0", "runners": [given]})
        if each.id == "registry_ca_not_mounted"
    ]
    assert finding.evidence["registries"] == [HOST]


FILE = "/etc/gitlab-runner/certs/gitlab.example.com.crt"
GITLAB = authority(None, ["runner"], name="gitlab.example.com", paths=[FILE])


@pytest.mark.parametrize(
    ("url", "given", "overridden"),
    [
        pytest.param("https://gitlab.example.com:8443/", "/srv/ca.crt", True, id="another file"),
        pytest.param("https://********@gitlab.example.com", "/srv/ca.crt", True, id="a user in the address"),
        pytest.param("https://gitlab.example.com", FILE, False, id="that very file"),
        pytest.param("https://gitlab.example.com", None, False, id="none"),
        pytest.param("https://other.example.com", "/srv/ca.crt", False, id="nothing is there for its server"),
        pytest.param("no address", "/srv/ca.crt", False, id="no address"),
    ],
)
def test_a_file_of_its_own_hides_the_one_that_is_there(url: str, given: str | None, overridden: bool) -> None:
    one = {**runner("shell"), "url": url, "tls_ca_file": given}
    told = [
        (each.layer, each.severity, each.evidence["path"])
        for each in found(known(GITLAB), gitlab_runner={"version": "18.2.0", "runners": [one]})
        if each.id == "registry_ca_overridden"
    ]
    assert told == ([("runner", "degraded", FILE)] if overridden else [])
