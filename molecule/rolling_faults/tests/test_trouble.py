"""Jobs that never end, GitLab out of reach, a reboot, a full disk, a lock: each host comes to an end that is known."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import named
from tests.support.rolling import Feed, pauses
from tests.support.runners import gitlab_of, main_pid
from tests.support.trouble import full_disk, holding
from tests.support.upgrades import forgotten, other_version, standing, upgrade

testinfra_hosts = ["ansible://faults1"]

FLEET: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
BOTH = "faults1,faults2"
IMAGE = "lab/busybox:1"
HOLD = "/var/lib/runnerkit/gitlab-runner-hold"


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> Iterator[LabGitLab]:
    gitlab = gitlab_of(host, "faults")
    yield gitlab
    gitlab.end_faults()


def wanted(host: Host, **more: Any) -> dict[str, Any]:
    """An upgrade of this host; the other one may be right already."""
    return {**FLEET, "gitlab_runner_version": other_version(host), "upgrade_serial": 1, **more}


def results(report: dict[str, Any]) -> list[str]:
    return [each["result"] for each in report["hosts"]]


def endless_job(gitlab: LabGitLab) -> int:
    """One that runs, and says so again and again: a runner with nothing to tell GitLab hears of no cancellation."""
    number = gitlab.queue(["while sleep 1; do echo still here; done"], image=IMAGE, tags=["faults1"])
    gitlab.wait_for(lambda: gitlab.job(number), lambda job: bool(job["status"] == "running"))
    return number


def takes_jobs(gitlab: LabGitLab, name: str) -> bool:
    """Whether a job for this host runs to its end."""
    number = gitlab.queue(["echo done"], image=IMAGE, tags=[name])
    return bool(gitlab.finished(number, 60)["status"] == "success")


def same_versions(hosts: list[Host], folder: Path) -> None:
    """Both hosts with the first one's runner, so that both have something to do next."""
    version = standing(hosts[0])[1]
    if standing(hosts[1])[1] != version:
        played, _report = upgrade("faults2", {**FLEET, "gitlab_runner_version": version}, folder)
        assert played.code == 0, played.output


@pytest.fixture(name="pair")
def _pair(host: Host, tmp_path: Path) -> list[Host]:
    hosts = [host, named("faults2")]
    same_versions(hosts, tmp_path / "same")
    return hosts


def test_a_job_that_does_not_end_is_left_alone_and_its_host_skipped(
    pair: list[Host], gitlab: LabGitLab, tmp_path: Path
) -> None:
    endless = endless_job(gitlab)
    before = standing(pair[0])[1]
    variables = wanted(pair[0], gitlab_runner_drain_timeout=5)
    try:
        played, report = upgrade(BOTH, variables, tmp_path)

        assert played.code != 0
        assert results(report) == ["skipped", "upgraded"]
        assert "takes no new jobs, but" in report["hosts"][0]["reason"]
        assert gitlab.job(endless)["status"] == "running"
        assert pair[0].check_output("gitlab-runner --version | sed -n 's/^Version: *//p'") == before
        assert forgotten(pair[0]) == []
        assert pauses(gitlab.state())["faults1"][-1][1] < math.inf
    finally:
        gitlab.cancel(endless)
    # Once it is gone the runner starts anew by itself.
    assert takes_jobs(gitlab, "faults1")
    assert standing(pair[0])[1:] == (before, "active")


def test_with_force_a_job_that_does_not_end_is_aborted(host: Host, gitlab: LabGitLab, tmp_path: Path) -> None:
    endless = endless_job(gitlab)
    variables = wanted(host, gitlab_runner_drain_timeout=3, upgrade_force=True)

    played, report = upgrade("faults1", variables, tmp_path)

    assert played.code == 0, played.output
    assert results(report) == ["upgraded"]
    assert gitlab.job(endless)["status"] == "failed"
    assert standing(host)[1:] == (variables["gitlab_runner_version"], "active")


def test_of_two_runs_at_once_the_second_leaves_the_host_to_the_first(
    host: Host, gitlab: LabGitLab, tmp_path: Path
) -> None:
    variables = wanted(host)
    endless = endless_job(gitlab)
    with ThreadPoolExecutor(1) as pool:
        try:
            first = pool.submit(upgrade, "faults1", variables, tmp_path / "first")
            gitlab.wait_for(
                lambda: pauses(gitlab.state()), lambda now: any(until == math.inf for _, until in now["faults1"])
            )

            played, report = upgrade("faults1", variables, tmp_path / "second")

            assert played.code != 0
            assert results(report) == ["skipped"]
            assert "another run of playbooks/upgrade.yml works on this host" in report["hosts"][0]["reason"]
            assert not first.done()
        finally:
            gitlab.cancel(endless)
        played, report = first.result()
    assert played.code == 0, played.output
    assert results(report) == ["upgraded"]
    assert standing(host)[1:] == (variables["gitlab_runner_version"], "active")
    assert forgotten(host) == []


def test_gitlab_out_of_reach_at_the_pause_leaves_the_host_and_stops_the_roll(
    pair: list[Host], gitlab: LabGitLab, tmp_path: Path
) -> None:
    before = [standing(each) for each in pair], [main_pid(each) for each in pair], pauses(gitlab.state())
    gitlab.fault("/api/v4/runners/", status=503, times=None)

    played, report = upgrade(BOTH, wanted(pair[0]), tmp_path)

    assert played.code != 0
    assert results(report) == ["failed", "not_begun"]
    assert "503" in report["hosts"][0]["reason"]
    assert ([standing(each) for each in pair], [main_pid(each) for each in pair], pauses(gitlab.state())) == before
    assert [forgotten(each) for each in pair] == [[], []]
    gitlab.end_faults()
    assert takes_jobs(gitlab, "faults1")


def test_gitlab_out_of_reach_at_the_end_is_told_and_made_up_for_by_the_next_run(
    pair: list[Host], gitlab: LabGitLab, tmp_path: Path
) -> None:
    variables = wanted(pair[0])
    gitlab.fault("/api/v4/runners/", method="PUT", status=503, times=None, skip=1)

    played, report = upgrade(BOTH, variables, tmp_path)

    assert played.code != 0
    assert results(report) == ["failed", "not_begun"]
    # The host itself is done, and its runner runs; only GitLab does not know.
    assert standing(pair[0])[1:] == (variables["gitlab_runner_version"], "active")
    assert forgotten(pair[0]) == ["maintenance.json"]
    assert pauses(gitlab.state())["faults1"][-1][1] == math.inf
    gitlab.end_faults()
    process = main_pid(pair[0])

    again, report = upgrade("faults1", variables, tmp_path)

    assert again.code == 0, again.output
    assert results(report) == ["upgraded"]
    assert main_pid(pair[0]) == process
    assert forgotten(pair[0]) == []
    assert takes_jobs(gitlab, "faults1")


def test_a_runner_that_somebody_else_paused_stays_paused(host: Host, gitlab: LabGitLab, tmp_path: Path) -> None:
    (number,) = [row["id"] for row in gitlab.runners() if row["description"] == "faults1"]
    gitlab.api("PUT", f"/runners/{number}", {"paused": True})
    try:
        played, report = upgrade("faults1", wanted(host), tmp_path)

        assert played.code == 0, played.output
        assert report["hosts"][0]["paused"] == []
        assert pauses(gitlab.state())["faults1"][-1][1] == math.inf
    finally:
        gitlab.api("PUT", f"/runners/{number}", {"paused": False})


def reboot_when_drained(host: Host) -> None:
    """As soon as the runner is held and down; while it is still stopping, the drain would fail, and be taken back."""
    deadline = time.monotonic() + 120
    look = "test -e /var/lib/runnerkit/gitlab-runner-hold && systemctl is-active gitlab-runner | grep -qx inactive"
    while host.run(look).rc != 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    host.run("systemctl reboot")


def wait_for_boot(host: Host, former: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            found = host.run("cat /proc/1/stat | cut -d' ' -f22; systemctl is-system-running --wait").stdout
        except RuntimeError:
            found = ""
        if found and found.split()[0] != former:
            return
        time.sleep(1)
    pytest.fail("the host did not come back")


def test_a_host_that_reboots_in_the_middle_stays_out_of_service_until_the_next_run(
    host: Host, gitlab: LabGitLab, tmp_path: Path
) -> None:
    variables = wanted(host)
    former = host.check_output("cut -d' ' -f22 /proc/1/stat")
    rebooting = threading.Thread(target=reboot_when_drained, args=(host,))
    with Feed(gitlab, (2, 4), tags=["faults1"], waiting=1) as feed:
        feed.until_busy(["faults1"])
        rebooting.start()
        played, _report = upgrade("faults1", variables, tmp_path)
        rebooting.join()
        assert played.code != 0
        wait_for_boot(host, former)
        assert host.run("systemctl is-active gitlab-runner").stdout.strip() == "inactive"
        assert "maintenance.json" in forgotten(host)

        again, report = upgrade("faults1", variables, tmp_path)
    assert again.code == 0, again.output
    assert results(report) == ["upgraded"]
    assert standing(host)[1:] == (variables["gitlab_runner_version"], "active")
    assert forgotten(host) == []
    assert feed.complaints(feed.wait()) == []


@pytest.mark.parametrize(
    ("folder", "result", "step"),
    [
        # Of packages that cannot be brought here GitLab is not even told.
        pytest.param("/var/cache/apt/archives", "failed", "fetch", id="for the download"),
        pytest.param("/usr/share/gitlab-runner", "rolled_back", "change", id="for what is in the package"),
    ],
)
def test_a_full_disk_leaves_the_host_as_it_was(
    host: Host, gitlab: LabGitLab, tmp_path: Path, folder: str, result: str, step: str
) -> None:
    before, paused, process = standing(host), pauses(gitlab.state()), main_pid(host)
    host.check_output("rm -f /var/cache/runnerkit/packages/gitlab-runner* && apt-get clean")
    with full_disk(host, folder):
        played, report = upgrade("faults1", wanted(host), tmp_path)
    assert played.code != 0
    assert results(report) == [result]
    assert [each["name"] for each in report["hosts"][0]["steps"] if each["failed"]] == [step]
    assert "No space left" in report["hosts"][0]["reason"] or "enough free space" in report["hosts"][0]["reason"]
    assert standing(host) == before
    assert (main_pid(host), pauses(gitlab.state())) == (process, paused) or result == "rolled_back"
    assert forgotten(host) == []
    assert takes_jobs(gitlab, "faults1")


@pytest.mark.parametrize(
    ("once", "result", "step"),
    [
        pytest.param("/", "failed", "fetch", id="from the beginning"),
        pytest.param(HOLD, "rolled_back", "change", id="from when the runner is drained"),
    ],
)
def test_a_lock_of_another_program_leaves_the_host_as_it_was(
    host: Host, gitlab: LabGitLab, tmp_path: Path, once: str, result: str, step: str
) -> None:
    before = standing(host)
    with holding(host, once=once):
        played, report = upgrade("faults1", wanted(host, gitlab_runner_lock_timeout=3), tmp_path)
    assert played.code != 0
    assert results(report) == [result]
    assert [each["name"] for each in report["hosts"][0]["steps"] if each["failed"]] == [step]
    assert "lock" in report["hosts"][0]["reason"]
    assert standing(host) == before
    assert forgotten(host) == []
    assert takes_jobs(gitlab, "faults1")
