# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_declared import Checked, check
from tests.support import pki

NOW = pki.now()
HOST = "registry.example:5000"
LAB, OTHER = pki.Authority("Lab CA"), pki.Authority("Other CA")
TEAM = pki.Authority("Team CA", parent=LAB)
OLD = pki.Authority("Old CA", not_before=pki.days(-400), not_after=pki.days(-30))
NEXT = pki.Authority("Next CA", not_before=pki.days(30))
SERVER = LAB.issue(["registry.example"])
OWN = pki.self_signed(["registry.example"])
CLIENT, SECOND = (TEAM.issue([name], client=True) for name in ("builder", "second"))
PLAIN = LAB.issue(["builder"], usages=())
ITSELF = pki.self_signed(["builder"], client=True)
LATE = LAB.issue(["late"], client=True, not_after=pki.days(-0.5))
# By OpenSSL 3.0 without extensions: X.509 version 1, which has no word for an authority.
FIRST = """-----BEGIN CERTIFICATE-----
MIIBIjCByQIUWLf2H6hDfjvcxVhHy8M4Pe0bKlIwCgYIKoZIzj0EAwIwEzERMA8G
A1UEAwwIRmlyc3QgQ0EwIBcNMjYxMTIyMTQyNDA2WhgPMjEyNjEwMjkxNDI0MDZa
MBMxETAPBgNVBAMMCEZpcnN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
OKwPR5vEZEXVDAiwKb/cQUhyMtGGD8Qzeqnwri56BEMXhsPGV+55f4PeEErmhLDA
aswDnEuOX1kYpFMHPg/jRTAKBggqhkjOPQQDAgNIADBFAiEAiBz/F4o5cNGz1nCw
Y0xM0/SRDlXWVF43yW5PRV6+M0cCIGGcIkgpoMIDGXWwGwZq8KHwkDGieXImFvTS
tZaS4K1D
-----END CERTIFICATE-----
"""
FILES = {
    "ca.crt": LAB.pem.encode(),
    "ca.der": LAB.der,
    "empty.crt": b"",
    "client.key": CLIENT.key_pem.encode(),
    "vaulted": pki.key_text(pki.new_key(), b"word").encode(),
}
OF_CLIENT = {"client_cert": CLIENT.chain_pem, "client_key": CLIENT.key_pem}


def mute(names: list[str]) -> str:
    """A certificate that says it is an authority, and may not sign."""
    key = pki.new_key()
    extended = [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (pki.key_usage("digital_signature"), True),
    ]
    between = (pki.days(-1), pki.days(9))
    extended += [(pki.alternative_names(names), False)] if names else []
    return pki.pem(pki.signed("Mute CA", pki.subject("Mute CA"), key.public_key(), key, extended, between))


def day(count: float) -> str:
    """A date as sentences have it."""
    return pki.days(count).strftime("%Y-%m-%d")


def checked(*registries: dict[str, Any], gitlab: Any = None, now: datetime.datetime = NOW) -> Checked:
    """What becomes of declarations; the controller has FILES."""
    return check([{"host": HOST, **one} for one in registries], gitlab, FILES.get, now)


@pytest.mark.parametrize(
    "ca",
    [
        pytest.param(LAB.pem, id="an authority's text"),
        pytest.param("ca.crt", id="an authority's file"),
        pytest.param(["ca.crt", LAB.pem, OTHER.pem], id="several, one of them twice"),
        pytest.param(LAB.pem + TEAM.pem, id="a root and what it signed"),
        pytest.param(pki.self_signed(["registry.example"], ca=True).cert_pem, id="a server that is its own authority"),
    ],
)
def test_authorities_are_taken_without_a_word(ca: Any) -> None:
    found = checked({"ca": ca})
    assert (found.problems, found.notes) == ([], [])
    (registry,) = found.registries
    assert (registry.host, registry.layers, registry.client) == (HOST, ("engine", "podman", "dind"), None)
    assert len({one.sha256 for one in registry.authorities}) == len(registry.authorities)


@pytest.mark.parametrize(
    ("ca", "said"),
    [
        pytest.param(OLD.pem, f"has nothing that is in force: 'CN=Old CA' expired on {day(-30)}; give", id="expired"),
        pytest.param(NEXT.pem, f"in force: 'CN=Next CA' is not valid before {day(30)}; give", id="not yet valid"),
        pytest.param(OLD.pem + NEXT.pem, "'CN=Next CA' is not valid before", id="one too old, one too young"),
        pytest.param(
            SERVER.cert_pem,
            "no authority but a server's certificate signed by 'CN=Lab CA'; give that of 'CN=Lab CA'",
            id="a server's certificate",
        ),
        pytest.param(
            SERVER.cert_pem + LAB.pem, "signed by 'CN=Lab CA'; leave it out, the other is there", id="beside its CA"
        ),
        pytest.param(
            pki.self_signed(["other.example", "10.0.0.9"]).cert_pem,
            "a server's own certificate, for other.example, 10.0.0.9 and not for registry.example; give the one that "
            f"{HOST} shows",
            id="another server's own certificate",
        ),
        pytest.param(
            pki.self_signed([f"{letter}.example" for letter in "abcde"]).cert_pem,
            "for a.example, b.example, c.example and 2 more and not for",
            id="the own certificate of many others",
        ),
        pytest.param(
            pki.self_signed([], common_name="registry.example").cert_pem,
            "without a subjectAltName, and engines look at nothing else; make one that has registry.example there",
            id="a server's own certificate with a common name alone",
        ),
        pytest.param(mute([]), "'CN=Mute CA', whose key usage does not let it sign", id="an authority that may not"),
        pytest.param("ca.der", "names 'ca.der', which is DER, not PEM; turn it into PEM", id="a file in DER"),
        pytest.param("empty.crt", "names 'empty.crt', which is empty", id="an empty file"),
        pytest.param("client.key", "names 'client.key', which has a private key in it", id="a file with a key"),
        pytest.param("files/no.crt", "names 'files/no.crt', and the controller has no such file", id="no such file"),
        pytest.param("MIIBiDCCAS2gAwIBAgIUc9puV01", "is neither PEM nor the path of a file", id="base64 alone"),
        pytest.param("no such file.", "is neither PEM nor the path of a file", id="some words"),
        pytest.param(LAB.pem.strip() + OTHER.pem, "has two blocks without a line break", id="two texts glued"),
        pytest.param(LAB.pem + LAB.key_pem, "has a private key in it; give the certificates alone", id="a key inside"),
        pytest.param(["", LAB.pem], "is empty; give PEM, or the path of a file", id="an empty one among others"),
    ],
)
def test_what_vouches_for_nothing_is_told(ca: Any, said: str) -> None:
    found = checked({"ca": ca})
    assert len(found.problems) == 1
    assert found.problems[0].startswith("registry_ca_registries[0].ca")
    assert f"({HOST}) " in found.problems[0]
    assert said in found.problems[0]
    assert "MII" not in found.problems[0]
    assert found.registries == ()


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        pytest.param({"ca": OWN.cert_pem}, "the server's own certificate and no authority", id="the server's own"),
        pytest.param(
            {"ca": pki.self_signed(["registry.example"], ca=None).cert_pem}, "the server's own certificate",
            id="the server's own, which says nothing about it",
        ),
        pytest.param({"ca": mute(["registry.example"])}, "the server's own certificate", id="a mute one for itself"),
        pytest.param({"ca": TEAM.pem}, "has 'CN=Team CA' and not 'CN=Lab CA', which signed it", id="without its root"),
        pytest.param(
            {"ca": [OLD.pem, LAB.pem]}, f"not in force beside such as are: 'CN=Old CA' expired on {day(-30)}",
            id="an old one beside the new one",
        ),
        pytest.param(
            {"ca": [LAB.pem, NEXT.pem]}, f"'CN=Next CA' is not valid before {day(30)}", id="the next one beside it"
        ),
        pytest.param(
            {"ca": pki.Authority("Short CA", key=rsa.generate_private_key(65537, 1024)).pem},
            "has 'CN=Short CA' with an RSA key of 1024 bits", id="a short key",
        ),
        pytest.param({"ca": LAB.pem, "host": "docker.io"}, "host is docker.io: the engine goes to", id="Docker Hub"),
    ],
)  # fmt: skip
def test_what_is_odd_is_taken_and_said(declared: dict[str, Any], said: str) -> None:
    found = checked(declared)
    assert found.problems == []
    assert len(found.notes) == 1
    assert said in found.notes[0]
    assert found.notes[0].startswith("registry_ca_registries[0].")
    assert len(found.registries) == 1


def test_an_authority_that_is_not_for_servers_is_said() -> None:
    key, name = pki.new_key(), pki.subject("Mail CA")
    between = (pki.days(-1), pki.days(30))
    for usages, notes in (((pki.CLIENT,), 1), ((pki.CLIENT, pki.SERVER), 0)):
        extended = pki.extensions(ca=True, usages=usages)
        found = checked({"ca": pki.pem(pki.signed("Mail CA", name, key.public_key(), key, extended, between))})
        assert (found.problems, len(found.notes)) == ([], notes)
        assert all("'CN=Mail CA', whose extended key usage lacks serverAuth; engines refuse" in each
                   for each in found.notes)  # fmt: skip


def test_a_library_that_is_too_old_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x509, "Certificate", object)
    found = checked({"ca": LAB.pem})
    assert "which is too old; install version 42 or a newer one there with" in found.problems[0]
    assert (len(found.problems), found.registries) == (1, ())


def test_roots_of_the_first_version_are_authorities() -> None:
    found = checked({"ca": FIRST}, now=datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC))
    assert (found.problems, found.notes) == ([], [])


def test_where_a_servers_own_certificate_is_left_out_is_said() -> None:
    assert "RedHat" in " ".join(checked({"ca": OWN.cert_pem, "trust": ["os"]}).notes)


def test_an_odd_name_is_of_no_matter_to_layers_that_do_not_go_by_it() -> None:
    assert checked({"ca": LAB.pem, "host": "registry", "trust": ["os"]}).notes == []


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(OF_CLIENT, id="a certificate with who signed it"),
        pytest.param({**OF_CLIENT, "client_cert": CLIENT.cert_pem}, id="the certificate alone"),
        pytest.param({**OF_CLIENT, "client_cert": CLIENT.chain_pem + LAB.pem}, id="with the root"),
        pytest.param({**OF_CLIENT, "client_key": "client.key"}, id="a key in a file"),
        pytest.param({"client_cert": PLAIN.cert_pem, "client_key": PLAIN.key_pem}, id="one for anything"),
        pytest.param({"client_cert": ITSELF.cert_pem, "client_key": ITSELF.key_pem}, id="one that nobody else signed"),
    ],
)
def test_clients_are_taken(declared: dict[str, Any]) -> None:
    found = checked({"ca": LAB.pem, **declared})
    assert (found.problems, found.notes) == ([], [])
    (registry,) = found.registries
    assert registry.layers == ("engine", "podman")
    assert registry.client is not None
    assert "PRIVATE" not in repr(found)


def test_a_registry_with_a_public_certificate_can_want_a_client() -> None:
    found = checked(OF_CLIENT)
    assert found.problems == []
    assert found.registries[0].authorities == ()


CERT, KEY = "client_cert", "client_key"


@pytest.mark.parametrize(
    ("declared", "key", "said"),
    [
        pytest.param({CERT: None}, CERT, "is missing; a key is of no use", id="a key alone"),
        pytest.param({KEY: ""}, KEY, "is missing; engines refuse a client's certificate", id="a certificate alone"),
        pytest.param(
            {CERT: TEAM.pem + CLIENT.cert_pem}, CERT,
            "in the wrong order; the client's own comes first, then who signed it: 'CN=builder', 'CN=Team CA'",
            id="who signed it first",
        ),
        pytest.param(
            {CERT: CLIENT.cert_pem + LAB.pem + TEAM.pem}, CERT, "'CN=builder', 'CN=Team CA', 'CN=Lab CA'",
            id="the root between them",
        ),
        pytest.param(
            {CERT: CLIENT.cert_pem + OTHER.pem}, CERT, "has 'CN=Other CA', which signed none of the others; leave it",
            id="a stranger",
        ),
        pytest.param(
            {KEY: SECOND.key_pem}, KEY, "is not the key of 'CN=builder' in client_cert", id="another one's key"
        ),
        pytest.param(
            {CERT: LATE.cert_pem, KEY: LATE.key_pem}, CERT, "is not in force: 'CN=late' expired on", id="expired"
        ),
        pytest.param(
            {CERT: SERVER.cert_pem, KEY: SERVER.key_pem}, CERT, "which is not for clients (its extended key usage",
            id="a server's certificate",
        ),
        pytest.param({KEY: "vaulted"}, KEY, "names 'vaulted', which is encrypted, and no engine", id="encrypted"),
        pytest.param({KEY: CLIENT.cert_pem}, KEY, "is a certificate, where a private key is wanted", id="swapped"),
        pytest.param(
            {KEY: CLIENT.key_pem.split("\n")[1]}, KEY, "is neither PEM nor the path of a file on the controller",
            id="a line of a key",
        ),
        pytest.param({KEY: "keys/no.key"}, KEY, "is neither PEM nor the path of a file", id="no such file"),
        pytest.param({CERT: CLIENT.cert_pem + CLIENT.key_pem}, CERT, "has a private key in it", id="both in one"),
        pytest.param({CERT: "ca.der"}, CERT, "names 'ca.der', which is DER", id="DER"),
        pytest.param({CERT: 5}, CERT, "is a number, where PEM or the path of a file is wanted", id="a number"),
        pytest.param({"trust": ["os"]}, "trust", "is os, and client_cert would go nowhere", id="trust elsewhere"),
    ],
)  # fmt: skip
def test_clients_that_would_be_refused_are_told(declared: dict[str, Any], key: str, said: str) -> None:
    found = checked({"ca": LAB.pem, **OF_CLIENT, **declared})
    assert [problem.partition(" ")[0] for problem in found.problems] == [f"registry_ca_registries[0].{key}"]
    assert said in found.problems[0]
    secret = CLIENT.key_pem.split("\n")[1]
    assert secret not in repr(found)


def test_everything_is_told_at_once() -> None:
    found = check(
        [
            {"host": "https://a.example", "ca": LAB.pem},
            {"host": "b.example", "ca": OLD.pem, "trust": ["moon"]},
            {"host": "c.example", "ca": OLD.pem, "client_cert": SERVER.cert_pem, "client_key": SECOND.key_pem},
            {"host": "good.example", "ca": LAB.pem},
        ],
        {"url": "https://gitlab.example.com", "ca": "no.crt"},
        FILES.get,
        NOW,
    )
    assert sorted(problem.partition(" ")[0] for problem in found.problems) == [
        "registry_ca_gitlab.ca",
        "registry_ca_registries[0].host",
        "registry_ca_registries[1].trust",
        "registry_ca_registries[2].ca",
        "registry_ca_registries[2].client_cert",
        "registry_ca_registries[2].client_key",
    ]
    assert [one.host for one in found.registries] == ["good.example"]
    assert found.gitlab is None


def test_the_gitlab_server() -> None:
    own = pki.self_signed(["gitlab.example.com"])
    found = checked(gitlab={"url": "https://gitlab.example.com:8443/", "ca": own.cert_pem})
    assert found.problems == []
    assert "registry_ca_gitlab.ca (gitlab.example.com:8443) has" in found.notes[0]
    assert found.gitlab is not None
    assert (found.gitlab.host, found.gitlab.layers) == ("gitlab.example.com:8443", ("runner", "helper"))
    wrong = checked(gitlab={"url": "https://git.example.com", "ca": own.cert_pem})
    assert "for gitlab.example.com and not for git.example.com" in wrong.problems[0]


def test_a_file_is_read_once() -> None:
    asked = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return FILES.get(path)

    found = check([{"host": f"r{number}.example", "ca": "ca.crt"} for number in range(30)], None, read, NOW)
    assert found.problems == []
    assert asked == ["ca.crt"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(PermissionError(13, "Permission denied"), "cannot be read (Permission denied)", id="not allowed"),
        pytest.param(ValueError("embedded null byte"), "cannot be read (it is no path)", id="no path"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(error: Exception, said: str) -> None:
    def read(_path: str) -> bytes | None:
        raise error

    (problem,) = check([{"host": HOST, "ca": "ca.crt"}], None, read, NOW).problems
    assert said in problem


@pytest.mark.parametrize("days", [pytest.param(-1, id="before it"), pytest.param(3651, id="after it")])
def test_the_time_is_the_callers(days: int) -> None:
    assert "has nothing that is in force" in checked({"ca": LAB.pem}, now=pki.days(days - 0.5)).problems[0]
