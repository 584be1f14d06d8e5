# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A fleet of hosts that are not there: each answers as a host of the lab did (tests/support/replaying.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.plays import CHECKOUT

RECORDING_SSH = Path(__file__).with_name("recording-ssh")


def recording(answers: Path) -> dict[str, str]:
    """Environment of a run against a real host that keeps what it answers."""
    return {"ANSIBLE_SSH_EXECUTABLE": str(RECORDING_SSH), "RUNNERKIT_ANSWERS": str(answers)}


def replaying() -> dict[str, str]:
    """Environment of a run against hosts that are replayed."""
    return {
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).with_name("connection")),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH")))),
    }


def lab_variables(group: str) -> dict[str, Any]:
    """What the inventory of a lab group says of all its hosts."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.lab", "inventory", "--group", group],
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    variables: dict[str, Any] = json.loads(told)["all"]["vars"]
    return variables


def inventory(
    answers: Path, size: int, variables: Mapping[str, Any], further: Mapping[int, Mapping[str, Any]] | None = None
) -> str:
    """An inventory (JSON is YAML) of SIZE runner hosts; FURTHER has variables of single ones, by number from 1 on."""
    common = {
        **variables,
        "ansible_connection": "replay",
        "ansible_python_interpreter": "/usr/bin/python3",
        "replay_answers": str(answers),
    }
    hosts = {f"runner{number:03}": (further or {}).get(number, {}) for number in range(1, size + 1)}
    return json.dumps({"all": {"vars": common, "children": {"runner_hosts": {"hosts": hosts}}}})
