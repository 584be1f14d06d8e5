# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The scenario `registry_ca`: what it declares, and what comes of it on a host."""

from __future__ import annotations

import json
import tempfile
from typing import Any, cast

import yaml
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, Played, play

SCENARIO = CHECKOUT / "molecule" / "registry_ca"
CONVERGE = SCENARIO / "converge.yml"
TRUST = SCENARIO / "trust.yml"
# What the image in the lab's registry prints.
HELLO = "hello from the registry"


def known(host: Host) -> dict[str, Any]:
    """The host's variables in the inventory."""
    found: dict[str, Any] = cast("Any", host).ansible.get_variables()
    return found


def address(host: Host, port: int = 5000) -> str:
    """One of the lab's registries, as images name it."""
    return f"{known(host)['lab_registry']}:{port}"


def image_of(host: Host, port: int = 5000) -> str:
    return f"{address(host, port)}/lab/hello:1"


def pull(host: Host, port: int, program: str = "docker") -> CommandResult:
    """Pull for real: an image that is there already would not be asked for."""
    image = image_of(host, port)
    host.run(f"{program} image rm --force {image}")
    return host.run(f"{program} pull {image}")


def restore(host: Host) -> None:
    """What the scenario declares holds again; the runners were left alone."""
    mine = yaml.safe_load(CONVERGE.read_text())[0]["vars"]
    back = trust(host, mine["registry_ca_registries"], registry_ca_gitlab=mine["registry_ca_gitlab"])
    assert back.code == 0, back.output


def trust(host: Host, registries: list[dict[str, Any]], *arguments: str, **variables: Any) -> Played:
    """Run the role alone with these registries, and nothing else declared."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as given:
        # By a file: three hundred registries are too long for a command line.
        json.dump({"registry_ca_registries": registries, **variables}, given)
        given.flush()
        return play(name_of(host), None, ["-e", f"@{given.name}", *arguments], TRUST)


def declared(host: Host, port: int = 5000, **more: Any) -> dict[str, Any]:
    """A registry as the scenario declares it."""
    return {"host": address(host, port), "ca": known(host)["lab_registry_ca"], **more}


def provision(host: Host, variables: dict[str, Any] | None = None, *arguments: str) -> Played:
    """The scenario's own play, without the audit."""
    return play(name_of(host), variables, ["--skip-tags", "audit", *arguments], CONVERGE)


def os_store(host: Host) -> str:
    """The system's trust store as prepare.yml notes it."""
    return str(
        host.check_output(
            "cd /etc/ssl/certs && { find . -type l -printf '%p -> %l\\n' | sort; sha256sum ca-certificates.crt; }"
        )
    )
