# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about what was declared for registries: that it is there, and the same at every layer."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_registry_trust import (
    RUN,
    certificates_of,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import (
    OF_A_REGISTRY,
    Certificate,
    label,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import Trouble
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping


def find_declared(host: Host) -> Iterator[Trouble]:
    """What is declared and not there, and what is not the same at every layer."""
    if host.registries.looked:
        for name, layers in host.registries.expected:
            yield from _missing(host, name, layers)
    by_host: dict[str, list[Certificate]] = {}
    for each in host.registries.authorities:
        if each.kind == "registry" and each.host:
            by_host.setdefault(each.host, []).append(each)
    for name, found in by_host.items():
        yield from _differs(host, name, found)


def _missing(host: Host, name: str, layers: tuple[str, ...]) -> Iterator[Trouble]:
    known = host.registries
    # What is there for the registry tells which certificates a store should have; without it, any will do.
    its = {each.sha256 for layer in OF_A_REGISTRY for each in known.trusted(layer, name)}
    missing = []
    for layer in layers:
        if _broken_files(host, layer, name):
            continue
        found = {each.sha256 for each in known.trusted(layer, name)}
        if not found or (its and layer in ("os", "helper") and not found & its):
            missing.append(layer)
    if not missing:
        return
    check = known.by_host.get(name)
    harmless = (missing == ["engine"] and check is not None and check.ok) or (
        missing == ["podman"] and not mapping(host.facts.get("podman"))
    )
    yield Trouble(
        "registry_ca_missing", "degraded" if harmless else "broken",
        label(name, layers),
        f"its CA is declared for {listed(missing)}, and is not there",
        {"layers": missing, "declared": list(layers)},
        f"{RUN}, which puts there what registry_ca_registries and registry_ca_gitlab declare; where it should not be "
        "there, take the layer out of trust",
    )  # fmt: skip


def _broken_files(host: Host, layer: str, name: str) -> bool:
    """Whether a file is there that cannot be read, or its folder cannot, which is said by itself."""
    path = {"runner": registry_paths.runner(name), "helper": registry_paths.helper()}.get(layer)
    folder = registry_paths.FOLDERS.get(layer)
    return any(
        (problem.registry or "").lower() == name and problem.path.startswith(f"{folder}/")
        if folder
        else path is not None and f"{path}/".startswith(f"{problem.path}/")
        for problem in host.registries.problems
    )


def _differs(host: Host, name: str, found: list[Certificate]) -> Iterator[Trouble]:
    """Only certificates that are valid now make a difference."""
    layers = [layer for layer in OF_A_REGISTRY if any(layer in each.layers for each in found)]
    valid = [each for each in found if each.valid(host.now)]
    at = {layer: frozenset(each.sha256 for each in valid if layer in each.layers) for layer in layers}
    if len(set(at.values())) < 2:
        return
    # Those that trust the same are told together; two of one name are told apart by their fingerprints.
    names = {its: certificates_of(each for each in valid if each.sha256 in its) for its in at.values()}
    if len(set(names.values())) < len(names):
        names = {its: listed([f"that with SHA-256 {each[:16]}" for each in sorted(its)]) for its in names}
    told = []
    for its, said in names.items():
        having = [layer for layer in layers if at[layer] == its]
        told.append(f"{listed(having)} {'has' if len(having) == 1 else 'have'} {said or 'none that is valid'}")
    yield Trouble(
        "registry_ca_differs", "degraded", name,
        f"not every layer trusts the same CAs: {'; '.join(told)}",
        {
            "layers": layers, "sha256": [each.sha256 for each in found],
            "paths": [path for each in found for path in each.paths],
        },
        f"declare the registry once, in registry_ca_registries with trust for all of them, and {RUN}",
    )  # fmt: skip
