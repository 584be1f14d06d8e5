# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a run of site.yml costs on a host that is right, beside a play that only gathers facts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.lab import lab, spread
from tests.support.plays import ANSIBLE_PLAYBOOK, CHECKOUT, COUNTING_SSH, SITE

GROUP = "bench"
PROMISED_CALLS = 8
SETUP = CHECKOUT / "tests" / "bench" / "setup.yml"


class Case(NamedTuple):
    """One command line that is measured."""

    name: str
    playbook: Path
    variables: tuple[str, ...] = ()


CASES = (
    Case("setup only (the baseline)", SETUP),
    Case("site.yml, version pinned", SITE, ("docker_engine_version=26.1.5",)),
    Case("site.yml, version latest", SITE, ("docker_engine_version=latest",)),
)


class Run(NamedTuple):
    """One run: seconds, and how often it went to the host."""

    seconds: float
    calls: int


def run(case: Case) -> Run:
    """Measure one run; anything but success without a change is an error."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as calls:
        extra = [word for variable in case.variables for word in ("-e", variable)]
        began = time.monotonic()
        done = subprocess.run(
            [str(ANSIBLE_PLAYBOOK), str(case.playbook), "-i", "inventories/lab", *extra],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "RUNNERKIT_LAB_GROUP": GROUP,
                "RUNNERKIT_SSH_CALLS": calls.name,
                "ANSIBLE_SSH_EXECUTABLE": str(COUNTING_SSH),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        if done.returncode != 0 or "changed=0 " not in done.stdout:
            sys.exit(
                f"bench: {case.name} did not find a host that is right:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
            )
        return Run(seconds, len(calls.read().split()))


def measure(runs: int) -> bool:
    """Print the costs; whether the promise is kept."""
    lab("up", "--group", GROUP, "bench=debian12")
    print("bench: provisioning the host that is measured", flush=True)
    subprocess.run(
        [str(ANSIBLE_PLAYBOOK), str(SITE), "-i", "inventories/lab"],
        cwd=CHECKOUT,
        env={**os.environ, "RUNNERKIT_LAB_GROUP": GROUP},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    measured: dict[Case, list[Run]] = {case: [] for case in CASES}
    for number in range(runs + 1):
        for case in CASES:
            result = run(case)
            if number:  # the first round warms caches and connections up
                measured[case].append(result)
        print(f"bench: round {number} of {runs}{' (warming up, not counted)' if not number else ''}", flush=True)
    print(
        f"\n{'one host, nothing to do':<28}{'remote calls':>13}  {'seconds, median (range)':<26}ratio to the baseline"
    )
    baseline = [each.seconds for each in measured[CASES[0]]]
    worst = 0
    for case, results in measured.items():
        calls = max(each.calls for each in results)
        ratios = [each.seconds / base for each, base in zip(results, baseline, strict=True)]
        print(f"{case.name:<28}{calls:>13}  {spread([each.seconds for each in results]):<26}{spread(ratios)}")
        if case.playbook == SITE:
            worst = max(worst, calls)
    lab("down", "--group", GROUP)
    if worst > PROMISED_CALLS:
        print(f"bench: site.yml went to the host {worst} times; it promises at most {PROMISED_CALLS}")
        return False
    print(f"bench: site.yml went to the host {worst} times, at most {PROMISED_CALLS} are promised")
    return True
