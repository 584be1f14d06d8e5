# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What was declared for registries has to be there, the same at every layer, and seen by containers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.plugin_utils.registry_world import FUTURE, HOST, PAST, authority, found, known, said

NEW = authority(subject="CN=New CA")
CA_CRT = "/etc/docker/certs.d/registry.example:5000/ca.crt"
EXPECTED = [{"host": HOST, "layers": ["engine", "podman", "dind"]}]
PODMAN = {"podman": {"version": "4.3.1"}}


@pytest.mark.parametrize(
    ("registries", "declared", "more", "missing", "severity"),
    [
        pytest.param(known(NEW), EXPECTED, {}, None, None, id="all of it is there"),
        pytest.param(None, EXPECTED, {}, None, None, id="nobody looked"),
        pytest.param(known(), EXPECTED, {}, ["engine", "podman", "dind"], "broken", id="nothing is there"),
        pytest.param(
            known(authority(layers=["engine", "podman"])), EXPECTED, {}, ["dind"], "broken", id="not for dind services"
        ),
        pytest.param(
            known(authority(layers=["engine", "dind"])), EXPECTED, {}, ["podman"], "degraded",
            id="not for podman, which is not there either",
        ),
        pytest.param(
            known(authority(layers=["engine", "dind"])), EXPECTED, PODMAN, ["podman"], "broken", id="not for podman"
        ),
        pytest.param(
            known(NEW), [{"host": HOST, "layers": ["engine", "os"]}], {}, ["os"], "broken", id="not in the OS store"
        ),
        pytest.param(
            known(NEW, authority(None, ["os"], subject="CN=Company Root")),
            [{"host": HOST, "layers": ["engine", "os"]}], {}, ["os"], "broken", id="others are in the OS store",
        ),
        pytest.param(
            known(NEW, authority(None, ["os"], subject="CN=New CA")), [{"host": HOST, "layers": ["engine", "os"]}], {},
            None, None, id="it is in the OS store",
        ),
        pytest.param(
            known(authority(None, ["runner"], name="gitlab.example.com")),
            [{"host": "gitlab.example.com:8443", "layers": ["runner"]}], {}, None, None,
            id="the runner's, without port",
        ),
        pytest.param(
            known(), [{"host": "gitlab.example.com", "layers": ["runner", "helper"]}], {}, ["runner", "helper"],
            "broken", id="the runner's",
        ),
        pytest.param(
            known(authority(layers=["podman", "dind"]), errors=[{"path": CA_CRT, "error": "it is empty"}]),
            EXPECTED, {}, None, None, id="a file that cannot be read is not missing",
        ),
        pytest.param(
            known(errors=[{"path": "/etc/gitlab-runner/certs", "error": "it cannot be read: Permission denied"}]),
            [{"host": "gitlab.example.com", "layers": ["runner"]}], {}, None, None,
            id="a folder that cannot be looked into lacks nothing",
        ),
        pytest.param(known(authority("Registry.Example:5000")), EXPECTED, {}, None, None, id="in other letters"),
    ],
)  # fmt: skip
def test_what_is_declared_has_to_be_there(
    registries: Any, declared: Any, more: dict[str, Any], missing: list[str] | None, severity: str | None
) -> None:
    told = [each for each in found(registries, None, declared, **more) if each.id == "registry_ca_missing"]
    assert [(each.evidence["layers"], each.severity) for each in told] == ([(missing, severity)] if missing else [])


def test_layers_that_trust_others_are_told_apart() -> None:
    [finding] = found(known(authority(layers=["engine", "podman"]), authority(layers=["dind"], subject="CN=Old CA")))
    assert (finding.id, finding.severity) == ("registry_ca_differs", "degraded")
    assert finding.summary == (
        "registry.example:5000: not every layer trusts the same CAs: engine and podman have CN=Example CA; dind has "
        "CN=Old CA"
    )


def test_two_of_one_name_are_told_apart_by_their_fingerprints() -> None:
    one, other = authority(layers=["engine"]), authority(layers=["dind"], not_after=FUTURE)
    [finding] = found(known(one, other))
    assert f"engine has that with SHA-256 {one['sha256'][:16]}; dind has that with" in finding.summary


def test_an_expired_one_at_one_layer_makes_no_difference() -> None:
    left = authority(layers=["engine"], not_after=PAST, subject="CN=Old CA")
    assert said(known(NEW, left)) == {"registry_ca_expired": "note"}
