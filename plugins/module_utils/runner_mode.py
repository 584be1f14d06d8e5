# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""How a runner's jobs reach a Docker daemon, told by its settings."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

CUSTOM, SOCKET, DIND, DIND_INSECURE, SHELL = "custom", "socket", "dind", "dind_insecure", "shell"
MODES = (CUSTOM, SOCKET, DIND, DIND_INSECURE, SHELL)

# Executors whose jobs are containers with the settings of [runners.docker].
DOCKER_EXECUTORS = ("docker", "docker-windows", "docker-autoscaler", "docker+machine")

DEFAULT_BUILDS_DIR = "/builds"

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_CERTIFICATES = ("/certs", "/certs/client")
# docker:28.5.2-dind, registry.example.com/dind:1, docker:dind-rootless
_DIND = re.compile(r"(?:^|[/:_.-])dind(?:$|[@:_.-])")
# What the docker command's image looks for; an image of one's own may be called anything.
_DAEMON = "docker"
_PLAIN_PORT = re.compile(r":2375/?$")
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def mode_of(runner: Mapping[str, Any]) -> str:
    """The mode of a runner, of which executor, docker (a mapping or None) and environment (a mapping) are read."""
    executor = runner.get("executor")
    if executor == SHELL:
        return SHELL
    docker = runner.get("docker") or {}
    if executor not in DOCKER_EXECUTORS or not docker:
        return CUSTOM
    volumes = [str(volume) for volume in docker.get("volumes") or []]
    if socket_volume(volumes):
        return SOCKET
    variables = runner.get("environment") or {}
    if "DOCKER_TLS_CERTDIR" in variables:
        plain = not variables["DOCKER_TLS_CERTDIR"]
    else:
        plain = bool(_PLAIN_PORT.search(variables.get("DOCKER_HOST", "")))
    if dind_services(docker.get("services") or []):
        return DIND_INSECURE if plain else DIND
    if not docker.get("privileged") and not docker.get("services_privileged"):
        return CUSTOM
    # The service may be each job's own affair.
    if plain:
        return DIND_INSECURE
    return DIND if any(inside(volume) in _CERTIFICATES for volume in volumes) else CUSTOM


def parts_of(volume: str) -> list[str]:
    """`[source, destination, options]`, or a path in the container alone, without slashes at their ends."""
    parts = volume.split(":")
    return [part.rstrip("/") or "/" if part.startswith("/") else part for part in parts]


def inside(volume: str) -> str:
    """Where a volume is seen in the container."""
    parts = parts_of(volume)
    return parts[1] if len(parts) > 1 else parts[0]


def socket_volume(volumes: Iterable[str]) -> str | None:
    """The volume that hands the engine's socket to jobs."""
    return next((volume for volume in volumes if volume and set(parts_of(volume)) & set(SOCKETS)), None)


def dind_services(services: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those services that are Docker daemons, as their names say, or the name by which jobs look for one."""
    return [
        service
        for service in services
        if _DIND.search(str(service.get("name") or ""))
        or _DAEMON in re.split(r"[\s,]+", str(service.get("alias") or ""))
    ]


def shares_builds(volumes: Iterable[str], builds_dir: str | None) -> bool:
    """Whether the folder of the checkouts is the same path on the host and in the job.

    Only then does a bind mount of the checkout, which the host's engine looks for on the host, find it there.
    """
    wanted = (builds_dir or DEFAULT_BUILDS_DIR).rstrip("/") + "/"
    for volume in volumes:
        parts = parts_of(volume)
        if len(parts) > 1 and parts[0] == parts[1] and wanted.startswith(parts[1].rstrip("/") + "/"):
            return True
    return False


def is_listed(image: str | None, patterns: Iterable[str]) -> bool:
    """Whether a list of images lets one be, as the runner reads it: an empty list is no limit."""
    given = [str(pattern) for pattern in patterns]
    return not given or any(_fits(pattern, image or "") for pattern in given)


def _fits(pattern: str, image: str) -> bool:
    try:
        return re.fullmatch(_expression(pattern), image) is not None
    except re.error:
        # `[]`, `[z-a]`: one that cannot be read fits nothing.
        return False


def _expression(pattern: str) -> str:
    """A pattern in which `*` stops at a slash, and `**` does not, as a regular expression."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\{[^{}]*\}|\[[^]]+\])", pattern)
    return "".join(_WILD.get(part) or _one_of(part) for part in parts)


def _one_of(part: str) -> str:
    if part.startswith("{") and part.endswith("}"):
        return f"(?:{'|'.join(map(_expression, part[1:-1].split(',')))})"
    if part.startswith("[") and part.endswith("]"):
        negated = part[1] in "!^"
        inside = re.sub(r"([\\\[&~|])", r"\\\1", part[2:-1] if negated else part[1:-1])
        return f"[{'^/' if negated else ''}{inside}]"
    return re.escape(part)
