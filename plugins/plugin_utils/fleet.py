# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The report on a fleet as plain data (docs/report.schema.json): hosts, image generations, what to upgrade first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import image_names
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images as image_knowledge
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import STATES, Cell, assess_host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_spec import EngineSpec, SettingError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find_on
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet_order import upgrade_first
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import (
    DEFAULT_CA_DAYS,
    DEFAULT_MINIMUM_VERSION,
    WORKAROUND_PATH,
    Host,
    read_days,
    read_host,
    read_minimum,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.prediction import library_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_rows import registry_rows
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.what_if import compare_with

SCHEMA = 1
_SETTINGS = ("minimum_version", "images", "what_if", "generated", "workaround", "ca_days")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a report is judged by."""

    minimum_version: str = DEFAULT_MINIMUM_VERSION
    images: tuple[str, ...] = ()
    what_if: EngineSpec | None = None
    generated: str | None = None
    workaround: str = WORKAROUND_PATH
    ca_days: int = DEFAULT_CA_DAYS

    @classmethod
    def of(cls, given: Any) -> Settings:
        """Read and checked before any host is looked at; ValueError names what is wrong."""
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise SettingError(f"the settings are {given!r}, where a dictionary with {', '.join(_SETTINGS)} is wanted")
        odd = sorted(str(key) for key in given if key not in _SETTINGS)
        if odd:
            raise SettingError(f"the settings have {odd[0]!r}, which is none of {', '.join(_SETTINGS)}")
        images = image_list(given.get("images"))
        minimum = str(read_minimum(given.get("minimum_version") or DEFAULT_MINIMUM_VERSION))
        spec = given.get("what_if")
        return cls(
            minimum_version=minimum,
            images=images,
            what_if=EngineSpec.parse(spec) if spec else None,
            generated=text(given.get("generated")),
            workaround=text(given.get("workaround")) or WORKAROUND_PATH,
            ca_days=read_days(DEFAULT_CA_DAYS if given.get("ca_days") is None else given["ca_days"]),
        )


def image_list(given: Any) -> tuple[str, ...]:
    """Image references, each once; ValueError names the variable and what is no reference."""
    if given is None:
        return ()
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise SettingError(f"{image_names.VARIABLE} is {given!r}, where a list of images such as alpine:3.21 is wanted")
    found: dict[str, None] = {}
    for each in given:
        reference = text(each) if isinstance(each, str) else None
        if reference is None:
            raise SettingError(f"{image_names.VARIABLE} has {each!r}, which is no image; name it like alpine:3.21")
        image_names.read_base(reference)
        found[reference] = None
    return tuple(found)


def report(hosts: Any, settings: Any = None) -> dict[str, Any]:
    """The whole report; HOSTS are dictionaries with name, facts, probe, registries, expected and error."""
    wanted = Settings.of(settings)
    if isinstance(hosts, str | Mapping) or not isinstance(hosts, Iterable):
        raise SettingError(
            f"a list of hosts is wanted, each with name, facts, probe and error, not {type(hosts).__name__}"
        )
    found = [host_entry(entry, wanted) for entry in hosts]
    rows = [row for row, _ in found]
    states = {state: sum(row["state"] == state for row in rows) for state in ("ready", "degraded", "broken", "unknown")}
    concerned = [host for _, host in found]
    columns = _columns(wanted, concerned)
    for row in rows:
        row["cells"] = {column["id"]: row["cells"][column["id"]] for column in columns}
    return {
        "schema": SCHEMA,
        "generated": wanted.generated,
        "minimum_version": wanted.minimum_version,
        "summary": {"hosts": len(rows), **states, "upgrade_first": upgrade_first(rows)},
        "columns": columns,
        "hosts": rows,
    }


def _columns(settings: Settings, hosts: Sequence[Host]) -> list[dict[str, Any]]:
    """Generations that concern a host of the fleet (all of them, of an empty one), then images."""
    columns = [
        {
            "id": each.id, "kind": "generation", "title": each.title, "examples": list(each.examples),
            "needs": list(each.needs), "symptom": each.symptom,
        }
        for each in image_knowledge.GENERATIONS
        if not hosts or any(host.concerns(each) for host in hosts)
    ]  # fmt: skip
    return columns + [_image_column(reference, hosts) for reference in settings.images]


def _image_column(reference: str, hosts: Sequence[Host]) -> dict[str, Any]:
    """What the image needs on any of the machines of the fleet."""
    machines = dict.fromkeys(host.table_architecture for host in hosts if host.table_architecture) or ("x86_64",)
    needed = {one.id: one for machine in machines for one in image_knowledge.generations_of(reference, machine) or ()}
    generations = [one for one in image_knowledge.GENERATIONS if one.id in needed]
    needs = dict.fromkeys(call for each in generations for call in each.needs)
    return {
        "id": reference, "kind": "image", "title": reference, "examples": [], "needs": list(needs),
        "symptom": "; ".join(dict.fromkeys(each.symptom for each in generations)),
    }  # fmt: skip


def host_entry(entry: Any, settings: Settings) -> tuple[dict[str, Any], Host]:
    """One host of the report, and the host as it was read."""
    given = mapping(entry)
    name = text(given.get("name")) or "a host without a name"
    error = text(given.get("error"))
    if not isinstance(entry, Mapping):
        error = f"a dictionary with name, facts, probe and error is wanted of each host, not {type(entry).__name__}"
    host = read_host(
        given.get("facts"), given.get("probe"), minimum_version=settings.minimum_version, images=settings.images,
        workaround_path=settings.workaround, error=error, registries=given.get("registries"),
        expected=given.get("expected"), ca_days=settings.ca_days, now=settings.generated,
    )  # fmt: skip
    found, cells = find_on(host), assess_host(host)
    row = {
        "name": name,
        "state": state_of(found, cells),
        "facts": _facts(host),
        "layers": [_layer(layer) for layer in host.layers if layer.kind != "predicted"],
        "cells": {key: cell.as_dict() for key, cell in cells.items()},
        "findings": [finding.as_dict() for finding in found],
        "registries": registry_rows(host.registries, found),
        "calls": _calls(host),
        "what_if": compare_with(host, settings.what_if, found) if settings.what_if and host.facts else None,
    }
    return row, host


def state_of(found: Iterable[Finding], cells: Mapping[str, Cell]) -> str:
    """The worst of a host's findings and cells; risks and notes do not matter."""
    seen = {finding.severity for finding in found} | {cell.state for cell in cells.values()}
    return next((state for state in STATES if state in seen), "ready")


def _facts(host: Host) -> dict[str, str | None]:
    """The versions that a reader wants to see."""
    facts = host.facts
    system = mapping(facts.get("os"))
    return {
        "os": text(system.get("pretty_name")) or text(system.get("id")),
        "kernel": text(mapping(facts.get("kernel")).get("release")),
        "architecture": host.architecture,
        "engine": text(host.docker.get("server_version")),
        "runc": text(mapping(facts.get("runc")).get("version")),
        "libseccomp": library_of(facts),
        **{key: text(mapping(facts.get(key)).get("version")) for key in ("containerd", "podman", "gitlab_runner")},
    }


def _layer(layer: Any) -> dict[str, Any]:
    return {
        "layer": layer.layer, "name": layer.name, "profile": layer.profile, "state": layer.kind, "reason": layer.reason,
        "engine": layer.engine_title, "seconds": layer.seconds,
    }  # fmt: skip


def _calls(host: Host) -> list[dict[str, Any]]:
    """Every measured call beside the model's answer."""
    return [
        {
            "layer": layer.layer, "name": layer.name, "profile": layer.profile, "call": row.call, "number": row.number,
            "measured": row.measured,
            "by": row.by, "model": row.model, "reason": row.reason, "explained": row.explained,
        }
        for layer in host.layers
        for row in host.rows(layer).rows
    ]  # fmt: skip
