# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Running the audit from a test, and reading its report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.plays import CHECKOUT, Played, play

AUDIT = CHECKOUT / "playbooks" / "audit.yml"


class Audit(NamedTuple):
    """A run of audit.yml and what it reported."""

    played: Played
    report: dict[str, Any]
    files: dict[str, str]

    def host(self, name: str) -> dict[str, Any]:
        """A host's entry in the report."""
        found: dict[str, Any] = next(each for each in self.report["hosts"] if each["name"] == name)
        return found

    def findings(self, name: str) -> dict[tuple[str, str], dict[str, Any]]:
        """A host's findings by id and layer."""
        return {(each["id"], each["layer"]): each for each in self.host(name)["findings"]}


def audit(
    limit: str,
    variables: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    listing: Path | None = None,
) -> Audit:
    """Run it as a user would, reports and all."""
    with tempfile.TemporaryDirectory() as folder:
        played = play(
            limit,
            {"readiness_report_directory": folder, **(variables or {})},
            arguments,
            playbook=AUDIT,
            listing=listing,
        )
        files = {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}
    assert "report.json" in files, played.output
    return Audit(played, json.loads(files["report.json"]), files)


def answers(entry: Mapping[str, Any], layer: str = "host") -> dict[str, str]:
    """What was measured at one layer, call by call."""
    return {row["call"]: row["measured"] for row in entry["calls"] if row["layer"] == layer}
