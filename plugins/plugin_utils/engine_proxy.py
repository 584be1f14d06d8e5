# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whether the engine goes to a registry through its proxy, by the rules of Go's programs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_connection
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import text, texts

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def proxy_to(docker: Mapping[str, Any], registry: str) -> str | None:
    """The proxy through which the engine that DOCKER tells of goes to REGISTRY; None where it goes there itself."""
    proxy = text(docker.get("https_proxy"))
    if proxy is None:
        return None
    try:
        name, port = registry_connection.split(registry)
    except ValueError:
        return None
    return None if _is_spared(name.lower(), str(port), texts(docker.get("no_proxy"))) else proxy


def _is_spared(name: str, port: str, exceptions: Iterable[str]) -> bool:
    """No name is looked up for this: networks spare registries that are named by their address."""
    address = _address(name)
    if name == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_spares(each.strip().lower(), name, port, address) for each in exceptions)


def _spares(exception: str, name: str, port: str, address: _Address | None) -> bool:
    if exception == "*":
        return True
    try:
        network = ipaddress.ip_network(exception, strict=False) if "/" in exception else None
    except ValueError:
        network = None
    if network is not None:
        return address is not None and address in network
    wanted, wanted_port = _parted(exception)
    if wanted_port not in ("", port) or not wanted:
        return False
    if _address(wanted) is not None:
        return _address(wanted) == address
    # `example.com` is itself and what is below, `.example.com` and `*.example.com` only that.
    below = wanted.removeprefix("*")
    return name.endswith(below) if below.startswith(".") else name == below or name.endswith(f".{below}")


def _parted(exception: str) -> tuple[str, str]:
    if exception.startswith("["):
        name, _bracket, rest = exception[1:].partition("]")
        return name, rest.removeprefix(":")
    # An IPv6 address has more than one.
    name, colon, port = exception.partition(":")
    return (name, port) if colon and ":" not in port else (exception, "")


def _address(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
