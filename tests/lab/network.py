"""The lab's bridge, and the rules that let its hosts out and nobody in."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from tests.lab.home import DEFAULT_HOME, Home
from tests.lab.machine import program
from tests.lab.shell import LabError, run, say, succeeds, write

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
# Not 172.16.0.0/12: there the nested engines look for their own networks, as on any ordinary host.
CANDIDATES = [IPv4Network(f"10.213.{n}.0/24") for n in range(256)] + [
    IPv4Network(f"192.168.{n}.0/24") for n in range(256)
]


@dataclass(frozen=True)
class Network:
    """A bridge and its /24: gateway .1, mirror .2, GitLab .3, registry .4, hosts .10 to .127, the engine from .128."""

    bridge: str
    subnet: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        return self.subnet[1]

    @property
    def mirror(self) -> IPv4Address:
        return self.subnet[2]

    @property
    def gitlab(self) -> IPv4Address:
        return self.subnet[3]

    @property
    def registry(self) -> IPv4Address:
        return self.subnet[4]

    @property
    def engine_range(self) -> IPv4Network:
        return list(self.subnet.subnets(1))[1]

    @property
    def host_addresses(self) -> list[IPv4Address]:
        return [self.subnet[n] for n in range(10, 128)]

    def with_prefix(self, address: IPv4Address) -> str:
        return f"{address}/{self.subnet.prefixlen}"

    @staticmethod
    def hardware(address: IPv4Address) -> str:
        """The MAC address that belongs to an address for good.

        The engine would make it from one of its own range, another one for each container; who knew the former would
        talk into the void for some seconds.
        """
        return "02:42:" + address.packed.hex(":")


def choose_subnet(taken: Iterable[IPv4Network], preferred: IPv4Network | None = None) -> IPv4Network:
    """The first candidate that no route of the machine touches; a choice made before is kept while it is free."""
    routes = [network for network in taken if network.prefixlen > 0]
    for candidate in [*([preferred] if preferred else []), *CANDIDATES]:
        if not any(candidate.overlaps(route) for route in routes):
            return candidate
    raise LabError("Every subnet the lab knows (10.213.N.0/24, 192.168.N.0/24) is routed elsewhere; free one of them.")


def next_address(network: Network, used: set[IPv4Address], last: IPv4Address | None) -> IPv4Address:
    """The next free address after the last one given.

    Going round delays reuse: SSH keeps connections to an address open for a while after its host is gone.
    """
    pool = network.host_addresses
    start = pool.index(last) + 1 if last in pool else 0
    for address in pool[start:] + pool[:start]:
        if address not in used:
            return address
    raise LabError(f"All {len(pool)} host addresses of {network.subnet} are used; remove hosts with `down`.")


def bridge_name(home: Home) -> str:
    """A name of its own for every lab: two with different homes may run side by side."""
    return "rklab0" if home.path == DEFAULT_HOME else "rk" + hashlib.sha256(str(home.path).encode()).hexdigest()[:8]


def parse_routes(text: str, own_bridge: str) -> list[IPv4Network]:
    """Destinations out of `ip -json -4 route show table all`, without those of the lab's own bridge."""
    networks = []
    for route in json.loads(text or "[]"):
        if route.get("dev") == own_bridge or route.get("dst") == "default":
            continue
        try:
            networks.append(IPv4Network(route["dst"], strict=False))
        except (ipaddress.AddressValueError, ipaddress.NetmaskValueError):
            continue
    return networks


def _outward_mtu(text: str) -> int:
    """The MTU of the way out; a bridge with a larger one would lose big packets."""
    for route in json.loads(text or "[]"):
        mtu = Path(f"/sys/class/net/{route.get('dev')}/mtu")
        if mtu.exists():
            return int(mtu.read_text())
    return 1500


def _iptables(*words: str) -> list[str]:
    return [program("iptables"), "--wait", *words]


def _rules(network: Network) -> list[tuple[str, str, list[list[str]]]]:
    """(table, built-in chain, own rules): everything in chains of the lab's own, so that they can be taken away."""
    bridge = network.bridge
    return [
        (
            "filter",
            "FORWARD",
            [
                ["-i", bridge, "-j", "ACCEPT"],
                ["-o", bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
                ["-o", bridge, "-j", "DROP"],
            ],
        ),
        ("nat", "POSTROUTING", [["-s", str(network.subnet), "!", "-o", bridge, "-j", "MASQUERADE"]]),
    ]


def current(home: Home) -> Network | None:
    """The network as last chosen, whether it is up or not."""
    chosen = home.run / "network.json"
    if not chosen.exists():
        return None
    return Network(bridge_name(home), IPv4Network(json.loads(chosen.read_text())["subnet"]))


def ensure(home: Home) -> Network:
    """Bridge, address, forwarding and rules as they should be; nothing is touched that already is."""
    ip = program("ip")
    bridge = bridge_name(home)
    up = Path(f"/sys/class/net/{bridge}").exists()
    before = current(home)
    if before and up:
        network = before
    else:
        routes = parse_routes(run([ip, "-json", "-4", "route", "show", "table", "all"]), bridge)
        network = Network(bridge, choose_subnet(routes, before.subnet if before else None))
    forwarding = FORWARDING.read_text().strip()
    if not (before and up) or forwarding == "0":
        write(home.run / "network.json", json.dumps({"subnet": str(network.subnet), "forwarding": forwarding}))
    if not up:
        say(f"making the bridge {bridge} with {network.subnet}")
        mtu = _outward_mtu(run([ip, "-json", "-4", "route", "show", "default"]))
        run([ip, "link", "add", bridge, "mtu", str(mtu), "type", "bridge"])
    run([ip, "address", "replace", network.with_prefix(network.gateway), "dev", bridge])
    run([ip, "link", "set", bridge, "up"])
    if forwarding == "0":
        FORWARDING.write_text("1")
    for table, built_in, rules in _rules(network):
        if not succeeds(_iptables("-t", table, "-L", bridge, "-n")):
            run(_iptables("-t", table, "-N", bridge))
        if not all(succeeds(_iptables("-t", table, "-C", bridge, *rule)) for rule in rules):
            run(_iptables("-t", table, "-F", bridge))
            for rule in rules:
                run(_iptables("-t", table, "-A", bridge, *rule))
        if not succeeds(_iptables("-t", table, "-C", built_in, "-j", bridge)):
            run(_iptables("-t", table, "-I", built_in, "1", "-j", bridge))
    return network


def remove(home: Home) -> None:
    """Take away the bridge, the rules, and forwarding where the lab had switched it on."""
    bridge = bridge_name(home)
    for table, built_in in (("filter", "FORWARD"), ("nat", "POSTROUTING")):
        while succeeds(_iptables("-t", table, "-D", built_in, "-j", bridge)):
            pass
        if succeeds(_iptables("-t", table, "-F", bridge)):
            run(_iptables("-t", table, "-X", bridge))
    if Path(f"/sys/class/net/{bridge}").exists():
        run([program("ip"), "link", "delete", bridge])
    chosen = home.run / "network.json"
    if chosen.exists():
        others = list(Path("/sys/class/net").glob("rk*"))
        if json.loads(chosen.read_text()).get("forwarding") == "0" and not others:
            FORWARDING.write_text("0")
        chosen.unlink()
