"""site.yml on a busy host: what would cut jobs off waits until they are done."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

from tests.support.hosts import engine_version, name_of
from tests.support.plays import Played, play
from tests.support.rolling import Feed, Span
from tests.support.runners import gitlab_of

testinfra_hosts = ["ansible://rolling4"]

FLEET: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
# Another engine than the roll has brought.
NOW = {
    **FLEET,
    "docker_engine_version": "20.10.24",
    "docker_engine_allow_downgrade": True,
    "gitlab_runner_version": "18.2.0",
}
HOLD = "/var/lib/runnerkit/gitlab-runner-hold"
PUT_BACK = "runnerkit.gitlab.docker_engine : Put back | Start the runner that was drained"


def provision(host: Host, **changes: Any) -> Played:
    return play(name_of(host), {**NOW, **changes})


def runner_state(host: Host) -> str:
    return str(host.run("systemctl is-active gitlab-runner").stdout).strip()


def moment(host: Host, unit: str, name: str) -> float:
    """One of systemd's times of a unit, in seconds since 1970."""
    shown = host.check_output("systemctl show %s --property %s --timestamp=us+utc --value", unit, name)
    return float(host.check_output("date --date %s +%%s.%%N", shown))


def changing(host: Host) -> dict[str, list[Span]]:
    """From when the engine was last stopped to when it was up again, by the runner's description."""
    return {
        name_of(host): [(moment(host, "docker", "ActiveExitTimestamp"), moment(host, "docker", "ActiveEnterTimestamp"))]
    }


def test_another_engine_comes_when_the_jobs_that_run_are_done(host: Host) -> None:
    with Feed(gitlab_of(host, "rolling"), [10], tags=["rolling"]) as feed:
        feed.until_busy([name_of(host)])
        moved = provision(host)
    assert moved.code == 0, moved.output
    assert engine_version(host).partition("+")[0] == "20.10.24"
    assert runner_state(host) == "active"
    assert not host.file(HOLD).exists
    jobs = feed.wait()
    assert feed.complaints(jobs, changing(host)) == []


def test_a_setting_that_needs_a_restart_waits_for_the_jobs_that_run(host: Host) -> None:
    with Feed(gitlab_of(host, "rolling"), [10], tags=["rolling"]) as feed:
        feed.until_busy([name_of(host)])
        before = host.check_output("systemctl show docker --property MainPID")
        set_ = provision(host, docker_engine_daemon_config={"log-level": "warn"})
    assert set_.code == 0, set_.output
    assert json.loads(host.file("/etc/docker/daemon.json").content_string)["log-level"] == "warn"
    assert host.check_output("systemctl show docker --property MainPID") != before
    assert runner_state(host) == "active"
    jobs = feed.wait()
    assert feed.complaints(jobs, changing(host)) == []
    assert provision(host, docker_engine_daemon_config={"log-level": "warn"}).changed == []


def test_jobs_that_run_for_too_long_are_left_alone_and_the_engine_too(host: Host) -> None:
    with Feed(gitlab_of(host, "rolling"), [15], tags=["rolling"]) as feed:
        feed.until_busy([name_of(host)])
        before = host.check_output("systemctl show docker --property MainPID")
        settings = host.file("/etc/docker/daemon.json").content_string
        refused = provision(host, docker_engine_daemon_config={"log-level": "error"}, docker_engine_drain_timeout=3)
    assert refused.code != 0
    assert refused.failures[-1].startswith(
        "Docker Engine was left as it was, and GitLab Runner starts again after its last job. The reason: gitlab-runner"
    )
    assert host.file("/etc/docker/daemon.json").content_string == settings
    assert host.check_output("systemctl show docker --property MainPID") == before
    assert not host.file(HOLD).exists
    jobs = feed.wait()
    assert feed.complaints(jobs) == []
    deadline = time.monotonic() + 30
    while runner_state(host) != "active" and time.monotonic() < deadline:
        time.sleep(1)
    assert runner_state(host) == "active"
    assert provision(host).failures == []


def test_a_runner_that_a_killed_run_left_drained_is_started(host: Host) -> None:
    host.check_output("echo %s > %s", json.dumps({"by": "docker_engine", "since": "2026-11-22T17:40:00Z"}), HOLD)
    host.check_output("systemctl stop gitlab-runner")
    healed = provision(host)
    assert healed.code == 0, healed.output
    assert healed.changed == [PUT_BACK]
    assert runner_state(host) == "active"
    assert not host.file(HOLD).exists
    assert provision(host).changed == []
