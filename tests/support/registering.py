# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The scenario `registration`: its play with other runners beside its own one, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, Played, play

CONVERGE = CHECKOUT / "molecule" / "registration" / "converge.yml"


def own() -> dict[str, Any]:
    """The runner that the scenario begins with."""
    (found,) = yaml.safe_load(CONVERGE.read_text())[0]["vars"]["gitlab_runner_runners"]
    return dict(found)


def another(name: str, **more: Any) -> dict[str, Any]:
    """A runner beside it, made by GitLab."""
    return {"name": name, "mode": "shell", "scope": "project", "project": 11, "tags": [name], **more}


def given(name: str, **more: Any) -> dict[str, Any]:
    """A runner beside it that comes to its token in another way."""
    return {"name": name, "mode": "shell", **more}


def with_runners(*runners: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Variables of a play that declares these, too."""
    return {"gitlab_runner_runners": [own(), *runners], **more}


def register(
    host: Host, variables: dict[str, Any] | None = None, arguments: Sequence[str] = (), playbook: Path = CONVERGE
) -> Played:
    return play(name_of(host), variables, arguments, playbook)


def in_gitlab(gitlab: LabGitLab, name: str) -> list[dict[str, Any]]:
    """The runners that GitLab has for a name, by the mark in their notes."""
    return [each for each in gitlab.runners() if f"/{name} " in (each["maintenance_note"] or "")]


def writes(gitlab: LabGitLab) -> list[str]:
    """Calls seen that change something; verifying a token does not."""
    return [
        f"{row['method']} {row['path']}"
        for row in gitlab.requests()
        if row["method"] != "GET"
        and "/api/v4/" in row["path"]
        and not row["path"].endswith(("/verify", "/jobs/request"))
    ]
