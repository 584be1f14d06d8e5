# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""From the facts of a host, and a layer of the probe, to a model of how containers run there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile as profiles
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_model import Engine, Kernel, Model, build
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_profile import Profile
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion


@dataclasses.dataclass(frozen=True)
class Parts:
    """The versions that the rules of upstream go by, wherever they were found."""

    engine: Engine
    runc: str | None
    libseccomp: str | None
    kernel: str | None
    architecture: str
    seccomp_profile: str  # in force: default, unconfined or a path
    own_library: bool  # the runtime uses the host's libseccomp, so what that one answered holds


def parts_of(facts: Mapping[str, Any], layer: Mapping[str, Any] | None = None) -> Parts | None:
    """What runs containers on a host or at one of its layers; None where no engine's version is known."""
    engine = _engine(facts, layer)
    architecture = facts.get("architecture")
    if engine is None or not architecture:
        return None
    layer = layer or {}
    told = layer.get("engine") or {}
    host = facts.get("runc") or {}
    library = facts.get("libseccomp") or {}
    # An image brings a runtime of its own, with a library of its own, of which nothing is known.
    foreign = bool(layer.get("image"))
    runc = told.get("runc") or (None if foreign else host.get("version"))
    if told.get("runtime") == "crun":
        runc = "crun"
    reported = None if foreign or runc == "crun" else host.get("libseccomp")
    return Parts(
        engine=engine,
        runc=runc,
        libseccomp=None if foreign else reported or library.get("version"),
        kernel=(facts.get("kernel") or {}).get("release"),
        architecture=architecture,
        seccomp_profile=profile_in_force(facts, layer),
        own_library=not foreign and (reported is None or reported == library.get("version")),
    )


def _engine(facts: Mapping[str, Any], layer: Mapping[str, Any] | None) -> Engine | None:
    told = (layer or {}).get("engine")
    if told:
        return (
            Engine(told.get("name") or "docker", EngineVersion.parse(told["version"])) if told.get("version") else None
        )
    if layer and layer.get("layer") != "host":
        return None
    docker = facts.get("docker") or {}
    # A stopped engine is predicted from its package.
    version = docker.get("server_version") or (docker.get("package") or {}).get("version")
    return Engine("docker", EngineVersion.parse(version)) if version else None


# Engine 23 renamed its own profile.
_DEFAULT = {None: "default", "builtin": "default"}


def profile_in_force(facts: Mapping[str, Any], layer: Mapping[str, Any]) -> str:
    """What the layer's container was started under: `default`, `unconfined` or the path of a profile."""
    asked: str = layer.get("profile") or "default"
    if asked != "default":
        return asked
    told = layer.get("engine")
    if told:
        profile: str | None = told.get("seccomp_profile")
        return _DEFAULT.get(profile, profile or "default")
    docker = facts.get("docker") or {}
    found: str | None = docker.get("seccomp_profile")
    if docker.get("running") and found is None:
        # The engine answered and named no profile: it, or the kernel, does without seccomp.
        return "unconfined"
    return _DEFAULT.get(found, found or "default")


def model_of(parts: Parts) -> Model:
    """The model by upstream's version rules alone."""
    profile: Profile | None = None
    notes: tuple[str, ...] = ()
    if parts.seccomp_profile == "unconfined":
        profile = profiles.unconfined("the engine")
    elif parts.seccomp_profile != "default":
        notes = (f"the profile {parts.seccomp_profile} is in force; the prediction is for the engine's default one",)
    return build(
        parts.engine,
        parts.runc,
        parts.libseccomp,
        Kernel.of(parts.kernel),
        parts.architecture,
        profile=profile,
        notes=notes,
    )


def knows_of(facts: Mapping[str, Any], parts: Parts) -> Mapping[str, int] | None:
    """What the libseccomp that the runtime uses answered itself; None where that library was not asked."""
    answers = (facts.get("libseccomp") or {}).get("syscalls") if parts.own_library else None
    return answers or None


def calls_of(model: Model) -> tuple[str, ...]:
    """The calls of the table that the model's architecture has, by their numbers."""
    numbers = tables.numbers(model.arch)
    return tuple(sorted(numbers, key=lambda call: numbers[call]))
