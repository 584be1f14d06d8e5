# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What fleets of several sizes cost the controller when there is nothing to do, beside a play that only gathers facts.

The hosts answer at once and without a network (fleet_runs.py), so it is the controller that is measured, GitLab's
stand-in on the same machine included. Seconds of processors depend less on what else the machine does than seconds on
the clock.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import fleet_strategies
from tests.bench.fleet_runs import GROUP, PLAYBOOKS, Case, record, run
from tests.bench.lab import lab
from tests.bench.memory import Cost
from tests.support import replayed
from tests.support.plays import CHECKOUT, SITE

SIZES = (10, 50, 200)
CASES = (
    Case("facts only", CHECKOUT / "tests" / "bench" / "setup.yml"),
    Case("audit.yml", PLAYBOOKS / "audit.yml"),
    Case("site.yml without audit", SITE, ("--skip-tags", "audit")),
    Case("upgrade.yml", PLAYBOOKS / "upgrade.yml"),
)


def row(case: Case, size: int, cost: Cost, baseline: float) -> str:
    """A line of the table; the ratio is that of the processors' seconds."""
    times = "".join(f"{spent:>9.1f} s{spent / size:>8.2f} s" for spent in (cost.seconds, cost.processor))
    return f"{case.name:<24}{size:>6}{times}{cost.processor / baseline:>7.2f}{cost.memory:>7.0f} MiB"


def grow(sizes: Sequence[int], folder: Path, answers: Path) -> None:
    """Print what each playbook costs, by the size of the fleet; the first one is what the others are compared with."""
    print(
        f"\n{'nothing to do':<24}{'hosts':>6}{'seconds':>11}{'per host':>10}{'processor':>11}{'per host':>10}"
        f"{'ratio':>7}{'memory':>11}"
    )
    listing = folder / "fleet.json"
    for size in sizes:
        listing.write_text(replayed.inventory(answers, size, replayed.lab_variables(GROUP)), encoding="utf-8")
        costs: list[Cost] = []
        for case in CASES:
            costs.append(run(case, str(listing), folder, replayed.replaying()))
            print(row(case, size, costs[-1], costs[0].processor), flush=True)


def measure(sizes: Sequence[int] = SIZES) -> None:
    """Print the costs."""
    lab("up", "--group", GROUP, "fleet=debian12")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers = record(folder, CASES)
        grow(sizes, folder, answers)
        fleet_strategies.measure(folder, answers)
    lab("down", "--group", GROUP)
