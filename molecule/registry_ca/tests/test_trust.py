"""One declaration, and each layer that talks to a private registry trusts it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.plays import play
from tests.support.registries import CONVERGE, HELLO, address, image_of, pull
from tests.support.runners import gitlab_of

BOTH = ["ansible://registry-ca-debian12", "ansible://registry-ca-debian13"]
testinfra_hosts = BOTH
# Where privileged containers can be started.
DIND_HOST = "registry-ca-debian13"
PORTS = {
    "a registry whose authority is declared": 5000,
    "one that wants a client certificate": 5001,
    "one that vouches for itself": 5006,
}


def dind_only(host: Host) -> None:
    if name_of(host) != DIND_HOST:
        pytest.skip("the engine of Debian 12 cannot start privileged containers in a throw-away host")


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> LabGitLab:
    return gitlab_of(host, "registry_ca")


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
@pytest.mark.parametrize("program", ["docker", "podman"])
def test_the_host_pulls_from(host: Host, program: str, port: int) -> None:
    done = pull(host, port, program)
    assert done.rc == 0, done.stderr
    if program == "docker":
        assert HELLO in host.check_output(f"docker run --rm {image_of(host, port)}")


def test_the_system_trusts_the_registry_that_says_os_and_no_other(host: Host) -> None:
    program = (
        "import ssl, sys, urllib.request\nprint(urllib.request.urlopen(f'https://{sys.argv[1]}/v2/', timeout=5).status)"
    )
    assert host.check_output("python3 -c %s %s", program, address(host)) == "200"
    assert host.run("python3 -c %s %s", program, address(host, 5006)).rc != 0


def test_a_dind_service_pulls_by_what_is_mounted(host: Host, gitlab: LabGitLab) -> None:
    dind_only(host)
    image = image_of(host)
    job = gitlab.finished(gitlab.queue([f"docker run --rm {image}"], tags=[f"dind-{name_of(host)}"]))
    assert job["status"] == "success", job["trace"]
    assert HELLO in job["trace"]


def test_jobs_cannot_read_the_engines_client_key(host: Host, gitlab: LabGitLab) -> None:
    dind_only(host)
    job = gitlab.finished(gitlab.queue(["ls -R /etc/docker"], tags=[f"dind-{name_of(host)}"]))
    assert job["status"] == "success", job["trace"]
    assert address(host) in job["trace"]
    assert address(host, 5001) not in job["trace"]
    assert "client.key" not in job["trace"]


def test_the_helper_clones_from_gitlab(host: Host, gitlab: LabGitLab) -> None:
    dind_only(host)
    job = gitlab.finished(gitlab.queue(["cat README.md"], tags=[f"socket-{name_of(host)}"], repository=True))
    assert job["status"] == "success", job["trace"]
    assert "lab project" in job["trace"]


def test_nothing_is_left_to_do(host: Host) -> None:
    again = play(name_of(host), playbook=CONVERGE, arguments=["--skip-tags", "audit"])
    assert again.code == 0, again.output
    assert again.changed == []


def test_client_keys_are_for_root_alone(host: Host) -> None:
    for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d"):
        key = cast("Any", host).file(f"{folder}/{address(host, 5001)}/client.key")
        assert (key.user, key.mode) == ("root", 0o600)
