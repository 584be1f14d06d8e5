# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the layers at which a job's containers run: what was measured there, or is predicted of it.

With nesting every layer has to pass, and a fault is named at the layer that has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images, remedies
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Behaviour, Layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import Row
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_WHAT = {
    "access": ("`test -x` says no to a program that can be run", "faccessat2"),
    "threads": ("threads cannot be started", "clone3"),
}
_WITHOUT_IO_URING = EngineVersion.parse("25.0")


def find_layers(host: Host) -> Iterator[Finding]:
    """What is wrong at each layer."""
    for layer in host.layers:
        if not host.counts(layer):
            yield from _tried(host, layer)
            continue
        if not layer.known:
            if not layer.quiet:
                yield _unknown(layer)
            continue
        concerned = [generation for generation in images.GENERATIONS if host.concerns(generation)]
        for generation in concerned:
            yield from _generation(host, layer, generation)
        yield from _incomplete(layer, concerned)
        for behaviour in layer.behaviours:
            if behaviour.result == "fails":
                yield _behaviour(host, layer, behaviour)
        yield from _untested(layer)
        yield from _floor(host, layer)
        yield from _io_uring(layer)
        yield from _differences(host, layer)


def _tried(host: Host, layer: Layer) -> Iterator[Finding]:
    """A profile that jobs do not get: what it would do is good to know, and says nothing about the host."""
    if not layer.known:
        yield Finding(
            "profile_tried", layer.layer, "note",
            f"{layer.title}: not measured, and jobs do not get it: {layer.reason}",
            {"kind": "unknown", "name": layer.name, "profile": layer.profile}, "nothing, unless you mean to use it",
        )  # fmt: skip
        return
    needed = dict.fromkeys(call for each in images.GENERATIONS if host.concerns(each) for call in each.needs)
    blocked = [call for call in needed if (answer := layer.answer(call)) and answer.blocks]
    fails = [f"{_WHAT[each.what][0]} with {_where(each)}" for each in layer.behaviours if each.result == "fails"]
    if blocked or fails:
        told = [f"{listed(blocked)} {'is' if len(blocked) == 1 else 'are'} blocked"] if blocked else []
        yield Finding(
            "profile_tried", layer.layer, "note",
            f"{layer.title}: under it {listed([*told, *fails])}; jobs do not get this profile",
            {**_about(layer), "profile": layer.profile, "blocked": blocked}, "nothing, unless you mean to use it",
        )  # fmt: skip


def _about(layer: Layer) -> dict[str, Any]:
    """What evidence says of the layer that it is from."""
    return {
        "kind": layer.kind, "name": layer.name, "engine": layer.engine_title,
        "profile": layer.custom_profile or layer.profile, **({"image": layer.image} if layer.image else {}),
    }  # fmt: skip


def _unknown(layer: Layer) -> Finding:
    reason = layer.reason or "no reason is known"
    return Finding(
        "unknown", layer.layer, "unknown", f"{layer.title}: {reason}",
        {"kind": "unknown", "name": layer.name, "profile": layer.profile, "state": "unknown"},
        "mend what is said there and measure again (playbooks/audit.yml); until then this host does not count as ready",
    )  # fmt: skip


def _generation(host: Host, layer: Layer, generation: images.Generation) -> Iterator[Finding]:
    blocked = [call for call in generation.needs if (answer := layer.answer(call)) and answer.blocks]
    if blocked:
        yield _blocked(host, layer, generation, blocked)


def _incomplete(layer: Layer, generations: list[images.Generation]) -> Iterator[Finding]:
    """A probe that says nothing about a call that images need has not measured the layer."""
    missing = layer.lacking([call for generation in generations for call in generation.needs])
    if missing:
        yield Finding(
            "unknown", layer.layer, "unknown",
            f"{layer.title}: there is no answer of {', '.join(missing)}, which images need",
            {**_about(layer), "missing": missing},
            "run the probe again; it should answer for every call of this architecture",
        )  # fmt: skip


def _blocked(host: Host, layer: Layer, generation: images.Generation, calls: list[str]) -> Finding:
    found = remedies.remedy(host, layer, calls)
    answers = [layer.calls[call] for call in calls]
    # Killed is worse than refused, and said first.
    worst = next((answer for answer in answers if answer.answer == "killed"), answers[0])
    names = " and ".join(calls)
    if worst.answer == "killed":
        done = f"are killed for {names}" if layer.kind == "measured" else f"would be killed for {names}"
    else:
        done = f"get EPERM from {names}" if layer.kind == "measured" else f"would get EPERM from {names}"
    evidence = {
        **_about(layer), "call": ", ".join(calls), "answer": worst.answer, "by": worst.by, "why": found.why,
    }  # fmt: skip
    least = {"least_engine": found.engine, "least_libseccomp": found.library, "least_runc": found.runc}
    evidence |= {key: release for key, release in least.items() if release}
    return Finding(
        f"call_blocked_{generation.id.replace('-', '_')}", layer.layer, generation.severity,
        f"{layer.title}: containers {done}, which {generation.what} need ({generation.symptom})",
        evidence, found.fix,
    )  # fmt: skip


def _behaviour(host: Host, layer: Layer, behaviour: Behaviour) -> Finding:
    what, call = _WHAT[behaviour.what]
    where = _where(behaviour)
    answer = layer.answer(call)
    if answer is not None and answer.blocks:
        fix = remedies.remedy(host, layer, [call]).fix
    else:
        fix = f"{call} is not what is blocked there: look at the detail, and measure with another image of that base"
    return Finding(
        "behaviour_fails", layer.layer, "broken",
        f"{layer.title}: with {where} {what}" + (f": {behaviour.detail}" if behaviour.detail else ""),
        {**_about(layer), "image": behaviour.image, "tried": behaviour.what, "detail": behaviour.detail}, fix,
    )  # fmt: skip


def _where(behaviour: Behaviour) -> str:
    return behaviour.image or "the host's own C library"


def _untested(layer: Layer) -> Iterator[Finding]:
    """Images that were asked for and not tried; where the host's own C library could not be, nobody asked for it."""
    tries: dict[str, list[Behaviour]] = {}
    for behaviour in layer.behaviours:
        if behaviour.image is not None:
            tries.setdefault(behaviour.image, []).append(behaviour)
    untested = {image: [each for each in its if each.result == "untested"] for image, its in tries.items()}
    if layer.layer == "podman" and any(untested.values()):
        # Podman's own storage is left alone, so that nothing is missing there.
        names = [image for image, its in untested.items() if its]
        yield Finding(
            "behaviour_untested", "podman", "note",
            f"{layer.title}: {listed(names)} {'was' if len(names) == 1 else 'were'} not tried: "
            f"{untested[names[0]][0].detail}",
            {**_about(layer), "kind": "unknown", "images": names}, "nothing; the calls were measured all the same",
        )  # fmt: skip
        return
    for image, its in untested.items():
        if its and len(its) == len(tries[image]):
            yield Finding(
                "behaviour_untested", layer.layer, "unknown",
                f"{layer.title}: {image} was asked for and could not be tried: {its[0].detail}",
                {**_about(layer), "kind": "unknown", "image": image, "detail": its[0].detail},
                f"see that {image} is on the host and can be started, or take it out of readiness_behaviour_images",
            )  # fmt: skip
        elif its:
            what = {"access": "`test -x`", "threads": "the start of a thread"}[its[0].what]
            yield Finding(
                "behaviour_untested", layer.layer, "note",
                f"{layer.title}: in {image} {what} could not be tried: {its[0].detail}",
                {**_about(layer), "kind": "unknown", "image": image, "detail": its[0].detail},
                f"nothing; to try {what} name an image that has a program for it",
            )  # fmt: skip


def _floor(host: Host, layer: Layer) -> Iterator[Finding]:
    """The least version holds for every engine of the chain; the host's own is looked at by its facts.

    A dind image that was not measured is looked at by its name.
    """
    found = version(layer.version)
    if layer.kind != "measured":
        return
    if layer.layer != "dind" or layer.image is None or found is None or found >= host.minimum:
        return
    yield Finding(
        "floor", "dind", "broken",
        f"{layer.title} runs Docker Engine {layer.version}, {host.older_than_the_least}",
        {**_about(layer), "docker_engine_minimum_version": str(host.minimum)},
        f"use a dind image of {host.minimum} or newer instead of {layer.image}, and a CLI image of the same version",
    )  # fmt: skip


def _io_uring(layer: Layer) -> Iterator[Finding]:
    answer = layer.answer("io_uring_setup")
    if layer.kind == "predicted" and layer.image:
        # It is the same of each image of today, and nobody asked.
        return
    if layer.profile != "default" or layer.layer == "podman" or answer is None or not answer.blocks:
        return
    engine = version(layer.version)
    since = ", as with every engine since 25.0" if engine and engine >= _WITHOUT_IO_URING else ""
    yield Finding(
        "io_uring_blocked", layer.layer, "note",
        f"{layer.title}: containers may not use io_uring{since}; programs that fall back do not mind",
        {**_about(layer), "call": "io_uring_setup", "answer": answer.answer},
        "nothing, unless a job needs io_uring: then it needs a seccomp profile of its own (readiness_profiles "
        "measures it)",
    )  # fmt: skip


def _differences(host: Host, layer: Layer) -> Iterator[Finding]:
    """The measurement wins; where the versions say something else, that is told with the reason."""
    comparison = host.rows(layer)
    if comparison.trouble:
        yield Finding(
            "model_differs", layer.layer, "note",
            f"{layer.title}: what was measured cannot be compared: {comparison.trouble}",
            {**_about(layer), "differences": []}, "nothing; what was measured counts",
        )  # fmt: skip
        return
    differing = [row for row in comparison.rows if row.model is not None and row.model != row.measured]
    if not differing:
        return
    puzzling = [row.call for row in differing if not row.explained]
    yield Finding(
        "model_differs", layer.layer, "degraded" if puzzling else "note",
        f"{layer.title} answers {len(differing)} of {len(comparison.rows)} calls otherwise than its versions say"
        + (f"; nothing explains {', '.join(puzzling)}" if puzzling else ""),
        {**_about(layer), "differences": _told(layer, differing)},
        "what was measured counts; report what is not explained, with what runtime_facts and seccomp_probe returned"
        if puzzling
        else "nothing; what was measured counts",
    )  # fmt: skip


def _told(layer: Layer, rows: list[Row]) -> list[str]:
    """Calls with the reason why their answers differ, those with the same one together."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        reason = row.reason or "nobody knows why"
        if row.explained and layer.custom_profile and layer.filter is not None:
            reason = f"the container ran under {layer.custom_profile}, not under the engine's default profile"
        else:
            reason = f"measured {row.measured}, by version {row.model}: {reason}"
        groups.setdefault(reason, []).append(row.call)
    return [f"{', '.join(calls)}: {reason}" for reason, calls in groups.items()]
