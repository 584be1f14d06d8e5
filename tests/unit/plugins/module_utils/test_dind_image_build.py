# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import io
import json
import tarfile
import time
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_build import LABEL, LABEL_BASE, LABEL_CONTENT
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import (
    File,
    certificates,
    fingerprint,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.dind_image_world import BASE, CONFIG, NAME, World, identifier, image

CA, NEXT, PUBLIC = (Authority(name).pem for name in ("Lab CA", "Next CA", "Public CA"))
CERTS = "/etc/docker/certs.d/registry.example:5000/ca.crt"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
REDHAT = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
DAEMON_JSON = "/etc/docker/daemon.json"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def anchor(ca: str, folder: str = "/usr/local/share/ca-certificates", suffix: str = ".crt") -> str:
    return f"{folder}/runnerkit-{fingerprint(certificates(ca)[0])[:16]}{suffix}"


def content(world: World, path: str) -> bytes:
    found = world.files[path]
    assert isinstance(found, File)
    return found.content


def test_the_image_is_the_base_with_authorities_in_it(world: World) -> None:
    result = world.build(CA)
    assert {key: result[key] for key in ("changed", "built", "pulled", "pushed", "name", "base")} == {
        "changed": True, "built": True, "pulled": False, "pushed": True, "name": NAME, "base": BASE,
    }  # fmt: skip
    assert result["versions"] == {
        "engine": "28.5.2", "containerd": "1.7.28", "runc": "1.3.3", "libseccomp": "2.5.6", "architecture": "amd64",
    }  # fmt: skip
    assert content(world, CERTS).decode() == "".join(certificates(CA))
    assert content(world, BUNDLE) == content(world, CERTS) == content(world, anchor(CA))
    assert set(world.files) == {CERTS, BUNDLE, anchor(CA)}
    made = world.engine.images[NAME]
    assert result["id"] == made["Id"]
    assert {key: value for key, value in made["Config"].items() if key != "Labels"} == {
        key: value for key, value in CONFIG.items() if key != "Labels"
    }
    assert made["Config"]["Labels"]["own"] == "label"
    assert made["Config"]["Labels"][LABEL_BASE] == identifier("base")
    assert result["digest"] == world.engine.registry[NAME]
    # Nothing of the work is left.
    assert world.engine.containers == {}


def test_a_second_run_changes_nothing(world: World) -> None:
    first = world.build(CA)
    again = world.build(CA)
    assert [again[key] for key in ("changed", "built", "pulled", "pushed")] == [False] * 4
    assert (again["id"], again["digest"], again["versions"]) == (first["id"], first["digest"], first["versions"])
    assert world.engine.changes() == []
    assert again["diff"]["before"] == again["diff"]["after"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"os_store": False}, id="no store"),
        pytest.param({"mirrors": ["https://mirror.example"]}, id="a mirror"),
        pytest.param({"registries": [{"host": "registry.example:5000", "ca": CA + NEXT}]}, id="one more authority"),
        pytest.param({"registries": [{"host": "other.example", "ca": CA}]}, id="another registry"),
        pytest.param({"registries": []}, id="no registry any more"),
    ],
)
def test_what_is_wanted_otherwise_makes_another_image_in_place_of_the_old_one(
    world: World, change: dict[str, Any]
) -> None:
    first = world.build(CA)
    would = world.build(CA, check_mode=True, **change)
    assert (would["changed"], would["built"], would["pushed"], would["id"]) == (True, True, True, None)
    assert world.engine.changes() == []
    assert world.engine.images[NAME]["Id"] == first["id"]
    second = world.build(CA, **change)
    assert (second["changed"], second["pushed"]) == (True, True)
    assert second["id"] != first["id"]
    assert second["diff"] == would["diff"]
    assert second["diff"]["before"] != second["diff"]["after"]
    # The old one has lost its name, and is gone.
    assert set(world.engine.images) == {BASE, NAME}
    assert world.build(CA, **change)["changed"] is False


def test_an_old_image_with_another_name_stays(world: World) -> None:
    first = world.build(CA)
    world.engine.images["mine:1"] = world.engine.images[NAME]
    world.build(CA, os_store=False)
    assert world.engine.images["mine:1"]["Id"] == first["id"]


def test_somebody_elses_image_that_loses_the_name_stays(world: World) -> None:
    world.engine.images[NAME] = image("theirs")
    world.build(CA)
    assert identifier("theirs") in {each["Id"] for each in world.engine.images.values()}


def test_an_old_image_that_is_used_stays(world: World) -> None:
    first = world.build(CA)
    world.engine.troubles["DELETE /images"] = EngineError("http", "was answered 409: in use", 409)
    assert world.build(CA, os_store=False)["changed"] is True
    assert first["id"] in world.engine.images


def test_another_base_under_the_same_name_makes_another_image(world: World) -> None:
    world.build(CA)
    world.engine.images[BASE] = image("newer base")
    assert world.build(CA)["built"] is True
    assert world.engine.images[NAME]["Config"]["Labels"][LABEL_BASE] == identifier("newer base")


@pytest.mark.parametrize("pull", ["missing", "never"])
def test_a_base_that_was_cleaned_away_is_not_missed_while_the_image_is_right(world: World, pull: str) -> None:
    world.build(CA)
    del world.engine.images[BASE]
    assert world.build(CA, pull=pull)["changed"] is False
    assert world.engine.changes() == []


def test_a_missing_base_is_pulled(world: World) -> None:
    world.engine.pullable[BASE] = world.engine.images.pop(BASE)
    would = world.build(CA, check_mode=True)
    assert (would["changed"], would["pulled"], would["versions"], world.engine.changes()) == (True, True, None, [])
    assert (would["built"], would["pushed"]) == (True, True)
    result = world.build(CA)
    assert (result["pulled"], result["built"]) == (True, True)
    assert json.loads(result["diff"]["after"])["base_id"] == identifier("base")


def test_a_base_that_is_always_pulled_matters_when_it_is_another_one(world: World) -> None:
    world.build(CA)
    world.engine.pullable[BASE] = world.engine.images[BASE]
    result = world.build(CA, pull="always")
    assert (result["changed"], result["pulled"]) == (False, False)
    world.engine.pullable[BASE] = image("newer base")
    result = world.build(CA, pull="always")
    assert (result["changed"], result["pulled"], result["built"], result["pushed"]) == (True, True, True, True)


@pytest.mark.parametrize("newer", [True, False], ids=["another one there", "the same one there"])
def test_check_mode_asks_the_registry_for_a_base_that_is_always_pulled(world: World, newer: bool) -> None:
    world.build(CA)
    world.engine.images[BASE]["RepoDigests"] = ["docker@sha256:old"]
    world.engine.registry[BASE] = "sha256:new" if newer else "sha256:old"
    result = world.build(CA, check_mode=True, pull="always")
    assert (result["changed"], result["pulled"], world.engine.changes()) == (newer, newer, [])


def test_nothing_is_pulled_where_that_is_not_wanted(world: World) -> None:
    del world.engine.images[BASE]
    with pytest.raises(EngineError) as caught:
        world.build(CA, pull="never")
    assert caught.value.message == (
        f"base is {BASE}, which is not on this host and pull is never; load it, or let it be pulled"
    )


def test_an_image_that_is_not_in_its_registry_is_pushed(world: World) -> None:
    world.build(CA, push=False)
    assert world.engine.registry == {}
    result = world.build(CA)
    assert (result["changed"], result["built"], result["pushed"]) == (True, False, True)
    # Somebody put another one there.
    world.engine.registry[NAME] = "sha256:another"
    would = world.build(CA, check_mode=True)
    assert (would["changed"], would["pushed"], would["digest"], world.engine.changes()) == (True, True, None, [])
    assert world.build(CA)["pushed"] is True


def test_a_login_is_for_its_registry_alone(world: World) -> None:
    world.engine.pullable[BASE] = world.engine.images.pop(BASE)
    world.build(CA, auth={"username": "ci", "password": "word"})
    assert world.engine.auths == [
        ("POST /images/create", {}),
        (
            "POST /images/registry.example:5000/ci/dind/push",
            {"username": "ci", "password": "word", "serveraddress": "registry.example:5000"},
        ),
    ]


def test_a_base_in_the_same_registry_is_pulled_with_the_login(world: World) -> None:
    base = "registry.example:5000/docker:28.5.2-dind"
    world.engine.pullable[base] = world.engine.images.pop(BASE)
    world.build(CA, base=base, auth={"username": "ci", "password": "word"})
    assert [auth["username"] for _, auth in world.engine.auths] == ["ci", "ci"]


def test_a_store_is_added_to(world: World) -> None:
    world.engine.files[BUNDLE] = File(PUBLIC.encode().rstrip(b"\n"), 0o444, 1, 2)
    world.build(CA + NEXT + PUBLIC)
    assert world.files[BUNDLE] == File((PUBLIC + "".join(certificates(CA + NEXT))).encode(), 0o444, 1, 2)
    assert {anchor(each) for each in (CA, NEXT, PUBLIC)} <= set(world.files)


def test_a_store_of_redhat_is_found_behind_its_link(world: World) -> None:
    world.engine.files["/etc/pki/tls/certs/ca-bundle.crt"] = REDHAT
    world.engine.files[REDHAT] = File(PUBLIC.encode())
    world.build(CA)
    assert content(world, REDHAT) == (PUBLIC + "".join(certificates(CA))).encode()
    assert world.files["/etc/pki/tls/certs/ca-bundle.crt"] == REDHAT
    assert anchor(CA, "/etc/pki/ca-trust/source/anchors", ".pem") in world.files
    assert BUNDLE not in world.files


def test_mirrors_are_added_to_what_the_base_has(world: World) -> None:
    text = json.dumps({"debug": True, "registry-mirrors": ["https://a.example/", "https://b.example"]})
    world.engine.files[DAEMON_JSON] = File(text.encode(), 0o600)
    world.build(CA, mirrors=["https://c.example", "https://a.example"], os_store=False)
    assert json.loads(content(world, DAEMON_JSON)) == {
        "debug": True, "registry-mirrors": ["https://c.example", "https://a.example", "https://b.example"],
    }  # fmt: skip
    assert set(world.files) == {CERTS, DAEMON_JSON}


def test_only_folders_that_are_missing_are_made(world: World) -> None:
    world.engine.files[BUNDLE] = File(b"")
    world.build(CA)
    assert world.engine.calls("HEAD") != []
    (archive,) = [body for call, body in world.engine.bodies if call.startswith("PUT")]
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        folders = [entry.name for entry in packed if entry.isdir()]
        owners = {(entry.uid, entry.gid, entry.mode) for entry in packed if entry.isdir()}
    # One that is there would get another owner and mode.
    assert folders == [
        "etc/docker", "etc/docker/certs.d", "etc/docker/certs.d/registry.example:5000",
        "usr/local/share/ca-certificates",
    ]  # fmt: skip
    assert owners == {(0, 0, 0o755)}


def test_a_container_that_a_power_cut_left_is_removed(world: World) -> None:
    name = "/runnerkit-dind-image-0123456789ab"
    world.engine.left_behind = [
        {"Id": "old", "Names": [name], "Created": time.time() - 7200},
        {"Id": "young", "Names": [name], "Created": time.time()},
        {"Id": "theirs", "Names": ["/runnerkit-dind-image-of-mine"], "Created": time.time() - 7200},
    ]
    world.build(CA)
    assert [call for call in world.engine.calls("DELETE") if "-image-" not in call] == ["DELETE /containers/old"]


def test_the_labels_tell_people_what_is_in_it(world: World) -> None:
    result = world.build(CA, mirrors=["https://mirror.example"])
    labels = world.engine.images[NAME]["Config"]["Labels"]
    assert json.loads(labels[LABEL_CONTENT]) == result["holds"] == {
        "format": 1, "base": BASE, "os_store": True, "mirrors": ["https://mirror.example"],
        "registries": {"registry.example:5000": [fingerprint(certificates(CA)[0])[:16]]},
    }  # fmt: skip
    assert len(labels[LABEL]) == 64


def test_an_odd_label_of_the_image_before_is_no_obstacle(world: World) -> None:
    for value in ("no JSON", '"text"'):
        world.engine.images[NAME] = image("odd", Labels={LABEL_CONTENT: value})
        assert world.build(CA)["built"] is True
