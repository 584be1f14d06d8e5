# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A large inventory out of a few lab hosts: many names, each of which is one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.support.plays import CHECKOUT


def lab_hosts(group: str) -> dict[str, dict[str, Any]]:
    """Hosts of a lab group, each with the variables by which it is reached."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.lab", "inventory", "--group", group],
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    hosts: dict[str, dict[str, Any]] = json.loads(told)["all"]["children"]["runner_hosts"]["hosts"]
    return hosts


def inventory(hosts: Mapping[str, Mapping[str, Any]], size: int, further: Mapping[str, Any] | None = None) -> str:
    """An inventory (JSON is YAML) of SIZE runner hosts that share HOSTS; FURTHER has hosts of other kinds."""
    real = list(hosts.values())
    named = {f"runner{number:03}": real[number % len(real)] for number in range(1, size + 1)}
    return json.dumps({"all": {"children": {"runner_hosts": {"hosts": {**named, **(further or {})}}}}}, indent=1)
