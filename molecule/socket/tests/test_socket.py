"""Jobs reach the host's engine through its socket, and what they mount of their checkout is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support import leaks
from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, Played, play
from tests.support.runners import gitlab_of, main_pid, runner, wait_for_reload

CONVERGE = Path(__file__).parents[1] / "converge.yml"
SMOKE = CHECKOUT / "playbooks" / "smoke.yml"
AUDIT = CHECKOUT / "playbooks" / "audit.yml"
SOCKET = "/var/run/docker.sock:/var/run/docker.sock"


def provision(host: Host, variables: dict[str, Any] | None = None, *arguments: str) -> Played:
    return play(name_of(host), variables, ["--skip-tags", "audit", *arguments], CONVERGE)


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "socket")


@pytest.fixture(name="without_builds")
def _without_builds(host: Host) -> Iterator[Played]:
    """The runner as people copy it from old pages: the socket, and no /builds."""
    declared = yaml.safe_load(CONVERGE.read_text())[0]["vars"]["gitlab_runner_runners"][0]
    declared["config"]["docker"]["volumes"] = ["/cache", SOCKET]
    yield provision(host, {"gitlab_runner_runners": [declared], "gitlab_runner_smoke": False})
    assert provision(host, {"gitlab_runner_smoke": False}).code == 0


def snippet(host: Host, folder: Path) -> dict[str, Any]:
    """The job that the role writes for the users of the runner."""
    written = provision(host, {"gitlab_runner_snippet_directory": str(folder), "gitlab_runner_smoke": False})
    assert written.code == 0, written.output
    (file,) = folder.glob("*.yml")
    (job,) = yaml.safe_load(file.read_text()).values()
    return dict(job)


def test_the_mode_became_ordinary_keys(host: Host) -> None:
    entry = runner(host, "images")
    assert entry["executor"] == "docker"
    assert entry["docker"]["image"] == "docker:20.10.24-cli"
    assert entry["docker"]["privileged"] is False
    assert entry["docker"]["volumes"] == ["/builds:/builds", "/cache", SOCKET]


def test_the_folder_of_the_checkouts_is_there_for_root_alone_to_write(host: Host) -> None:
    folder = host.file("/builds")
    assert (folder.is_directory, folder.user, folder.mode) == (True, "root", 0o755)


def test_nothing_is_left_to_do_and_to_see_that_costs_eight_calls(host: Host) -> None:
    again = provision(host, {"gitlab_runner_smoke": False})
    assert again.code == 0, again.output
    assert again.changed == []
    print(f"site.yml without its audit on a host with engine and runner: {again.calls} remote calls")
    assert again.calls <= 8


def test_the_smoke_job_is_green(host: Host) -> None:
    smoked = play(name_of(host), {"gitlab_runner_smoke_pull": False}, playbook=SMOKE)
    assert smoked.code == 0, smoked.output
    assert smoked.changed == []
    assert "images" in smoked.output
    assert "bind_mount" in smoked.output
    assert "FAILS" not in smoked.output


def test_the_job_of_the_snippet_ends_well(host: Host, gitlab: LabGitLab, tmp_path: Path) -> None:
    job = snippet(host, tmp_path)
    ended = gitlab.finished(gitlab.queue(job["script"], image=job.get("image"), tags=job["tags"]))
    assert ended["status"] == "success", ended["trace"]
    assert ended["leaked_tokens"] == 0


def test_settings_are_read_without_a_restart(host: Host, gitlab: LabGitLab) -> None:
    before = main_pid(host)
    changed = provision(
        host, {"gitlab_runner_config": {"concurrent": 3, "check_interval": 1}, "gitlab_runner_smoke": False}
    )
    assert changed.code == 0, changed.output
    assert changed.changed == ["runnerkit.gitlab.gitlab_runner : Register | Register the runners and keep config.toml"]
    ended = gitlab.finished(gitlab.queue(["echo it still works"], tags=["socket"]))
    assert ended["status"] == "success", ended["trace"]
    assert main_pid(host) == before != 0


def test_without_the_folder_of_the_checkouts_a_job_finds_its_mount_empty(
    host: Host, gitlab: LabGitLab, without_builds: Played
) -> None:
    assert without_builds.code == 0, without_builds.output
    wait_for_reload()
    script = [
        "mkdir -p data",
        "echo seen > data/file",
        'docker run --rm -v "$PWD/data:/app/data" docker:20.10.24-cli ls -A /app/data > found',
        "test -s found",
    ]
    assert gitlab.finished(gitlab.queue(script, tags=["socket"]))["status"] == "failed"

    smoked = play(name_of(host), {"gitlab_runner_smoke_pull": False}, playbook=SMOKE)
    assert smoked.code != 0
    assert "builds_not_mounted" in smoked.output

    audit = play(name_of(host), {"readiness_fail_on": "degraded"}, playbook=AUDIT)
    assert audit.code != 0
    assert "builds_not_mounted" in audit.output


def test_nothing_leaks_from_a_run_of_everything(host: Host, gitlab: LabGitLab) -> None:
    secrets = {"API token": gitlab.admin_token, "the runner's token": runner(host, "images")["token"]}
    hunt = leaks.hunt_play(CONVERGE, name_of(host), {}, secrets)
    assert hunt.code == 0, hunt.output
    assert "bind_mount" in hunt.output
    assert hunt.places == []
