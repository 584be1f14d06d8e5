"""What jobs get beside mounts: an image of their own for dind services, mirrors, logins. All of it at once, once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.leaks import Hunt, hunt_play
from tests.support.pki import Authority
from tests.support.plays import CHECKOUT, Played, play
from tests.support.registries import CONVERGE, HELLO, address, declared, image_of, known, provision
from tests.support.registry import registry_of
from tests.support.runners import config_text, gitlab_of, runner, wait_for_reload

# Where privileged containers can be started.
testinfra_hosts = ["ansible://registry-ca-debian13"]
BUILD = CHECKOUT / "playbooks" / "dind_image.yml"
# For nobody's registry, so that they stand in no inventory.
CLIENT = Authority("of a client").issue(["runner"], client=True)
PASSWORD = secrets.token_hex(16)


class Given(NamedTuple):
    """What was done for the tests below."""

    image: str
    built: Played
    again: Played
    hunt: Hunt


def build(host: Host, image: str, base: str) -> Played:
    what = {
        "dind_image_name": image,
        "dind_image_base": base,
        "dind_image_registries": [declared(host), declared(host, 5001)],
    }
    return play(name_of(host), what, playbook=BUILD)


def variables(host: Host, image: str) -> dict[str, Any]:
    """The scenario's own, and more: nothing is mounted, the service's image has what it needs inside."""
    mine = yaml.safe_load(CONVERGE.read_text())[0]["vars"]
    mine["gitlab_runner_runners"][0]["config"] = {
        "docker": {
            "pull_policy": ["if-not-present"],
            "helper_image": "lab/helper:1",
            "volumes": ["/certs/client", "/cache"],
        }
    }
    there = known(host)
    login = {"username": there["lab_registry_user"], "password": there["lab_registry_password"]}
    return {
        "registry_ca_registries": [
            *mine["registry_ca_registries"],
            declared(host, 5002),
            declared(host, 5009, client_cert=CLIENT.cert_pem, client_key=CLIENT.key_pem),
        ],
        "gitlab_runner_runners": mine["gitlab_runner_runners"],
        "gitlab_runner_dind_image": image,
        "docker_engine_registry_mirrors": [f"https://{address(host)}"],
        "gitlab_runner_registry_auth": [
            {"registry": address(host, 5002), **login},
            {"registry": "registry.example.com", "username": "runner", "password": PASSWORD},
        ],
        "gitlab_runner_registry_auth_in": ["environment", "host"],
    }


@pytest.fixture(name="given", scope="module")
def _given(host: Host) -> Iterator[Given]:
    image = f"{address(host)}/ci/dind:26.1.4"
    registry_of(host).delete("ci/dind", "26.1.4")
    built = build(host, image, "docker:26.1.4-dind")
    again = build(host, image, "docker:26.1.4-dind")
    # What a service runs comes out of the registry, not from this host.
    host.run("docker image rm %s", image)
    # A line of a key is enough to be a leak.
    hidden = {"password": PASSWORD, "key": CLIENT.key_pem.splitlines()[1]}
    hunt = hunt_play(CONVERGE, name_of(host), variables(host, image), hidden, arguments=["--skip-tags", "audit"])
    wait_for_reload()
    yield Given(image, built, again, hunt)
    host.run("docker image rm lab-hello:1")
    back = provision(host, {"docker_engine_daemon_config": {"registry-mirrors": None}})
    assert back.code == 0, back.output
    wait_for_reload()
    # What was not declared any more went.
    assert "DOCKER_AUTH_CONFIG" not in config_text(host)
    assert address(host, 5002) not in host.run("cat /root/.docker/config.json").stdout


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "registry_ca")


def run(host: Host, gitlab: LabGitLab, *script: str, mode: str = "dind", **more: Any) -> dict[str, Any]:
    return gitlab.finished(gitlab.queue(list(script), tags=[f"{mode}-{name_of(host)}"], **more))


def test_the_image_is_built_pushed_and_then_left_alone(host: Host, given: Given) -> None:
    assert given.built.code == 0, given.built.output
    assert given.built.changed != []
    assert registry_of(host).digest("ci/dind", "26.1.4")
    assert given.again.code == 0, given.again.output
    assert given.again.changed == []


def test_a_dind_service_pulls_by_what_is_in_its_image(host: Host, given: Given, gitlab: LabGitLab) -> None:
    assert given.hunt.code == 0, given.hunt.output
    assert runner(host, "dind")["docker"]["services"][0]["name"] == given.image
    job = run(host, gitlab, f"docker run --rm {image_of(host)}", image="docker:26.1.4-cli")
    assert job["status"] == "success", job["trace"]
    assert HELLO in job["trace"]


def test_and_from_a_registry_of_which_the_image_knows_nothing_it_does_not(
    host: Host, given: Given, gitlab: LabGitLab
) -> None:
    assert given.hunt.code == 0, given.hunt.output
    job = run(host, gitlab, f"docker run --rm {image_of(host, 5006)}")
    assert job["status"] == "failed"
    assert "x509" in job["trace"]


def test_without_the_mount_the_helper_does_not_trust_gitlab(host: Host, given: Given, gitlab: LabGitLab) -> None:
    assert given.hunt.code == 0, given.hunt.output
    job = run(host, gitlab, "true", repository=True)
    assert job["status"] == "failed"
    assert re.search("server (certificate )?verification failed", job["trace"])


def test_one_variable_gives_mirrors_to_the_engine_and_to_dind_services(
    host: Host, given: Given, gitlab: LabGitLab
) -> None:
    assert given.hunt.code == 0, given.hunt.output
    # An image of Docker Hub, as far as an engine knows; there is no other way to it here.
    host.check_output("docker pull lab-hello:1")
    job = run(host, gitlab, "docker run --rm lab-hello:1")
    assert job["status"] == "success", job["trace"]
    assert HELLO in job["trace"]


def test_runner_and_host_log_in(host: Host, given: Given, gitlab: LabGitLab) -> None:
    assert given.hunt.code == 0, given.hunt.output
    host.check_output("docker pull %s", image_of(host, 5002))
    # Without the host's: by the variable alone.
    host.check_output("docker image rm %s && mv /root/.docker/config.json /root/aside", image_of(host, 5002))
    try:
        job = run(host, gitlab, "true", mode="socket", image=image_of(host, 5002))
    finally:
        host.check_output("mv /root/aside /root/.docker/config.json")
    assert "Pulling docker image" in job["trace"]
    assert job["failure_reason"] != "image_pull_failure", job["trace"]


def test_secrets_are_nowhere_but_in_their_files(host: Host, given: Given) -> None:
    assert given.hunt.code == 0, given.hunt.output
    elsewhere = [
        place
        for place in given.hunt.places
        if not place.endswith(("/client.key: key", "/root/.docker/config.json: password"))
    ]
    assert elsewhere == []
    assert host.check_output("stat --format %s /root/.docker/config.json", "%U %a") == "root 600"


def test_a_base_that_is_too_old_is_refused(host: Host) -> None:
    host.check_output("docker image inspect docker:20.10.5-dind || lab-dind 20.10.5")
    refused = build(host, f"{address(host)}/ci/dind:old", "docker:20.10.5-dind")
    assert refused.code != 0
    assert "20.10.5" in refused.failures[-1]
    assert "20.10.6" in refused.failures[-1]
    assert registry_of(host).digest("ci/dind", "old") is None
