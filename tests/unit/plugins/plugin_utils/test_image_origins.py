# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_origins import Origin, origin
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_reference import ImageReference

OWN = Origin()


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        # Where the makers publish
        pytest.param("alpine", Origin("alpine"), id="a name alone"),
        pytest.param("library/alpine", Origin("alpine"), id="Docker Hub's library"),
        pytest.param("opensuse/leap", Origin("leap"), id="a publisher on Docker Hub"),
        pytest.param("quay.io/centos/centos:stream9", Origin("centos"), id="a publisher on quay.io"),
        pytest.param("registry.fedoraproject.org/fedora:40", Origin("fedora"), id="a distribution's own registry"),
        pytest.param("registry.access.redhat.com/ubi9", Origin(named_by_base=True), id="Red Hat's registry"),
        pytest.param("redhat/ubi9-minimal", Origin(named_by_base=True), id="Red Hat on Docker Hub"),
        pytest.param("gcr.io/distroless/cc-debian12", Origin(named_by_base=True), id="distroless"),
        pytest.param("arm32v7/alpine", Origin("alpine", architecture="armv7l"), id="the images of one architecture"),
        # Copies
        pytest.param("mirror.gcr.io/library/alpine", Origin("alpine", copy=True), id="Google's mirror"),
        pytest.param("public.ecr.aws/docker/library/alpine", Origin("alpine", copy=True), id="Amazon's mirror"),
        pytest.param("registry.example:5000/alpine", Origin("alpine", copy=True), id="directly below a registry"),
        pytest.param("localhost:5000/alpine", Origin("alpine", copy=True), id="a registry on this very host"),
        pytest.param(
            "gitlab.example/a/b/dependency_proxy/containers/alpine", Origin("alpine", copy=True), id="GitLab's proxy"
        ),
        pytest.param(
            "gitlab.example/a/dependency_proxy/containers/library/alpine", Origin("alpine", copy=True), id="in full"
        ),
        pytest.param(
            "registry.example/cache/docker.io/library/alpine", Origin("alpine", copy=True), id="with its origin"
        ),
        pytest.param("registry.example/docker.io/alpine", Origin("alpine", copy=True), id="without the library"),
        pytest.param("registry.example/acme-proxy/library/alpine", Origin("alpine", copy=True), id="a proxy's library"),
        pytest.param("registry.example/mirror/alpine", Origin("alpine", copy=True), id="mirror/"),
        pytest.param("registry.example/dockerhub/alpine", Origin("alpine", copy=True), id="dockerhub/"),
        pytest.param("registry.example/docker-hub/alpine", Origin("alpine", copy=True), id="docker-hub/"),
        pytest.param("registry.example/acme/hub/alpine", Origin("alpine", copy=True), id="hub/"),
        pytest.param(
            "registry.example/mirror/i386/alpine",
            Origin("alpine", copy=True, architecture="i386"),
            id="one architecture",
        ),
        pytest.param("registry.example/mirror/opensuse/leap", Origin("leap", copy=True), id="a publisher's, copied"),
        pytest.param(
            "registry.example/mirror/quay.io/centos/centos", Origin("centos", copy=True), id="quay.io's, copied"
        ),
        pytest.param(
            "registry.example/mirror/gcr.io/distroless/cc-debian12",
            Origin(copy=True, named_by_base=True),
            id="gcr.io's",
        ),
        # Somebody's own
        pytest.param("acme/alpine", OWN, id="an owner on Docker Hub"),
        pytest.param("mirror/alpine", OWN, id="an owner on Docker Hub called mirror"),
        pytest.param("registry.example/acme/alpine", OWN, id="an owner on a registry"),
        pytest.param("registry.gitlab.com/acme/app/alpine", OWN, id="a project of GitLab's"),
        pytest.param("registry.example/mirror/acme/alpine", OWN, id="somebody's, copied"),
        pytest.param("registry.example/mirror/quay.io/alpine", OWN, id="nobody's on quay.io"),
        pytest.param("registry.example/dependency_proxy/alpine", OWN, id="half of GitLab's proxy"),
        pytest.param("registry.example/library/acme/alpine", OWN, id="more below a library"),
        pytest.param("registry.example/arm32v7/alpine", OWN, id="an owner like an architecture"),
        pytest.param("localhost/alpine", OWN, id="where podman files what was built on the spot"),
        pytest.param("public.ecr.aws/lambda/python:3.11", OWN, id="Amazon's own python"),
        pytest.param("ubuntu/python", OWN, id="Canonical's own python"),
    ],
)
def test_whose_an_image_is(reference: str, found: Origin) -> None:
    assert origin(ImageReference.parse(reference)) == found


@given(st.lists(st.sampled_from(["acme", "mirror", "library", "hub", "docker.io", "a.b", "x"]), min_size=1, max_size=6))
def test_law_every_path_has_an_answer(parts: list[str]) -> None:
    found = origin(ImageReference("registry.example", "/".join(parts), "1", None))
    assert found.name in (None, parts[-1])
    assert not found.copy or found.name or found.named_by_base
