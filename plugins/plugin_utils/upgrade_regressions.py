# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whether containers may do after an upgrade what they could do before, by what was measured both times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import (
    BLOCKING,
    DEFAULT_PROFILES,
    Layer,
    read_layers,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, texts

_FALLS_BACK = ("ENOSYS",)
# Engines since 25.0 do not allow it any more, on purpose. The plan says so beforehand (finding io_uring_blocked), and
# no host would get past 24 if that took it back.
_WITHDRAWN = ("io_uring_setup", "io_uring_enter", "io_uring_register")


def allowed(probe: Any) -> dict[str, list[str]]:
    """The calls that each measured layer allows under each profile: small enough to be kept on the host."""
    return {
        name: sorted(call for call, each in layer.calls.items() if each.answer == "allowed")
        for name, layer in _layers(probe).items()
        if layer.kind == "measured"
    }


def regressions(before: Any, probe: Any) -> list[str]:
    """What no longer works: calls that are blocked and were allowed, and layers that cannot be measured any more."""
    layers, found = _layers(probe), []
    for name in mapping(before):
        layer = layers.get(name)
        if layer is None or layer.kind != "measured":
            reason = layer.reason if layer else "the probe has no such layer"
            found.append(f"layer {text(name)} was measured before and cannot be measured any more: {reason}")
    told = (
        f"{_who(layer)} blocks {listed(calls)}, which it allowed before"
        for layer, lost in _lost(before, layers, BLOCKING)
        if (calls := [call for call in lost if call not in _WITHDRAWN])
    )
    return [*found, *told]


def fallbacks(before: Any, probe: Any) -> list[str]:
    """What works in another way: calls that answer ENOSYS, on which programs fall back, and were allowed."""
    return [
        f"{_who(layer)} answers ENOSYS to {listed(calls)}, which it allowed before; programs fall back"
        for layer, calls in _lost(before, _layers(probe), _FALLS_BACK)
    ]


def _layers(probe: Any) -> dict[str, Layer]:
    """By the words that name a layer and its profile."""
    return {f"{layer.name} {layer.profile}": layer for layer in read_layers(mapping(probe))}


def _lost(before: Any, layers: Mapping[str, Layer], answers: tuple[str, ...]) -> Iterator[tuple[Layer, list[str]]]:
    for name, calls in mapping(before).items():
        layer = layers.get(name)
        lost = [call for call in texts(calls) if layer and (each := layer.answer(call)) and each.answer in answers]
        if layer and lost:
            yield layer, lost


def _who(layer: Layer) -> str:
    profile = layer.seccomp_profile if layer.profile == "default" else layer.profile
    which = "default profile" if profile is None or profile in DEFAULT_PROFILES else f"profile {profile}"
    return f"the {which} of {'the engine' if layer.name == 'host' else layer.name}"
