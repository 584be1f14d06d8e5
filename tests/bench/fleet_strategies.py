# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""How long the audit takes, by strategy, where some hosts of the fleet are slow and some cannot be reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.fleet_runs import GROUP, PLAYBOOKS, Case, run
from tests.support import replayed

SIZE = 50
# As long as ssh waits for a host that does not answer.
SILENT: Mapping[str, Any] = {"replay_unreachable": True, "replay_seconds": 10}
SLOW: Mapping[str, Any] = {"replay_seconds": 4}
FLEETS: Mapping[str, Mapping[int, Mapping[str, Any]]] = {
    "all answer at once": {},
    "3 do not answer": dict.fromkeys((4, 20, 36), SILENT),
    "3 do not answer, 5 are slow": {**dict.fromkeys((4, 20, 36), SILENT), **dict.fromkeys((1, 11, 21, 31, 41), SLOW)},
}


def measure(folder: Path, answers: Path) -> None:
    """Print the seconds."""
    listing = folder / "strategies.json"
    variables = replayed.lab_variables(GROUP)
    print(f"\n{f'audit.yml, {SIZE} hosts':<30}{'linear':>10}{'free':>10}")
    for name, further in FLEETS.items():
        listing.write_text(replayed.inventory(answers, SIZE, variables, further), encoding="utf-8")
        spent = []
        for strategy in ("linear", "free"):
            asked = json.dumps({"runnerkit_strategy": strategy, "readiness_fail_on": "never"})
            case = Case(f"audit.yml, {strategy}", PLAYBOOKS / "audit.yml", ("-e", asked))
            spent.append(run(case, str(listing), folder, replayed.replaying()).seconds)
        print(f"{name:<30}{spent[0]:>8.1f} s{spent[1]:>8.1f} s", flush=True)
