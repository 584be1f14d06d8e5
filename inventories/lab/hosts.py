#!/usr/bin/env python3
"""Inventory of the lab's running hosts: `ansible-playbook -i inventories/lab playbooks/audit.yml`.

RUNNERKIT_LAB_GROUP chooses the group of hosts; without it, it is `demo`, which `make demo` starts.
"""

import os
import sys
from pathlib import Path

os.chdir(Path(__file__).resolve().parents[2])
group = os.environ.get("RUNNERKIT_LAB_GROUP", "demo")
command = [sys.executable, "-m", "tests.lab", "inventory", "--list", "--group", group]
os.execv(sys.executable, command)  # noqa: S606 - a shell is what is not wanted
