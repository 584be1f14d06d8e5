# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a finding is, and the words it is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

# `unknown`: it could not be measured. That is never ready, and says nothing about how bad it is.
SEVERITIES = ("broken", "unknown", "degraded", "risk", "note")
LAYERS = ("host", "dind", "podman", "runner", "registry", "pipeline")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One finding; `evidence` says whether it was measured or predicted, and from which values."""

    id: str
    layer: str
    severity: str
    summary: str
    evidence: Mapping[str, Any]
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """For Ansible and for reports."""
        return {
            "id": self.id, "layer": self.layer, "severity": self.severity, "summary": self.summary,
            "evidence": dict(self.evidence), "fix": self.fix,
        }  # fmt: skip

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same finding on another day: its id, its layer and what it is about."""
        about = [self.evidence.get(key) for key in ("name", "profile", "image", "registries", "sha256")]
        return self.id, self.layer, "|".join(str(each or "") for each in about)


def worst_first(found: Iterable[Finding]) -> list[Finding]:
    """In the order in which people should read them."""
    return sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.id, finding.key))
