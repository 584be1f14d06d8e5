"""The distribution's packages and given files do as well as docker's repository."""

from __future__ import annotations

from testinfra.host import Host

from tests.support.hosts import engine_version, held, inspect, name_of, start_canary
from tests.support.plays import play

ENGINE = {"sources-distribution": "docker.io", "sources-files": "docker-ce"}


def test_the_engine_comes_from_the_package_that_was_meant(host: Host) -> None:
    assert host.package(ENGINE[name_of(host)]).is_installed
    assert ENGINE[name_of(host)] in held(host)
    assert engine_version(host).startswith("26.1.5")


def test_a_container_really_runs(host: Host) -> None:
    host.check_output("lab-image")
    assert host.check_output("docker run --rm lab/busybox:1 echo from inside") == "from inside"


def test_no_repository_of_dockers_was_added(host: Host) -> None:
    assert not host.file("/etc/apt/sources.list.d/runnerkit-docker.sources").exists


def test_one_can_move_to_dockers_repository_under_a_running_container(host: Host) -> None:
    before = start_canary(host)
    moved = play(name_of(host), {"docker_engine_source": "docker"})
    assert moved.code == 0, moved.output
    assert host.package("docker-ce").is_installed
    assert not host.package("docker.io").is_installed
    assert host.file("/etc/apt/sources.list.d/runnerkit-docker.sources").exists
    after = inspect(host)
    assert after["State"]["Pid"] == before["State"]["Pid"]
    assert after["State"]["StartedAt"] == before["State"]["StartedAt"]
    assert play(name_of(host), {"docker_engine_source": "docker"}).changed == []
