# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whether a host can run each generation of images, and each image that was named: cells with their evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images as image_knowledge
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import prediction, remedies
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_images import generations
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host, read_host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_names import read_base, same_image
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Layer

# The worst of several counts; what could not be seen may be broken, so it is worse than degraded.
STATES = ("broken", "unknown", "degraded", "ready")
_FOREIGN = "upgrade the engine, runc and libseccomp of that layer, or take an image for the machine itself"
_MEASURE = "mend what is said there and measure again (playbooks/audit.yml)"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One host and one generation or image."""

    state: str
    kind: str
    evidence: tuple[str, ...]
    fix: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For Ansible and for reports."""
        return {"state": self.state, "kind": self.kind, "evidence": list(self.evidence), "fix": self.fix}


def assess(
    facts: Mapping[str, Any] | None, probe: Mapping[str, Any] | None = None, images: Iterable[str] = ()
) -> dict[str, Cell]:
    """By generation, then by image as given; ValueError names an image that cannot be read."""
    return assess_host(read_host(facts, probe, images=images))


def assess_host(host: Host) -> dict[str, Cell]:
    """The cells of a host that was read."""
    found = _of_generations(host, host.judged)
    # A service is started by the engine under it: what its own containers may do is another question.
    under = tuple(layer for layer in host.judged if layer.layer != "dind") or host.judged
    of_services = found if under == host.judged else _of_generations(host, under)
    cells = dict(found)
    for reference in host.images:
        service = read_base(reference).dind
        cells[reference] = _of_image(
            host, reference, of_services if service else found, under if service else host.judged
        )
    return cells


def _of_generations(host: Host, layers: Sequence[Layer]) -> dict[str, Cell]:
    return {generation.id: _of_generation(host, generation, layers) for generation in image_knowledge.GENERATIONS}


def _worst(cells: Sequence[Cell], evidence: Iterable[str] = ()) -> Cell:
    """The worst of cells about the same image; all their evidence, once."""
    state = min((cell.state for cell in cells), key=STATES.index)
    # What is broken is known by what broke it; ready takes all of them.
    kinds = {cell.kind for cell in cells if cell.kind != "none" and cell.state == state}
    kind = "predicted" if "predicted" in kinds else "measured" if kinds else "none"
    lines = dict.fromkeys((*evidence, *(line for cell in cells for line in cell.evidence)))
    return Cell(state, kind, tuple(lines), next((cell.fix for cell in cells if cell.state == state), ""))


def _of_generation(host: Host, generation: image_knowledge.Generation, layers: Sequence[Layer]) -> Cell:
    if generation.arches and host.architecture is None:
        return Cell("unknown", "none", ("the architecture of this host is not known",), _MEASURE)
    if not host.concerns(generation):
        only = " and ".join(generation.arches)
        return Cell("ready", "none", (f"only {only} needs this, and the host is {host.architecture}",))
    return _worst([_at(host, layer, generation) for layer in layers])


def _at(host: Host, layer: Layer, generation: image_knowledge.Generation) -> Cell:
    """One layer's part: each call that the generation needs has to be allowed, or answer so that programs fall back."""
    if not layer.known:
        return Cell("unknown", "none", (f"{layer.title}: {layer.reason}",), _MEASURE)
    lines, blocked, missing = [], [], []
    for call in generation.needs:
        answer = layer.answer(call)
        if answer is None:
            missing.append(call)
            lines.append(f"{layer.title}: nothing is known of {call}")
            continue
        if answer.blocks:
            blocked.append(call)
        by = f" by the {answer.by}" if answer.by in ("profile", "kernel") else ""
        says = {"allowed": "is allowed", "killed": "kills the program"}.get(
            answer.answer, f"answers {answer.answer}{by}"
        )
        lines.append(f"{layer.title}: {call} {says} ({layer.kind})")
    if blocked:
        remedy = remedies.remedy(host, layer, blocked)
        return Cell(generation.severity, layer.kind, (*lines, f"{layer.title}: {remedy.why}"), remedy.fix)
    if missing:
        return Cell("unknown", layer.kind, tuple(lines), "run the probe again; it should answer for every call")
    return Cell("ready", layer.kind, tuple(lines))


def _of_image(host: Host, reference: str, of: Mapping[str, Cell], layers: Sequence[Layer]) -> Cell:
    failed = [_failed(host, layer, reference) for layer in layers]
    broken = [cell for cell in failed if cell is not None]
    needed = generations(host, reference)
    if needed is None:
        return _worst([_of_unknown(of), *broken])
    machine = read_base(reference).architecture
    if machine and needed:
        return _worst(
            [*(_of_machine(host, layer, generation, machine) for generation in needed for layer in layers), *broken]
        )
    if not needed:
        if broken or any(not layer.known for layer in layers):
            unknown = [
                Cell("unknown", "none", (f"{layer.title}: {layer.reason}",), _MEASURE)
                for layer in layers
                if not layer.known
            ]
            return _worst([*broken, *unknown])
        kind = "measured" if all(layer.kind == "measured" for layer in layers) else "predicted"
        return Cell("ready", kind, (f"{reference} needs no recent system call",))
    return _worst([*(of[generation.id] for generation in needed), *broken])


def _of_machine(host: Host, layer: Layer, generation: image_knowledge.Generation, machine: str) -> Cell:
    """An image for another machine (arm32v7/alpine on aarch64): what was measured does not tell what its calls meet."""
    if all(call in layer.calls for call in generation.needs) or not layer.known:
        return _at(host, layer, generation)
    versions = remedies.versions_behind(host, layer)
    if versions is None or layer.layer == "podman" or layer.custom_profile:
        return Cell("unknown", "none", (f"{layer.title}: what {machine} programs may do there is not known",), _MEASURE)
    calls, trouble = prediction.answers(dataclasses.replace(versions, architecture=machine))
    if trouble:
        return Cell("unknown", "none", (f"{layer.title}: {trouble}",), _MEASURE)
    predicted = dataclasses.replace(layer, kind="predicted", calls=calls, name=f"{layer.name}, {machine} programs")
    cell = _at(host, predicted, generation)
    return dataclasses.replace(cell, fix=_FOREIGN if cell.state != "ready" else "")


def _of_unknown(of: Mapping[str, Cell]) -> Cell:
    """Whatever the image is, it belongs to one of the generations or to none: it is no worse than the worst of them."""
    worst = _worst(list(of.values()))
    if worst.state == "broken":
        return Cell(
            "unknown", worst.kind, ("what it is made from cannot be told from its name, and not all bases work here",),
            "name its base instead, such as alpine:3.21; or mend what breaks the other images",
        )  # fmt: skip
    lead = "what it is made from cannot be told from its name, so it counts as the worst of all bases"
    return dataclasses.replace(worst, evidence=(lead, *worst.evidence))


def _failed(host: Host, layer: Layer, reference: str) -> Cell | None:
    """What was seen to fail in that very image."""
    for behaviour in layer.behaviours:
        if behaviour.result == "fails" and behaviour.image is not None and same_image(behaviour.image, reference):
            call = {"access": "faccessat2", "threads": "clone3"}[behaviour.what]
            answer = layer.answer(call)
            fix = remedies.remedy(host, layer, [call]).fix if answer and answer.blocks else "look at the detail"
            line = f"{layer.title}: {behaviour.what} fails in it: {behaviour.detail} (measured)"
            return Cell("broken", "measured", (line,), fix)
    return None


def find_machines(host: Host) -> Iterator[Finding]:
    """Images for another machine that do not work: what no other finding says, since no host's own image needs it."""
    for reference in host.images:
        machine, needed = read_base(reference).architecture, generations(host, reference)
        if not machine or not needed or all(host.concerns(generation) for generation in needed):
            continue
        cell = assess_host(host)[reference]
        if cell.state != "ready":
            yield Finding(
                "image_machine", "host", cell.state,
                f"{reference} has programs for {machine}, and what they need is "
                f"{'not known to work' if cell.state == 'unknown' else 'blocked'}: {cell.evidence[0]}",
                {"kind": "unknown" if cell.kind == "none" else cell.kind, "image": reference, "machine": machine},
                cell.fix,
            )  # fmt: skip
