# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What tests ask of a host's GitLab Runner, and of the GitLab that it belongs to."""

from __future__ import annotations

import time
import tomllib
from typing import Any, cast

from testinfra.host import Host

from tests.support.gitlab import LabGitLab

CONFIG = "/etc/gitlab-runner/config.toml"


def gitlab_of(host: Host, space: str) -> LabGitLab:
    """The instance of the lab's GitLab that a scenario has for itself."""
    known = cast("Any", host).ansible.get_variables()
    return LabGitLab(known["lab_gitlab_url"], known["lab_gitlab_ca"], space)


def config_text(host: Host) -> str:
    return str(cast("Any", host).file(CONFIG).content_string)


def config(host: Host) -> dict[str, Any]:
    """config.toml as it is on the host."""
    return tomllib.loads(config_text(host))


def runner(host: Host, name: str) -> dict[str, Any]:
    """One [[runners]] entry of it; a name that is not there, or is there twice, is an error."""
    (found,) = [each for each in config(host).get("runners", []) if each["name"] == name]
    return dict(found)


def names(host: Host) -> list[str]:
    return [str(each["name"]) for each in config(host).get("runners", [])]


def wait_for_reload() -> None:
    """The runner looks at its file every three seconds; until then a job gets the former settings."""
    time.sleep(4)


def main_pid(host: Host) -> int:
    """The process of the service; 0 when it is down."""
    return int(host.check_output("systemctl show gitlab-runner --property MainPID --value"))
