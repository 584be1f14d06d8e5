# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a command with all its children takes of the machine: seconds, seconds of processors, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.plays import CHECKOUT

INTERVAL = 0.25


class Cost(NamedTuple):
    """Of one command; the memory is the most that was seen at a time, in MiB."""

    code: int
    output: str
    seconds: float
    processor: float
    memory: float


def proportional(process: str) -> int:
    """Memory of a process in KiB, pages that it shares with others counted in parts: forks share most of theirs."""
    try:
        with Path(f"/proc/{process}/smaps_rollup").open(encoding="ascii") as lines:
            return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended meanwhile


def parents() -> dict[str, str]:
    """Each process of the machine with its parent."""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            # The name in brackets may have anything in it.
            found[process] = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def family(process: str) -> list[str]:
    """A process and all that come from it; Ansible's forks have sessions of their own."""
    parent_of = parents()
    found = [process]
    for each in found:
        found += [child for child, parent in parent_of.items() if parent == each]
    return found


def family_memory(process: int) -> float:
    """Memory of a process and all that come from it, in MiB."""
    return sum(map(proportional, family(str(process)))) / 1024


def processor_seconds() -> float:
    """Of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command in the checkout, one at a time."""
    most = 0.0
    over = threading.Event()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        before, began = processor_seconds(), time.monotonic()
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=subprocess.STDOUT)

        def watch() -> None:
            nonlocal most
            while not over.wait(INTERVAL):
                most = max(most, family_memory(process.pid))

        watching = threading.Thread(target=watch)
        watching.start()
        code = process.wait()
        seconds = time.monotonic() - began
        over.set()
        watching.join()
        output.seek(0)
        return Cost(code, output.read(), seconds, processor_seconds() - before, most)
