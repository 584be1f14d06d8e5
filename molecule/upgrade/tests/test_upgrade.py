"""An old engine was replaced under a running container."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host


@pytest.fixture(name="before")
def _before(host: Host) -> dict[str, Any]:
    """The container as it was before the upgrade."""
    found: dict[str, Any] = json.loads(host.file("/root/canary-before.json").content_string)[0]
    return found


@pytest.fixture(name="after")
def _after(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(host.check_output("docker inspect canary"))[0]
    return found


def test_the_engine_is_new_and_the_client_with_it(host: Host) -> None:
    versions = json.loads(host.check_output("docker version --format '{{json .}}'"))
    assert tuple(int(part) for part in versions["Server"]["Version"].split("+")[0].split(".")) >= (20, 10, 24)
    assert versions["Client"]["Version"] == versions["Server"]["Version"]


def test_the_container_was_never_stopped(host: Host, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert after["State"]["Running"]
    assert after["Id"] == before["Id"]
    assert after["State"]["StartedAt"] == before["State"]["StartedAt"]
    assert after["State"]["Pid"] == before["State"]["Pid"]
    assert host.process.get(pid=after["State"]["Pid"]).comm == "tail"


def test_the_new_engine_can_still_talk_to_the_container(host: Host) -> None:
    assert host.check_output("docker exec canary cat /keep/file") == "precious"


def test_volumes_and_images_are_still_there(host: Host, before: dict[str, Any]) -> None:
    assert "keep" in host.check_output("docker volume ls -q").split()
    assert host.check_output("docker image inspect -f '{{.Id}}' lab/busybox:1") == before["Image"]


def test_new_containers_run(host: Host) -> None:
    assert host.check_output("docker run --rm lab/busybox:1 echo from inside") == "from inside"


def test_only_dockers_own_packages_are_left_and_they_are_held(host: Host) -> None:
    installed = {name: host.package(name).is_installed for name in ("docker.io", "containerd", "runc", "docker-ce")}
    assert installed == {"docker.io": False, "containerd": False, "runc": False, "docker-ce": True}
    assert {"docker-ce", "docker-ce-cli", "containerd.io"} <= set(host.check_output("apt-mark showhold").split())


def test_the_old_source_list_was_taken_over(host: Host) -> None:
    files = sorted(host.check_output("ls /etc/apt/sources.list.d").split())
    assert "runnerkit-docker.sources" in files
    assert "docker.list" not in files
    if host.backend.get_hostname() == "upgrade-debian12":
        assert "docker.list.runnerkit.save" in files
    assert host.run("apt-get update").rc == 0


def test_settings_made_by_hand_are_still_there(host: Host) -> None:
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["live-restore"] is True
    if host.backend.get_hostname() == "upgrade-debian12":
        assert settings["debug"] is True
        assert settings["log-opts"] == {"max-size": "7m"}


def test_libseccomp_knows_faccessat2(host: Host) -> None:
    program = "import ctypes; print(ctypes.CDLL('libseccomp.so.2').seccomp_syscall_resolve_name(b'faccessat2'))"
    assert host.check_output("python3 -c %s", program) == "439"


def test_the_way_back_is_kept(host: Host) -> None:
    kept = host.check_output("ls /var/cache/runnerkit/packages")
    assert "20.10.5" in kept
