# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a command takes of the machine is seen with all that comes from it."""

from __future__ import annotations

import os
import sys

from tests.bench.memory import measured

# A child in a session of its own, as Ansible's forks are, has the memory.
PARENT = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], start_new_session=True, check=True)"
)
CHILD = "import time; kept = bytearray(b'x') * (64 << 20); time.sleep(0.8); print('done', sum(range(10**6)) > 0)"


def test_a_child_in_another_session_counts() -> None:
    cost = measured([sys.executable, "-c", PARENT, CHILD], os.environ)
    assert (cost.code, cost.output) == (0, "done True\n")
    assert cost.memory > 64
    assert cost.processor > 0
    assert cost.seconds > 0.8
