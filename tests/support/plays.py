# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Running a playbook from a test, as a user would, and reading what happened."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from testinfra.host import Host

CHECKOUT = Path(__file__).resolve().parents[2]
SITE = CHECKOUT / "playbooks" / "site.yml"
COUNTING_SSH = Path(__file__).with_name("counting-ssh")
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@dataclasses.dataclass(frozen=True)
class Played:
    """What a run of ansible-playbook did."""

    code: int
    output: str
    results: list[dict[str, Any]]
    calls: int

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something."""
        return [row["task"] for row in self.results if row["changed"] and row["status"] == "ok"]

    @property
    def failures(self) -> list[str]:
        """Messages of the tasks that failed, in order; rescued ones are among them."""
        return [str(row["msg"]) for row in self.results if row["status"] != "ok"]

    def of(self, action: str) -> list[dict[str, Any]]:
        """Results of one module."""
        return [row for row in self.results if row["action"] == f"runnerkit.gitlab.{action}"]


def inventory() -> str:
    """The inventory of the scenario that runs: molecule's own file and the lab's beside it."""
    return str(Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent)


def command_line(
    playbook: Path,
    limit: str,
    variables: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    listing: Path | None = None,
) -> list[str]:
    """The command that a user would type; LISTING is another inventory than the scenario's."""
    extra = ["-e", json.dumps(variables)] if variables else []
    return [
        str(ANSIBLE_PLAYBOOK), str(playbook), "-i", str(listing or inventory()), "-l", limit, *extra, *arguments,
    ]  # fmt: skip


def environment(record: str, calls: str = os.devnull) -> dict[str, str]:
    """With the recorder on, and every call to a host counted."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_SSH_EXECUTABLE": str(COUNTING_SSH),
        "RUNNERKIT_RECORD": record,
        "RUNNERKIT_SSH_CALLS": calls,
    }


def play(
    limit: str,
    variables: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    playbook: Path = SITE,
    timeout: int = 600,
    listing: Path | None = None,
    audit: bool = False,
) -> Played:
    """Run a playbook (site.yml) against one host of the scenario.

    site.yml ends with an audit, which costs seconds each time; a test that is about it says AUDIT.
    """
    if playbook == SITE and not audit:
        arguments = [*arguments, "--skip-tags", "audit"]
    with (
        tempfile.NamedTemporaryFile("r", encoding="utf-8") as record,
        tempfile.NamedTemporaryFile("r", encoding="utf-8") as calls,
    ):
        done = subprocess.run(
            command_line(playbook, limit, variables, arguments, listing),
            cwd=CHECKOUT,
            env=environment(record.name, calls.name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        results = [json.loads(line) for line in record]
        return Played(done.returncode, done.stdout, results, len(calls.read().split()))


class Seconds(NamedTuple):
    """How long something ran: on the clock, and on processors, which others that are at work hardly change."""

    clock: float
    processor: float


def module_seconds(host: Host, module: str, runs: int = 7) -> Seconds:
    """How long a module of ours runs on the host itself, without the way there, and what it starts: the fastest of
    so many runs. It is sent once and run again.
    """
    name = host.backend.get_hostname()
    home = host.check_output("mktemp -d")
    done = subprocess.run(
        [
            str(ANSIBLE_PLAYBOOK.with_name("ansible")), "-i", inventory(), name,
            "-m", f"runnerkit.gitlab.{module}", "-e", f"ansible_remote_tmp={home}",
        ],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_PIPELINING": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    payload = host.check_output("find %s -name 'AnsiballZ_*.py'", home)
    program = (
        "import os, subprocess, sys, time; began = time.monotonic(); "
        "subprocess.run([sys.executable, sys.argv[1]], check=True, stdout=-3); used = os.times(); "
        "print(time.monotonic() - began, used.children_user + used.children_system)"
    )
    ran = [
        [float(each) for each in host.check_output("python3 -c %s %s", program, payload).split()] for _ in range(runs)
    ]
    host.check_output("rm -r %s", home)
    return Seconds(*(min(each) for each in zip(*ran, strict=True)))
