# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_declared import check
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_plan import plan
from tests.support import pki
from tests.support.pki_handshake import handshake

LAB, TEAM, OTHER = (pki.Authority(name) for name in ("Lab CA", "Team CA", "Other CA"))
CLIENT = LAB.issue(["builder"], client=True)
HOST = "registry.example:5000"
GITLAB = {"url": "https://gitlab.example.com:8443/", "ca": OTHER.pem}


def planned(*registries: dict[str, Any], gitlab: Any = None) -> dict[str, Any]:
    """The plan of good declarations."""
    found = check([{"host": HOST, "ca": LAB.pem, **one} for one in registries], gitlab, lambda _: None, pki.now())
    assert found.problems == []
    return plan(found)


def paths(of: dict[str, Any]) -> list[str]:
    return [one["path"] for one in of["files"]]


def test_a_registry_is_trusted_by_engine_podman_and_dind() -> None:
    made = planned({})
    assert made["anchors"] == []
    assert paths(made) == [
        f"/etc/docker/certs.d/{HOST}/ca.crt",
        f"/etc/containers/certs.d/{HOST}/ca.crt",
        f"/etc/runnerkit/certs.d/{HOST}/ca.crt",
    ]
    assert made["files"][0] == {
        "path": f"/etc/docker/certs.d/{HOST}/ca.crt",
        "content": LAB.pem,
        "secret": False,
        "mode": "0644",
        "layer": "engine",
        "host": HOST,
    }


def test_a_client_is_for_the_host_alone_and_its_key_is_secret() -> None:
    made = planned({"client_cert": CLIENT.cert_pem, "client_key": CLIENT.key_pem, "trust": ["engine"]})
    found = {one["path"].rpartition("/")[2]: one for one in made["files"]}
    assert list(found) == ["ca.crt", "client.key", "client.cert"]
    assert (found["client.key"]["mode"], found["client.key"]["secret"]) == ("0600", True)
    assert (found["client.cert"]["mode"], found["client.cert"]["secret"]) == ("0644", False)
    assert [one["path"] for one in made["files"] if one["secret"]] == [f"/etc/docker/certs.d/{HOST}/client.key"]


@pytest.mark.parametrize("layer", ["engine", "podman", "dind", "os", "runner", "helper"])
def test_each_layer_has_its_place(layer: str) -> None:
    made = planned({"trust": [layer]})
    places = {
        "engine": [f"/etc/docker/certs.d/{HOST}/ca.crt"],
        "podman": [f"/etc/containers/certs.d/{HOST}/ca.crt"],
        "dind": [f"/etc/runnerkit/certs.d/{HOST}/ca.crt"],
        "os": [],
        "runner": ["/etc/gitlab-runner/certs/registry.example.crt"],
        "helper": ["/etc/runnerkit/helper-certs/ca.crt"],
    }
    assert paths(made) == places[layer]
    assert len(made["anchors"]) == (1 if layer == "os" else 0)
    assert all(one["layer"] == layer for one in made["files"])


def test_old_and_new_stand_in_one_file_each_once_and_are_anchors_of_their_own() -> None:
    crlf = LAB.pem.replace("\n", "\r\n")
    made = planned({"ca": [crlf + TEAM.pem, LAB.pem, OTHER.pem], "trust": ["engine", "os"]})
    assert made["files"][0]["content"] == LAB.pem + TEAM.pem + OTHER.pem
    names = [one["name"] for one in made["anchors"]]
    assert names == sorted(names)
    assert all(name.startswith("runnerkit-") and len(name) == 26 for name in names)
    assert {one["content"] for one in made["anchors"]} == {LAB.pem, TEAM.pem, OTHER.pem}


def test_what_is_shared_has_everybodys_authorities_and_no_host() -> None:
    made = planned(
        {"host": "gitlab.example.com:5050", "trust": ["runner", "helper"]},
        {"host": "b.example", "ca": TEAM.pem, "trust": ["helper"]},
        {"host": "a.example", "trust": ["helper"]},
        gitlab=GITLAB,
    )
    assert [(one["path"], one["content"], one["host"]) for one in made["files"]] == [
        ("/etc/gitlab-runner/certs/gitlab.example.com.crt", LAB.pem + OTHER.pem, None),
        ("/etc/runnerkit/helper-certs/ca.crt", LAB.pem + TEAM.pem + OTHER.pem, None),
    ]


def test_the_gitlab_server_alone() -> None:
    made = planned(gitlab=GITLAB)
    assert [(one["path"], one["host"]) for one in made["files"]] == [
        ("/etc/gitlab-runner/certs/gitlab.example.com.crt", "gitlab.example.com:8443"),
        ("/etc/runnerkit/helper-certs/ca.crt", None),
    ]


def test_a_client_of_a_public_registry_brings_no_authority() -> None:
    made = planned({"ca": None, "client_cert": CLIENT.cert_pem, "client_key": CLIENT.key_pem})
    assert [path.rpartition("/")[2] for path in paths(made)] == ["client.key", "client.cert"] * 2


def test_nothing_is_planned_for_nothing() -> None:
    assert planned() == {"files": [], "anchors": []}


def test_there_is_no_plan_with_problems() -> None:
    with pytest.raises(ValueError, match="has 1 problems, so there is no plan"):
        plan(check([{"host": HOST}], None, lambda _: None, pki.now()))


SOME = [
    {"host": host, "ca": ca, "trust": trust}
    for host, ca, trust in (
        ("a.example", LAB.pem, ["engine", "os"]),
        ("b.example:5000", TEAM.pem, ["helper", "dind"]),
        ("B.example", LAB.pem + OTHER.pem, ["runner", "os", "helper"]),
        ("[fd00::4]:5000", OTHER.pem, ["engine", "podman", "runner"]),
        ("[fd00::5]", LAB.pem, ["runner", "helper"]),
    )
]


@given(st.permutations(SOME))
def test_the_order_of_declarations_does_not_matter(declared: list[dict[str, Any]]) -> None:
    assert planned(*declared, gitlab=GITLAB) == planned(*SOME, gitlab=GITLAB)


@given(st.lists(st.sampled_from(SOME), unique_by=lambda one: one["host"]))
def test_no_file_is_planned_twice(declared: list[dict[str, Any]]) -> None:
    made = planned(*declared, gitlab=GITLAB)
    assert len(set(paths(made))) == len(paths(made))


BELOW = pki.Authority("Below CA", parent=LAB)
SERVER, SERVER_BELOW = LAB.issue(["registry.example"]), BELOW.issue(["registry.example"])
OWN, SAID = pki.self_signed(["registry.example"]), pki.self_signed(["registry.example"], ca=True)


@pytest.mark.parametrize(
    ("ca", "server"),
    [
        pytest.param(LAB.pem, SERVER, id="an authority"),
        pytest.param(LAB.pem.replace("\n", " "), SERVER, id="an authority that was folded"),
        pytest.param([OTHER.pem, LAB.pem], SERVER, id="the new one, beside the old one"),
        pytest.param([LAB.pem, OTHER.pem], SERVER, id="the old one, beside the new one"),
        pytest.param(LAB.pem, SERVER_BELOW, id="a root of a server that shows the authority between"),
        pytest.param(BELOW.pem, SERVER_BELOW, id="an authority without its root"),
        pytest.param(OWN.cert_pem, OWN, id="the server's own certificate"),
        pytest.param(SAID.cert_pem, SAID, id="the server's own certificate, which calls itself an authority"),
    ],
)
def test_what_is_planned_is_believed(tmp_path: Path, ca: Any, server: pki.Issued) -> None:
    made = planned({"ca": ca, "client_cert": CLIENT.cert_pem, "client_key": CLIENT.key_pem, "trust": ["engine"]})
    content = {one["path"].rpartition("/")[2]: one["content"] for one in made["files"]}
    client = pki.Issued(CLIENT.certificate, "", content["client.key"], content["client.cert"])
    handshake(tmp_path, server, content["ca.crt"], "registry.example", client, LAB.pem)
