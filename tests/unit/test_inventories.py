"""The example inventory is one that works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "inventories" / "example"


def test_the_example_has_runner_hosts_and_only_variables_that_a_role_takes() -> None:
    program = Path(sys.executable).with_name("ansible-inventory")
    listed = subprocess.run(
        [program, "-i", EXAMPLE, "--list"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    hosts = json.loads(listed)["_meta"]["hostvars"]
    known = {"ansible_user"}
    for specs in CHECKOUT.glob("roles/*/meta/argument_specs.yml"):
        known |= set(yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"])
    assert {"runner01.example.com", "runner90.example.com"} <= set(hosts)
    for name, variables in hosts.items():
        assert variables["docker_engine_source" if name == "runner90.example.com" else "docker_engine_version"]
        assert set(variables) <= known
