# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What runtime_facts and registry_check tell of private registries, as they return it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find
from tests.unit.plugins.plugin_utils import readiness_world as world

NOW = "2026-11-22T07:30:00Z"
PAST, FUTURE, SOON, LATER = (
    "2026-01-31T00:00:00Z",
    "2027-06-30T00:00:00Z",
    "2026-12-04T07:30:00Z",
    "2036-01-01T00:00:00Z",
)
HOST = "registry.example:5000"


def sha256(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()


def authority(
    host: str | None = HOST,
    layers: Sequence[str] = ("engine", "podman", "dind"),
    *,
    subject: str = "CN=Example CA",
    name: str | None = None,
    not_before: str = "2020-01-01T00:00:00Z",
    not_after: str = LATER,
    **more: Any,
) -> dict[str, Any]:
    """One certificate of an authority, for a registry unless it is said otherwise."""
    return {
        "host": host, "name": name, "sha256": sha256(subject + not_after), "subject": subject, "issuer": subject,
        "not_before": not_before, "not_after": not_after, "layers": list(layers),
        "paths": [path_of(layer, host, name) for layer in layers], "ca": True, "self_signed": True, **more,
    }  # fmt: skip


def path_of(layer: str, host: str | None, name: str | None = None) -> str:
    if host and layer in registry_paths.FOLDERS:
        return registry_paths.ca(layer, host)
    if layer == "runner":
        return f"{registry_paths.RUNNER}/{name}.crt"
    return registry_paths.helper() if layer == "helper" else f"{registry_paths.DEBIAN_ANCHORS}/company.crt"


def client(host: str = HOST, *, not_after: str = LATER, key: bool = True, **more: Any) -> dict[str, Any]:
    """One certificate to show to a registry."""
    return {
        "host": host, "sha256": sha256(f"client {host}"), "subject": "CN=runner01", "issuer": "CN=Clients CA",
        "not_before": "2020-01-01T00:00:00Z", "not_after": not_after, "layers": ["engine"], "key": key,
        "paths": [registry_paths.client("engine", host)[0]], **more,
    }  # fmt: skip


def known(*authorities: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The part `registry_ca` of the facts."""
    return {
        "authorities": list(authorities), "clients": [], "errors": [], "store": "debian", "store_current": True,
        "managed": [], **more,
    }  # fmt: skip


def check(host: str = HOST, kind: str = "ok", **more: Any) -> dict[str, Any]:
    """What a registry answered."""
    return {
        "host": host, "address": "10.0.0.4:5000", "ok": kind == "ok", "kind": kind, "detail": "", "seconds": 0.021,
        "trust": "folder", "tls_version": "TLSv1.3", "subject": "CN=registry.example", "issuer": "CN=Example CA",
        "not_after": FUTURE, "names": ["registry.example"], "status": 200 if kind == "ok" else None, **more,
    }  # fmt: skip


def facts(registries: Any, **more: Any) -> dict[str, Any]:
    """A host that has nothing to tell but of registries."""
    return {**world.facts(), "registry_ca": registries, **more}


def found(registries: Any, checks: Any = None, expected: Any = None, **more: Any) -> list[Finding]:
    """The findings about registries."""
    known_facts = facts(registries, **more)
    return [
        each
        for each in find(known_facts, registries=checks, expected=expected, now=NOW)
        if each.id.startswith("registry_") or each.layer == "registry"
    ]


def said(registries: Any, checks: Any = None, expected: Any = None, **more: Any) -> dict[str, str]:
    """Ids with severities."""
    return {each.id: each.severity for each in found(registries, checks, expected, **more)}
