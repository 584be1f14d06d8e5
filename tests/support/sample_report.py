# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A fleet's report as readiness_report makes it, with a host for every state, to try its forms on."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.support import sample_hosts
from tests.support.sample_hosts import SEVERITIES, Host


def column(ident: str, title: str, examples: Sequence[str], needs: Sequence[str], symptom: str) -> dict[str, Any]:
    return {
        "id": ident, "kind": "generation", "title": title, "examples": list(examples), "needs": list(needs),
        "symptom": symptom,
    }  # fmt: skip


GENERATIONS = (
    column(
        "musl-time64", "32-bit musl 1.2", ["alpine >= 3.13 on armhf/armv7/x86"], ["clock_gettime64", "futex_time64"],
        "date, sleep and apk fail, clock reads 1970",
    ),
    column(
        "faccessat2", "Alpine 3.14 · glibc 2.33",
        ["alpine >= 3.14", "docker:20.10-dind rebuilt since June 2021", "fedora >= 34", "debian >= 12"], ["faccessat2"],
        "make: /bin/sh: Operation not permitted; test -x answers no for an executable",
    ),
    column(
        "clone3", "glibc 2.34 · clone3", ["fedora >= 35", "debian >= 12", "ubuntu >= 22.04", "ubi >= 9"], ["clone3"],
        "pthread_create: Operation not permitted; apt and curl cannot start threads",
    ),
    column(
        "close_range", "glibc 2.34 · close_range", ["fedora >= 35", "ubuntu >= 22.04"], ["close_range"],
        "glibc falls back, GLib based tools report an error",
    ),
    column(
        "fchmodat2", "Alpine 3.20 · glibc 2.39", ["ubuntu >= 24.04", "debian >= 13", "fedora >= 40"], ["fchmodat2"],
        "tar and chmod -h: Operation not permitted",
    ),
)  # fmt: skip
IMAGES = ("alpine:3.22", "registry.example.com:5000/platform/ci/ruby:3.4-alpine3.22")


def image_column(reference: str) -> dict[str, Any]:
    return {
        "id": reference,
        "kind": "image",
        "title": reference,
        "examples": [],
        "needs": ["faccessat2"],
        "symptom": "",
    }


def sample_report(images: Sequence[str] = IMAGES, hosts: Sequence[Host] | None = None) -> dict[str, Any]:
    """The seven sample hosts, or those given, in the order of their names."""
    columns = [*GENERATIONS, *(image_column(image) for image in images)]
    entries = [_entry(host, [column["id"] for column in columns]) for host in hosts or sample_hosts.every()]
    states = Counter(entry["state"] for entry in entries)
    report = {
        "schema": 1,
        "generated": "2026-11-22T07:30:00Z",
        "minimum_version": "20.10.6",
        "summary": {
            "hosts": len(entries),
            **{state: states[state] for state in ("ready", "degraded", "broken", "unknown")},
            "upgrade_first": _upgrade_first(entries),
        },
        "columns": columns,
        "hosts": entries,
    }
    # Hosts share findings; whoever spoils a report spoils it alone.
    return copy.deepcopy(report)


def large_report(size: int, images: Sequence[str] = ("alpine:3.22",)) -> dict[str, Any]:
    """The sample hosts over and over under other names; most of a fleet is ready."""
    kinds = sample_hosts.every()
    hosts = []
    for number in range(1, size + 1):
        # Every fifth host is one of the interesting ones.
        host = kinds[number // 5 % len(kinds)] if number % 5 == 0 else sample_hosts.ready()
        hosts.append(host.renamed(f"runner{number:03}"))
    return sample_report(images, hosts)


def _entry(host: Host, columns: Sequence[str]) -> dict[str, Any]:
    cells = {ident: host.cell(ident) for ident in columns}
    found = sorted(host.findings, key=lambda finding: (SEVERITIES.index(finding["severity"]), finding["id"]))
    said = {cell["state"] for cell in cells.values()} | {finding["severity"] for finding in found}
    state = next((state for state in ("broken", "unknown", "degraded") if state in said), "ready")
    return {
        "name": host.name,
        "state": state,
        "facts": host.facts,
        "layers": list(host.layers),
        "cells": cells,
        "findings": found,
        "registries": list(host.registries),
        "calls": list(host.calls),
        "what_if": host.what_if,
    }


def _upgrade_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    bad = [entry for entry in entries if entry["state"] in ("broken", "unknown") and entry["findings"]]
    bad.sort(key=lambda entry: (entry["state"] != "broken", entry["name"]))
    causes: dict[tuple[str, str], list[str]] = {}
    for entry in bad:
        causes.setdefault((entry["findings"][0]["summary"], entry["findings"][0]["fix"]), []).append(entry["name"])
    return [{"hosts": names, "why": why, "fix": fix} for (why, fix), names in list(causes.items())[:10]]
