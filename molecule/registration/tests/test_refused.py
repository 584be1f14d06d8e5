# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is wrong is said before anything is touched: before the runner is drained, upgraded, or taken out of service."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of, note_time, touched
from tests.support.plays import CHECKOUT, play
from tests.support.registering import CONVERGE, own, register, writes
from tests.support.runners import CONFIG, main_pid

DECOMMISSION = CHECKOUT / "playbooks" / "decommission.yml"
PEM = "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"
# An upgrade (here: back) is on its way in each of them, which nobody may notice.
MOVE = {"gitlab_runner_version": "17.11.0", "gitlab_runner_allow_downgrade": True}
TWINS = '\n[[runners]]\n  name = "twin"\n  url = "https://gitlab.example"\n  token = "x"\n  executor = "shell"\n' * 2


@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        pytest.param(
            {"gitlab_runner_ca": "/nowhere/ca.crt", "gitlab_runner_config_path": "config.toml"},
            [
                "gitlab_runner_ca is '/nowhere/ca.crt', and the controller has no such file",
                "gitlab_runner_config_path is 'config.toml'; give the whole path",
            ],
            id="a CA that is not there and half a path",
        ),
        pytest.param({"gitlab_runner_ca": PEM}, ["gitlab_runner_ca is no certificate in the form of PEM"], id="no CA"),
        pytest.param(
            {"gitlab_runner_config_path": "/srv/gitlab-runner/config.toml"},
            [f"the service on this host reads {CONFIG}, which has runners in it"],
            id="a configuration that the service does not read",
        ),
    ],
)
def test_a_mistake_is_told_before_the_runner_moves(
    host: Host, gitlab: LabGitLab, variables: dict[str, Any], messages: list[str]
) -> None:
    before, pid = writes(gitlab), main_pid(host)
    note_time(host)
    played = register(host, {**MOVE, **variables})
    assert played.code != 0
    assert [each for each in messages if each not in " ".join(played.failures)] == [], played.output
    assert played.changed == []
    assert touched(host) == []
    assert (writes(gitlab), main_pid(host)) == (before, pid)


@pytest.mark.parametrize("playbook", [CONVERGE, DECOMMISSION], ids=["provisioned", "taken out of service"])
def test_a_broken_configuration_stops_no_runner(host: Host, gitlab: LabGitLab, kept: str, playbook: Any) -> None:
    """It runs with what it read before the file was broken, and would not come up again."""
    host.check_output("echo 'broken = [' >> %s", kept)
    _refused(host, gitlab, f"{CONFIG} is not TOML", playbook)


def test_runners_that_no_name_tells_apart_stop_a_decommission(host: Host, gitlab: LabGitLab, kept: str) -> None:
    host.check_output("printf '%%s' %s >> %s", TWINS, kept)
    _refused(host, gitlab, f"{CONFIG} has 2 [[runners]] named 'twin'; give each a name of its own", DECOMMISSION)


def _refused(host: Host, gitlab: LabGitLab, message: str, playbook: Any) -> None:
    before, pid = writes(gitlab), main_pid(host)
    variables = {
        **MOVE,
        "gitlab_runner_url": gitlab.url,
        "gitlab_runner_ca": gitlab.ca,
        "gitlab_runner_api_token": gitlab.admin_token,
        "gitlab_runner_runners": [own()],
    }
    played = play(name_of(host), variables, playbook=playbook)
    assert played.code != 0
    assert message in " ".join(played.failures), played.output
    assert played.changed == []
    assert (writes(gitlab), main_pid(host)) == (before, pid)
