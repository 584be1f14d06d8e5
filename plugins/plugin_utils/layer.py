# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A place where a job's containers run, and how system calls are answered there: measured, predicted or unknown."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

ANSWERS = ("allowed", "ENOSYS", "EPERM", "killed")
# A program that gets one of these does not fall back.
BLOCKING = ("EPERM", "killed")
DEFAULT_PROFILES = ("default", "builtin")
_NAMES = ("host", "dind", "podman")
_RESULTS = ("works", "fails", "untested")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one call was answered, by whom, and why (predicted answers know)."""

    answer: str
    by: str | None = None
    why: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        return self.answer in BLOCKING


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """What `test -x` and the start of a thread did in an image; None is the host's own C library."""

    image: str | None
    what: str
    result: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer under one seccomp profile."""

    layer: str
    name: str
    kind: str
    profile: str = "default"
    reason: str | None = None
    engine: str | None = None
    version: str | None = None
    runc: str | None = None
    runtime: str | None = None
    seccomp_profile: str | None = None
    image: str | None = None
    user: str | None = None
    calls: Mapping[str, Answer] = dataclasses.field(default_factory=dict)
    behaviours: tuple[Behaviour, ...] = ()
    filter: Mapping[str, Any] | None = None
    seconds: float | None = None
    # Another finding says why it is unknown.
    quiet: bool = False

    @property
    def known(self) -> bool:
        return self.kind != "unknown"

    @property
    def title(self) -> str:
        """Its name as people should read it, with the profile where that is not the engine's own."""
        return self.name if self.profile == "default" else f"{self.name} with profile {self.profile}"

    @property
    def engine_title(self) -> str | None:
        return f"{self.engine or 'docker'} {self.version}" if self.version else self.engine

    @property
    def of_the_host(self) -> bool:
        """Whether the host's own Docker Engine decides here, also where its programs are run as a dind service."""
        return self.layer == "host" or (self.layer == "dind" and self.image is None)

    @property
    def of_jobs(self) -> bool:
        """Whether it was started as jobs are: with what the engine gives them."""
        return self.profile in ("default", self.seccomp_profile)

    @property
    def custom_profile(self) -> str | None:
        """The seccomp profile in force, if it is a file: the one asked for, else the engine's."""
        for profile in (self.profile, self.seccomp_profile):
            if profile and profile.startswith("/"):
                return profile
        return None

    def as_dict(self) -> dict[str, Any]:
        """What the model is asked about: as the probe says it, without what could not be understood."""
        return {
            "layer": self.layer, "name": self.name, "profile": self.profile, "image": self.image,
            "engine": self.version and {
                "name": self.engine or "docker", "version": self.version, "runc": self.runc, "runtime": self.runtime,
                "seccomp_profile": self.seccomp_profile,
            },
            "calls": {call: {"answer": each.answer, "by": each.by} for call, each in self.calls.items()},
            "filter": self.filter,
        }  # fmt: skip

    def answer(self, call: str) -> Answer | None:
        return self.calls.get(call)

    def lacking(self, calls: Collection[str]) -> list[str]:
        """Calls without an answer."""
        return [call for call in calls if call not in self.calls]


def unknown_layer(layer: str, name: str, reason: str, *, quiet: bool = False) -> Layer:
    return Layer(layer=layer, name=name, kind="unknown", reason=reason, quiet=quiet)


def read_layers(probe: Mapping[str, Any]) -> list[Layer]:
    """The layers in what the probe returned; what cannot be understood is a layer of state unknown."""
    found = [_read(value) for value in entries(probe.get("layers"))]
    return found or [
        unknown_layer("host", "host", "the probe says nothing about any layer; run seccomp_probe with layers: [host]")
    ]


def _read(value: Any) -> Layer:
    given = mapping(value)
    kind = text(given.get("layer"))
    layer = kind if kind in _NAMES else "host"
    engine = mapping(given.get("engine"))
    calls = _calls(given.get("calls"))
    measured, reason = _state(given, calls)
    image = text(given.get("image"))
    seconds = given.get("seconds")
    return Layer(
        layer=layer,
        name=text(given.get("name")) or (f"{layer} ({image})" if image else layer),
        kind="measured" if measured else "unknown",
        reason=reason,
        profile=text(given.get("profile")) or "default",
        engine=text(engine.get("name")),
        version=text(engine.get("version")),
        runc=text(engine.get("runc")),
        runtime=text(engine.get("runtime")),
        seccomp_profile=text(engine.get("seccomp_profile")),
        image=image,
        user=text(given.get("user")),
        calls=calls if measured else {},
        behaviours=tuple(_behaviours(given.get("behaviour"))) if measured else (),
        filter=_filter(given.get("filter")),
        seconds=float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else None,
    )


def _state(given: Mapping[str, Any], calls: Mapping[str, Answer]) -> tuple[bool, str | None]:
    """Whether the layer was measured, and if not, why."""
    if text(given.get("state")) == "measured":
        if calls:
            return True, None
        return False, "the probe says that it was measured, but has no answer of any call; run it again"
    reason = text(given.get("reason"))
    if reason:
        return False, reason
    error = text(given.get("error"))
    return False, f"the probe gives no reason{f' but the word {error!r}' if error else ''}; run it again with -vvv"


def _calls(value: Any) -> dict[str, Answer]:
    """Answers; a word that is none of them is as good as no answer."""
    found = {}
    for call, given in mapping(value).items():
        answer = text(mapping(given).get("answer"))
        if answer in ANSWERS:
            found[str(call)] = Answer(answer, text(mapping(given).get("by")))
    return found


def _filter(value: Any) -> Mapping[str, Any] | None:
    """What the engine handed to its runtime; without a word on the default action it is not known."""
    if not isinstance(value, Mapping) or "default" not in value:
        return None
    errno = value.get("default_errno")
    rules = {str(call): action for call, given in mapping(value.get("rules")).items() if (action := text(given))}
    return {
        "default": text(value["default"]),
        "default_errno": errno if isinstance(errno, int) and not isinstance(errno, bool) else None,
        "rules": rules,
    }


def _behaviours(value: Any) -> list[Behaviour]:
    found = []
    for given in map(mapping, entries(value)):
        for what in ("access", "threads"):
            tried = mapping(given.get(what))
            result = text(tried.get("result"))
            if result in _RESULTS:
                found.append(Behaviour(text(given.get("image")), what, result, text(tried.get("detail")) or ""))
    return found
