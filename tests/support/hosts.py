# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What tests ask of a lab host."""

from __future__ import annotations

import json
from typing import Any

import testinfra
from testinfra.host import Host

from tests.support.plays import CHECKOUT, inventory

_STAMP = "/tmp/runnerkit-test-stamp"
# Logs, temporary files, what is gone at boot and systemd's own bookkeeping change by themselves.
_UNWATCHED = ("/run", "/var/log", "/tmp", "/var/tmp", "/var/lib/systemd", "/var/cache/ldconfig")


def name_of(host: Host) -> str:
    """The host's name in the inventory."""
    return str(host.backend.get_hostname())


def named(name: str) -> Host:
    """Another host of the scenario that runs."""
    config = CHECKOUT / "molecule/shared/ssh_config"
    return testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory(), ssh_config=str(config))


def note_time(host: Host) -> None:
    """From here on `touched` counts."""
    host.check_output("touch %s && sleep 0.05 && touch %s && sleep 0.05", _STAMP, _STAMP)


def touched(host: Host) -> list[str]:
    """Files and folders that changed since `note_time`."""
    prune = " -o ".join(f"-path {path}" for path in _UNWATCHED)
    found = host.check_output(f"find / -xdev '(' {prune} ')' -prune -o -newer {_STAMP} -print")
    return [str(path) for path in found.splitlines()]


def start_canary(host: Host) -> dict[str, Any]:
    """A container that has to live through everything, and how it is now."""
    host.check_output("lab-image")
    host.check_output("docker run -d --name canary -v keep:/keep lab/busybox:1 tail -f /dev/null")
    return inspect(host)


def inspect(host: Host, container: str = "canary") -> dict[str, Any]:
    """A container as the engine describes it."""
    found: dict[str, Any] = json.loads(host.check_output("docker inspect %s", container))[0]
    return found


def engine_version(host: Host) -> str:
    """What the running engine says."""
    return str(host.check_output("docker version --format '{{.Server.Version}}'"))


def held(host: Host) -> set[str]:
    """Names of the held packages."""
    return set(host.check_output("apt-mark showhold").split())
