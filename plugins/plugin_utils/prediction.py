# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the model says about a host: where nothing was measured, beside what was, and with other versions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images, syscalls
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import (
    BLOCKING,
    DEFAULT_PROFILES,
    Answer,
    Layer,
    unknown_layer,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

MEASURE = "measure it: runnerkit.gitlab.seccomp_probe (role readiness does it)"
# What findings look at beside the calls that images need.
_LOOKED_AT = ("io_uring_setup",)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The measured calls beside the model's, or the reason why there is no model of this engine."""

    rows: tuple[syscalls.Row, ...] = ()
    trouble: str | None = None


@dataclasses.dataclass(frozen=True)
class Versions:
    """What an answer follows from."""

    engine: str
    runc: str | None
    library: str | None
    kernel: str | None
    architecture: str
    knows: Mapping[str, int] | None = None

    def with_release(self, what: str, release: str) -> Versions:
        """With another docker, libseccomp or runc; what the library of now answered says nothing of another one."""
        if what == "docker":
            return dataclasses.replace(self, engine=release)
        if what == "runc":
            return dataclasses.replace(self, runc=release)
        return dataclasses.replace(self, library=release, knows=None)

    def predict(self, call: str, filter_: Mapping[str, Any] | None = None) -> syscalls.Prediction:
        return syscalls.predict(
            self.engine, self.runc, self.library, self.kernel, self.architecture, call,
            knows=self.knows, filter_=filter_,
        )  # fmt: skip


def library_of(facts: Mapping[str, Any]) -> str | None:
    """The libseccomp that decides: runc's own where it tells, else the host's."""
    return text(mapping(facts.get("runc")).get("libseccomp")) or text(mapping(facts.get("libseccomp")).get("version"))


def _knows(facts: Mapping[str, Any]) -> Mapping[str, int] | None:
    """What the library itself answered, if it is the one that runc uses."""
    library = mapping(facts.get("libseccomp"))
    own, shared = version(mapping(facts.get("runc")).get("libseccomp")), version(library.get("version"))
    numbers = library.get("syscalls")
    if not isinstance(numbers, Mapping) or (own is not None and own != shared):
        return None
    return {str(call): number for call, number in numbers.items() if isinstance(number, int)} or None


def versions_of(facts: Mapping[str, Any]) -> Versions | str:
    """What a prediction needs of a host, or a sentence that says what is missing."""
    docker = mapping(facts.get("docker"))
    if not docker.get("installed"):
        return "Docker Engine is not installed"
    if not docker.get("running"):
        return f"Docker Engine does not answer: {text(docker.get('error')) or 'no reason known'}"
    needed = {
        "docker.server_version": docker.get("server_version"),
        "kernel.release": mapping(facts.get("kernel")).get("release"),
    }
    for name, value in needed.items():
        if version(value) is None:
            return f"{name} is {value!r}, which is no version, so nothing follows from it; {MEASURE}"
    architecture = text(facts.get("architecture"))
    if not architecture:
        return f"architecture is {facts.get('architecture')!r}, so nothing follows from versions; {MEASURE}"
    runc = text(mapping(facts.get("runc")).get("version"))
    library = library_of(facts)
    return Versions(
        engine=str(needed["docker.server_version"]),
        runc=runc if version(runc) else None,
        library=library if version(library) else None,
        kernel=str(needed["kernel.release"]),
        architecture=architecture,
        knows=_knows(facts),
    )


def predicted_host(
    facts: Mapping[str, Any], filter_: Mapping[str, Any] | None = None, workaround_path: str = ""
) -> Layer:
    """The host's engine by its versions; FILTER_ is the seccomp filter in force where it is known and stays."""
    found = versions_of(facts)
    if isinstance(found, str):
        docker = mapping(facts.get("docker"))
        told = not docker.get("installed") or docker.get("running") is False
        return unknown_layer("host", "host", found, quiet=told)
    profile = text(mapping(facts.get("docker")).get("seccomp_profile")) or "default"
    if profile == "unconfined":
        filter_ = {"default": None, "default_errno": None, "rules": {}}
    elif profile == workaround_path and filter_ is None:
        # Which calls it allows is not known, but it blocks none: what it does not list answers ENOSYS.
        filter_ = {"default": "SCMP_ACT_TRACE", "default_errno": None, "rules": {}}
    elif profile not in DEFAULT_PROFILES and filter_ is None:
        return unknown_layer(
            "host",
            "host",
            f"the engine runs with the seccomp profile {profile}, which versions say nothing about; {MEASURE}",
        )
    calls, trouble = answers(found, filter_)
    if trouble:
        return unknown_layer("host", "host", f"{trouble}; {MEASURE}")
    return Layer(
        layer="host", name="host", kind="predicted", engine="docker", version=found.engine, runc=found.runc,
        seccomp_profile="default" if profile in DEFAULT_PROFILES else profile, calls=calls, filter=filter_,
    )  # fmt: skip


def answers(versions: Versions, filter_: Mapping[str, Any] | None = None) -> tuple[dict[str, Answer], str | None]:
    """What findings look at, by versions; or none, and the reason."""
    found: dict[str, Answer] = {}
    for call in calls_of_interest(versions.architecture):
        try:
            predicted = versions.predict(call, filter_)
        except ValueError as error:
            return {}, str(error)
        found[call] = Answer(predicted.answer, None if predicted.answer == "allowed" else "profile", predicted.reasons)
    return found, None


@functools.cache
def calls_of_interest(architecture: str) -> tuple[str, ...]:
    """Calls that a finding may come from."""
    needed = dict.fromkeys(
        call for generation in images.GENERATIONS if concerns(generation, architecture) for call in generation.needs
    )
    return (*needed, *(call for call in _LOOKED_AT if call not in needed))


def concerns(generation: images.Generation, architecture: str) -> bool:
    """Whether images of a generation need what they need on this machine."""
    try:
        return generation.concerns(architecture)
    except ValueError:
        # An architecture that the table lacks is not one of the few that a generation may be for.
        return not generation.arches


def compared(facts: Mapping[str, Any], probe: Mapping[str, Any], layer: Layer) -> Comparison:
    """A measured layer beside the model; an engine that the model cannot read has no rows, and the reason."""
    if layer.kind != "measured":
        return Comparison()
    kernel = mapping(mapping(probe.get("kernel")).get("calls"))
    readable = {
        "architecture": text(probe.get("architecture")),
        "kernel": {"calls": {str(call): str(answer) for call, answer in kernel.items()} or None},
    }
    try:
        return Comparison(tuple(syscalls.compare(model_facts(facts), readable, layer.as_dict())))
    except ValueError as error:
        return Comparison(trouble=f"the model cannot read what runs there: {error}")


def model_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that the model looks at, in the shape that it wants, whatever they were."""
    docker, library = mapping(facts.get("docker")), mapping(facts.get("libseccomp"))
    numbers = mapping(library.get("syscalls"))
    return {
        "architecture": text(facts.get("architecture")),
        "docker": {key: text(docker.get(key)) for key in ("server_version", "seccomp_profile")}
        | {"running": docker.get("running") is True},
        "kernel": {"release": _version_or_none(mapping(facts.get("kernel")).get("release"))},
        "runc": {key: _version_or_none(mapping(facts.get("runc")).get(key)) for key in ("version", "libseccomp")},
        "libseccomp": {
            "version": _version_or_none(library.get("version")),
            "syscalls": {str(call): number for call, number in numbers.items() if isinstance(number, int)},
        },
    }


def _version_or_none(value: Any) -> str | None:
    return text(value) if version(value) else None


@functools.cache
def _releases(what: str) -> tuple[str, ...]:
    """Releases of a program at which something changes, oldest first."""
    if what == "docker":
        return tuple(str(row.first) for row in tables.DOCKER)
    if what == "libseccomp":
        return tuple(str(found) for found in sorted({learned.libseccomp for learned in tables.CALLS.values()}))
    return tuple(str(release) for release in tables.stub_since("x86_64"))


def newest_step(what: str) -> str:
    """The newest release of a program at which something changed."""
    return _releases(what)[-1]


def _least(versions: Versions, calls: tuple[str, ...], what: str) -> str | None:
    """The first release of WHAT from which on none of CALLS is blocked, the rest as it is."""
    found: str | None = None
    for release in reversed(_releases(what)):
        try:
            tried = versions.with_release(what, release)
            if any(tried.predict(call).answer in BLOCKING for call in calls):
                break
        except ValueError:
            break
        found = release
    return found


def least_release(versions: Versions, calls: tuple[str, ...], what: str) -> str | None:
    """The least newer release of `docker`, `libseccomp` or `runc` that alone ends the blocking; None if none does."""
    found = _least(versions, calls, what)
    now = version({"docker": versions.engine, "libseccomp": versions.library, "runc": versions.runc}[what])
    then = version(found)
    return found if then is not None and (now is None or then > now) else None


def least_pair(versions: Versions, calls: tuple[str, ...], floor: str) -> tuple[str, str] | None:
    """The least engine, not below FLOOR, and the least libseccomp that end the blocking together; None if none do."""
    engine = least_release(versions.with_release("libseccomp", newest_step("libseccomp")), calls, "docker")
    if engine is None:
        return None
    engine = max(engine, floor, key=EngineVersion.parse)
    library = least_release(versions.with_release("docker", engine), calls, "libseccomp")
    return (engine, library) if library else None
