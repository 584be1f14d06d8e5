# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What to upgrade first: causes with the hosts that share them, each with the one fix that ends most of the trouble."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

MOST = 10
_STATES = ("broken", "unknown", "degraded")
# Without an engine nothing runs; the host's engine carries every layer; a library or an image is the smaller step.
_ORDER = ("engine_missing", "engine_down", "engine", "runner", "library", "layer", "other", "behaviour_fails")
_NOTHING_RUNS = ("engine_missing", "engine_down")
_NOTHING = EngineVersion((0,))
# The version that one host has and another has not, for the same reason and with the same fix.
_VERSION = {"floor": "docker.server_version", "libseccomp_old": "libseccomp.version"}


@dataclasses.dataclass
class _Cause:
    """Hosts that one fix helps, for one reason."""

    why: str
    fix: str
    severity: str
    order: tuple[Any, ...]
    nothing_runs: bool = False
    hosts: list[str] = dataclasses.field(default_factory=list)

    @property
    def place(self) -> tuple[Any, ...]:
        return _STATES.index(self.severity), not self.nothing_runs, -len(self.hosts), self.order, self.why


def upgrade_first(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At most ten causes with their hosts: the worst first, then what concerns most hosts."""
    causes: dict[tuple[str, str, str], _Cause] = {}
    for row in rows:
        for cause in _causes(row):
            known = causes.setdefault((cause.severity, cause.why, cause.fix), cause)
            if row["name"] not in known.hosts:
                known.hosts.append(row["name"])
    ordered = sorted(causes.values(), key=lambda cause: cause.place)
    return [{"hosts": cause.hosts, "why": cause.why, "fix": cause.fix} for cause in ordered[:MOST]]


def _causes(row: Mapping[str, Any]) -> list[_Cause]:
    """The fix that ends most of a host's own trouble; that of each image of its jobs, and of its worst registries."""
    if row["state"] not in _STATES:
        return []
    weighty = [finding for finding in row["findings"] if finding["severity"] in _STATES]
    of_images: dict[str, list[Mapping[str, Any]]] = {}
    for finding in weighty:
        if finding["layer"] in ("dind", "pipeline") and finding["evidence"].get("image"):
            of_images.setdefault(str(finding["evidence"]["image"]), []).append(finding)
    found = [
        _cause(min(each, key=lambda one: (_STATES.index(one["severity"]), _rank(one)))) for each in of_images.values()
    ]
    # A host's worst severity is what it has to be freed of first; lesser findings may have lesser fixes.
    # Whatever the engine is, it has nothing to do with the trust in registries.
    of_registries = [finding for finding in weighty if finding["layer"] == "registry"]
    if of_registries:
        found.append(_cause(of_registries[0]))
    own = [
        finding
        for finding in weighty
        if finding["severity"] == row["state"]
        and finding["layer"] != "registry"
        and not any(finding is one for each in of_images.values() for one in each)
    ]
    if own:
        return [_cause(min(own, key=_rank)), *found]
    if not any(finding["severity"] == row["state"] for finding in weighty):
        cell = next(cell for cell in row["cells"].values() if cell["state"] == row["state"])
        found.append(_Cause("; ".join(cell["evidence"][:1]), cell["fix"], row["state"], (len(_ORDER),)))
    return found


def _cause(finding: Mapping[str, Any]) -> _Cause:
    identifier = finding["id"]
    return _Cause(_why(finding), finding["fix"], finding["severity"], _rank(finding), identifier in _NOTHING_RUNS)


def _why(finding: Mapping[str, Any]) -> str:
    """What a finding says without what is one host's alone: versions, and the words of programs after a colon."""
    summary, evidence = str(finding["summary"]), finding["evidence"]
    own = evidence.get(_VERSION.get(finding["id"], ""))
    if own:
        return summary.replace(f" {own}", "", 1)
    if finding["id"] in ("engine_down", "unknown"):
        kept = 1 if finding["id"] == "engine_down" else 2
        return ": ".join(summary.split(": ")[:kept])
    return summary


def _rank(finding: Mapping[str, Any]) -> tuple[int, bool, tuple[int, ...], str]:
    """Order of fixes; of engine upgrades the one that brings most: runc too, then the newest release."""
    evidence = finding["evidence"]
    engine = version(evidence.get("least_engine")) or version(evidence.get("docker_engine_minimum_version")) or _NOTHING
    newest = tuple(-number for number in engine.release)
    return _ORDER.index(_step(finding)), "least_runc" not in evidence, newest, finding["id"]


def _step(finding: Mapping[str, Any]) -> str:
    identifier, layer, evidence = finding["id"], finding["layer"], finding["evidence"]
    if identifier in _ORDER:
        return str(identifier)
    if layer == "runner":
        return "runner"
    if layer != "host":
        return "layer"
    if identifier == "floor" or evidence.get("least_engine") or evidence.get("least_runc"):
        return "engine"
    if identifier == "libseccomp_old" or evidence.get("least_libseccomp"):
        return "library"
    return "other"
