# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Running upgrade.yml from a test, and what it leaves on hosts and in its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from testinfra.host import Host

from tests.support.plays import CHECKOUT, Played, play
from tests.support.rolling import Span, epoch

UPGRADE = CHECKOUT / "playbooks" / "upgrade.yml"
LEFT = (
    "maintenance.json",
    "gitlab-runner-hold",
    "way_back/docker_engine.json",
    "way_back/docker_engine.files",
    "way_back/gitlab_runner.json",
)


def upgrade(limit: str, variables: Mapping[str, Any], folder: Path, *arguments: str) -> tuple[Played, dict[str, Any]]:
    """(the run, its report), which is empty where none was written."""
    wanted = {**variables, "upgrade_report_directory": str(folder)}
    played = play(limit, wanted, arguments, UPGRADE, timeout=1100)
    written = folder / "upgrade.json"
    return played, json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}


def step(host: Mapping[str, Any], name: str) -> Span:
    """From when to when a host of a report was at a step."""
    (found,) = [each for each in host["steps"] if each["name"] == name]
    return epoch(found["began"]), epoch(found["ended"])


def standing(host: Host) -> tuple[str, str, str]:
    """The engine that answers, the runner's program, and whether its service runs."""
    return (
        str(host.check_output("docker version --format '{{.Server.Version}}'")).partition("+")[0],
        str(host.check_output("gitlab-runner --version | sed -n 's/^Version: *//p'")),
        str(host.run("systemctl is-active gitlab-runner").stdout).strip(),
    )


def forgotten(host: Host) -> list[str]:
    """What an upgrade that is not over has on a host."""
    return [name for name in LEFT if cast("Any", host).file(f"/var/lib/runnerkit/{name}").exists]


def other_version(host: Host) -> str:
    """The runner that the host does not have: there and back again, each test finds something to upgrade."""
    return "17.11.0" if standing(host)[1] == "18.2.0" else "18.2.0"
