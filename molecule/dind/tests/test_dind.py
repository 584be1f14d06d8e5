"""Jobs get an engine of their own, with TLS and without, and each mistake that people make there is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, Played, play
from tests.support.runners import CONFIG, config_text, gitlab_of, runner

CONVERGE = Path(__file__).parents[1] / "converge.yml"
SMOKE = CHECKOUT / "playbooks" / "smoke.yml"
AUDIT = CHECKOUT / "playbooks" / "audit.yml"
TLS = [
    "DOCKER_HOST=tcp://docker:2376",
    "DOCKER_TLS_CERTDIR=/certs",
    "DOCKER_TLS_VERIFY=1",
    "DOCKER_CERT_PATH=/certs/client",
]


def provision(host: Host, variables: dict[str, Any] | None = None, *arguments: str) -> Played:
    return play(name_of(host), variables, ["--skip-tags", "audit", *arguments], CONVERGE)


def declared() -> list[dict[str, Any]]:
    runners: list[dict[str, Any]] = yaml.safe_load(CONVERGE.read_text())[0]["vars"]["gitlab_runner_runners"]
    return runners


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "dind")


def test_the_modes_became_ordinary_keys(host: Host) -> None:
    tls, plain = runner(host, "tls"), runner(host, "plain")
    assert tls["environment"] == TLS
    assert tls["docker"]["volumes"] == ["/certs/client", "/cache"]
    assert plain["environment"] == ["DOCKER_HOST=tcp://docker:2375", "DOCKER_TLS_CERTDIR="]
    for entry in (tls, plain):
        assert entry["docker"]["privileged"] is True
        assert entry["docker"]["image"] == "docker:26.1.4-cli"
        assert entry["docker"]["services"] == [{"name": "docker:26.1.4-dind", "alias": "docker"}]


def test_nothing_is_left_to_do(host: Host) -> None:
    again = provision(host)
    assert again.code == 0, again.output
    assert again.changed == []


def test_a_variable_that_somebody_added_by_hand_stays(host: Host) -> None:
    host.check_output(
        """sed -i 's/environment = \\["DOCKER_HOST/environment = ["BY_HAND=1", "DOCKER_HOST/' %s""", CONFIG
    )
    assert "BY_HAND=1" in runner(host, "tls")["environment"]
    again = provision(host, {"gitlab_runner_smoke": False})
    assert again.code == 0, again.output
    assert again.changed == []
    assert runner(host, "tls")["environment"] == ["BY_HAND=1", *TLS]
    host.check_output("""sed -i 's/"BY_HAND=1", //' %s""", CONFIG)


def test_the_smoke_jobs_are_green(host: Host) -> None:
    smoked = play(name_of(host), {"gitlab_runner_smoke_pull": False}, playbook=SMOKE)
    assert smoked.code == 0, smoked.output
    assert smoked.changed == []


@pytest.fixture(name="snippets", scope="module")
def _snippets(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the role wrote jobs for the users of the runners."""
    folder = tmp_path_factory.mktemp("snippets")
    written = provision(host, {"gitlab_runner_snippet_directory": str(folder), "gitlab_runner_smoke": False})
    assert written.code == 0, written.output
    return folder


@pytest.mark.parametrize("name", ["tls", "plain"])
def test_the_job_of_the_snippet_ends_well(host: Host, gitlab: LabGitLab, snippets: Path, name: str) -> None:
    (job,) = yaml.safe_load((snippets / f"{name_of(host)}-{name}.gitlab-ci.yml").read_text()).values()
    # There is no registry here: the job's own engine gets what the snippet builds on from the job.
    script = ["tar -cf - -C / bin lib lib64 usr | docker import - busybox:1.37 > /dev/null", *job["script"]]
    ended = gitlab.finished(gitlab.queue(script, image=job.get("image"), tags=job["tags"]))
    assert ended["status"] == "success", ended["trace"]
    assert ended["leaked_tokens"] == 0


def test_a_host_with_privileged_jobs_says_so_and_is_ready(host: Host) -> None:
    audit = play(name_of(host), playbook=AUDIT)
    assert audit.code == 0, audit.output
    assert "privileged" in audit.output


def test_tls_variables_without_the_volume_are_named(host: Host) -> None:
    runners = declared()
    runners[0]["config"]["docker"]["volumes"] = ["/cache"]
    try:
        mistaken = provision(host, {"gitlab_runner_runners": runners, "gitlab_runner_smoke": False})
        assert mistaken.code == 0, mistaken.output
        smoked = play(
            name_of(host), {"gitlab_runner_smoke_pull": False, "gitlab_runner_smoke_timeout": 60}, playbook=SMOKE
        )
        assert smoked.code != 0
        assert "dind_tls_mismatch" in smoked.output
        audit = play(name_of(host), playbook=AUDIT)
        assert audit.code != 0
        assert "dind_tls_mismatch" in audit.output
    finally:
        assert provision(host, {"gitlab_runner_smoke": False}).code == 0


def test_a_risk_that_nobody_accepted_is_refused_before_anything_is_touched(host: Host) -> None:
    before = config_text(host)
    runners = declared()
    del runners[1]["accepted_risks"]
    refused = provision(host, {"gitlab_runner_runners": runners})
    assert refused.code != 0
    assert "privileged" in refused.failures[-1]
    assert "accepted_risks" in refused.failures[-1]
    assert config_text(host) == before
