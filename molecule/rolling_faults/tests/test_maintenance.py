"""A host goes out of service for maintenance by hand, and comes back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

from tests.support.audits import audit
from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, play
from tests.support.rolling import Feed, pauses
from tests.support.runners import gitlab_of
from tests.support.upgrades import forgotten, other_version, standing, upgrade

testinfra_hosts = ["ansible://faults2"]

FLEET: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
DRAIN, RESUME = CHECKOUT / "playbooks" / "drain.yml", CHECKOUT / "playbooks" / "resume.yml"


def test_a_drained_host_takes_no_jobs_until_it_is_resumed(host: Host, tmp_path: Path) -> None:
    gitlab, name = gitlab_of(host, "faults"), name_of(host)
    reason = {**FLEET, "gitlab_runner_maintenance_reason": "new memory"}
    with Feed(gitlab, (4,), tags=[name], waiting=1) as feed:
        feed.until_busy([name])
        drained = play(name, reason, playbook=DRAIN)
        assert drained.code == 0, drained.output
        assert standing(host)[2] == "inactive"
        assert forgotten(host) == ["maintenance.json", "gitlab-runner-hold"]
        assert play(name, reason, playbook=DRAIN).changed == []

        # Nobody puts it back by accident, and an upgrade of the fleet leaves it out.
        provisioned = play(name, FLEET)
        assert provisioned.code == 0, provisioned.output
        skipped, report = upgrade(name, {**FLEET, "gitlab_runner_version": other_version(host)}, tmp_path)
        assert skipped.code != 0
        assert report["hosts"][0]["result"] == "skipped"
        assert "playbooks/resume.yml" in report["hosts"][0]["reason"]
        assert "new memory" in audit(name).findings(name)["host_in_maintenance", "runner"]["summary"]
        assert standing(host)[2] == "inactive"

        resumed = play(name, FLEET, playbook=RESUME)
        assert resumed.code == 0, resumed.output
        assert forgotten(host) == []
        until = pauses(gitlab.state())[name][-1][1]
        gitlab.wait_for(
            lambda: {"jobs": feed.jobs}, lambda now: any(until < job.began < math.inf for job in now["jobs"])
        )
    assert feed.complaints(feed.wait()) == []
    assert play(name, FLEET, playbook=RESUME).changed == []
