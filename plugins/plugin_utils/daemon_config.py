# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The types of dockerd's configuration keys, so that a wrong one is found before any host is touched.

Source: the daemon configuration file in the dockerd reference (Engine 20.10 to 29). Keys that are not listed go to
dockerd, which knows
best what it takes; they are refused here only when they look like a misspelt one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

_BOOLEAN = """
    allow-direct-routing debug experimental icc init ip-forward ip-forward-no-drop ip-masq iptables
    ip6tables ipv6 live-restore no-new-privileges raw-logs selinux-enabled tls tlsverify userland-proxy
"""
_STRING = """
    api-cors-header bip bip6 bridge cgroup-parent containerd containerd-namespace
    containerd-plugins-namespace data-root default-cgroupns-mode default-gateway default-gateway-v6
    default-ipc-mode default-runtime exec-root firewall-backend fixed-cidr fixed-cidr-v6 group
    host-gateway-ip init-path ip log-driver log-format log-level metrics-addr pidfile seccomp-profile
    storage-driver swarm-default-advertise-addr tlscacert tlscert tlskey userland-proxy-path
    userns-remap
"""
_INTEGER = """
    max-concurrent-downloads max-concurrent-uploads max-download-attempts mtu network-control-plane-mtu
    network-diagnostic-port oom-score-adjust shutdown-timeout
"""
_LIST = """
    allow-nondistributable-artifacts authorization-plugins cdi-spec-dirs default-address-pools dns
    dns-opts dns-search exec-opts hosts host-gateway-ips insecure-registries labels
    node-generic-resources registry-mirrors storage-opts
"""
_OBJECT = "builder default-network-opts default-ulimits features http-headers log-opts proxies runtimes"
_EITHER = "default-shm-size"  # bytes, or text such as 64M

TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_BOOLEAN.split(), (bool,)),
    **dict.fromkeys(_STRING.split(), (str,)),
    **dict.fromkeys(_INTEGER.split(), (int,)),
    **dict.fromkeys(_LIST.split(), (list,)),
    **dict.fromkeys(_OBJECT.split(), (dict,)),
    _EITHER: (str, int),
}
_WORDS = {bool: "true or false", str: "text", int: "a whole number", list: "a list", dict: "a mapping"}


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types)


def config_errors(config: Mapping[str, Any], variable: str = "docker_engine_daemon_config") -> list[str]:
    """One sentence for each key that dockerd would not take, naming the key, the value and the remedy."""
    errors = []
    for key, value in config.items():
        types = TYPES.get(key)
        if types is None:
            near = difflib.get_close_matches(str(key), TYPES, n=1, cutoff=0.8)
            if near:
                errors.append(f"{variable} has the key '{key}', which dockerd does not know; did you mean '{near[0]}'?")
        elif value is not None and not _fits(value, types):
            wanted = " or ".join(_WORDS[kind] for kind in types)
            errors.append(f"{variable}['{key}'] has to be {wanted}, not {value!r}")
        elif key == "log-opts" and isinstance(value, Mapping):
            errors += [
                f"{variable}['log-opts']['{name}'] has to be text, not {option!r}; put it in quotes"
                for name, option in value.items()
                if option is not None and not isinstance(option, str)
            ]
    return errors
