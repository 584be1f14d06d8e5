# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A fleet in which each host answers as one real host did, which is provisioned and asked for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.memory import Cost, measured
from tests.support import replayed
from tests.support.plays import ANSIBLE_PLAYBOOK, CHECKOUT, SITE

GROUP = "benchfleet"
PLAYBOOKS = CHECKOUT / "playbooks"
VARIABLES = {
    "docker_engine_version": "26.1.5",
    "gitlab_runner_version": "18.2.0",
    "gitlab_runner_url": "{{ lab_gitlab_url }}/benchfleet",
    "gitlab_runner_ca": "{{ lab_gitlab_ca }}",
    "gitlab_runner_api_token": "glpat-lab-benchfleet",
    "gitlab_runner_config": {"concurrent": 4},
    "gitlab_runner_runners": [
        {"name": "build", "mode": "socket", "scope": "project", "project": 11, "tags": ["docker"]},
        {"name": "deploy", "mode": "shell", "scope": "project", "project": 11, "tags": ["shell"]},
    ],
}


class Case(NamedTuple):
    """A playbook that finds nothing to do."""

    name: str
    playbook: Path
    arguments: tuple[str, ...] = ()


def run(case: Case, listing: str, folder: Path, environment: Mapping[str, str]) -> Cost:
    """One run of a playbook; one that fails is an error."""
    variables = {**VARIABLES, "readiness_report_directory": str(folder / "reports")}
    cost = measured(
        [str(ANSIBLE_PLAYBOOK), str(case.playbook), "-i", listing, "-e", json.dumps(variables), *case.arguments],
        {**os.environ, "RUNNERKIT_LAB_GROUP": GROUP, **environment},
    )
    if cost.code != 0:
        sys.exit(f"bench: {case.name} failed:\n{cost.output[-4000:]}")
    return cost


def record(folder: Path, cases: Sequence[Case]) -> Path:
    """Provision a host and keep what it answers when there is nothing to do any more."""
    answers = folder / "answers"
    answers.mkdir(mode=0o700)
    print("bench: provisioning the host that stands for the fleet", flush=True)
    run(Case("site.yml", SITE), "inventories/lab", folder, {})
    for case in cases:
        if "changed=0 " not in run(case, "inventories/lab", folder, replayed.recording(answers)).output:
            sys.exit(f"bench: {case.name} did not find a host that is right")
    return answers
