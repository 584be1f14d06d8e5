"""The audit names what is wrong between a host and its registries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.audits import audit
from tests.support.hosts import name_of
from tests.support.pki import Authority
from tests.support.registries import address, declared, restore, trust
from tests.support.runners import CONFIG

testinfra_hosts = ["ansible://registry-ca-debian12"]


def test_all_is_well(host: Host) -> None:
    seen = audit(name_of(host))
    assert seen.played.code == 0, seen.played.output
    ids = {name for name, layer in seen.findings(name_of(host)) if layer == "registry"}
    # The registry that vouches for itself, which is a note.
    assert ids == {"registry_ca_not_authority"}


def test_a_runner_that_looks_elsewhere_is_named(host: Host) -> None:
    host.check_output("cp --preserve %s /root/config.toml && cp /etc/gitlab-runner/certs/*.crt /root/ca.crt", CONFIG)
    try:
        host.check_output("""sed -i 's|^  executor = .*|&\\n  tls-ca-file = "/root/ca.crt"|' %s""", CONFIG)
        seen = audit(name_of(host))
        found = [each["evidence"] for each in seen.host(name_of(host))["findings"] if "overridden" in each["id"]]
        assert [each["name"] for each in found] == ["dind", "socket"]
    finally:
        host.check_output("cp --preserve /root/config.toml %s && rm /root/config.toml /root/ca.crt", CONFIG)


WRONG: dict[str, tuple[int, str]] = {
    "a server whose certificate has expired": (5003, "registry_server_expired"),
    "a certificate for another name": (5004, "registry_name_mismatch"),
    "a registry without TLS": (5005, "registry_plain_http"),
    "one that wants a client certificate": (5001, "registry_client_wanted"),
    "nobody there": (5009, "registry_unreachable"),
}


@pytest.fixture(name="troubled", scope="module")
def _troubled(host: Host) -> Iterator[dict[str, Any]]:
    registries = [declared(host, port) for port, _ in WRONG.values()]
    other = declared(host, 5000, ca=Authority("nobody's").pem)
    assert trust(host, [*registries, other]).code == 0
    seen = audit(name_of(host))
    assert seen.played.code == 2, seen.played.output
    yield {str(finding["evidence"]): finding for finding in seen.host(name_of(host))["findings"]}
    restore(host)


@pytest.mark.parametrize(("port", "finding"), WRONG.values(), ids=WRONG)
def test_it_is_named(host: Host, troubled: dict[str, Any], port: int, finding: str) -> None:
    assert [each["id"] for each in troubled.values() if address(host, port) in str(each["evidence"])] == [finding]


def test_another_authority_is_named(host: Host, troubled: dict[str, Any]) -> None:
    assert [each["id"] for each in troubled.values() if address(host) in str(each["evidence"])] == ["registry_other_ca"]
