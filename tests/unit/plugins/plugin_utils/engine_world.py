# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host as the plan sees it, in the shape that runtime_facts and package_info give, and what carrying out a plan does.

The packages are those of the role for Debian, so that the plan is tested with what it meets.
"""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_plan import make_plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan, Settings

ROLE = Path(__file__).parents[4] / "roles" / "docker_engine"
PACKAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROLE / "vars" / "debian.yml").read_text())[
    "__docker_engine_packages"
]


def ce(version: str) -> str:
    """docker's package version of a release."""
    old = int(version.partition(".")[0]) < 23
    return f"5:{version}~3-0~debian-bookworm" if old else f"5:{version}-1~debian.12~bookworm"


def io(version: str) -> str:
    """Debian's package version of a release."""
    return f"{version}+dfsg1-1"


@dataclasses.dataclass
class Package:
    """One package on the host."""

    version: str | None
    state: str = "installed"
    held: bool = False
    ours: bool = False


@dataclasses.dataclass
class Host:
    """What is there, what could be there, and the rest that the plan looks at."""

    packages: dict[str, Package] = dataclasses.field(default_factory=dict)
    offers: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    docker: dict[str, Any] = dataclasses.field(default_factory=dict)
    faccessat2: int = 439
    service_manager: str = "systemd"
    interrupted: bool = False
    repository: dict[str, Any] | None = None
    candidates: dict[str, str] = dataclasses.field(default_factory=dict)
    way_back: dict[str, Any] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """As runtime_facts returns them."""
        engines = [name for name in ("docker-ce", "docker.io") if name in self.packages]
        engines.sort(key=lambda name: self.packages[name].state != "installed")
        package = None
        # docker's engine has its client beside it, Debian's has it in the same package.
        client = self.packages.get("docker-ce-cli") or (self.packages.get("docker.io"))
        if engines:
            found = self.packages[engines[0]]
            package = {
                "name": engines[0], "version": found.version, "held": found.held, "state": found.state,
                "source": engines[0],
            }  # fmt: skip
        return {
            "docker": {
                "package": package, "client_version": client.version if client else None, "swarm": False,
                "containers_running": 0, **self.docker,
            },
            "libseccomp": {"faccessat2": self.faccessat2},
            "service_manager": self.service_manager,
        }  # fmt: skip

    @property
    def info(self) -> dict[str, Any]:
        """As package_info returns it."""
        packages = {}
        for name in {*self.packages, *self.offers}:
            found = self.packages.get(name)
            packages[name] = {
                "installed": found.version if found else None,
                "state": found.state if found else None,
                "held": bool(found and found.held),
                "held_by_us": bool(found and found.ours),
                "available": [{"version": version, "origin": "mirror"} for version in self.offers.get(name, [])],
                "candidate": self.candidates.get(name),
            }
        info: dict[str, Any] = {"interrupted": self.interrupted, "packages": packages, "complaints": []}
        info["way_back"] = self.way_back
        return {**info, "repository": self.repository} if self.repository else info

    def plan(self, settings: Settings) -> Plan:
        """The plan for this host."""
        return make_plan(settings, self.facts, self.info)

    def without_offers(self) -> Host:
        """The same host when nobody looked into a package index."""
        return dataclasses.replace(copy.deepcopy(self), offers={})

    def after(self, plan: Plan) -> Host:
        """The host once the plan is carried out, as package_set does it."""
        host = copy.deepcopy(self)
        host.interrupted = host.interrupted and not plan.heal
        if plan.heal:
            for package in host.packages.values():
                package.state = "installed"
        for name in plan.remove:
            host.packages.pop(name, None)
        for name, version in plan.install.items():
            host.packages[name] = Package(with_epoch(name, version))
        for name in plan.hold:
            package = host.packages[name]
            package.held, package.ours = True, package.ours or not package.held
        for name in plan.release:
            host.packages[name].held = host.packages[name].ours = False
        if "libseccomp2" in plan.install:
            host.faccessat2 = 439
        return host


def with_epoch(name: str, version: str) -> str:
    """The version inside of a package file whose name does not have the epoch."""
    return f"5:{version}" if name.startswith("docker-ce") and ":" not in version else version


def settings(source: str = "docker", version: str = "latest", **changes: Any) -> Settings:
    """The role's settings, its defaults unless said otherwise."""
    files = changes.get("files", {})
    chosen = source if source != "files" else "docker" if "docker-ce" in files else "distribution"
    values: dict[str, Any] = {
        "source": source, "version": version, "minimum_version": "20.10.6", "packages": PACKAGES[chosen],
        "libseccomp": "libseccomp2",
    }  # fmt: skip
    return Settings.from_mapping({**values, **changes})


def docker_offers(*versions: str) -> dict[str, list[str]]:
    """docker's repository with these engines, newest first."""
    engines = [ce(version) for version in versions]
    return {
        "docker-ce": engines, "docker-ce-cli": engines, "containerd.io": ["1.7.28-1", "1.6.20-1"],
        "docker-buildx-plugin": ["0.29.1-1"], "docker-compose-plugin": ["2.40.3-1"],
    }  # fmt: skip


def docker_host(version: str, held: bool = True, ours: bool = True, **changes: Any) -> Host:
    """A host with docker's engine as the role leaves it."""
    versions = {
        "docker-ce": ce(version), "docker-ce-cli": ce(version), "containerd.io": "1.7.28-1",
        "docker-buildx-plugin": "0.29.1-1", "docker-compose-plugin": "2.40.3-1",
    }  # fmt: skip
    packages = {name: Package(package, held=held, ours=ours) for name, package in versions.items()}
    return Host(packages=packages, **changes)


def debian_host(version: str, **changes: Any) -> Host:
    """A host with Debian's engine."""
    packages = {name: Package(number) for name, number in
                (("docker.io", io(version)), ("containerd", "1.6.20~ds1-1"), ("runc", "1.1.5+ds1-1"))}  # fmt: skip
    return Host(packages=packages, **changes)
