"""A throw-away host reaches the lab's registries, and each has the trouble that it is there for."""

from __future__ import annotations

import re
import shlex

import pytest
from testinfra.host import Host

from tests.support.registry import LabRegistry, registry_of

# Run on the host: what a client that trusts CA gets of /v2/, or the end of what it says.
ASK = """
import http.client, ssl, sys
where, plain, ca = sys.argv[1:]
kind = http.client.HTTPConnection if plain else http.client.HTTPSConnection
more = {} if plain else {'context': ssl.create_default_context(cadata=ca)}
try:
    server = kind(where, timeout=10, **more)
    server.request('GET', '/v2/')
    print(server.getresponse().status)
except OSError as error:
    print(error)
"""


@pytest.fixture(name="registry")
def _registry(host: Host) -> LabRegistry:
    return registry_of(host)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(5000, "200", id="the good one answers"),
        pytest.param(5001, "alert", id="one wants a certificate"),
        pytest.param(5002, "401", id="one wants a login"),
        pytest.param(5003, "certificate has expired", id="one was forgotten"),
        pytest.param(5004, "IP address mismatch", id="one has a certificate for another name"),
        pytest.param(5005, "WRONG_VERSION_NUMBER", id="one speaks no TLS"),
        pytest.param(5006, "self.signed certificate", id="one vouches for itself"),
        pytest.param(5009, "Connection refused", id="at one port is nobody"),
    ],
)
def test_each_is_as_it_should_be(host: Host, registry: LabRegistry, port: int, expected: str) -> None:
    said = host.check_output(shlex.join(["python3", "-c", ASK, registry.host(port), "", registry.ca]))
    assert re.search(expected, said), said


def test_the_one_without_tls_answers_who_asks_without(host: Host, registry: LabRegistry) -> None:
    assert host.check_output(shlex.join(["python3", "-c", ASK, registry.host(5005), "plain", ""])) == "200"


@pytest.mark.parametrize("port", [5000, 5001, 5002, 5005, 5006])
def test_holds_an_image_to_pull(registry: LabRegistry, port: int) -> None:
    assert registry.digest("lab/hello", "1", port)


def test_holds_what_a_mirror_of_the_hub_would(registry: LabRegistry) -> None:
    assert registry.tags("library/lab-hello") == ["1"]
