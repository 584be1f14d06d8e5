"""A runner that somebody set up long ago became ours, and no job noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import held, name_of
from tests.support.plays import CHECKOUT, Played, play
from tests.support.runners import gitlab_of, main_pid, names, runner

CONVERGE = Path(__file__).parents[1] / "converge.yml"
SMOKE = CHECKOUT / "playbooks" / "smoke.yml"


def provision(host: Host, variables: dict[str, Any] | None = None, *arguments: str) -> Played:
    return play(
        name_of(host),
        {"gitlab_runner_smoke": False, **(variables or {})},
        ["--skip-tags", "audit", *arguments],
        CONVERGE,
    )


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "shell")


def test_the_runner_made_by_hand_is_still_there_and_works(host: Host, gitlab: LabGitLab) -> None:
    assert names(host) == ["by-hand", "shell"]
    assert runner(host, "by-hand")["token"] in gitlab.secrets()
    ended = gitlab.finished(gitlab.queue(["whoami"], tags=["by-hand"]))
    assert ended["status"] == "success", ended["trace"]
    assert "gitlab-runner" in ended["trace"]


def test_the_program_is_the_wanted_one_and_held(host: Host) -> None:
    assert "18.2.0" in host.check_output("gitlab-runner --version")
    assert {"gitlab-runner", "gitlab-runner-helper-images"} <= held(host)


def test_the_repository_is_named_once_and_its_key_is_todays(host: Host) -> None:
    question = "grep -rl --exclude='*.save' gitlab-runner /etc/apt/sources.list /etc/apt/sources.list.d || true"
    listed = host.check_output(question).split()
    assert listed == ["/etc/apt/sources.list.d/runnerkit-gitlab-runner.sources"]
    assert host.run("apt-get update -o Dir::Etc::sourcelist=%s -o Dir::Etc::sourceparts=-", listed[0]).rc == 0


def test_every_stop_drains(host: Host) -> None:
    shown = host.check_output("systemctl show gitlab-runner --property KillSignal,TimeoutStopUSec")
    assert set(shown.splitlines()) == {"KillSignal=3", "TimeoutStopUSec=5min"}


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["a second run", "a second run in check mode"])
def test_nothing_is_left_to_do(host: Host, arguments: list[str]) -> None:
    again = provision(host, None, *arguments)
    assert again.code == 0, again.output
    assert again.changed == []


def test_the_smoke_job_is_green(host: Host) -> None:
    smoked = play(name_of(host), {"gitlab_runner_docker_group": True}, playbook=SMOKE)
    assert smoked.code == 0, smoked.output
    assert "FAILS" not in smoked.output


def test_a_job_uses_the_engine(gitlab: LabGitLab) -> None:
    ended = gitlab.finished(gitlab.queue(["docker version"], tags=["shell"]))
    assert ended["status"] == "success", ended["trace"]


def test_the_program_is_exchanged_after_the_job_that_runs(host: Host, gitlab: LabGitLab) -> None:
    back = provision(host, {"gitlab_runner_version": "17.11.0", "gitlab_runner_allow_downgrade": True})
    assert back.code == 0, back.output
    assert "17.11.0" in host.check_output("gitlab-runner --version")
    number = gitlab.queue(["sleep 12", "gitlab-runner --version"], tags=["shell"])
    gitlab.wait_for(lambda: gitlab.job(number), lambda job: job["status"] == "running", 30)

    forward = provision(host)

    assert forward.code == 0, forward.output
    job = gitlab.finished(number, 1)
    assert job["status"] == "success", job["trace"]
    assert "17.11.0" in job["trace"]
    assert "18.2.0" in host.check_output("gitlab-runner --version")
    assert main_pid(host) != 0


def test_a_drain_that_takes_too_long_leaves_job_and_program_alone(host: Host, gitlab: LabGitLab) -> None:
    number = gitlab.queue(["sleep 25"], tags=["shell"])
    gitlab.wait_for(lambda: gitlab.job(number), lambda job: job["status"] == "running", 30)
    refused = provision(
        host,
        {"gitlab_runner_version": "17.11.0", "gitlab_runner_allow_downgrade": True, "gitlab_runner_drain_timeout": 2},
    )
    assert refused.code != 0
    assert "gitlab_runner_drain_timeout" in refused.failures[-1]
    assert "18.2.0" in host.check_output("gitlab-runner --version")
    assert gitlab.finished(number)["status"] == "success"
    healed = provision(host)
    assert healed.code == 0, healed.output
    assert main_pid(host) != 0


def test_without_the_group_a_job_is_kept_from_the_engine(host: Host, gitlab: LabGitLab) -> None:
    host.check_output("gpasswd --delete gitlab-runner docker")
    try:
        ended = gitlab.finished(gitlab.queue(["docker version"], tags=["shell"]))
        assert ended["status"] == "failed"
        smoked = play(name_of(host), {"gitlab_runner_docker_group": True}, playbook=SMOKE)
        assert smoked.code != 0
        assert "gitlab_runner_docker_group" in smoked.output
    finally:
        healed = provision(host)
    assert "Layout | Let jobs of the shell executor use the engine" in str(healed.changed)


def test_a_host_is_taken_out_of_service_when_its_last_job_is_done(host: Host, gitlab: LabGitLab) -> None:
    number = gitlab.queue(["sleep 8"], tags=["shell"])
    gitlab.wait_for(lambda: gitlab.job(number), lambda job: job["status"] == "running", 30)
    known = yaml.safe_load(CONVERGE.read_text())[0]["vars"]
    gone = play(
        name_of(host),
        {
            "gitlab_runner_url": gitlab.url,
            "gitlab_runner_ca": gitlab.ca,
            "gitlab_runner_api_token": gitlab.admin_token,
            "gitlab_runner_runners": known["gitlab_runner_runners"],
            "gitlab_runner_drain_timeout": 300,
        },
        playbook=CHECKOUT / "playbooks" / "decommission.yml",
    )
    assert gone.code == 0, gone.output
    assert gitlab.finished(number, 1)["status"] == "success"
    assert gitlab.runners() == []
    assert not host.package("gitlab-runner").is_installed
    assert not host.exists("gitlab-runner")
