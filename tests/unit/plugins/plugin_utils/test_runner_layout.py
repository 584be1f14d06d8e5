# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.filter import runner_host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_layout
from tests.lab import certificates

PEM = "-----BEGIN CERTIFICATE-----\n"
DIGEST = hashlib.sha256(PEM.encode()).hexdigest()
HERE = {"name": "build", "url": "https://gitlab.example.com:8443/gitlab"}


@pytest.mark.parametrize(
    ("runner", "there", "missing"),
    [
        pytest.param(HERE, {}, ["gitlab.example.com.crt"], id="a server is trusted by its name without the port"),
        pytest.param(HERE, {"gitlab.example.com.crt": DIGEST}, [], id="what is there is not missing"),
        pytest.param(HERE, {"gitlab.example.com.crt": "0"}, ["gitlab.example.com.crt"], id="another one is replaced"),
        pytest.param({**HERE, "state": "absent"}, {}, [], id="a runner that goes needs none"),
        pytest.param(
            {**HERE, "config": {"tls-ca-file": "/ca"}}, {}, [], id="a runner with a file of its own needs none"
        ),
        pytest.param({"name": "build"}, {}, [], id="a runner without an address needs none"),
        pytest.param(
            {"url": "https://me:word@GitLab.Example.com:8443/"}, {}, ["GitLab.Example.com.crt"],
            id="a server is looked for in the spelling of its address",
        ),
        pytest.param({"url": "https://[fd00::4]:8443"}, {}, ["[fd00.crt"], id="and up to its first colon"),
    ],
)  # fmt: skip
def test_certificates(runner: dict[str, Any], there: dict[str, str], missing: list[str]) -> None:
    assert runner_layout.certificates([runner, runner], PEM, there) == missing


@pytest.mark.parametrize(
    ("managed", "missing"),
    [
        pytest.param([], ["gitlab.example.com.crt"], id="nobody else keeps it"),
        pytest.param(["/etc/gitlab-runner/certs/gitlab.example.com.crt"], [], id="role registry_ca keeps it"),
        pytest.param(
            ["/etc/gitlab-runner/certs/other.crt", "/etc/docker/certs.d/gitlab.example.com/ca.crt"],
            ["gitlab.example.com.crt"], id="it keeps others",
        ),
    ],
)  # fmt: skip
def test_a_certificate_of_role_registry_ca_is_left_to_it(managed: list[str], missing: list[str]) -> None:
    assert runner_layout.certificates([HERE], PEM, {}, managed) == missing
    facts = {"gitlab_runner": {"certificates": {}}, "registry_ca": {"managed": managed}}
    assert runner_host.runner_layout([HERE], facts, PEM)["certificates"] == missing


@pytest.mark.parametrize(
    ("given", "authority", "said"),
    [
        pytest.param("", "", None, id="none is no mistake"),
        pytest.param("ca.crt", "", "'ca.crt', and the controller has no such file", id="a file that is not there"),
        pytest.param("ca.crt", " \n", "'ca.crt', and the controller has no such file", id="an empty file"),
        pytest.param(PEM, PEM, "no certificate in the form of PEM", id="half a certificate"),
        pytest.param("ca.der", "0\ufffd", "no certificate in the form of PEM", id="another form"),
        pytest.param("ca.pem", f"{PEM}-----BEGIN PRIVATE KEY-----\n", "has a private key in it", id="a key among them"),
    ],
)
def test_an_authority_is_looked_at_before_a_host_trusts_it(given: str, authority: str, said: str | None) -> None:
    found = runner_layout.authority_errors(given, authority)
    assert len(found) == (1 if said else 0)
    assert (said or "") in "".join(found)
    assert "BEGIN" not in str(found)


def test_a_certificate_is_no_mistake(tmp_path: Path) -> None:
    text = certificates.ensure(tmp_path, ["IP:127.0.0.1"]).ca.read_text()
    assert runner_layout.authority_errors("ca.crt", f"# Főtanúsítvány\n{text}{text}") == []


@pytest.mark.parametrize(
    ("config", "there", "missing"),
    [
        pytest.param({"docker": {"volumes": ["/builds:/builds", "/cache"]}}, [], ["/builds"], id="the shared folder"),
        pytest.param({"docker": {"volumes": ["/builds:/builds:rw"]}}, ["/builds"], [], id="it is there"),
        pytest.param({"docker": {"volumes": ["/srv:/builds", "/cache"]}}, [], [], id="another path is no shared one"),
        pytest.param(
            {"builds_dir": "/ci", "docker": {"volumes": ["/ci:/ci", "/builds:/builds"]}}, [], ["/ci"],
            id="it goes by builds_dir",
        ),
        pytest.param({"docker": None}, [], [], id="no container, no folder"),
        pytest.param({}, [], [], id="nothing declared"),
    ],
)  # fmt: skip
def test_folders(config: dict[str, Any], there: list[str], missing: list[str]) -> None:
    assert runner_layout.folders([{"name": "build", "config": config}], there) == missing


def test_a_runner_that_goes_needs_no_folder() -> None:
    runner = {"name": "build", "state": "absent", "config": {"docker": {"volumes": ["/builds:/builds"]}}}
    assert runner_layout.folders([runner], []) == []
