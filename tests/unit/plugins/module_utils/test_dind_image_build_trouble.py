# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Bases that are refused, and engines and registries that fail on the way."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import ContentError, File
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.dind_image_world import BASE, NAME, World, identifier, image

CA = Authority("Lab CA").pem
CERTS = "/etc/docker/certs.d/registry.example:5000/ca.crt"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
DAEMON_JSON = "/etc/docker/daemon.json"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize(
    ("files", "config", "params", "message"),
    [
        pytest.param(
            {DAEMON_JSON: File(b"{")}, {}, {"mirrors": ["https://c.example"]},
            f"mirrors cannot be added to {DAEMON_JSON} of {BASE}: it is not JSON", id="a broken daemon.json",
        ),
        pytest.param(
            {}, {"Volumes": {"/etc/docker/": {}}}, {},
            f"base is {BASE}, which has a volume at /etc/docker/, so that {CERTS} would not stay in an image; give a",
            id="a volume where certificates lie",
        ),
        pytest.param(
            {BUNDLE + "/x": File(b"")}, {}, {}, f"{BUNDLE} in the base is no file; give another base",
            id="a folder in place of the store",
        ),
    ],
)  # fmt: skip
def test_a_base_that_cannot_take_them(
    world: World, files: dict[str, File], config: dict[str, Any], params: dict[str, Any], message: str
) -> None:
    world.engine.files.update(files)
    world.engine.images[BASE] = image("odd", **config)
    with pytest.raises(ContentError) as caught:
        world.build(CA, **params)
    assert str(caught.value).startswith(message)
    assert (world.engine.containers, world.engine.calls("POST /commit")) == ({}, [])


@pytest.mark.parametrize("check_mode", [True, False], ids=["in check mode", "for real"])
@pytest.mark.parametrize(
    ("said", "config", "message"),
    [
        pytest.param(
            "Docker version 20.10.5+dfsg1, build 55c4c88", {},
            f"base is {BASE}, whose dockerd is 20.10.5+dfsg1, older than minimum_version 20.10.6; give a base with a "
            "newer one",
            id="an old engine under a new tag",
        ),
        pytest.param(
            "sh: dockerd: not found", {},
            f"the image {BASE} holds no dockerd (sh: dockerd: not found); give one for Docker-in-Docker as base, such "
            "as docker:28.5.2-dind",
            id="no engine",
        ),
        pytest.param(
            "", {"User": "rootless"},
            f"base is {BASE}, whose daemon runs as rootless and does not look into /etc/docker/certs.d; give an image "
            "whose daemon runs as root, without -rootless in its tag",
            id="a daemon without root",
        ),
    ],
)  # fmt: skip
def test_a_base_that_jobs_should_not_get(
    world: World, said: str, config: dict[str, Any], message: str, check_mode: bool
) -> None:
    world.said = said
    world.engine.images[BASE] = image("odd", **config)
    with pytest.raises(EngineError) as caught:
        world.build(CA, check_mode)
    assert (caught.value.message, world.engine.changes()) == (message, [])


def test_an_image_that_is_right_is_refused_by_a_higher_floor(world: World) -> None:
    world.build(CA)
    del world.engine.images[BASE]
    with pytest.raises(EngineError, match=r"older than minimum_version 29\.0\.0"):
        world.build(CA, minimum_version="29.0.0")


def test_the_programs_run_without_privileges_or_a_network(world: World) -> None:
    world.build(CA)
    ((config, host_config),) = world.looked
    assert (config["Image"], config["Entrypoint"]) == (identifier("base"), ["/bin/sh", "-c"])
    assert host_config == {
        "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"], "ReadonlyRootfs": True, "Privileged": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(
            "POST /images/registry", EngineError("io", 'Get "https://registry.example:5000/v2/": x509: unknown'),
            f'the image {NAME} could not be pushed: Get "https://registry.example:5000/v2/": x509: unknown; this '
            "host's engine does not trust the registry; declare it in registry_ca_registries for the layer engine",
            id="a registry that is not trusted",
        ),
        pytest.param(
            "POST /images/registry", EngineError("io", "denied: requested access to the resource is denied"),
            f"the image {NAME} could not be pushed: denied: requested access to the resource is denied; give auth, "
            "with a user who may do this",
            id="a push that needs a login",
        ),
        pytest.param(
            "POST /commit", EngineError("http", "x: POST /commit was answered 500: no space left on device", 500),
            f"the image {NAME} cannot be made: no space left on device; make room on the engine's disk",
            id="a full disk",
        ),
        pytest.param(
            "PUT", EngineError("http", "x: PUT y was answered 500: no space left on device", 500),
            "files cannot be put into the image: no space left on device; make room on the engine's disk",
            id="a full disk, earlier",
        ),
        pytest.param(
            "POST /images/registry", EngineError("timeout", "x"),
            f"the image {NAME} could not be pushed within ", id="a slow registry",
        ),
        pytest.param(
            "POST /containers/create", EngineError("absent", "x does not exist; start the engine"),
            "x does not exist; start the engine", id="an engine that is gone",
        ),
    ],
)  # fmt: skip
def test_trouble_is_told_and_leaves_no_container(world: World, call: str, error: EngineError, message: str) -> None:
    world.engine.troubles[call] = error
    with pytest.raises(EngineError) as caught:
        world.build(CA)
    assert caught.value.message.startswith(message)
    assert world.engine.containers == {}


def test_a_run_after_trouble_with_the_push_pushes_what_was_built(world: World) -> None:
    world.engine.troubles["POST /images/registry"] = EngineError("io", "x509")
    with pytest.raises(EngineError):
        world.build(CA)
    world.engine.troubles.clear()
    result = world.build(CA)
    assert (result["built"], result["pushed"], world.engine.calls("POST /commit")) == (False, True, [])
