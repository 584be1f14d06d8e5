# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The registries of a host as rows of the report: who is trusted for each, where, until when, and what it answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import SEVERITIES, Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import (
    STORES,
    Certificate,
    Check,
    Registries,
    gitlab_at,
    label,
)

_WEIGHTY = SEVERITIES[:3]


def registry_rows(known: Registries, found: Iterable[Finding]) -> list[dict[str, Any]]:
    """One for each registry, then for GitLab servers, then for what holds for every address."""
    rows: dict[str, _Row] = {}

    def row(name: str) -> _Row:
        # A folder may be spelled otherwise than the declaration; what is on the host comes first.
        return rows.setdefault(name.lower(), _Row(name))

    for each in known.authorities:
        for name in dict.fromkeys((each.about, *(STORES[layer] for layer in each.layers if layer in STORES))):
            row(name).authorities.append(each)
    for each in known.clients:
        row(each.about).clients.append(each)
    for name, layers in known.expected:
        row(label(name, layers))
    for check in known.checks:
        row(check.host)
    worst = _worst(found)
    return [
        one.as_dict(worst.get(name) or _unsaid(known, name), known.by_host.get(name))
        for name, one in sorted(rows.items(), key=lambda item: (place(item[1].name), item[0]))
    ]


@dataclasses.dataclass
class _Row:
    """What is known of one registry."""

    name: str
    authorities: list[Certificate] = dataclasses.field(default_factory=list)
    clients: list[Certificate] = dataclasses.field(default_factory=list)

    @property
    def until(self) -> str | None:
        """Of several for one registry the last counts, with which an exchange is done; in a store there are others."""
        ends = [end for end in map(_iso, self.authorities) if end]
        if not ends:
            return None
        return min(ends) if self.name in STORES.values() else max(ends)

    def as_dict(self, state: str, check: Check | None) -> dict[str, Any]:
        """The row."""
        layers = {layer for each in (*self.authorities, *self.clients) for layer in each.layers}
        if self.name in STORES.values():
            layers &= {layer for layer, store in STORES.items() if store == self.name}
        elif check is not None and check.ok and check.by_store:
            # Seen: nothing but the host's own store vouches for it.
            layers.add("os")
        return {
            "name": self.name,
            "state": state,
            "layers": [layer for layer in registry_paths.LAYERS if layer in layers],
            "authorities": [_certificate(each) for each in self.authorities],
            "clients": [_certificate(each) for each in self.clients],
            "until": self.until,
            "answer": _answer(check),
        }


def place(name: str) -> int:
    """Registries first, then servers, then stores."""
    return 2 if name in STORES.values() else 1 if name.startswith(gitlab_at("")) else 0


def _worst(found: Iterable[Finding]) -> dict[str, str]:
    """The worst that findings say of each."""
    worst: dict[str, str] = {}
    for finding in found:
        if finding.layer != "registry" or finding.severity not in _WEIGHTY:
            continue
        for name in finding.evidence.get("registries", ()):
            before = worst.setdefault(str(name).lower(), finding.severity)
            worst[str(name).lower()] = min(before, finding.severity, key=_WEIGHTY.index)
    return worst


def _unsaid(known: Registries, name: str) -> str:
    """The state of what no finding says anything weighty of: unknown where nobody could look.

    So it is where nobody answered: that is no finding of weight only where the engine's proxy alone may reach it.
    """
    check = known.by_host.get(name)
    seen = known.looked if check is None else check.reached
    return "ready" if seen else "unknown"


def _certificate(each: Certificate) -> dict[str, Any]:
    return {"subject": each.subject, "not_after": _iso(each), "sha256": each.sha256, "layers": list(each.layers)}


def _iso(each: Certificate) -> str | None:
    return f"{each.not_after:%Y-%m-%dT%H:%M:%SZ}" if each.not_after else None


def _answer(check: Check | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {
        "kind": check.kind or "unknown", "detail": check.detail, "address": check.address, "seconds": check.seconds,
        "tls_version": check.tls_version,
        "not_after": f"{check.not_after:%Y-%m-%dT%H:%M:%SZ}" if check.not_after else None,
    }  # fmt: skip
