"""The controller dies at every step of an upgrade, and the next run puts the host right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.audits import audit
from tests.support.gitlab import LabGitLab
from tests.support.plays import play
from tests.support.rolling import Feed, pauses
from tests.support.runners import gitlab_of
from tests.support.trouble import killed_at
from tests.support.upgrades import UPGRADE, forgotten, other_version, standing, upgrade

testinfra_hosts = ["ansible://faults1"]

NAME = "faults1"
# Smoke jobs are tried elsewhere (test_trouble.py, and the scenario `rolling`).
FLEET: dict[str, Any] = {
    **yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"],
    "upgrade_smoke": False,
}
STEPS = [
    pytest.param("Look | Measure what containers may do", "during", id="while it looks"),
    pytest.param("Pause | Pause the runners in GitLab, and note which", "during", id="while it pauses"),
    pytest.param("Stop | Let the runner end with its last job", "during", id="while it drains"),
    pytest.param(
        "Daemon | Configure and start it, unless jobs run and it has to be restarted",
        "after",
        id="once the engine is right",
    ),
    pytest.param("Install apt | Bring the packages to their versions", "during", id="while packages are exchanged"),
    pytest.param("Try | See that containers may do what they could before", "after", id="while it tries"),
    pytest.param("Start | Start the runner", "after", id="once the runner was started"),
    pytest.param("Unpause | Have GitLab give jobs to the runners again", "after", id="once it has resumed"),
]


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "faults")


def any_of(found: dict[str, Any]) -> bool:
    return bool(found["since"])


@pytest.mark.parametrize(("task", "when"), STEPS)
def test_the_next_run_puts_right_what_a_killed_one_left(
    host: Host, gitlab: LabGitLab, tmp_path: Path, task: str, when: str
) -> None:
    wanted = {**FLEET, "gitlab_runner_version": other_version(host)}
    with Feed(gitlab, (2, 4), tags=[NAME], waiting=1) as feed:
        feed.until_busy([NAME])
        killed_at(host, task, UPGRADE, wanted, when=when)

        played, report = upgrade(NAME, wanted, tmp_path)
        resumed = pauses(gitlab.state())[NAME][-1][1]

        gitlab.wait_for(lambda: {"since": [job for job in feed.jobs if job.began > resumed]}, any_of)
    assert played.code == 0, played.output
    assert report["hosts"][0]["result"] in ("upgraded", "current")
    assert standing(host) == ("20.10.24", wanted["gitlab_runner_version"], "active")
    assert forgotten(host) == []
    assert feed.complaints(feed.wait()) == []


def test_a_host_that_was_left_in_the_middle_takes_no_jobs_and_is_told_of(
    host: Host, gitlab: LabGitLab, tmp_path: Path
) -> None:
    wanted = {**FLEET, "gitlab_runner_version": other_version(host)}
    killed_at(host, "Install apt | Bring the packages to their versions", UPGRADE, wanted, when="after")
    assert forgotten(host) == ["maintenance.json", "gitlab-runner-hold", "way_back/gitlab_runner.json"]

    found = audit(NAME)
    assert found.played.code == 2
    assert "playbooks/upgrade.yml" in found.findings(NAME)["host_in_maintenance", "runner"]["fix"]

    # Whoever provisions meanwhile does not put it back into service by accident.
    provisioned = play(NAME, wanted)
    assert provisioned.code == 0, provisioned.output
    assert standing(host) == ("20.10.24", wanted["gitlab_runner_version"], "inactive")
    assert pauses(gitlab.state())[NAME][-1][1] == float("inf")

    played, _report = upgrade(NAME, wanted, tmp_path)
    assert played.code == 0, played.output
    assert standing(host)[2] == "active"
    assert forgotten(host) == []
    assert pauses(gitlab.state())[NAME][-1][1] < float("inf")
