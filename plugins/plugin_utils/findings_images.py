# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the images that jobs use (readiness_images), by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import engine_api_versions as api
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import findings_engine, image_origins, images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_names import (
    is_line,
    newest_of,
    read_base,
    same_image,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# Words of a tag that names no version.
FLOATING = frozenset(
    ("latest", "stable", "edge", "test", "rc", "nightly", "experimental", "dind", "rootless", "cli", "git")
)
# Tags that nobody has moved since 2020: they name no version, and get no fixes either.
FROZEN = ("stable", "edge", "test")
_CLI = ("cli", "git")


def find_images(host: Host) -> Iterator[Finding]:
    """What the names of the images tell; ValueError names one that cannot be read."""
    bases = {reference: read_base(reference) for reference in host.images}
    for reference, base in bases.items():
        evidence = {"kind": "predicted", "image": reference}
        if base.docker_version is not None or base.dind or _is_docker(reference):
            yield from _docker(host, reference, bases, evidence)
        if base.pinned_workaround:
            yield _pinned(host, reference, evidence)
        if generations(host, reference) is None:
            yield Finding(
                "image_unknown", "pipeline", "note",
                f"what {reference} is made from cannot be told from its name, so what it needs is not known",
                evidence, "name its base in readiness_images instead, such as alpine:3.21 or debian:12",
            )  # fmt: skip
    yield from _pairs(bases)


def generations(host: Host, reference: str) -> tuple[images.Generation, ...] | None:
    """The generations that an image belongs to; None when its name does not tell."""
    read_base(reference)
    # An architecture that the table lacks is none of the few that have calls of their own.
    return images.generations_of(reference, host.table_architecture or "x86_64")


def _is_docker(reference: str) -> bool:
    """Whether it is the official image or a copy of it; anybody may call an image of their own so."""
    return image_origins.origin(images.ImageReference.parse(reference)).name == "docker"


def _pinned(host: Host, reference: str, evidence: dict[str, Any]) -> Finding:
    """The way around of its time. On some machines that base needs new calls itself, so it is not always one."""
    fails = any(
        each.result == "fails" and each.image is not None and same_image(each.image, reference)
        for layer in host.judged
        for each in layer.behaviours
    )
    base = "Alpine 3.13" if fails or generations(host, reference) else "a base that needs no new system call"
    return Finding(
        "image_pinned_workaround", "pipeline", "note",
        f"{reference} is pinned to {base}, the workaround of 2021: the tag is no longer rebuilt, so it gets no fixes",
        evidence, "upgrade the engines at every layer, then take a tag that is kept up to date",
    )  # fmt: skip


def _docker(
    host: Host, reference: str, bases: Mapping[str, images.ImageBase], evidence: dict[str, Any]
) -> Iterator[Finding]:
    """The image docker and its dind variant: engine and client of a job."""
    base = bases[reference]
    yield from floats(reference, evidence)
    found = version(base.docker_version)
    if found is None:
        return
    evidence = {**evidence, "docker": base.docker_version}
    if not host.podman_only and newest_of(found) < api.FIRST_CLIENT:
        yield from _refused(host, reference, bases)
    if base.dind:
        yield from _service(host, reference, found, evidence)


def floats(reference: str, evidence: dict[str, Any]) -> Iterator[Finding]:
    """A tag without a version: nobody knows which Docker it is, today and tomorrow."""
    parsed = images.ImageReference.parse(reference)
    words = re.split(r"[-_]", parsed.tag or "")
    if not _is_docker(reference) or parsed.digest is not None or not FLOATING.issuperset(words):
        return
    # A CLI speaks what its service speaks, whichever is newer, for some years.
    client = "dind" not in words and any(word in _CLI for word in words)
    if words[0] in FROZEN:
        said = "is no longer renewed: it is whatever Docker it was in 2020, and gets no fixes"
    else:
        said = "is another Docker from one day to the next, and pipelines break that nobody has changed"
    yield Finding(
        "dind_tag_floats", "pipeline" if client else "dind", "note" if client else "degraded", f"{reference} {said}",
        evidence,
        "name a version, the same for the CLI's image and for the service: docker:28.5.2 and docker:28.5.2-dind",
    )  # fmt: skip


def _refused(host: Host, reference: str, bases: Mapping[str, images.ImageBase]) -> Iterator[Finding]:
    """A CLI that the host's engine refuses, which matters only if it is the host's engine that it talks to."""
    least = api.minimum_api(host.docker)
    if not least or not api.refuses_old_clients(least):
        return
    base = bases[reference]
    services = [name for name, other in bases.items() if other.dind and _of_one_line(base, other)]
    who = f"the docker command in {reference} is {base.docker_version}"
    severity = "note"
    if base.dind:
        who += " (jobs that talk to this service and not to the host's engine do not mind)"
    elif services:
        who += f" (jobs that talk to the service {services[0]} and not to the host's engine do not mind)"
    else:
        who += " (how jobs use it is not known: with a dind service of its line they do not mind)"
        severity = "degraded"
    yield findings_engine.api_too_new(
        host, "dind" if base.dind else "pipeline", who, {"image": reference, "docker": base.docker_version},
        "use an image of Docker 25.0 or newer", severity,
    )  # fmt: skip


def _service(host: Host, reference: str, found: EngineVersion, evidence: dict[str, Any]) -> Iterator[Finding]:
    """The engine of a dind image, by its name where no layer has run it."""
    seen = [layer for layer in host.judged if layer.layer == "dind" and same_image(layer.image, reference)]
    if newest_of(found) < host.minimum and not any(layer.kind == "measured" for layer in seen):
        yield Finding(
            "floor", "dind", "broken", f"{reference} is Docker Engine {found}, {host.older_than_the_least}",
            {**evidence, "docker_engine_minimum_version": str(host.minimum)},
            f"use a dind image of {host.minimum} or newer instead of {reference}, and a CLI image of the same version",
        )  # fmt: skip
    if not is_line(found) or any(layer.kind != "predicted" for layer in seen):
        return
    taken = seen[0].version if seen else None
    yield Finding(
        "dind_line", "dind", "note",
        f"{reference} names a release line and no release: "
        + (
            f"it is taken as {taken}, the newest of it that is known"
            if taken
            else "which one it is cannot be told, so what containers in it may do is not predicted"
        ),
        {**evidence, "taken_as": taken}, f"name a release, or measure it: readiness_dind_images: [{reference}]",
    )  # fmt: skip


def _pairs(bases: dict[str, images.ImageBase]) -> Iterator[Finding]:
    """The CLI of a job and the service that it talks to should be of one release line."""
    services = {reference: base for reference, base in bases.items() if base.dind and version(base.docker_version)}
    clients = {
        reference: base for reference, base in bases.items() if not base.dind and version(base.docker_version)
    }  # fmt: skip
    for service, base in services.items():
        if not clients or any(_of_one_line(base, client) for client in clients.values()):
            continue
        named = " and ".join(clients)
        yield Finding(
            "client_differs", "dind", "note",
            f"the service {service} is Docker {base.docker_version}, and no CLI's image is of that line: {named}",
            {"kind": "predicted", "image": service, "clients": list(clients)},
            "use one version for both, such as docker:28.5.2 and docker:28.5.2-dind",
        )  # fmt: skip


def _of_one_line(one: images.ImageBase, other: images.ImageBase) -> bool:
    """Whether both are Docker of one release line, as far as their tags say: 24 and 24.0.7 are."""
    lines = [found.release[:2] for base in (one, other) if (found := version(base.docker_version))]
    known = min(map(len, lines), default=0)
    return len(lines) == len((one, other)) and lines[0][:known] == lines[1][:known]
