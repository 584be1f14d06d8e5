# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What was measured beside what the version rules predict, and from which evidence they differ."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile as profiles
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_facts import Parts, knows_of, model_of, parts_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_model import UNKNOWN, Model


@dataclasses.dataclass(frozen=True)
class Row:
    """One call of one layer. `model`: by upstream's version rules; `refined`: with what was read on the host too."""

    call: str
    number: int | None
    measured: str
    by: str | None
    model: str | None
    refined: str | None
    reason: str | None
    explained: bool

    def as_dict(self) -> dict[str, Any]:
        """For Ansible and for reports."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class _Evidence:
    """One thing read on the host: how it changes a model, and its sentence on a call (models before and after)."""

    apply: Callable[[Model], Model]
    tell: Callable[[str, Model, Model], str]


def compare(facts: Mapping[str, Any], probe: Mapping[str, Any], layer: Mapping[str, Any]) -> list[Row]:
    """Every call that was measured at LAYER of PROBE beside the model of it, by number."""
    calls: Mapping[str, Mapping[str, Any]] = layer.get("calls") or {}
    facts = {**facts, "architecture": probe.get("architecture") or facts.get("architecture")}
    parts = parts_of(facts, layer)
    if parts is None:
        return [_unknown(call, answer) for call, answer in calls.items()]
    model = model_of(parts)
    evidence = _evidence(facts, probe, layer, parts, model)
    refined = model
    for one in evidence:
        refined = one.apply(refined)
    rows = [_row(call, answer, model, refined, evidence) for call, answer in calls.items()]
    return sorted(rows, key=lambda row: (row.number is None, row.number, row.call))


def _unknown(call: str, answer: Mapping[str, Any]) -> Row:
    return Row(call, None, str(answer["answer"]), answer.get("by"), None, None, None, explained=False)


def _row(call: str, answer: Mapping[str, Any], model: Model, refined: Model, evidence: list[_Evidence]) -> Row:
    if call not in tables.CALLS:
        return _unknown(call, answer)
    measured, predicted = str(answer["answer"]), model.predict(call).answer
    reason = None if predicted == measured else _explain(call, measured, model, evidence)
    return Row(
        call=call,
        number=model.number(call),
        measured=measured,
        by=answer.get("by"),
        model=predicted,
        refined=refined.predict(call).answer,
        reason=reason,
        explained=predicted == measured or reason is not None,
    )


def _evidence(
    facts: Mapping[str, Any], probe: Mapping[str, Any], layer: Mapping[str, Any], parts: Parts, model: Model
) -> list[_Evidence]:
    found = []
    if layer.get("filter") is not None:
        profile = profiles.handed_over(layer["filter"])
        found.append(
            _Evidence(
                lambda base: dataclasses.replace(base, profile=profile, notes=()),
                lambda call, before, after: _tell_profile(call, before, after, parts),
            )
        )
    knows = knows_of(facts, parts)
    if knows:
        library = dataclasses.replace(model.library, knows=knows, note=None)
        found.append(_Evidence(lambda base: dataclasses.replace(base, library=library), _tell_library))
    answers = (probe.get("kernel") or {}).get("calls")
    if answers:
        kernel = dataclasses.replace(model.kernel, calls=answers)
        found.append(_Evidence(lambda base: dataclasses.replace(base, kernel=kernel), _tell_kernel))
    dropped = _dropped(layer)
    if dropped:
        known = {**(knows or {}), **dict.fromkeys(dropped, UNKNOWN)}
        short = dataclasses.replace(model.library, knows=known, note=None)
        # The last of all: it is concluded from the answers themselves.
        found.append(_Evidence(lambda base: dataclasses.replace(base, library=short), _tell_dropped))
    return found


def _dropped(layer: Mapping[str, Any]) -> list[str]:
    """Calls that the profile lets through and the filter refuses all the same: their rules got lost on the way."""
    rules = (layer.get("filter") or {}).get("rules") or {}
    answers: Mapping[str, Mapping[str, Any]] = layer.get("calls") or {}
    return [
        call
        for call, answer in answers.items()
        if rules.get(call) == "SCMP_ACT_ALLOW" and answer.get("by") == "profile" and answer["answer"] != "allowed"
    ]


def _explain(call: str, measured: str, model: Model, evidence: list[_Evidence]) -> str | None:
    """The smallest set of evidence that turns the prediction into what was measured, told as a sentence."""
    for size in range(1, len(evidence) + 1):
        for chosen in itertools.combinations(evidence, size):
            models = list(itertools.accumulate(chosen, lambda base, one: one.apply(base), initial=model))
            if models[-1].predict(call).answer == measured:
                steps = zip(chosen, itertools.pairwise(models), strict=True)
                return "; ".join(one.tell(call, before, after) for one, (before, after) in steps)
    return None


def _tell_profile(call: str, before: Model, after: Model, parts: Parts) -> str:
    source = "(read from the container's OCI configuration)"
    if not after.profile.confined:
        return f"the container ran without a seccomp profile {source}"
    if parts.seccomp_profile != "default":
        lead = f"the container ran under {parts.seccomp_profile}, not under the engine's default profile"
    else:
        lead = f"the default profile of this engine's package differs from upstream's {parts.engine.version}"
    action = after.profile.rules.get(call)
    if before.profile.rules.get(call) != action:
        return f"{lead}: it {action or 'does not name'} {call} {source}"
    if before.profile.default != after.profile.default:
        return f"{lead}: it {after.profile.default} what it does not name {source}"
    return f"{lead}: its {_limit(call, after)} {source}"


def _limit(call: str, model: Model) -> str:
    number = model.number(call)
    if model.highest is None or number is None:
        return f"filter has no recent call left, and {call} is above all others"
    limit, top = model.highest
    side = "above" if number > limit else "not above"
    return f"highest known call is {top} ({limit}), and {call} ({number}) is {side} that"


def _tell_library(call: str, before: Model, after: Model) -> str:
    about = call
    limits = [model.highest for model in (before, after) if model.highest]
    if call not in before.profile.rules and limits:
        # There is no rule for the call that the library could drop: the limit of the stub has moved.
        about = max(limits)[1]
    known = "knows" if after.library.has(about) else "does not know"
    sentence = (
        f"this host's {after.library.name} {known} {about}, upstream's learned it in {tables.CALLS[about].libseccomp}"
    )
    return sentence if about == call else f"{sentence}: so the {_limit(call, after)}"


def _tell_dropped(call: str, before: Model, after: Model) -> str:
    about = call if before.library.has(call) != after.library.has(call) else (before.highest or (0, call))[1]
    sentence = (
        f"the profile lets {about} through, and the filter refuses it all the same: the libseccomp of this layer's "
        f"runtime does not know {about}, so that its rule was dropped"
    )
    return sentence if about == call else f"{sentence}: so the {_limit(call, after)}"


def _tell_kernel(call: str, _before: Model, after: Model) -> str:
    if after.kernel.has(call):
        since = tables.CALLS[call].kernel
        return f"this {after.kernel.name} has {call}, upstream's came with {since}: it was carried back"
    return f"this {after.kernel.name} answers ENOSYS to {call} itself: built without it, or with it switched off"
