"""Bad input: one sentence, told before anything is touched."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
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
}


@pytest.fixture(name="told", scope="module")
def _told(host: Host) -> dict[str, str]:
    """What is said of each, when all of them are declared at once."""
    note_time(host)
    # One host is declared once.
    declarations = [
        {**declaration, "host": declaration["host"].replace(HOST, f"registry{n}.example.com:5000")}
        for n, (declaration, _) in enumerate(CASES.values())
    ]
    refused = play(name_of(host), {"registry_ca_registries": declarations})
    assert refused.code != 0
    assert "PRIVATE" not in refused.output
    assert touched(host) == []
    # Told on the controller: the host was not even asked.
    assert refused.calls == 0
    said = re.split(r"registry_ca_registries\[(\d+)\]", refused.failures[-1])[1:]
    by_number = dict(zip(said[::2], said[1::2], strict=True))
    return {name: by_number[str(n)] for n, name in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(told: dict[str, str], case: str) -> None:
    assert CASES[case][1] in told[case]


def test_an_unknown_layer_is_refused(host: Host) -> None:
    refused = play(name_of(host), {"registry_ca_registries": [registry(trust=["kubernetes"])]})
    assert refused.code != 0
    assert "Got no match for: kubernetes found in registry_ca_registries" in refused.failures[-1]
    assert refused.calls == 0


def test_a_registry_that_is_declared_twice_and_der_are_named(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "ca.der"
    path.write_bytes(GOOD.der)
    declarations = [registry(), registry(), registry(host="der.example.com", ca=str(path))]
    refused = play(name_of(host), {"registry_ca_registries": declarations})
    assert refused.code != 0
    assert "[1]" in refused.failures[-1]
    assert "openssl x509" in refused.failures[-1]
