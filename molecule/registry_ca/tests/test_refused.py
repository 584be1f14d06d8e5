"""Bad input: one sentence, told before anything is touched."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.hosts import name_of, note_time, touched
from tests.support.pki import Authority
from tests.support.plays import play

testinfra_hosts = ["ansible://registry-ca-debian12"]

HOST = "registry.example.com:5000"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
GOOD = Authority("good")
LEAF = GOOD.issue(["registry.example.com"])
CLIENT = GOOD.issue(["runner"], client=True)


def registry(**what: Any) -> dict[str, Any]:
    return {"host": HOST, "ca": GOOD.pem, **what}


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "an expired authority": (
        registry(ca=Authority("old", not_before=NOW - 9 * DAY, not_after=NOW - DAY).pem),
        "expired on",
    ),
    "one that is not valid yet": (
        registry(ca=Authority("new", not_before=NOW + DAY, not_after=NOW + 9 * DAY).pem),
        "not valid before",
    ),
    "the server's certificate in its authority's place": (registry(ca=LEAF.cert_pem), "good"),
    "two certificates on one line": (registry(ca=GOOD.pem.strip() + Authority("other").pem), "line"),
    "a private key in it": (registry(ca=GOOD.pem + GOOD.key_pem), "private key"),
    "something else": (registry(ca="-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"), "PEM"),
    "a file that is not there": (registry(ca="no/such/file.crt"), "no/such/file.crt"),
    "an address with a scheme": (registry(host="https://registry.example.com"), "scheme"),
    "an address with a path": (registry(host="registry.example.com/group"), "path"),
    "IPv6 without brackets": (registry(host="fd00::4:5000"), "["),
    "a client certificate without its key": (registry(client_cert=CLIENT.cert_pem), "client_key"),
    "a client certificate with another key": (
        registry(client_cert=CLIENT.cert_pem, client_key=GOOD.issue(["x"]).key_pem),
        "client_key",
    ),
    "an unknown layer": (registry(trust=["kubernetes"]), "kubernetes"),
}


@pytest.mark.parametrize(("declaration", "words"), CASES.values(), ids=CASES)
def test_it_is_refused(host: Host, declaration: dict[str, Any], words: str) -> None:
    note_time(host)
    refused = play(name_of(host), {"registry_ca_registries": [declaration]})
    assert refused.code != 0
    assert words in refused.failures[-1]
    assert "registry_ca_registries" in refused.failures[-1]
    assert "PRIVATE" not in refused.output
    assert touched(host) == []
    # Told on the controller: the host was not even asked.
    assert refused.calls == 0


def test_several_mistakes_are_told_at_once(host: Host) -> None:
    refused = play(name_of(host), {"registry_ca_registries": [registry(), registry(), registry(host="a/b")]})
    assert refused.code != 0
    assert "[1]" in refused.failures[-1]
    assert "[2]" in refused.failures[-1]


def test_der_is_named(host: Host, tmp_path: Any) -> None:
    path = tmp_path / "ca.der"
    path.write_bytes(GOOD.der)
    refused = play(name_of(host), {"registry_ca_registries": [registry(ca=str(path))]})
    assert refused.code != 0
    assert "openssl x509" in refused.failures[-1]
