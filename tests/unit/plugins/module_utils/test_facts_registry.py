# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import os_store, registry_paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_registry import registry_facts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_trust import Reader
from tests.support.pki import Authority, self_signed
from tests.unit.plugins.module_utils.registry_world import Host

CA = Authority("Lab CA")
OTHER = Authority("Other CA")
MIDDLE = Authority("Team CA", parent=CA)
BUILDER = CA.issue(["builder"], client=True)
REGISTRY = "registry.example:5000"
ENGINE, PODMAN, DIND = (registry_paths.ca(layer, REGISTRY) for layer in ("engine", "podman", "dind"))
NOTHING: dict[str, Any] = {
    "authorities": [], "clients": [], "errors": [], "store": None, "store_current": None, "managed": [],
}  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def facts(host: Host) -> dict[str, Any]:
    return registry_facts(str(host.root))


def where(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The entries in short."""
    return [(each["host"], each["name"], each["subject"], each["layers"]) for each in found["authorities"]]


def test_a_host_without_registries_has_every_key_and_nothing_behind_them(host: Host) -> None:
    assert facts(host) == NOTHING


def test_an_authority_is_told_once_for_each_registry_with_all_its_layers(host: Host) -> None:
    for layer in ("podman", "engine", "dind"):
        host.trust(REGISTRY, CA.pem, layer=layer)
    host.trust("other.example", CA.pem)
    first, second = facts(host)["authorities"]
    assert (first["host"], first["layers"], first["paths"]) == (
        "other.example", ["engine"], [registry_paths.ca("engine", "other.example")]
    )  # fmt: skip
    assert second == {
        "host": REGISTRY,
        "name": None,
        "sha256": first["sha256"],
        "subject": "CN=Lab CA",
        "issuer": "CN=Lab CA",
        "not_before": f"{CA.certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{CA.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "layers": ["engine", "podman", "dind"],
        "paths": [ENGINE, PODMAN, DIND],
        "ca": True,
        "self_signed": True,
    }


def test_every_file_is_read_that_the_engine_reads(host: Host) -> None:
    itself = self_signed(["registry.example"])
    folder = registry_paths.folder("engine", REGISTRY)
    host.file(f"{folder}/ca.crt", CA.pem + MIDDLE.pem)
    host.file(f"{folder}/old.crt", itself.cert_pem)
    host.file(f"{folder}/notes.txt", OTHER.pem)
    host.file(f"{registry_paths.ENGINE}/beside.crt", OTHER.pem)
    found = facts(host)
    assert {(each["subject"], each["ca"], each["self_signed"]) for each in found["authorities"]} == {
        ("CN=Lab CA", True, True),
        ("CN=Team CA", True, False),
        ("CN=registry.example", False, True),
    }
    assert found["errors"] == []


def test_what_is_for_a_server_or_for_every_address_has_no_registry(host: Host) -> None:
    host.store(CA.pem)
    host.file(f"{registry_paths.DEBIAN_ANCHORS}/lab.crt", CA.pem)
    host.file(registry_paths.helper(), CA.pem)
    host.file(f"{registry_paths.HELPER}/other.crt", OTHER.pem)
    host.file(registry_paths.runner("gitlab.example:8443"), CA.pem)
    assert where(facts(host)) == [
        (None, None, "CN=Lab CA", ["os", "helper"]),
        (None, "gitlab.example", "CN=Lab CA", ["runner"]),
    ]


def test_a_client_is_told_with_whether_its_keys_are_there_and_no_key_is_opened(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer in ("engine", "podman"):
        host.trust(REGISTRY, CA.pem, BUILDER.chain_pem + CA.pem, BUILDER.key_pem, layer=layer)
    opened: list[str] = []
    read = Reader.read

    def noting(self: Reader, path: str) -> bytes | None:
        opened.append(path)
        return read(self, path)

    monkeypatch.setattr(Reader, "read", noting)
    found = facts(host)
    (client,) = found["clients"]
    assert (client["host"], client["subject"], client["issuer"], client["layers"], client["key"]) == (
        REGISTRY, "CN=builder", "CN=Lab CA", ["engine", "podman"], True,
    )  # fmt: skip
    assert client["paths"] == [registry_paths.client(layer, REGISTRY)[0] for layer in ("engine", "podman")]
    assert len(opened) == 4
    assert not [path for path in opened if path.endswith(".key")]
    assert "PRIVATE" not in json.dumps(found)
    (host.root / registry_paths.client("podman", REGISTRY)[1].lstrip("/")).unlink()
    found = facts(host)
    assert found["clients"][0]["key"] is False
    assert found["errors"] == [
        {
            "path": registry_paths.client("podman", REGISTRY)[0],
            "error": "it has no key client.key beside it, and so the engine refuses the whole folder; "
            "put the key there",
            "certificates": 0,
        }
    ]


@pytest.mark.parametrize(
    ("content", "certificates", "error"),
    [
        pytest.param(CA.der, 0, "it is in DER, not in PEM, and is passed over; convert it with", id="DER"),
        pytest.param(b"", 0, "it is empty", id="an empty file"),
        pytest.param(
            (CA.pem + BUILDER.key_pem).encode(), 1, "it has a private key in it, which does not belong there",
            id="a key inside",
        ),
        pytest.param(b"\0" * (1024 * 1024 + 1), 0, "it is larger than 1 MiB", id="a large file"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_read_is_an_error(host: Host, content: bytes, certificates: int, error: str) -> None:
    host.trust(REGISTRY, content)
    found = facts(host)
    (problem,) = found["errors"]
    assert (problem["path"], problem["certificates"]) == (ENGINE, certificates)
    assert problem["error"].startswith(error)
    assert len(found["authorities"]) == certificates


def test_a_pipe_a_folder_and_a_link_to_nothing_do_not_stop_the_facts(host: Host) -> None:
    folder = host.root / registry_paths.folder("engine", REGISTRY).lstrip("/")
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.crt")
    (folder / "folder.crt").mkdir()
    (folder / "gone.crt").symlink_to("nowhere")
    (folder / "linked.crt").symlink_to(host.root / "elsewhere.pem")
    (host.root / "elsewhere.pem").write_text(CA.pem)
    (folder.parent / "again.example").symlink_to(folder)
    (folder.parent / "loop").symlink_to("loop")
    found = facts(host)
    assert where(found) == [
        ("again.example", None, "CN=Lab CA", ["engine"]),
        (REGISTRY, None, "CN=Lab CA", ["engine"]),
    ]
    assert [(each["path"].split("/")[-1], each["error"].split(";")[0]) for each in found["errors"]] == [
        ("folder.crt", "it is no regular file"),
        ("gone.crt", "it is a link to a file that does not exist"),
        ("pipe.crt", "it is no regular file"),
    ] * 2


class TestTheHostsOwnStore:
    @pytest.mark.parametrize(
        ("files", "folders", "kind"),
        [
            pytest.param(["usr/sbin/update-ca-certificates"], ["usr/share/ca-certificates"], "debian", id="Debian"),
            pytest.param(["usr/bin/update-ca-trust"], ["etc/pki/ca-trust/source"], "redhat", id="RedHat"),
            pytest.param(
                ["usr/bin/update-ca-trust"], ["etc/ca-certificates/trust-source"], None, id="the program elsewhere"
            ),
            pytest.param(["usr/sbin/update-ca-certificates"], ["etc/pki/trust/anchors"], None, id="openSUSE"),
            pytest.param([], ["usr/local/share/ca-certificates"], None, id="a folder without the program"),
        ],
    )
    def test_is_told_by_its_program(self, host: Host, files: list[str], folders: list[str], kind: str | None) -> None:
        for name in files:
            host.file(name, "")
        for name in folders:
            (host.root / name).mkdir(parents=True)
        assert os_store.store_kind(str(host.root)) == kind

    @pytest.mark.parametrize(
        ("bundle", "current"),
        [
            pytest.param(CA.pem + OTHER.pem + MIDDLE.pem, True, id="with all of them"),
            pytest.param(CA.pem, False, id="without one of them"),
            pytest.param("", False, id="that is empty"),
            pytest.param(None, False, id="that is not there"),
        ],
    )
    def test_is_current_with_a_bundle(self, host: Host, bundle: str | None, current: bool) -> None:
        host.store(bundle or "")
        if bundle is None:
            (host.root / registry_paths.DEBIAN_BUNDLE.lstrip("/")).unlink()
        host.file(f"{registry_paths.DEBIAN_ANCHORS}/lab.crt", CA.pem)
        host.file(f"{registry_paths.DEBIAN_ANCHORS}/team/other.crt", OTHER.pem)
        host.file(f"{registry_paths.DEBIAN_ANCHORS}/ignored.pem", MIDDLE.pem)
        found = facts(host)
        assert (found["store"], found["store_current"]) == ("debian", current)
        assert [each["subject"] for each in found["authorities"]] != []
        assert {each["subject"] for each in found["authorities"]} == {"CN=Lab CA", "CN=Other CA"}

    def test_without_anchors_is_neither_current_nor_stale(self, host: Host) -> None:
        host.store("")
        assert (facts(host)["store"], facts(host)["store_current"]) == ("debian", None)

    def test_of_redhat_takes_any_name_and_der(self, host: Host) -> None:
        host.file("/usr/bin/update-ca-trust", "")
        host.file(f"{registry_paths.REDHAT_ANCHORS}/lab.pem", CA.pem)
        host.file(f"{registry_paths.REDHAT_ANCHORS}/other.cer", OTHER.der)
        host.file(f"{registry_paths.REDHAT_ANCHORS}/folder/team.pem", MIDDLE.pem)
        host.file(registry_paths.REDHAT_BUNDLE, f"# Lab CA\n{CA.pem}\n# Other CA\n{OTHER.pem}")
        found = facts(host)
        assert (found["store"], found["store_current"], found["errors"]) == ("redhat", True, [])
        assert {each["subject"] for each in found["authorities"]} == {"CN=Lab CA", "CN=Other CA"}

    def test_of_folders_in_circles_ends(self, host: Host) -> None:
        host.store(CA.pem)
        path = host.file(f"{registry_paths.DEBIAN_ANCHORS}/lab.crt", CA.pem)
        (host.root / registry_paths.DEBIAN_ANCHORS.lstrip("/") / "again").symlink_to(".")
        (host.root / registry_paths.DEBIAN_ANCHORS.lstrip("/") / "team").mkdir()
        host.file(f"{registry_paths.DEBIAN_ANCHORS}/team/lab.crt", CA.pem)
        (found,) = facts(host)["authorities"]
        assert found["paths"] == [path, path.replace("lab.crt", "team/lab.crt")]


@pytest.mark.parametrize(
    ("record", "managed", "error"),
    [
        pytest.param(json.dumps({"files": {ENGINE: {}, "/a": {}}}), ["/a", ENGINE], None, id="of files"),
        pytest.param(json.dumps({"files": {}}), [], None, id="of nothing"),
        pytest.param("{", [], "it is no record of the role registry_ca", id="that is cut off"),
        pytest.param("[]", [], "it is no record of the role registry_ca", id="that is a list"),
        pytest.param('{"files": 7}', [], "it is no record of the role registry_ca", id="of a number"),
        pytest.param("[" * 100_000, [], "it is no record of the role registry_ca", id="of brackets"),
        pytest.param(b"\xff", [], "it is no record of the role registry_ca", id="that is no text"),
    ],
)
def test_a_record_tells_its_paths(host: Host, record: str | bytes, managed: list[str], error: str | None) -> None:
    host.file(registry_paths.RECORD, record)
    found = facts(host)
    assert found["managed"] == managed
    assert [(each["path"], each["error"].startswith(error or "?")) for each in found["errors"]] == (
        [(registry_paths.RECORD, True)] if error else []
    )


def test_what_had_been_there_before_does_not_leave_the_host(host: Host) -> None:
    secret = "c2VjcmV0IGtleQ=="
    host.file(registry_paths.RECORD, json.dumps({"files": {"/k": {"before": {"content": secret}}}}))
    assert secret not in json.dumps(facts(host))


def test_what_may_not_be_read_is_an_error(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.trust(REGISTRY, CA.pem)
    listdir = os.listdir

    def refusing(path: str) -> list[str]:
        if path.endswith((registry_paths.RUNNER, REGISTRY)):
            raise PermissionError(errno.EACCES, "Permission denied")
        return listdir(path)

    # Not by modes: root may read everything.
    monkeypatch.setattr(os, "listdir", refusing)
    assert facts(host)["errors"] == [
        {"path": path, "error": "it cannot be read: Permission denied", "certificates": 0}
        for path in (registry_paths.folder("engine", REGISTRY), registry_paths.RUNNER)
    ]


def test_too_many_files_are_told_and_not_read(host: Host) -> None:
    for number in range(5):
        host.trust(f"r{number}.example", CA.pem)
    found = registry_facts(str(host.root), Reader(str(host.root), files=3))
    assert [each["host"] for each in found["authorities"]] == ["r0.example", "r1.example", "r2.example"]
    assert [each["error"] for each in found["errors"]] == [
        "it and what comes after it was not looked at; there are too many certificates"
    ]
    found = registry_facts(str(host.root), Reader(str(host.root), size=len(CA.pem) + 1))
    assert len(found["authorities"]) == 2


def test_names_are_fit_for_a_terminal(host: Host) -> None:
    host.trust("\x1b[31mred\n", CA.pem)
    (found,) = facts(host)["authorities"]
    assert found["host"] == "?[31mred?"
    assert found["paths"] == ["/etc/docker/certs.d/?[31mred?/ca.crt"]


def test_three_hundred_registries_are_read_in_a_moment(host: Host) -> None:
    for number in range(300):
        for layer in ("engine", "podman", "dind"):
            host.trust(f"r{number}.example:5000", CA.pem, layer=layer)
    started = time.perf_counter()
    found = facts(host)
    assert time.perf_counter() - started < 2
    assert len(found["authorities"]) == 300


@given(st.dictionaries(st.sampled_from(["ca.crt", "b.crt", "client.cert", "client.key", "x.key"]), st.binary()))
def test_whatever_lies_there_the_facts_have_their_shape(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    host = Host(tmp_path_factory.mktemp("host"))
    for name, content in files.items():
        host.file(f"{registry_paths.folder('engine', REGISTRY)}/{name}", content)
    found = facts(host)
    assert set(found) == set(NOTHING)
    assert json.loads(json.dumps(found)) == found
