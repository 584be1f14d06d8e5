# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import dind_image_options as options

GOOD: dict[str, Any] = {
    "name": "registry.example:5000/ci/dind:28.5.2", "base": "docker:28.5.2-dind", "push": True, "auth": None,
    "mirrors": [], "minimum_version": "20.10.6", "timeout": 900.0,
}  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="as in the examples"),
        pytest.param({"name": "docker.io/me/dind:1"}, id="Docker Hub, and meant"),
        pytest.param({"name": "dind:1", "push": False}, id="a name for this host alone"),
        pytest.param({"name": "localhost/dind:1"}, id="a registry on the host"),
        pytest.param({"name": "[fd00::4]:5000/dind:1"}, id="an IPv6 address"),
        pytest.param({"base": "docker@sha256:" + 64 * "a"}, id="a base by its digest"),
        pytest.param({"auth": {"username": "ci", "password": "word"}}, id="with a login"),
        pytest.param({"auth": {}}, id="an empty login is none"),
        pytest.param({"mirrors": ["https://mirror.example:5000"]}, id="with a mirror"),
    ],
)
def test_good_options_have_no_problems(more: dict[str, Any]) -> None:
    assert options.problems({**GOOD, **more}) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param(
            {"name": "registry.example/dind"},
            "name is 'registry.example/dind', which has no tag; give it one with the engine's version, such as "
            "registry.example/dind:28.5.2",
            id="no tag",
        ),
        pytest.param(
            {"name": "registry.example:5000/dind"}, "name is 'registry.example:5000/dind', which has no tag; give it",
            id="a port is no tag",
        ),
        pytest.param(
            {"name": "registry.example/dind@sha256:" + 64 * "a"},
            f"name is 'registry.example/dind@sha256:{64 * 'a'}', and a digest is known only afterwards; leave it out",
            id="a digest",
        ),
        pytest.param(
            {"name": "me/dind:1"},
            "name is 'me/dind:1', which has no registry to push to; write registry.example:5000/me/dind:1, or set push "
            "to false",
            id="no registry",
        ),
        pytest.param({"name": "Registry/x:1 "}, "name: image reference 'Registry/x:1 ' has white space", id="no image"),
        pytest.param({"base": ""}, "base: an image reference is empty; write for example alpine:3.20", id="no base"),
        pytest.param(
            {"name": "docker:1-dind", "base": "docker.io/library/docker:1-dind", "push": False},
            "name and base are both docker:1-dind, and each run would build on the one before; give them two names",
            id="onto itself",
        ),
        pytest.param(
            {"auth": {"username": "ci"}},
            "auth.password is missing; give both, username and password, or leave auth out", id="no password",
        ),
        pytest.param(
            {"auth": {"password": "s3cret", "username": ""}},
            "auth.username is missing; give both, username and password, or leave auth out", id="an empty user",
        ),
        pytest.param({"auth": "s3cret"}, "auth has to be a dictionary with username and password", id="a text"),
        pytest.param(
            {"auth": {"username": "ci", "password": "s3cret", "token": "s3cret"}},
            "auth has more than username and password; leave the rest out", id="something else",
        ),
        pytest.param({"auth": {"username": "ci", "password": ["s3cret"]}}, "auth.password is missing", id="a list"),
        pytest.param(
            {"mirrors": ["m.example"]}, "mirrors[0] is 'm.example', which dockerd does not take", id="no address"
        ),
        pytest.param({"minimum_version": "new"}, "minimum_version: 'new' is not a version", id="no version"),
        pytest.param({"timeout": 0.0}, "timeout is 0; give seconds above 0 and up to 3600", id="no time"),
        pytest.param({"timeout": float("nan")}, "timeout is nan; give seconds above 0", id="no number"),
        pytest.param({"timeout": 3601.0}, "timeout is 3601; give seconds above 0", id="too much time"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_without_a_secret(more: dict[str, Any], message: str) -> None:
    (found,) = options.problems({**GOOD, **more})
    assert found.startswith(message)
    assert "s3cret" not in found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(options.problems({**GOOD, "name": "x", "base": "", "timeout": 0.0, "mirrors": ["x"]})) == 5


@pytest.mark.parametrize(("tag", "told"), [("latest", True), ("stable", True), ("28.5.2", False), ("stable-1", False)])
def test_a_tag_that_moves_is_worth_a_word(tag: str, told: bool) -> None:
    assert bool(options.notes({**GOOD, "name": f"registry.example/dind:{tag}"})) is told


DECLARED = [
    {"host": "public.example", "client_cert": "cert", "client_key": "key"},
    {"host": "a.example", "ca": "PEM", "trust": ["engine"], "client_cert": "cert", "client_key": "key"},
    "no dictionary",
    {"host": "b.example", "certificate": "PEM"},
]


@pytest.mark.parametrize(("os_store", "trust"), [(True, ["dind", "os"]), (False, ["dind"])])
def test_nothing_but_authorities_is_looked_at(os_store: bool, trust: list[str]) -> None:
    assert options.declared(DECLARED, os_store) == (
        [
            {"host": "a.example", "ca": "PEM", "trust": trust},
            "no dictionary",
            # Its mistakes are for whoever checks it.
            {"host": "b.example", "certificate": "PEM", "trust": trust},
        ],
        [1, 2, 3],
    )


@pytest.mark.parametrize("odd", [None, "text", {"host": "a"}])
def test_what_is_no_list_is_for_whoever_checks_it(odd: Any) -> None:
    assert options.declared(odd, True) == (odd, [])
    assert options.keys_left_out(odd) == []


def test_sentences_name_the_option_and_the_place_in_it() -> None:
    sentence = "registry_ca_registries[0] and registry_ca_registries[2] are the same registry, a.example; declare it"
    assert options.placed(sentence, [1, 2, 3]) == (
        "registries[1] and registries[3] are the same registry, a.example; declare it"
    )
    assert options.placed("registry_ca_registries is a text", []) == "registries is a text"


def test_keys_that_stay_out_are_told() -> None:
    (note,) = options.keys_left_out(DECLARED)
    assert note.startswith("public.example, a.example wants a client's certificate, whose key is not put into an image")
    assert options.keys_left_out([{"host": "a", "ca": "PEM"}]) == []
