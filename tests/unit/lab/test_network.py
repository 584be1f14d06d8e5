"""The lab's network stays out of everybody's way."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.home import DEFAULT_HOME, Home
from tests.lab.network import CANDIDATES, Network, bridge_name, choose_subnet, next_address, parse_routes
from tests.lab.shell import LabError

FIRST = IPv4Network("10.213.0.0/24")
NETWORK = Network("rklab0", FIRST)


@pytest.mark.parametrize(
    ("routes", "preferred", "expected"),
    [
        pytest.param([], None, "10.213.0.0/24", id="nothing is taken"),
        pytest.param(["0.0.0.0/0"], None, "10.213.0.0/24", id="a default route takes nothing"),
        pytest.param(["10.213.0.7/32"], None, "10.213.1.0/24", id="one address in it is enough to leave it alone"),
        pytest.param(["10.0.0.0/8"], None, "192.168.0.0/24", id="all of ten is somebody's"),
        pytest.param([], "10.213.9.0/24", "10.213.9.0/24", id="the earlier choice is kept"),
        pytest.param(
            ["10.213.9.0/28"], "10.213.9.0/24", "10.213.0.0/24", id="an earlier choice that was taken is given up"
        ),
    ],
)
def test_a_free_subnet_is_chosen(routes: list[str], preferred: str | None, expected: str) -> None:
    taken = [IPv4Network(route) for route in routes]
    assert choose_subnet(taken, IPv4Network(preferred) if preferred else None) == IPv4Network(expected)


@given(st.lists(st.sampled_from(CANDIDATES), max_size=40))
def test_a_chosen_subnet_never_overlaps_a_route(taken: list[IPv4Network]) -> None:
    assert not any(choose_subnet(taken).overlaps(network) for network in taken)


def test_no_free_subnet_is_an_error_that_names_the_ranges() -> None:
    with pytest.raises(LabError, match=r"10\.213\.N\.0/24, 192\.168\.N\.0/24"):
        choose_subnet([IPv4Network("10.0.0.0/8"), IPv4Network("192.168.0.0/16")])


def test_routes_are_read_without_the_default_and_the_labs_own() -> None:
    routes = [
        {"dst": "default", "dev": "eth0"},
        {"dst": "192.0.2.0/24", "dev": "eth0"},
        {"dst": "192.0.2.2", "dev": "eth0"},
        {"dst": "10.213.0.0/24", "dev": "rklab0"},
        {"type": "broadcast", "dst": "fe80::/64", "dev": "eth0"},
    ]
    assert parse_routes(json.dumps(routes), "rklab0") == [IPv4Network("192.0.2.0/24"), IPv4Network("192.0.2.2/32")]


def test_parts_of_the_network_do_not_meet() -> None:
    assert NETWORK.gateway not in NETWORK.host_addresses
    assert NETWORK.mirror not in NETWORK.host_addresses
    assert NETWORK.gitlab not in (NETWORK.gateway, NETWORK.mirror, *NETWORK.host_addresses)
    assert NETWORK.registry not in (NETWORK.gateway, NETWORK.mirror, NETWORK.gitlab, *NETWORK.host_addresses)
    assert not any(address in NETWORK.engine_range for address in NETWORK.host_addresses)
    assert NETWORK.with_prefix(NETWORK.mirror) == "10.213.0.2/24"


def test_a_server_keeps_its_hardware_address_when_its_container_is_made_anew() -> None:
    assert NETWORK.hardware(NETWORK.registry) == "02:42:0a:d5:00:04"


@pytest.mark.parametrize(
    ("used", "last", "expected"),
    [
        pytest.param([], None, "10.213.0.10", id="the first one"),
        pytest.param(["10.213.0.10"], None, "10.213.0.11", id="the next free one"),
        pytest.param([], "10.213.0.30", "10.213.0.31", id="one given back is not given out at once"),
        pytest.param([], "10.213.0.127", "10.213.0.10", id="round again after the last"),
        pytest.param([], "10.213.7.30", "10.213.0.10", id="from the beginning in another subnet"),
    ],
)
def test_addresses_go_round(used: list[str], last: str | None, expected: str) -> None:
    taken = {IPv4Address(address) for address in used}
    assert next_address(NETWORK, taken, IPv4Address(last) if last else None) == IPv4Address(expected)


def test_a_full_network_says_what_to_do() -> None:
    with pytest.raises(LabError, match="remove hosts with `down`"):
        next_address(NETWORK, set(NETWORK.host_addresses), None)


def test_labs_with_different_homes_have_different_bridges() -> None:
    names = {bridge_name(Home(path)) for path in (DEFAULT_HOME, Path("/a"), Path("/b"))}
    assert len(names) == 3
    assert all(len(name) <= 15 for name in names)  # what the kernel allows
