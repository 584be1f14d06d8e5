# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Why a call is blocked at a layer, and what ends that: the variable of this collection that does it, by cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import prediction
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Answer, Layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version

WORKAROUND = "where neither can be had, docker_engine_seccomp_workaround: true is the documented workaround"
_STAYS = "where the engine has to stay, docker_engine_seccomp_workaround: true is the documented workaround"
# From here on containers/common answers ENOSYS to calls that its profile does not know.
_CONTAINERS_COMMON = "0.40.0"
_STEPS = ("docker", "libseccomp", "runc")


@dataclasses.dataclass(frozen=True)
class Remedy:
    """The reason chain in one sentence, what to do, and the least releases that do it."""

    why: str
    fix: str
    engine: str | None = None
    library: str | None = None
    runc: str | None = None


def remedy(host: Host, layer: Layer, calls: Sequence[str]) -> Remedy:
    """For calls that are blocked at a layer."""
    # The findings and the cells of a host both ask.
    cache: dict[tuple[int, tuple[str, ...]], Remedy] = host.__dict__.setdefault("_remedies", {})
    key = (id(layer), tuple(calls))
    if key not in cache:
        cache[key] = _remedy(host, layer, calls)
    return cache[key]


def _remedy(host: Host, layer: Layer, calls: Sequence[str]) -> Remedy:
    profile = layer.custom_profile or (host.profile_path if layer.layer == "host" else None)
    if profile:
        return _of_profile(host, layer, calls, profile)
    if layer.layer == "podman":
        return _of_podman(host, layer, calls)
    return _of_docker(host, layer, calls)


def _of_profile(host: Host, layer: Layer, calls: Sequence[str], profile: str) -> Remedy:
    names = " and ".join(calls)
    why = f"the seccomp profile {profile} is in force, and it does not allow {names}"
    if profile == host.workaround_path:
        why = f"the workaround's profile {profile} is set, and {names} is blocked all the same"
        return Remedy(
            why,
            "run playbooks/site.yml again (role docker_engine writes the profile anew and restarts the engine); "
            "if that does not help, upgrade: docker_engine_version",
        )
    if layer.of_the_host:
        return Remedy(
            why,
            f"allow {names} in {profile}, or go back to the engine's own profile: "
            "docker_engine_daemon_config: {seccomp-profile: null}",
        )
    return Remedy(why, f"allow {names} in {profile}, or take it out of that engine's settings")


def _of_podman(host: Host, layer: Layer, calls: Sequence[str]) -> Remedy:
    names = " and ".join(calls)
    return Remedy(
        why(host, layer, calls),
        f"upgrade podman and its containers-common ({_CONTAINERS_COMMON} or newer lets programs fall back) with the "
        f"distribution's packages, or name a profile that allows {names} as seccomp_profile in "
        "/etc/containers/containers.conf",
    )


def _of_docker(host: Host, layer: Layer, calls: Sequence[str]) -> Remedy:
    """The least that ends it: the engine before the library before runc, since the engine is what the role upgrades."""
    versions, needed = versions_behind(host, layer), tuple(calls)
    reason = why(host, layer, calls)
    least = {what: prediction.least_release(versions, needed, what) for what in _STEPS} if versions else {}
    engine = least.get("docker")
    if engine:
        engine = not_below_the_floor(host, engine)
    if not layer.of_the_host:
        return Remedy(reason, _dind_fix(host, layer, engine), engine)
    if engine:
        return Remedy(reason, f"{upgrade_engine(engine)}; {_STAYS}", engine)
    if library := least.get("libseccomp"):
        return Remedy(
            reason,
            f"upgrade libseccomp to {library} or newer: run playbooks/site.yml, role docker_engine does it when a "
            "package source has one; or take docker_engine_source: docker, whose containerd.io brings a runc with a "
            f"libseccomp of its own; {WORKAROUND}",
            library=library,
        )
    if versions and (runc := prediction.newest_step("runc")) and least.get("runc") is None:
        engine = prediction.least_release(versions.with_release("runc", runc), needed, "docker")
    if engine or least.get("runc"):
        return _with_runc(host, reason, engine)
    if versions and (pair := prediction.least_pair(versions, needed, str(host.minimum))):
        engine, library = pair
        return Remedy(
            reason,
            f"run playbooks/site.yml with docker_engine_version: {engine} or newer (or latest) and upgrade libseccomp "
            f"to {library} or newer, which role docker_engine does when a package source has one; {_STAYS}",
            engine=engine,
            library=library,
        )
    return Remedy(
        reason,
        "no single upgrade that is known ends this: run playbooks/site.yml with docker_engine_source: docker and "
        f"docker_engine_version: latest, which brings engine and runc, and measure again; {WORKAROUND}",
    )


def _with_runc(host: Host, reason: str, engine: str | None) -> Remedy:
    """Where runc is too old as well, docker's own packages bring both."""
    release = not_below_the_floor(host, engine) if engine else None
    runc = prediction.newest_step("runc")
    return Remedy(
        reason,
        "run playbooks/site.yml with docker_engine_source: docker and docker_engine_version: "
        f"{f'{release} or newer (or latest)' if release else 'latest'}, whose containerd.io brings runc {runc} or "
        f"newer; {WORKAROUND}",
        release,
        runc=runc,
    )


def upgrade_engine(release: str) -> str:
    return (
        f"run playbooks/site.yml with docker_engine_version: {release} or newer "
        "(or latest; docker_engine_source says from where)"
    )


def _dind_fix(host: Host, layer: Layer, engine: str | None) -> str:
    release = engine or str(host.minimum)
    image = layer.image or "the image"
    return (
        f"use a dind image of {release} or newer instead of {image}, such as docker:{release}-dind, and a CLI image of "
        "the same version; name it in readiness_dind_images to measure it"
    )


def not_below_the_floor(host: Host, release: str) -> str:
    """Nothing below the least version that is acceptable is anybody's remedy."""
    found = version(release)
    return str(max(found, host.minimum)) if found else release


def versions_behind(host: Host, layer: Layer) -> prediction.Versions | None:
    """The versions behind a layer's answers, None where one that is needed cannot be read."""
    kernel, architecture = text(mapping(host.facts.get("kernel")).get("release")), host.architecture
    if layer.of_the_host and layer.layer == "host":
        found = prediction.versions_of({**host.facts, "architecture": architecture})
        if not isinstance(found, str):
            return found
    if not version(layer.version) or not version(kernel) or not architecture:
        return None
    # A dind image brings a runc with a libseccomp of its own; the host's own programs use the host's.
    library = prediction.library_of(host.facts) if layer.of_the_host else None
    return prediction.Versions(
        engine=str(layer.version),
        runc=layer.runc if version(layer.runc) else None,
        library=library if version(library) else None,
        kernel=str(kernel),
        architecture=architecture,
    )


def why(host: Host, layer: Layer, calls: Sequence[str]) -> str:
    """The reasons for what a layer answers to calls, the measured evidence before what versions say."""
    reasons: dict[str, None] = {}
    for call in calls:
        answer = layer.answer(call)
        found = answer.why if answer and answer.why else _measured_reasons(host, layer, call, answer)
        reasons.update(dict.fromkeys(found))
    return "; ".join(reasons)


def _measured_reasons(host: Host, layer: Layer, call: str, answer: Answer | None) -> tuple[str, ...]:
    comparison = host.rows(layer)
    row = next((row for row in comparison.rows if row.call == call), None)
    if row is not None and row.reason:
        return (row.reason,)
    predicted = _model_reasons(host, layer, call)
    if predicted is not None and answer is not None and predicted.answer == answer.answer:
        return tuple(predicted.reasons)
    said = _rule(layer, call)
    if said:
        return (said,)
    if comparison.trouble:
        return (comparison.trouble,)
    return (f"{call} is blocked, and the versions do not tell why",)


def _model_reasons(host: Host, layer: Layer, call: str) -> Any:
    versions = versions_behind(host, layer)
    if versions is None or layer.layer == "podman":
        return None
    for filter_ in (layer.filter, None):
        try:
            return versions.predict(call, filter_)
        except (ValueError, TypeError, AttributeError, KeyError):
            continue
    return None


def _rule(layer: Layer, call: str) -> str | None:
    """What the engine handed to its runtime about a call, if that was read."""
    if layer.filter is None or not layer.filter.get("default"):
        return None
    action = text(mapping(layer.filter.get("rules")).get(call))
    if action is None:
        default = layer.filter["default"]
        return f"the profile that the engine gave the container does not name {call}, and its default is {default}"
    return f"the profile that the engine gave the container says {action} to {call}"
