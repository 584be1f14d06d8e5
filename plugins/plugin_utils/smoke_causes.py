# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Why a smoke job failed: from what it said, and from the findings of its host."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

_IN_CONTAINERS = ("services", "job", "docker_version", "docker_build", "bind_mount")


@dataclasses.dataclass(frozen=True)
class Cause:
    """The likely cause. `id` is that of a finding, None where none is about it; `found`: the host has it."""

    id: str | None
    found: bool
    summary: str
    fix: str


@dataclasses.dataclass(frozen=True)
class _Rule:
    """What a step says, and which findings may be behind it, the likeliest first; `*` ends the beginning of an id."""

    pattern: str
    steps: tuple[str, ...]
    findings: tuple[str, ...]
    summary: str
    fix: str
    modes: tuple[str, ...] = ()

    def fits(self, step: str, mode: str, detail: str) -> bool:
        if step not in self.steps or (self.modes and mode not in self.modes):
            return False
        return re.search(self.pattern, detail, re.IGNORECASE) is not None


# The first that fits counts.
_RULES = (
    _Rule(
        r"no space left", ("image", *_IN_CONTAINERS), (),
        "a disk of the host is full", "make room, such as with `docker system prune`, where the engine keeps its data",
    ),
    _Rule(
        r"could not be pulled", ("image",), (),
        "an image that is not on the host could not be had from its registry",
        "let the engine reach and trust the registry; or load the image, or give gitlab_runner_smoke_archive",
    ),
    _Rule(
        r"is not on this host", ("image",), (),
        "an image is not on the host, and nothing was to be pulled",
        "load the image, give gitlab_runner_smoke_archive, or set gitlab_runner_smoke_pull: true",
    ),
    _Rule(
        r"start the engine|is stopped|gave no answer", ("image",), ("engine_down", "engine_missing"),
        "the host's engine does not answer", "start it, and look at `journalctl -u docker`",
    ),
    _Rule(
        r"has no user", ("image",), (),
        "the user as whom jobs run does not exist", "install the runner (role gitlab_runner)",
    ),
    _Rule(
        r"bash_logout", ("job",), (),
        "a command of ~/.bash_logout fails, and the job with it", "remove that file from the home of the runner's user",
    ),
    _Rule(
        r"both as a flag and in the configuration file", ("services",), (),
        "the service's daemon is told the same by its command and by daemon.json in its image, and does not start then",
        "leave one out: for registry-mirrors set gitlab_runner_registry_mirrors to [], or take an image without them",
    ),
    _Rule(
        r"read-only file system|permission denied|\(are you root|operation not permitted|unable to apply caps",
        ("services",),
        ("dind_not_privileged", "socket_and_dind", "call_blocked_*", "runner_profile"),
        "the service's container may not do what a Docker daemon has to do",
        "set config.docker.privileged: true (mode: dind does); where it is set, the host does not let the engine do it",
    ),
    _Rule(
        r"no such host|could not resolve|server misbehaving|bad address", ("docker_version",), ("dind_alias",),
        "nobody is known by the name that DOCKER_HOST has, or no service is started",
        "give the service that name as its alias (mode: dind does)",
    ),
    _Rule(
        r"answers on port|\btls\b|x509|certificate|HTTPS (?:server|client)|\.pem\b",
        ("services", "docker_version"), ("dind_tls_mismatch",),
        "the job and its daemon do not agree on TLS: port, variables and the volume of the certificates have to match",
        "leave environment and volumes to the mode: dind is TLS on port 2376 with volume /certs/client, dind_insecure "
        "is port 2375 with an empty DOCKER_TLS_CERTDIR",
    ),
    _Rule(
        r"there is no docker command", ("docker_version",), (),
        "what the job runs in has no docker command",
        "use an image that has it, such as docker:VERSION-cli; for the shell executor, install docker-ce-cli",
    ),
    _Rule(
        r"permission denied", ("docker_version",), (),
        "the user as whom jobs run may not open the engine's socket",
        "set gitlab_runner_docker_group: true if jobs are to use the engine (each of them can then be root on the "
        "host, the risk docker_group)",
        ("shell",),
    ),
    _Rule(
        r"is too (?:old|new)|minimum supported API|maximum supported API", ("docker_version",),
        ("dind_cli_differs", "api_too_new", "client_differs"),
        "the docker command and its daemon are too far apart", "use the same version for both",
    ),
    _Rule(
        r"an empty directory|no folder at all", ("bind_mount",), ("builds_not_mounted",),
        "the engine looks for the job's checkout on its own host, where the builds folder is another one",
        'have "/builds:/builds" in docker.volumes (mode: socket does)',
    ),
    _Rule(
        r"test -x /bin/sh says no|operation not permitted|\bEPERM\b", _IN_CONTAINERS,
        ("call_blocked_faccessat2", "behaviour_fails", "call_blocked_*", "runner_profile"),
        "a system call that programs in containers need is refused",
        "measure with playbooks/audit.yml which one, and upgrade the engine of that layer",
    ),
    _Rule(
        r"pthread_create|newosproc|start new thread|create thread", _IN_CONTAINERS,
        ("call_blocked_clone3", "behaviour_fails", "call_blocked_*", "runner_profile"),
        "programs in containers cannot start threads",
        "measure with playbooks/audit.yml which system call is refused, and upgrade the engine of that layer",
    ),
    _Rule(
        r"cannot connect to the docker daemon|connection refused|error during connect|connection reset",
        ("docker_version", "docker_build", "bind_mount"),
        ("dind_tls_mismatch", "socket_and_dind", "dind_alias", "engine_down", "floor"),
        "the job does not reach a daemon, or its daemon died",
        "look at what the service, or the host's engine, said last",
    ),
    _Rule(
        r"did not answer on port", ("services",), ("dind_tls_mismatch", "call_blocked_*", "floor"),
        "the service was started, and nothing of it answers",
        "look at its last lines; use an image that is known to work",
    ),
    _Rule(
        r"time limit|within [\d.]+ s", ("image", *_IN_CONTAINERS), (),
        "it took longer than it may", "raise gitlab_runner_smoke_timeout, and look at the host's load and disks",
    ),
)  # fmt: skip


def failed_step(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first step that went wrong."""
    steps = [mapping(step) for step in entries(result.get("steps"))]
    return next((step for step in steps if not step.get("ok")), None)


def cause(result: Mapping[str, Any], findings: Sequence[Finding] = ()) -> Cause | None:
    """The likely cause of a failure; None for a job that did not fail, and where nothing is known."""
    step = failed_step(result)
    if result.get("ok") is not False or step is None:
        return None
    name, mode = text(result.get("name")) or "", text(result.get("mode")) or ""
    # Of other runners on the host nothing is to be told here.
    near = [found for found in findings if found.layer != "runner" or found.evidence.get("name") in (None, name)]
    rule = next(
        (each for each in _RULES if each.fits(str(step.get("step")), mode, text(step.get("detail")) or "")), None
    )
    if rule is None:
        broken = next((found for found in near if found.severity == "broken"), None)
        return Cause(broken.id, True, broken.summary, broken.fix) if broken else None
    found = next((each for ident in rule.findings for each in _with(ident, near)), None)
    if found is not None:
        return Cause(found.id, True, found.summary, found.fix)
    likeliest = next((ident for ident in rule.findings if not ident.endswith("*")), None)
    return Cause(likeliest, False, rule.summary, rule.fix)


def _with(ident: str, findings: Iterable[Finding]) -> Iterable[Finding]:
    """Findings of that id, but notes: those are not why anything fails."""
    return (
        found
        for found in findings
        if found.severity != "note" and (found.id.startswith(ident[:-1]) if ident.endswith("*") else found.id == ident)
    )
