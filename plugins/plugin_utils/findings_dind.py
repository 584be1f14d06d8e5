# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about runners whose jobs have a Docker daemon of their own: service, name, certificates and versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import engine_api_versions as api
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import findings_images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_names import newest_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_read import (
    USUAL_CERTIFICATES,
    USUAL_NAME,
    Runner,
    base_of,
    names_of,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import text, texts, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_TLS_PORT, _PLAIN_PORT = 2376, 2375
_MODES = ("dind", "dind_insecure")
# What the images' entry point puts into the certificate, beside the container's own name and addresses.
_CERTIFIED = (USUAL_NAME, "localhost")
_LEAVE_IT = "leave it to the mode: take it out of the runner's config in gitlab_runner_runners"
# From here on an engine's oldest API is one that older commands do not speak.
_STRICT = EngineVersion.parse("29.0")


def find_dind(host: Host, runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with how jobs of a runner get at a daemon of their own."""
    if runner.executor not in runner_mode.DOCKER_EXECUTORS:
        return
    if runner.services:
        yield from _beside_the_socket(runner, evidence)
        yield from _not_privileged(runner, evidence)
    if runner.mode not in _MODES:
        return
    yield from _tls(runner, evidence)
    yield from _alias(runner, evidence)
    for service in runner.services:
        yield from _service(host, runner, text(service.get("name")) or "", evidence)


def _beside_the_socket(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    socket = runner_mode.socket_volume(runner.volumes)
    if socket:
        yield Finding(
            "socket_and_dind", "runner", "broken",
            f"runner {runner.name}: volumes are those of services too, so the service {runner.services[0].get('name')} "
            "finds the host's socket where its own daemon wants to listen",
            {**evidence, "docker.volumes": socket, "image": text(runner.services[0].get("name"))},
            "take one of both: mode: socket without services, or mode: dind without the volume",
        )  # fmt: skip


def _not_privileged(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    # Sysbox and its like run a daemon without privileges.
    if runner.docker.get("runtime"):
        return
    if runner.services_privileged:
        yield from _not_listed(runner, evidence)
        return
    yield Finding(
        "dind_not_privileged", "runner", "broken",
        f"runner {runner.name}: it starts {runner.services[0].get('name')} for each job, and a Docker daemon starts in "
        "a privileged container only",
        {
            **evidence, "docker.privileged": runner.jobs_privileged,
            "docker.services_privileged": runner.docker.get("services_privileged"),
        },
        "set config.docker.privileged: true (mode: dind does), or services_privileged: true where jobs need no "
        "privileges, or take mode: socket",
    )  # fmt: skip


def _not_listed(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    listed_ones = texts(runner.docker.get("allowed_privileged_services"))
    for service in runner.services:
        name = text(service.get("name")) or ""
        if not runner_mode.is_listed(name, listed_ones):
            yield Finding(
                "dind_not_privileged", "runner", "broken",
                f"runner {runner.name}: it starts {name} for each job, without privileges, since "
                "allowed_privileged_services does not name it; a Docker daemon starts in a privileged container only",
                {**evidence, "docker.allowed_privileged_services": listed_ones},
                "add its image to config.docker.allowed_privileged_services, such as docker:*-dind; * stops at a slash",
            )  # fmt: skip


def _tls(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    """Settings that contradict each other; without a word of the runner's own the images' defaults count (TLS)."""
    reasons = list(_contradictions(runner))
    stated = "DOCKER_TLS_CERTDIR" in runner.environment or bool(runner.services)
    if not reasons:
        return
    yield Finding(
        # A job that brings its own service can set its own variables.
        "dind_tls_mismatch", "runner", "broken" if stated else "degraded",
        f"runner {runner.name}: jobs cannot talk to their daemon: {listed(reasons)}",
        {
            **evidence, "environment": [f"{key}={value}" for key, value in runner.environment.items()],
            "docker.volumes": runner.volumes,
        },
        "leave environment and volumes to the mode: dind is TLS on port 2376 with volume /certs/client and "
        "DOCKER_TLS_CERTDIR=/certs, dind_insecure is port 2375 with an empty DOCKER_TLS_CERTDIR",
    )  # fmt: skip


def _contradictions(runner: Runner) -> Iterator[str]:
    given = runner.environment
    folder = given.get("DOCKER_TLS_CERTDIR", USUAL_CERTIFICATES)
    name, port = runner.daemon or (USUAL_NAME, None)
    if name not in _names(runner):
        # Somebody else's daemon, or one that the name is wrong for, which is said by itself.
        return
    if any(service.get("own_command") for service in runner.services):
        # It listens wherever that says.
        return
    if not folder:
        if port == _TLS_PORT:
            yield "DOCKER_TLS_CERTDIR is empty, so that the daemon listens on 2375, and DOCKER_HOST names 2376"
        if given.get("DOCKER_TLS_VERIFY"):
            yield "DOCKER_TLS_CERTDIR is empty, so that the daemon has no certificate, and DOCKER_TLS_VERIFY wants one"
        return
    if port == _PLAIN_PORT:
        why = "is not set empty" if "DOCKER_TLS_CERTDIR" in given else "is not set"
        yield f"DOCKER_TLS_CERTDIR {why}, so that the daemon listens on 2376, and DOCKER_HOST names 2375"
        return
    yield from _certificates(runner, folder, name)


def _certificates(runner: Runner, folder: str, name: str) -> Iterator[str]:
    """Whether jobs find those that the daemon writes, and can take its own for that of NAME."""
    given = runner.environment
    written = f"{folder.rstrip('/')}/client"
    path = (given.get("DOCKER_CERT_PATH") or written).rstrip("/")
    shared = [volume for volume in runner.volumes if _within(path, runner_mode.inside(volume))]
    if path != written:
        yield f"the daemon writes certificates for jobs into {written}, and DOCKER_CERT_PATH is {path}"
    elif not shared:
        yield f"no volume for {path}, where jobs look for the certificates that the daemon writes"
    elif runner.docker.get("disable_cache") is True and all(":" not in volume for volume in shared):
        yield f"config.docker.disable_cache is true, so that the runner does not make the volume {shared[0]}"
    if name not in _CERTIFIED and "DOCKER_TLS_SAN" not in given:
        yield (
            f"DOCKER_HOST names {name}, and the daemon's certificate is one for the name {USUAL_NAME}, unless "
            f"DOCKER_TLS_SAN says DNS:{name}"
        )


def _within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _names(runner: Runner) -> set[str]:
    found = {name for service in runner.services for name in names_of(service)}
    return found or {USUAL_NAME}


def _alias(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    if not runner.services or (runner.environment.get("DOCKER_HOST") and not runner.daemon):
        return
    wanted = runner.daemon[0] if runner.daemon else USUAL_NAME
    names = _names(runner)
    if wanted in names:
        return
    said = "DOCKER_HOST names" if runner.daemon else "the docker command looks for"
    yield Finding(
        "dind_alias", "runner", "broken" if runner.daemon else "degraded",
        f"runner {runner.name}: {said} {wanted}, and the service {runner.services[0].get('name')} is known as "
        f"{listed(sorted(names))}",
        {**evidence, "environment": runner.environment.get("DOCKER_HOST"), "names": sorted(names)},
        f"give the service alias: {wanted} in config.docker.services of the runner in gitlab_runner_runners",
    )  # fmt: skip


def _service(host: Host, runner: Runner, service: str, evidence: dict[str, Any]) -> Iterator[Finding]:
    """The daemon's image, and the command's beside it."""
    base, client = base_of(service), base_of(runner.image)
    about = {**evidence, "image": service}
    if base is None:
        return
    for found in findings_images.floats(service, about):
        yield dataclasses.replace(found, summary=f"runner {runner.name}: {found.summary}")
    daemon = version(base.docker_version)
    if daemon is None:
        return
    if newest_of(daemon) < host.minimum:
        yield Finding(
            "floor", "dind", "broken",
            f"runner {runner.name}: {service} is Docker Engine {daemon}, {host.older_than_the_least}",
            {**about, "docker_engine_minimum_version": str(host.minimum)},
            f"use a dind image of {host.minimum} or newer, and a CLI image of the same version; or {_LEAVE_IT}",
        )  # fmt: skip
    command = version(client.docker_version) if client else None
    known = min(len(daemon.release), len(command.release), 2) if command else 0
    if command is None or daemon.release[:known] == command.release[:known]:
        return
    refused = newest_of(daemon) >= _STRICT and newest_of(command) < api.FIRST_CLIENT
    yield Finding(
        "dind_cli_differs", "runner", "degraded" if refused else "note",
        f"runner {runner.name}: jobs have the docker command of {runner.image} unless they name another image, and "
        f"their daemon is {service}" + ("; that daemon refuses commands older than 25.0" if refused else ""),
        {**about, "docker.image": runner.image},
        f"use one version for both, such as docker:28.5.2-cli and docker:28.5.2-dind, or {_LEAVE_IT}",
    )  # fmt: skip
