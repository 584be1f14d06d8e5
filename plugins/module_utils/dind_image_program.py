# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What is in a Docker-in-Docker image, by asking the programs in it, and whether that is new enough.

A tag says what somebody called an image; the programs say what jobs will get.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_programs
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import run_container
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import telling

_SCRIPT = 'for program in dockerd containerd runc; do "$program" --version; done; exit 0'
_VERSION = re.compile(r"^v?(\d+(?:\.\d+)*)(?:[-~.]?(alpha|beta|tp|rc)[.-]?(\d*))?", re.IGNORECASE)
_STAGES = {"alpha": 0, "beta": 1, "tp": 1, "rc": 2}
_FINAL = 3
_ROOT = ("", "0", "root", "0:0", "root:root", "root:0", "0:root")


def look_inside(
    engine: Engine, janitor: Janitor, image: Mapping[str, Any], name: str, deadline: float
) -> dict[str, Any]:
    """The versions of the programs in IMAGE, which is called NAME; EngineError where it holds no engine."""
    config = {
        "Image": image["Id"],
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": [_SCRIPT],
        # Whatever the image sets up for its daemon: nothing of it is needed to say a version.
        "User": "0",
        "WorkingDir": "/",
    }
    # The programs are those of somebody else's image, and this is all that they need.
    host_config = {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        "Privileged": False,
    }
    try:
        outcome = run_container(engine, janitor, config, host_config, deadline)
    except EngineError as error:
        words = error.message
        if "exec format error" in words:
            words += f"; it is for {architecture(image)}, take the one for this host's architecture"
        raise EngineError(error.kind, f"the image {name} cannot be looked into: {words}", error.status) from error
    if outcome.code is None:
        raise EngineError(
            "timeout", f"the programs in the image {name} did not say their versions in time; give a longer timeout"
        )
    lines = [line for _, line in outcome.lines]
    found = read_versions("\n".join(lines))
    if found["engine"] is None:
        raise EngineError(
            "missing",
            f"the image {name} holds no dockerd ({telling(lines)}); give one for Docker-in-Docker as base, such as "
            "docker:28.5.2-dind",
        )
    return {**found, "architecture": architecture(image)}


def read_versions(output: str) -> dict[str, Any]:
    """What the programs said, one after the other."""
    runc = facts_programs.runc_versions(output)
    return {
        "engine": facts_programs.docker_version(output),
        "containerd": facts_programs.containerd_version(output),
        "runc": runc["version"],
        "libseccomp": runc["libseccomp"],
    }


def architecture(image: Mapping[str, Any]) -> str:
    """In the engine's words: amd64, arm64, arm/v7."""
    parts = (image.get("Architecture"), image.get("Variant"))
    return "/".join(str(part) for part in parts if part) or "unknown"


def refusal(image: Mapping[str, Any], name: str) -> str | None:
    """Why no image for dind services can be made of this one, as far as its settings tell."""
    config = image.get("Config") or {}
    user = str(config.get("User") or "")
    if str(image.get("Os") or "linux") != "linux":
        return f"base is {name}, an image for {image['Os']}; give one for Linux"
    if user not in _ROOT:
        return (
            f"base is {name}, whose daemon runs as {user} and does not look into /etc/docker/certs.d; "
            "give an image whose daemon runs as root, without -rootless in its tag"
        )
    if not config.get("Entrypoint") and not config.get("Cmd"):
        return f"base is {name}, which starts nothing by itself; give a Docker-in-Docker image"
    return None


def too_old(version: str, minimum: str, name: str) -> str | None:
    """Why an image with this engine is refused."""
    found, least = _key(version), _key(minimum)
    if least is None:
        return f"minimum_version is {minimum!r}; give a version such as 20.10.6"
    if found is None:
        return f"base is {name}, whose dockerd calls itself {version!r}, which is no version; give a released one"
    if found < least:
        return (
            f"base is {name}, whose dockerd is {version}, older than minimum_version {minimum}; "
            "give a base with a newer one"
        )
    return None


def _key(version: str) -> tuple[list[int], int, int] | None:
    """What versions are compared by; a candidate comes before its release."""
    found = _VERSION.match(version.strip())
    if not found:
        return None
    numbers = [int(number) for number in found.group(1).split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return numbers, _STAGES.get((found.group(2) or "").lower(), _FINAL), int(found.group(3) or 0)
