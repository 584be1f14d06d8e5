"""A fleet of old engines and runners is upgraded while jobs keep arriving."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from testinfra.host import Host

from tests.support.hosts import named
from tests.support.plays import Played
from tests.support.rolling import Feed, Ran, epoch, pauses
from tests.support.runners import gitlab_of
from tests.support.upgrades import forgotten, standing, step, upgrade

# The fleet as a whole is seen from its first host.
testinfra_hosts = ["ansible://rolling1"]

FLEET: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
NAMES = ["rolling1", "rolling2", "rolling3", "rolling4"]
NEW = {
    **FLEET,
    "docker_engine_version": "26.1.5",
    "docker_engine_minimum_version": "20.10.24",
    "gitlab_runner_version": "18.2.0",
    "upgrade_serial": [1, 3],
}
# As the next release in its repository may be: on one host the daemon cannot start; on another it can, with a setting
# that the former one does not know, and jobs fail afterwards.
POISONED = {
    **NEW,
    "docker_engine_version": "latest",
    "docker_engine_repository_channels": "{{ ['stable', 'test'] if inventory_hostname == 'rolling2' else ['stable'] }}",
    "too_new": {"default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1450"}}},
    "docker_engine_daemon_config": "{{ too_new if inventory_hostname == 'rolling3' else {} }}",
    "upgrade_serial": 2,
}
SETTINGS = "/etc/docker/daemon.json"
IMAGE = FLEET["gitlab_runner_runners"][0]["config"]["docker"]["image"]


class Roll(NamedTuple):
    """An upgrade, its report by host, and what became of the jobs that arrived meanwhile."""

    played: Played
    hosts: dict[str, dict[str, Any]]
    jobs: list[Ran]
    complaints: list[str]


def roll(host: Host, limit: str, variables: dict[str, Any], folder: Path, *arguments: str) -> Roll:
    """Upgrade hosts, all of which are busy before and meanwhile."""
    gitlab = gitlab_of(host, "rolling")
    with Feed(gitlab, tags=["rolling"]) as feed:
        feed.until_busy(NAMES)
        played, report = upgrade(limit, variables, folder, *arguments)
    jobs = feed.wait()
    hosts = {each["name"]: each for each in report["hosts"]}
    changing = {
        name: [(step(each, "change")[0], step(each, "resume")[0])]
        for name, each in hosts.items()
        if each["result"] == "upgraded"
    }
    return Roll(played, hosts, jobs, feed.complaints(jobs, changing))


@contextlib.contextmanager
def image_goes(host: Host) -> Iterator[None]:
    """Whatever is installed takes the image of the smoke job along, as a package that breaks jobs would."""
    hook = "/etc/apt/apt.conf.d/99takes-the-image"
    host.check_output("docker tag %s kept:1", IMAGE)
    host.check_output("echo %s > %s", f'DPkg::Post-Invoke {{"docker rmi {IMAGE} || true";}};', hook)
    yield
    host.check_output("rm %s && docker tag kept:1 %s && docker rmi kept:1", hook, IMAGE)


@pytest.fixture(name="stopped", scope="module")
def _stopped(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Roll:
    """The roll comes upon a host whose new engine cannot start, and one where jobs fail with it."""
    named("rolling3").check_output("cp -p %s /root/settings", SETTINGS)
    with image_goes(named("rolling3")):
        return roll(host, "rolling2,rolling3,rolling4", POISONED, tmp_path_factory.mktemp("stopped"))


@pytest.fixture(name="rolled", scope="module")
def _rolled(host: Host, stopped: Roll, tmp_path_factory: pytest.TempPathFactory) -> Roll:
    """The whole fleet, with an engine that can."""
    assert stopped.played.code != 0
    return roll(host, "all", NEW, tmp_path_factory.mktemp("rolled"))


def test_check_mode_shows_the_plan_and_touches_nobody(host: Host, tmp_path: Path) -> None:
    gitlab = gitlab_of(host, "rolling")
    before, paused = [standing(named(name)) for name in NAMES], pauses(gitlab.state())
    played, report = upgrade("all", NEW, tmp_path, "--check")
    assert played.code == 0, played.output
    assert played.changed == []
    assert "Docker Engine  20.10.5 -> 26.1.5" in played.output
    assert "GitLab Runner  17.11.0 -> 18.2.0" in played.output
    assert report == {}
    assert [standing(named(name)) for name in NAMES] == before == [("20.10.5", "17.11.0", "active")] * 4
    assert [forgotten(named(name)) for name in NAMES] == [[], [], [], []]
    assert pauses(gitlab.state()) == paused


def test_an_engine_that_cannot_start_goes_back_and_stops_the_roll(stopped: Roll) -> None:
    assert stopped.played.code != 0
    bad, later = stopped.hosts["rolling2"], stopped.hosts["rolling4"]
    assert bad["result"] == "rolled_back", bad["reason"]
    assert "The move to Docker Engine 28.0.0 failed, and this host is back on 20.10.5." in bad["reason"]
    assert "lab: this daemon cannot start" in bad["reason"]
    assert later["result"] == "not_begun"
    assert "rolling2 (rolled back)" in stopped.played.failures[-1]
    for name in ("rolling2", "rolling4"):
        assert standing(named(name)) == ("20.10.5", "17.11.0", "active")
        assert forgotten(named(name)) == []


def test_an_engine_with_which_jobs_fail_goes_back_together_with_its_settings(stopped: Roll) -> None:
    host = named("rolling3")
    bad = stopped.hosts["rolling3"]
    assert bad["result"] == "rolled_back", bad["reason"]
    assert "A first job would fail on this host for the runner rolling3" in bad["reason"]
    assert [each["name"] for each in bad["steps"] if each["failed"]] == ["try"]
    assert standing(host) == ("20.10.5", "17.11.0", "active")
    assert forgotten(host) == []
    assert host.run("diff %s /root/settings", SETTINGS).stdout == ""


def test_a_host_that_went_back_takes_jobs_again(host: Host, stopped: Roll) -> None:
    spans = pauses(gitlab_of(host, "rolling").state())
    for name in ("rolling2", "rolling3"):
        resumed = spans[name][-1][1]
        assert any(job.runner == name and job.began > resumed for job in stopped.jobs)
    assert spans["rolling4"] == []


def test_no_job_is_lost_on_the_way_back(stopped: Roll) -> None:
    assert len(stopped.jobs) > 4
    assert stopped.complaints == []


def test_every_host_has_the_new_engine_and_the_new_runner(rolled: Roll) -> None:
    assert rolled.played.code == 0, rolled.played.output
    assert {name: each["result"] for name, each in rolled.hosts.items()} == dict.fromkeys(NAMES, "upgraded")
    assert [standing(named(name)) for name in NAMES] == [("26.1.5", "18.2.0", "active")] * 4
    assert [forgotten(named(name)) for name in NAMES] == [[], [], [], []]


def test_packages_come_before_the_pause(rolled: Roll) -> None:
    for name in NAMES:
        (began, ended), (paused, _) = (step(rolled.hosts[name], each) for each in ("fetch", "pause"))
        assert ended <= paused
        assert any(job.runner == name and job.began < ended and job.ended > began for job in rolled.jobs), name


def test_no_job_is_lost_aborted_or_begun_on_a_paused_host(rolled: Roll) -> None:
    counts = {name: sum(1 for job in rolled.jobs if job.runner == name) for name in NAMES}
    print(f"{len(rolled.jobs)} jobs of 5 to 40 s arrived during the roll: {counts}")
    assert len(rolled.jobs) > 20
    assert all(counts.values())
    assert rolled.complaints == []


def test_every_host_was_paused_before_it_was_changed_and_is_not_any_more(host: Host, rolled: Roll) -> None:
    state = gitlab_of(host, "rolling").state()
    assert [each["paused"] for each in state["runners"]] == [False] * 4
    for name, spans in pauses(state).items():
        since, until = spans[-1]
        began, _ended = step(rolled.hosts[name], "change")
        assert since <= began < until


def test_the_report_has_the_order_and_the_times(rolled: Roll) -> None:
    assert [rolled.hosts[name]["order"] for name in NAMES] == [1, 2, 3, 4]
    for each in rolled.hosts.values():
        names = [one["name"] for one in each["steps"]]
        assert names == ["look", "fetch", "pause", "drain", "change", "try", "resume", "look"]
        moments = [epoch(one[key]) for one in each["steps"] for key in ("began", "ended")]
        assert moments == sorted(moments)
        assert each["out_of_service"] == pytest.approx(step(each, "resume")[1] - step(each, "pause")[0], abs=0.1)
    first, others = rolled.hosts["rolling1"], [rolled.hosts[name] for name in NAMES[1:]]
    assert all(step(first, "resume")[1] <= epoch(each["steps"][0]["began"]) for each in others)
    for name in NAMES:
        assert f"{name} " in rolled.played.output


def test_the_report_says_what_that_solved(rolled: Roll) -> None:
    for each in rolled.hosts.values():
        assert "floor" in {finding["id"] for finding in each["solved"]}
        # On purpose, as in every engine since 25.0: the plan says so, and no host goes back for it.
        assert [finding["id"] for finding in each["brought"]] == ["io_uring_blocked"]


@pytest.mark.usefixtures("rolled")
def test_a_second_run_changes_nothing_and_pauses_nobody(host: Host, tmp_path: Path) -> None:
    gitlab = gitlab_of(host, "rolling")
    before, seen = pauses(gitlab.state()), len(gitlab.requests("PUT"))
    played, report = upgrade("all", NEW, tmp_path)
    assert played.code == 0, played.output
    assert played.changed == []
    assert {each["result"] for each in report["hosts"]} == {"current"}
    assert pauses(gitlab.state()) == before
    assert len(gitlab.requests("PUT")) == seen
    print(f"upgrade.yml on four hosts with nothing to do: {played.calls / 4} remote calls each")
    assert played.calls <= 4 * 3
