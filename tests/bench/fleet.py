# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What an audit costs a host in fleets of several sizes, beside a play that only gathers facts of as many hosts.

The fleets are many names for a few lab hosts, so hosts and controller share this machine's cores: on real hosts the
controller's part is what remains.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.lab import lab
from tests.support.fleet import inventory, lab_hosts
from tests.support.plays import ANSIBLE_PLAYBOOK, CHECKOUT, SITE

GROUP = "benchfleet"
SIZES = (10, 50)
AUDIT = CHECKOUT / "playbooks" / "audit.yml"
SETUP = CHECKOUT / "tests" / "bench" / "setup.yml"


def timed(playbook: Path, listing: Path, reports: Path) -> float:
    """Seconds of one run; one that fails is an error."""
    began = time.monotonic()
    done = subprocess.run(
        [str(ANSIBLE_PLAYBOOK), str(playbook), "-i", str(listing), "-e", f"readiness_report_directory={reports}"],
        cwd=CHECKOUT, env={**os.environ, "ANSIBLE_FORKS": "10"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"bench: {playbook.name} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - began


def measure() -> None:
    """Print the costs."""
    lab("up", "--group", GROUP, *(f"fleet{number}=debian12" for number in (1, 2, 3)))
    print("bench: provisioning the hosts that stand for the fleet", flush=True)
    subprocess.run(
        [str(ANSIBLE_PLAYBOOK), str(SITE), "-i", "inventories/lab"],
        cwd=CHECKOUT, env={**os.environ, "RUNNERKIT_LAB_GROUP": GROUP}, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    hosts = lab_hosts(GROUP)
    print(f"\n{'fleet':<12}{'facts only':>12}{'audit.yml':>12}{'per host':>12}{'ratio':>8}   report")
    with tempfile.TemporaryDirectory() as folder:
        listing, reports = Path(folder) / "inventory.json", Path(folder) / "reports"
        for size in SIZES:
            listing.write_text(inventory(hosts, size), encoding="utf-8")
            baseline, audit = timed(SETUP, listing, reports), timed(AUDIT, listing, reports)
            summary = json.loads((reports / "report.json").read_text(encoding="utf-8"))["summary"]
            size_of_page = (reports / "report.html").stat().st_size // 1024
            name, ratio = f"{size} hosts", audit / baseline
            print(
                f"{name:<12}{baseline:>10.1f} s{audit:>10.1f} s{audit / size:>10.2f} s{ratio:>8.2f}"
                f"   {summary['ready']} of {summary['hosts']} ready, HTML {size_of_page} KiB",
                flush=True,
            )
    lab("down", "--group", GROUP)
