# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Findings: what is wrong with a runner host, how it is known, and what to do about it. Pure rules over facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

DEFAULT_MINIMUM_VERSION = "20.10.6"
SEVERITIES = ("broken", "degraded", "risk", "note")
LAYERS = ("host", "dind", "podman", "runner", "registry", "pipeline")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One finding; `evidence` says whether it was measured or predicted, and from which values."""

    id: str
    layer: str
    severity: str
    summary: str
    evidence: Mapping[str, Any]
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """For Ansible and for reports."""
        return {**dataclasses.asdict(self), "evidence": dict(self.evidence)}


def find(facts: Mapping[str, Any], minimum_version: str = DEFAULT_MINIMUM_VERSION) -> list[Finding]:
    """All findings for one host, the worst first."""
    minimum = EngineVersion.parse(minimum_version)
    found = [*_engine(facts.get("docker") or {}, minimum), *_libseccomp(facts)]
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.id))


def _engine(docker: Mapping[str, Any], minimum: EngineVersion) -> list[Finding]:
    if not docker.get("installed"):
        return [
            Finding(
                "engine_missing", "host", "broken", "Docker Engine is not installed",
                {"kind": "measured", "docker.installed": False},
                "run playbooks/site.yml (role docker_engine)",
            )
        ]  # fmt: skip
    if not docker.get("running"):
        return [
            Finding(
                "engine_down", "host", "broken",
                f"Docker Engine does not answer: {docker.get('error') or 'no reason known'}",
                {"kind": "measured", "docker.running": False},
                "look at `journalctl -u docker`, then run playbooks/site.yml (role docker_engine)",
            )
        ]  # fmt: skip
    found = []
    version = docker.get("server_version")
    if version and EngineVersion.parse(version) < minimum:
        found.append(
            Finding(
                "floor", "host", "broken",
                f"Docker Engine {version} is older than {minimum}, the least that GitLab advises",
                {"kind": "measured", "docker.server_version": version, "docker_engine_minimum_version": str(minimum)},
                "run playbooks/site.yml with docker_engine_source and docker_engine_version set to a newer one",
            )
        )  # fmt: skip
    client = docker.get("client_version")
    if client and version and EngineVersion.parse(client).release[:2] != EngineVersion.parse(version).release[:2]:
        found.append(
            Finding(
                "client_differs", "host", "note", f"the docker command is {client}, the engine {version}",
                {"kind": "measured", "docker.client_version": client, "docker.server_version": version},
                "run playbooks/site.yml: role docker_engine installs both at one version",
            )
        )  # fmt: skip
    if docker.get("daemon_config_error"):
        found.append(
            Finding(
                "daemon_config", "host", "degraded", f"daemon.json cannot be read: {docker['daemon_config_error']}",
                {"kind": "measured", "docker.daemon_config_error": docker["daemon_config_error"]},
                "mend /etc/docker/daemon.json by hand; the engine will not start with it again",
            )
        )  # fmt: skip
    return found


def _libseccomp(facts: Mapping[str, Any]) -> list[Finding]:
    library = facts.get("libseccomp")
    if not library or library.get("faccessat2") != -1:
        return []
    return [
        Finding(
            "libseccomp_old", "host", "degraded",
            f"libseccomp {library.get('version')} does not know faccessat2, which Alpine 3.14 and newer need",
            {"kind": "measured", "libseccomp.faccessat2": -1, "libseccomp.version": library.get("version")},
            "run playbooks/site.yml: role docker_engine upgrades libseccomp when a package source has a newer one",
        )
    ]  # fmt: skip
