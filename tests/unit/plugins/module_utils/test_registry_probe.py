# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Every kind of answer, by a server in this process that gives it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, registry_probe
from tests.support.pki import CLIENT, Authority, Issued, days, key_text, new_key, self_signed
from tests.unit.plugins.module_utils.registry_world import (
    ADDRESS,
    LOGIN,
    REGISTRY,
    Host,
    Server,
    saying,
    serving,
    showing,
    silent,
    speaking_http,
    tls,
)

CA = Authority("Lab CA")
OTHER = Authority("Other CA")
# What an authority is called whose key was made anew.
SAME_NAME = Authority("Lab CA")
OLD = Authority("Old CA", not_before=days(-400), not_after=days(-30))
COMING = Authority("Coming CA", not_before=days(30))
MIDDLE = Authority("Team CA", parent=CA)
GOOD = CA.issue([ADDRESS, "localhost"])
ITSELF = self_signed([ADDRESS])
CLIENT_CA = Authority("Client CA")
BUILDER = CLIENT_CA.issue(["builder"], client=True)
STRANGER = OTHER.issue(["stranger"], client=True)
VERSIONS = [
    pytest.param(ssl.TLSVersion.TLSv1_2, id="TLS 1.2"),
    pytest.param(ssl.TLSVersion.TLSv1_3, id="TLS 1.3"),
]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def good(answer: bytes = REGISTRY) -> Callable[[socket.socket], None]:
    return tls(GOOD.chain_pem, GOOD.key_pem, answer=answer)


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        pytest.param(REGISTRY, 200, "it is trusted", id="that wants nothing"),
        pytest.param(LOGIN, 401, "it is trusted, and wants a login", id="that wants a login"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", 200, "it is trusted",
            id="that does not name its protocol",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\r\n", 200,
            "it is trusted", id="that greets in HTML",
        ),
    ],
)  # fmt: skip
def test_a_registry_can_be_used(host: Host, answer: bytes, status: int, detail: str) -> None:
    with serving(good(answer)) as server:
        host.trust(server.host, CA.pem)
        result = host.check(server.host)
    assert 0 < result.pop("seconds") < 5
    assert result == {
        "host": server.host,
        "address": server.host,
        "ok": True,
        "kind": "ok",
        "detail": detail,
        "trust": "folder",
        "tls_version": "TLSv1.3",
        "subject": "CN=127.0.0.1",
        "issuer": "CN=Lab CA",
        "not_after": f"{GOOD.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "names": [ADDRESS, "localhost"],
        "status": status,
    }


@pytest.mark.parametrize(
    ("ca", "shown"),
    [
        pytest.param(CA.pem, GOOD, id="the root"),
        pytest.param(OTHER.pem + CA.pem, GOOD, id="the root beside another: rotation"),
        pytest.param(SAME_NAME.pem + CA.pem, GOOD, id="the root beside one of the same name"),
        pytest.param(OLD.pem + CA.pem, GOOD, id="the root beside an expired one"),
        pytest.param(CA.pem, MIDDLE.issue([ADDRESS]), id="the root of a chain that the server sends"),
        pytest.param(MIDDLE.pem, MIDDLE.issue([ADDRESS]), id="an intermediate without its root, as Go takes it"),
        pytest.param(GOOD.cert_pem, GOOD, id="the server's own certificate"),
        pytest.param(ITSELF.cert_pem, ITSELF, id="the self-signed certificate of the server"),
        pytest.param(f"a comment\n{CA.pem}".replace("\n", "\r\n"), GOOD, id="the root in a file from Windows"),
    ],
)
def test_what_lies_there_is_trusted(host: Host, ca: str, shown: Issued) -> None:
    with serving(tls(shown.chain_pem, shown.key_pem)) as server:
        host.trust(server.host, ca)
        result = host.check(server.host)
    assert (result["kind"], result["trust"]) == ("ok", "folder"), result


UNTRUSTED = [
    pytest.param(
        OTHER.pem, GOOD, "other_ca",
        "its certificate is signed by CN=Lab CA, which is not trusted by {folder} (CN=Other CA)", id="another CA",
    ),
    pytest.param(
        SAME_NAME.pem, GOOD, "other_ca",
        "its certificate is signed by CN=Lab CA, which is in {folder} by its name, but with another key (CN=Lab CA)",
        id="a CA of the same name with another key",
    ),
    pytest.param(
        CA.pem, ITSELF, "other_ca",
        "its certificate is its own issuer (CN=127.0.0.1), and not trusted by {folder} (CN=Lab CA)", id="self-signed",
    ),
    pytest.param(
        OTHER.pem, CA.issue(["other.example"], not_before=days(-9), not_after=days(-2)), "other_ca",
        "its certificate is signed by CN=Lab CA, which is not trusted by {folder} (CN=Other CA); besides, its "
        "certificate is for other.example, not for 127.0.0.1; besides, its certificate expired on DATE",
        id="everything at once",
    ),
    pytest.param(
        CA.pem, CA.issue(["a.example", "b.example"]), "name_mismatch",
        "its certificate is for a.example, b.example, not for 127.0.0.1", id="other names",
    ),
    pytest.param(
        CA.pem, CA.issue([f"{letter}.example" for letter in "abcdefg"]), "name_mismatch",
        "its certificate is for a.example, b.example, c.example, d.example, e.example and 2 more, not for 127.0.0.1",
        id="many other names",
    ),
    pytest.param(
        CA.pem, CA.issue([ADDRESS], not_before=days(-9), not_after=days(-2)), "server_expired",
        "its certificate expired on DATE", id="an expired server",
    ),
    pytest.param(
        CA.pem, CA.issue([ADDRESS], not_before=days(2)), "server_not_yet_valid",
        "its certificate is not valid before DATE", id="a server of tomorrow",
    ),
    pytest.param(
        OLD.pem, OLD.issue([ADDRESS]), "ca_expired", "the CA CN=Old CA in {folder} expired on DATE", id="an expired CA"
    ),
    pytest.param(
        COMING.pem, COMING.issue([ADDRESS]), "ca_not_yet_valid",
        "the CA CN=Coming CA in {folder} is not valid before DATE", id="a CA of tomorrow",
    ),
    pytest.param(
        CA.pem, CA.issue([ADDRESS], usages=[CLIENT]), "unfit",
        "its certificate cannot be used: WORDS", id="a certificate for clients",
    ),
]  # fmt: skip


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize(("ca", "shown", "kind", "detail"), UNTRUSTED)
def test_a_server_that_is_not_trusted_is_described(
    host: Host, ca: str, shown: Issued, kind: str, detail: str, newest: ssl.TLSVersion
) -> None:
    with serving(tls(shown.chain_pem, shown.key_pem, newest=newest)) as server:
        host.trust(server.host, ca)
        result = host.check(server.host)
    start, _word, end = detail.format(folder=registry_paths.folder("engine", server.host)).partition("DATE")
    start = start.partition("WORDS")[0]
    assert (result["ok"], result["kind"]) == (False, kind), result
    assert result["detail"].startswith(start)
    assert result["detail"].endswith(end)
    # What it showed is told all the same.
    assert result["names"]
    assert result["issuer"] == f"{shown.certificate.issuer.rfc4514_string()}"
    assert result["not_after"] == f"{shown.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def test_a_common_name_is_no_name(host: Host) -> None:
    shown = self_signed([], common_name=ADDRESS)
    with serving(tls(shown.chain_pem, shown.key_pem)) as server:
        host.trust(server.host, shown.cert_pem)
        result = host.check(server.host)
    assert (result["kind"], result["names"]) == ("name_mismatch", [])
    assert result["detail"] == (
        "its certificate has no alternative names (SAN), and engines do not look at the common name"
    )


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize(
    ("client", "kind", "detail"),
    [
        pytest.param(BUILDER, "ok", "it is trusted", id="the right one"),
        pytest.param(None, "client_wanted", "it wants a client certificate, and there is none for it", id="none"),
        pytest.param(
            STRANGER, "client_refused", "it refuses the client certificate {client} (it says: unknown ca)",
            id="one of another CA",
        ),
        pytest.param(
            CLIENT_CA.issue(["late"], client=True, not_before=days(-9), not_after=days(-2)), "client_refused",
            "it refuses the client certificate {client} (it says: certificate expired)", id="an expired one",
        ),
    ],
)  # fmt: skip
def test_a_registry_that_wants_to_know_its_clients(
    host: Host, client: Issued | None, kind: str, detail: str, newest: ssl.TLSVersion
) -> None:
    with serving(tls(GOOD.chain_pem, GOOD.key_pem, client_ca=CLIENT_CA.pem, newest=newest)) as server:
        host.trust(server.host, CA.pem, client.cert_pem if client else None, client.key_pem if client else None)
        result = host.check(server.host)
    path, _key = registry_paths.client("engine", server.host)
    assert (result["kind"], result["detail"]) == (kind, detail.format(client=path))
    assert result["names"] == [ADDRESS, "localhost"]


@pytest.mark.parametrize("newest", VERSIONS)
def test_the_right_one_of_two_clients_is_shown(host: Host, newest: ssl.TLSVersion) -> None:
    with serving(tls(GOOD.chain_pem, GOOD.key_pem, client_ca=CLIENT_CA.pem, newest=newest)) as server:
        host.trust(server.host, CA.pem, STRANGER.cert_pem, STRANGER.key_pem)
        folder = registry_paths.folder("engine", server.host)
        host.file(f"{folder}/second.cert", BUILDER.cert_pem)
        host.file(f"{folder}/second.key", BUILDER.key_pem)
        assert host.check(server.host)["kind"] == "ok"


@pytest.mark.parametrize("newest", VERSIONS)
def test_a_client_that_nobody_has_to_be_is_none_where_it_is_refused(host: Host, newest: ssl.TLSVersion) -> None:
    optional = tls(GOOD.chain_pem, GOOD.key_pem, client_ca=CLIENT_CA.pem, newest=newest, required=False)
    with serving(optional) as server:
        host.trust(server.host, CA.pem, STRANGER.cert_pem, STRANGER.key_pem)
        assert host.check(server.host)["kind"] == "ok"


@pytest.mark.parametrize("newest", VERSIONS)
def test_a_server_is_described_that_is_not_trusted_and_does_not_trust(host: Host, newest: ssl.TLSVersion) -> None:
    with serving(tls(GOOD.chain_pem, GOOD.key_pem, client_ca=CLIENT_CA.pem, newest=newest)) as server:
        host.trust(server.host, OTHER.pem)
        result = host.check(server.host)
    assert (result["kind"], result["issuer"]) == ("other_ca", "CN=Lab CA")


@pytest.mark.parametrize(
    ("answer", "client", "kind", "detail"),
    [
        pytest.param(
            b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<center>No required SSL certificate was sent</center>",
            None, "client_wanted", "it wants a client certificate, and there is none for it", id="nginx without one",
        ),
        pytest.param(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\n\r\nThe SSL certificate error",
            BUILDER, "client_refused", "it refuses the client certificate {client}", id="nginx with another",
        ),
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\n\r\n", None, "not_a_registry",
            "it answers GET /v2/ with 404, which registries do not", id="not found",
        ),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: https://user:hunter2@sso.example/\r\n\r\n", None, "not_a_registry",
            "it answers GET /v2/ with 302 to https://********@sso.example/, which registries do not",
            id="elsewhere, with a password",
        ),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: https://sso.example/login\r\n\r\n", None, "not_a_registry",
            "it answers GET /v2/ with 302 to https://sso.example/login, which registries do not", id="elsewhere",
        ),
        pytest.param(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad", None, "not_a_registry",
            "it answers GET /v2/ with 400, which registries do not", id="a bad request",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<!doctype html>", None, "not_a_registry",
            "it answers GET /v2/ with a web page", id="a web page",
        ),
        pytest.param(
            b"220 mail.example ESMTP\r\n", None, "not_a_registry", "it does not answer GET /v2/ in HTTP",
            id="another protocol within TLS",
        ),
    ],
)  # fmt: skip
def test_what_is_trusted_need_not_be_a_registry(
    host: Host, answer: bytes, client: Issued | None, kind: str, detail: str
) -> None:
    with serving(good(answer)) as server:
        host.trust(server.host, CA.pem, client.cert_pem if client else None, client.key_pem if client else None)
        result = host.check(server.host)
    path, _key = registry_paths.client("engine", server.host)
    assert (result["kind"], result["detail"]) == (kind, detail.format(client=path))


def test_an_endless_answer_is_read_so_far_and_no_further(host: Host) -> None:
    def talk(connection: socket.socket) -> None:
        tls(GOOD.chain_pem, GOOD.key_pem, answer=b"HTTP/1.1 200 " + bytes(10_000_000))(connection)

    with serving(talk) as server:
        host.trust(server.host, CA.pem)
        assert host.check(server.host)["kind"] in ("ok", "not_a_registry")


@pytest.mark.parametrize(
    ("talk", "kind", "detail"),
    [
        pytest.param(saying(LOGIN), "plain_http", "it speaks HTTP without TLS there", id="HTTP that answers anything"),
        pytest.param(speaking_http, "plain_http", "it speaks HTTP without TLS there", id="HTTP that hangs up on TLS"),
        pytest.param(
            saying(b"<!DOCTYPE HTML>\n<html>Bad request syntax</html>"), "protocol",
            "the connection fails during TLS: ", id="something else",
        ),
        pytest.param(saying(b""), "protocol", "the connection fails during TLS: ", id="nothing at all"),
        pytest.param(
            saying(b"\x15\x03\x03\x00\x02\x02\x28"), "protocol", "the connection fails during TLS: ",
            id="TLS that fails before it begins",
        ),
        pytest.param(
            saying(b"\x15\x03\x03\x00\x02\x02\x70"), "name_mismatch",
            "it says that it has no certificate for this name", id="TLS that does not know the name",
        ),
        pytest.param(
            silent, "timeout", "it takes the connection, but does not answer TLS within 0.5 seconds", id="silence"
        ),
    ],
)  # fmt: skip
def test_a_server_without_usable_tls(host: Host, talk: Callable[[socket.socket], None], kind: str, detail: str) -> None:
    started = time.monotonic()
    with serving(talk) as server:
        host.trust(server.host, CA.pem)
        result = host.check(server.host, timeout=0.5)
    assert result["kind"] == kind, result
    assert result["detail"].startswith(detail)
    assert result["address"] == server.host
    assert time.monotonic() - started < 3


def test_a_registry_that_never_answers_costs_no_more_than_the_timeout(host: Host) -> None:
    def stuck(connection: socket.socket) -> None:
        with showing(GOOD.chain_pem, GOOD.key_pem).wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(4096)
            time.sleep(2)

    with serving(stuck) as server:
        host.trust(server.host, CA.pem)
        result = host.check(server.host, timeout=0.5)
    assert (result["kind"], result["tls_version"]) == ("timeout", "TLSv1.3")
    assert result["detail"] == "it takes the connection, but does not answer GET /v2/ within 0.5 seconds"


def test_a_registry_that_hangs_up_after_tls_is_not_taken_for_one_that_wants_a_client(host: Host) -> None:
    with serving(good(b"")) as server:
        host.trust(server.host, CA.pem)
        result = host.check(server.host)
    assert (result["kind"], result["tls_version"]) in [("protocol", "TLSv1.3"), ("not_a_registry", "TLSv1.3")]


PASSED_OVER = [
    pytest.param({"ca.crt": CA.der}, "ca.crt: it is in DER, not in PEM", id="DER"),
    pytest.param({"ca.crt": b""}, "ca.crt: it is empty", id="an empty file"),
    pytest.param({"ca.crt": CA.pem[:300].encode()}, "ca.crt: block 1 in it is cut off or damaged", id="half a file"),
    pytest.param(
        {"ca.crt": (CA.pem.strip() + OTHER.pem).encode()}, "ca.crt: two certificates in it are glued together",
        id="two glued together",
    ),
    pytest.param(
        {"ca.crt": ("\ufeff" + CA.pem).encode()}, "ca.crt: it begins with a byte order mark", id="a byte order mark"
    ),
]  # fmt: skip
REFUSED = [
    pytest.param(
        {"ca.crt": CA.pem.encode(), "client.cert": BUILDER.cert_pem.encode()},
        "client.cert: it has no key client.key beside it", id="a client without its key",
    ),
    pytest.param(
        {"ca.crt": CA.pem.encode(), "client.key": BUILDER.key_pem.encode()},
        "client.key: it has no certificate client.cert beside it", id="a key without its client",
    ),
    pytest.param(
        {
            "ca.crt": CA.pem.encode(), "client.cert": BUILDER.cert_pem.encode(),
            "client.key": STRANGER.key_pem.encode(),
        },
        "client.cert: it and its key {folder}/client.key cannot be used together", id="a client with another's key",
    ),
    pytest.param(
        {
            "ca.crt": CA.pem.encode(), "client.cert": BUILDER.cert_pem.encode(),
            "client.key": key_text(new_key(), b"secret").encode(),
        },
        "client.cert: it and its key {folder}/client.key cannot be used together", id="an encrypted key",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "detail"), PASSED_OVER)
def test_a_folder_in_which_the_engine_finds_nothing_is_told_with_what_the_registry_shows(
    host: Host, files: dict[str, bytes], detail: str
) -> None:
    with serving(good()) as server:
        folder = registry_paths.folder("engine", server.host)
        for name, content in files.items():
            host.file(f"{folder}/{name}", content)
        result = host.check(server.host)
    assert (result["kind"], result["issuer"]) == ("trust_unreadable", "CN=Lab CA")
    assert result["detail"].startswith(f"{folder}/{detail}")


@pytest.mark.parametrize(("files", "detail"), REFUSED)
def test_a_folder_that_the_engine_refuses_is_told_without_asking(
    host: Host, files: dict[str, bytes], detail: str
) -> None:
    with serving(good()) as server:
        folder = registry_paths.folder("engine", server.host)
        for name, content in files.items():
            host.file(f"{folder}/{name}", content)
        result = host.check(server.host)
        assert server.connections == 0
    assert (result["kind"], result["address"]) == ("trust_unreadable", None)
    assert result["detail"].startswith(f"{folder}/{detail.format(folder=folder)}")


def test_a_link_to_nothing_stops_the_engine_and_a_bad_file_beside_a_good_one_does_not(host: Host) -> None:
    with serving(good()) as server:
        folder = host.root / registry_paths.folder("engine", server.host).lstrip("/")
        host.trust(server.host, CA.pem)
        (folder / "other.crt").write_bytes(OTHER.der)
        assert host.check(server.host)["kind"] == "ok"
        (folder / "other.crt").unlink()
        (folder / "ca.crt").write_text(CA.pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        assert host.check(server.host)["kind"] == "ok"
        (folder / "other.crt").symlink_to("nowhere")
        result = host.check(server.host)
    assert result["kind"] == "trust_unreadable"
    assert "other.crt: it is a link to a file that does not exist" in result["detail"]


class TestTheHostsOwnStore:
    def test_counts_where_there_is_no_folder(self, host: Host) -> None:
        host.store(CA.pem)
        with serving(good()) as server:
            result = host.check(server.host)
        assert (result["kind"], result["trust"], result["detail"]) == ("ok", "store", "it is trusted")

    def test_is_named_where_it_does_not_trust(self, host: Host) -> None:
        host.store(OTHER.pem)
        with serving(good()) as server:
            result = host.check(server.host)
        assert (result["kind"], result["trust"]) == ("other_ca", "store")
        assert result["detail"].endswith("which is not trusted by the host's own store")

    @pytest.mark.parametrize("ca", [OTHER.pem, OLD.pem, SAME_NAME.pem], ids=["another", "an expired", "a namesake"])
    def test_counts_besides_the_folder_as_it_does_for_engines(self, host: Host, ca: str) -> None:
        host.store(CA.pem)
        with serving(good()) as server:
            host.trust(server.host, ca)
            result = host.check(server.host)
        assert (result["ok"], result["trust"]) == (True, "store")
        assert result["detail"].startswith("the host's own store trusts it, though /etc/docker/certs.d/127.0.0.1:")

    def test_counts_where_the_folder_has_nothing_to_read(self, host: Host) -> None:
        host.store(CA.pem)
        with serving(good()) as server:
            host.trust(server.host, "")
            result = host.check(server.host)
        assert (result["ok"], result["trust"]) == (True, "store")

    def test_does_not_count_for_dind_services(self, host: Host) -> None:
        host.store(CA.pem)
        with serving(good()) as server:
            host.trust(server.host, OTHER.pem, layer="dind")
            result = host.check(server.host, registry_paths.DIND)
        assert (result["kind"], result["trust"]) == ("other_ca", "folder")

    def test_brings_the_client_that_the_registry_wants_to_light(self, host: Host) -> None:
        host.store(CA.pem)
        with serving(tls(GOOD.chain_pem, GOOD.key_pem, client_ca=CLIENT_CA.pem)) as server:
            host.trust(server.host, OTHER.pem)
            assert host.check(server.host)["kind"] == "client_wanted"


def test_podman_takes_the_folder_of_the_engine_where_it_has_none(host: Host) -> None:
    with serving(good()) as server:
        host.trust(server.host, CA.pem)
        assert host.check(server.host, registry_paths.PODMAN)["kind"] == "ok"
        host.trust(server.host, OTHER.pem, layer="podman")
        assert host.check(server.host, registry_paths.PODMAN)["kind"] == "other_ca"


def test_an_address_of_version_6(host: Host) -> None:
    shown = CA.issue(["::1"])
    try:
        server = Server(tls(shown.chain_pem, shown.key_pem), "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        host.trust(server.host, CA.pem)
        result = host.check(server.host)
    finally:
        server.close()
    assert (result["kind"], result["address"]) == ("ok", server.host)


def test_many_are_asked_at_a_time_and_answered_in_their_order(host: Host) -> None:
    with serving(silent) as slow, serving(good()) as server:
        host.trust(server.host, CA.pem)
        gone = [f"{ADDRESS}:{port}" for port in range(2, 42)]
        hosts = [slow.host, *gone, server.host, slow.host]
        started = time.monotonic()
        results = registry_probe.check_all(hosts, registry_paths.ENGINE, 1.0, str(host.root))
        assert time.monotonic() - started < 4
    assert [each["host"] for each in results] == hosts[:-1]
    assert [each["kind"] for each in results] == ["timeout", *["refused"] * 40, "ok"]
    assert registry_probe.summary(results[-2:]) == (f"1 of 2 registries can be used; not {ADDRESS}:41 (refused)")
    assert registry_probe.check_all([], registry_paths.ENGINE, 1.0) == []
