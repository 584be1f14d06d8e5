# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What makes a host, or a package source, unusable for an engine, whatever the versions are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Settings

REMEDIES = {
    "key_mismatch": "compare docker_engine_repository_key_fingerprint with what the repository's owner publishes",
    "key_invalid": "check docker_engine_repository_key_url",
    "key_unreachable": "check docker_engine_repository_key_url, the network and the proxy",
    "index_unsigned": "check docker_engine_repository_url and docker_engine_repository_key_fingerprint, "
    "since another key signs there",
    "index_unreachable": "check docker_engine_repository_url, docker_engine_repository_channels, the network and the "
    "proxy",
}


def host_errors(settings: Settings, facts: Mapping[str, Any]) -> list[str]:
    """What is wrong with the host."""
    docker = facts.get("docker") or {}
    errors = []
    if facts.get("service_manager") != "systemd":
        errors.append(
            "docker_engine needs systemd, which is not what manages services on this host; "
            "use a host that boots with systemd"
        )
    if (docker.get("package") or {}).get("source") == "static":
        errors.append(
            f"dockerd on this host does not come from a package, and docker_engine_source '{settings.source}' would "
            "put a second one beside it; remove the binary first (images and volumes in /var/lib/docker stay)"
        )
    if docker.get("swarm") and settings.live_restore:
        errors.append(
            "docker_engine_live_restore is true, but this host is part of a swarm and an engine has either; "
            "set docker_engine_live_restore: false"
        )
    return errors


def repository_errors(settings: Settings, repository: Mapping[str, Any]) -> list[str]:
    """What is wrong with the repository."""
    error = repository.get("error")
    if not error:
        return []
    message = str(error["message"]).rstrip(".")
    return [f"docker_engine_source '{settings.source}' cannot be used: {message}; {REMEDIES[error['kind']]}"]
