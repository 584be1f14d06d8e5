# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Hosts before an upgrade, with the plans that the roles make for them."""

from __future__ import annotations

from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_plan, runner_settings
from tests.unit.plugins.plugin_utils import engine_world, readiness_world
from tests.unit.plugins.plugin_utils.engine_world import Host, Package

BULLSEYE = {"docker.io": "20.10.5+dfsg1-1", "containerd": "1.4.13~ds1-1", "runc": "1.0.0~rc93+ds1-5"}
BOOKWORM = {"docker.io": "20.10.24+dfsg1-1", "containerd": "1.6.20~ds1-1", "runc": "1.1.5+ds1-1"}


def host(packages: dict[str, str], offers: dict[str, str] | None = None, **changes: Any) -> Host:
    """A host with these packages, held by the role, that could have OFFERS."""
    return Host(
        packages={name: Package(version, held=True, ours=True) for name, version in packages.items()},
        offers={name: [version] for name, version in (offers or packages).items()},
        **changes,
    )


def engine(found: Host, source: str = "distribution", **settings: Any) -> dict[str, Any]:
    """What role docker_engine decides for the host."""
    return found.plan(engine_world.settings(source, **settings)).as_dict()


def facts(found: Host, runner: str | None = None, **more: Any) -> dict[str, Any]:
    """What runtime_facts returns of it."""
    package = found.facts["docker"]["package"]
    release = str(package["version"]).partition("-")[0].rpartition(":")[2].partition("~")[0] if package else None
    runc = found.packages.get("runc")
    known = readiness_world.facts(release, runc=runc.version if runc else "1.1.5", runner=runner)
    docker = {**known["docker"], **found.facts["docker"], "client_version": release, "installed": bool(package)}
    return {**known, "docker": docker, "service_manager": "systemd", **more}


def runner(old: str | None, new: str | None, held: bool = True, **changes: Any) -> dict[str, Any]:
    """What role gitlab_runner decides for a host with OLD that could have NEW."""
    names = ("gitlab-runner", "gitlab-runner-helper-images")
    there = {
        name: {
            "installed": old and f"{old}-1", "state": "installed" if old else None, "held": held, "held_by_us": held,
            "available": [{"version": f"{new}-1", "origin": "x"}] if new else [],
        }
        for name in names
    }  # fmt: skip
    settings = runner_settings.Settings(
        **{"source": "gitlab", "version": "latest", "runner": names[0], "helper_images": names[1], **changes}
    )
    path = changes.get("path", "/usr/bin/gitlab-runner")
    seen = {"service_manager": "systemd", "gitlab_runner": {"path": path, "version": old} if old else None}
    return runner_plan.make_plan(settings, seen, {"packages": there}).as_dict()
