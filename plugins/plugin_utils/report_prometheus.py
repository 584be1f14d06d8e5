# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The fleet's report in Prometheus' text exposition format, for node_exporter's textfile collector."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import SEVERITIES, STATES, clean

_Sample = tuple[Mapping[str, str], int]


def exposition(report: Mapping[str, Any], host: str | None = None) -> str:
    """Metrics of all hosts, or of one; ValueError when the report has no such host."""
    hosts = report["hosts"]
    if host is not None:
        hosts = [entry for entry in hosts if entry["name"] == clean(host)]
        if not hosts:
            names = ", ".join(entry["name"] for entry in report["hosts"]) or "none"
            raise ValueError(f"host '{host}' is not in the report; choose one of its hosts: {names}")
    kinds = {column["id"]: column["kind"] for column in report["columns"]}
    lines = [
        *_metric("host_state", "Whether a runner host is in this state.", _states(hosts)),
        *_metric(
            "generation_ready",
            "Whether images of this generation work on a runner host; 0 also when that is unknown.",
            _cells(hosts, kinds, "generation"),
        ),
        *_metric(
            "image_ready",
            "Whether this image works on a runner host; 0 also when that is unknown.",
            _cells(hosts, kinds, "image"),
        ),
        *_metric("findings", "Number of findings for a runner host.", _findings(hosts)),
        *_metric(
            "registry_ready",
            "Whether a private registry is trusted as it should be, and answers; 0 also when that is unknown.",
            _registries(hosts),
        ),
        *_metric(
            "registry_trust_end_timestamp_seconds",
            "When the trust in a private registry ends, of a store its first certificate, in seconds since the epoch.",
            _ends(hosts),
        ),
        *_metric("layer_measured", "Whether system calls could be measured at this layer.", _layers(hosts)),
        *_metric("engine_info", "Versions on a runner host; the value is always 1.", _engines(hosts)),
        *_metric(
            "report_timestamp_seconds", "When the report was made, in seconds since the epoch.",
            [({}, _seconds(report["generated"]))] if report["generated"] is not None else [],
        ),
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _metric(name: str, about: str, samples: Iterable[_Sample]) -> list[str]:
    """One family: none of its lines when it has no samples."""
    full = f"runnerkit_{name}"
    # A series may stand in the file only once, whatever the names in the report are.
    unique: dict[str, int] = {}
    for labels, value in samples:
        unique.setdefault(f"{full}{_labels(labels)}", value)
    if not unique:
        return []
    return [
        f"# HELP {full} {about}",
        f"# TYPE {full} gauge",
        *(f"{series} {value}" for series, value in unique.items()),
    ]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _states(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    for host in hosts:
        for state in reversed(STATES):
            yield {"host": host["name"], "state": state}, int(host["state"] == state)


def _cells(hosts: list[dict[str, Any]], kinds: Mapping[str, str], kind: str) -> Iterable[_Sample]:
    for host in hosts:
        for ident, cell in host["cells"].items():
            if kinds.get(ident) == kind:
                yield {"host": host["name"], kind: ident}, int(cell["state"] == "ready")


def _findings(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    for host in hosts:
        for severity in SEVERITIES:
            number = sum(1 for finding in host["findings"] if finding["severity"] == severity)
            yield {"host": host["name"], "severity": severity}, number


def _registries(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    for host in hosts:
        for row in host["registries"]:
            yield {"host": host["name"], "registry": row["name"]}, int(row["state"] == "ready")


def _ends(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    for host in hosts:
        for row in host["registries"]:
            if row["until"]:
                # One that ended before 1970 is over all the same.
                yield {"host": host["name"], "registry": row["name"]}, max(0, _seconds(row["until"]))


def _layers(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    for host in hosts:
        for layer in host["layers"]:
            labels = {"host": host["name"], **{name: layer[name] for name in ("layer", "name", "profile")}}
            yield labels, int(layer["state"] == "measured")


def _engines(hosts: list[dict[str, Any]]) -> Iterable[_Sample]:
    """A host without an engine has no series."""
    for host in hosts:
        facts = host["facts"]
        if facts["engine"]:
            further = ("runc", "libseccomp", "containerd", "kernel", "os", "architecture")
            yield {
                "host": host["name"], "version": facts["engine"], **{name: facts[name] or "" for name in further},
            }, 1  # fmt: skip


def _seconds(generated: str) -> int:
    sentence = f"the report's `generated` is {generated!r}, and a time in UTC such as 2026-11-22T07:30:00Z is wanted"
    try:
        when = datetime.datetime.fromisoformat(generated)
    except ValueError as error:
        raise ValueError(sentence) from error
    if when.tzinfo is None:
        raise ValueError(sentence)
    return int(when.timestamp())
