# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_reference import ImageReference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        pytest.param("alpine", "docker.io", "library/alpine", "latest", None, id="a name alone"),
        pytest.param("alpine:3.14", "docker.io", "library/alpine", "3.14", None, id="with a tag"),
        pytest.param("library/alpine", "docker.io", "library/alpine", "latest", None, id="an official image in full"),
        pytest.param("docker.io/alpine", "docker.io", "library/alpine", "latest", None, id="Docker Hub by name"),
        pytest.param("index.docker.io/alpine", "docker.io", "library/alpine", "latest", None, id="by its old name"),
        pytest.param(
            "gitlab/gitlab-runner:v17.0.0", "docker.io", "gitlab/gitlab-runner", "v17.0.0", None, id="an owner"
        ),
        pytest.param(
            "registry.example:5000/a/b/c:1", "registry.example:5000", "a/b/c", "1", None, id="registry with a port"
        ),
        pytest.param("localhost/app", "localhost", "app", "latest", None, id="localhost"),
        pytest.param("localhost:5000/app", "localhost:5000", "app", "latest", None, id="localhost with a port"),
        pytest.param("host:5000/app:1", "host:5000", "app", "1", None, id="a short name with a port"),
        pytest.param("HOST/app", "HOST", "app", "latest", None, id="capital letters make it a registry"),
        pytest.param("127.0.0.1:5000/app", "127.0.0.1:5000", "app", "latest", None, id="an IPv4 address"),
        pytest.param(
            "[2001:db8::1]:5000/app:1", "[2001:db8::1]:5000", "app", "1", None, id="an IPv6 address with a port"
        ),
        pytest.param("[::1]/app", "[::1]", "app", "latest", None, id="an IPv6 address alone"),
        pytest.param(
            f"alpine@{DIGEST}", "docker.io", "library/alpine", None, DIGEST, id="a digest, and so no default tag"
        ),
        pytest.param(f"alpine:3.14@{DIGEST}", "docker.io", "library/alpine", "3.14", DIGEST, id="tag and digest"),
        pytest.param("a__b/c--d.e_f", "docker.io", "a__b/c--d.e_f", "latest", None, id="separators"),
        pytest.param("app:V1.2_3-x", "docker.io", "library/app", "V1.2_3-x", None, id="a tag may have capital letters"),
        pytest.param(
            "gitlab.example.com:443/group/dependency_proxy/containers/alpine:latest",
            "gitlab.example.com:443",
            "group/dependency_proxy/containers/alpine",
            "latest",
            None,
            id="a dependency proxy",
        ),
    ],
)
def test_references(text: str, registry: str, path: str, tag: str | None, digest: str | None) -> None:
    assert ImageReference.parse(text) == ImageReference(registry, path, tag, digest)


@pytest.mark.parametrize(
    ("text", "familiar", "canonical"),
    [
        pytest.param("alpine", "alpine:latest", "docker.io/library/alpine:latest", id="an official image"),
        pytest.param("gitlab/runner:1", "gitlab/runner:1", "docker.io/gitlab/runner:1", id="somebody's image"),
        pytest.param("quay.io/a/b", "quay.io/a/b:latest", "quay.io/a/b:latest", id="another registry"),
        pytest.param(f"alpine@{DIGEST}", f"alpine@{DIGEST}", f"docker.io/library/alpine@{DIGEST}", id="a digest"),
        pytest.param(
            "docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest", id="an owner like a registry"
        ),
        pytest.param("library/a/b", "library/a/b:latest", "docker.io/library/a/b:latest", id="more below library"),
    ],
)
def test_the_two_ways_to_write_a_reference(text: str, familiar: str, canonical: str) -> None:
    found = ImageReference.parse(text)
    assert (found.familiar(), str(found), found.canonical()) == (familiar, familiar, canonical)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is empty", id="nothing"),
        pytest.param("alpine 3", "has white space in it; remove it", id="white space"),
        pytest.param("alpine\n", "has white space in it; remove it", id="the end of a line"),
        pytest.param("Alpine", "'Alpine' has capital letters", id="capital letters"),
        pytest.param(
            "docker.io/Library/alpine", "'Library/alpine' has capital letters", id="capital letters in a directory"
        ),
        pytest.param("https://docker.io/alpine", "is a URL; leave out", id="a URL"),
        pytest.param("$CI_REGISTRY_IMAGE:1", "has a variable in it", id="a variable of GitLab CI"),
        pytest.param("alpine:", "'' is not a tag", id="an empty tag"),
        pytest.param("alpine:-x", "'-x' is not a tag", id="a tag that begins with a dash"),
        pytest.param("alpine:" + "x" * 129, "is not a tag", id="a tag that is too long"),
        pytest.param("alpine:3:4", "'3:4' is not a tag", id="two tags"),
        pytest.param("alpine@sha256:abc", "'sha256:abc' is not a digest", id="a short digest"),
        pytest.param(f"alpine@{DIGEST[:-2]}", "a digest by sha256 has 64 digits", id="a digest that was cut"),
        pytest.param(
            f"alpine@{DIGEST.upper().replace('SHA', 'sha')}", "in lower case", id="a digest in capital letters"
        ),
        pytest.param(f"alpine@{DIGEST}@{DIGEST}", "is not a digest", id="two digests"),
        pytest.param("alpine/", "'alpine/' is not a repository's name", id="a path that ends with a slash"),
        pytest.param("a//b", "'a//b' is not a repository's name", id="an empty directory"),
        pytest.param("-a", "'-a' is not a repository's name", id="a name that begins with a dash"),
        pytest.param("a..b", "'a..b' is not a repository's name", id="two dots"),
        pytest.param("a___b", "is not a repository's name", id="three underscores"),
        pytest.param(":3.14", "'' is not a repository's name", id="a tag alone"),
        pytest.param("-x.example/app", "'-x.example' is not a registry", id="a registry that begins with a dash"),
        pytest.param("host:port/app", "'host:port' is not a registry", id="a port that is no number"),
        pytest.param("[::1/app", "is not a registry", id="a bracket that is not closed"),
        pytest.param("[::1]", "is not a repository's name", id="an address without a path"),
        pytest.param("0123456789abcdef" * 4, "is an image's id", id="an image's id"),
        pytest.param("é", "is not a repository's name", id="a letter from elsewhere"),
        pytest.param("a/" * 127 + "ab", "longer than 255 characters", id="a name that is too long"),
    ],
)
def test_what_is_not_a_reference_gets_a_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="image reference") as caught:
        ImageReference.parse(text)
    assert message in str(caught.value)


components = st.from_regex(r"[a-z0-9]+(?:(?:\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True)
registries = st.one_of(
    st.just("docker.io"),
    st.from_regex(r"[a-z][a-z0-9]{0,5}\.[a-z]{2,4}(?::[0-9]{1,5})?", fullmatch=True),
    st.sampled_from(["localhost", "localhost:5000", "[::1]:5000", "10.0.0.1"]),
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)


@given(registries, st.lists(components, min_size=1, max_size=3), tags, st.one_of(st.none(), digests))
def test_law_both_ways_to_write_a_reference_read_the_same(
    registry: str, path: list[str], tag: str, digest: str | None
) -> None:
    text = f"{registry}/{'/'.join(path)}:{tag}" + (f"@{digest}" if digest else "")
    found = ImageReference.parse(text)
    assert ImageReference.parse(found.canonical()) == found
    assert ImageReference.parse(found.familiar()) == found
    assert ImageReference.parse(found.canonical()).canonical() == found.canonical()
    assert (found.tag, found.digest) == (tag, digest)


@given(st.text("aA0:/@.-_[]$ sha256", max_size=30))
def test_law_any_text_is_a_reference_or_gets_a_sentence(text: str) -> None:
    try:
        found = ImageReference.parse(text)
    except ValueError as error:
        told = str(error)
    else:
        assert ImageReference.parse(found.canonical()) == found
        return
    assert "image reference" in told
