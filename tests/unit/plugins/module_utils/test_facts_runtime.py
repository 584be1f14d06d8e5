# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_runtime import gather
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine

KEYS = {
    "docker",
    "containerd",
    "runc",
    "libseccomp",
    "kernel",
    "os",
    "architecture",
    "cgroup_version",
    "service_manager",
    "podman",
    "gitlab_runner",
    "registry_ca",
    "maintenance",
}


class Host:
    """A host made of a folder: its files, its programs and its packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        self.socket = str(root / "docker.sock")

    def program(self, name: str, output: str) -> Host:
        """A program that prints OUTPUT; the shell's own echo, since the search path holds nothing else."""
        return self.script(name, f"echo '{output}'")

    def script(self, name: str, script: str) -> Host:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)
        return self

    def file(self, path: str, text: str) -> Host:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return self

    def packages(self, **statuses: str) -> Host:
        """Packages in dpkg's status file; `__` in a name stands for a dot, `_` for a hyphen."""
        template = "Package: {}\nStatus: {}\nArchitecture: amd64\nVersion: 1-1\n"
        names = [name.replace("__", ".").replace("_", "-") for name in statuses]
        text = "\n".join(template.format(*pair) for pair in zip(names, statuses.values(), strict=True))
        return self.file("var/lib/dpkg/status", text)

    def gather(self, socket: str | None = None, command_timeout: float = 5.0) -> dict[str, Any]:
        return gather(socket or self.socket, 0.3, str(self.root), str(self.bin), command_timeout)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_bare_host_has_every_key_and_nothing_behind_them(host: Host) -> None:
    facts = host.gather()
    assert set(facts) == KEYS
    assert facts["docker"] == {
        "installed": False,
        "running": False,
        "error": None,
        "socket": host.socket,
        "client_version": None,
        "server_version": None,
        "api_version": None,
        "minimum_api_version": None,
        "storage_driver": None,
        "cgroup_driver": None,
        "cgroup_version": None,
        "security_options": [],
        "seccomp_profile": None,
        "live_restore": None,
        "rootless": None,
        "swarm": None,
        "registry_mirrors": [],
        "insecure_registries": [],
        "https_proxy": None,
        "no_proxy": [],
        "data_root": None,
        "containers_running": None,
        "daemon_config": None,
        "daemon_config_error": None,
        "defaults": [],
        "seccomp_workaround": None,
        "group_members": [],
        "package": None,
    }
    for key in ("containerd", "runc", "podman", "gitlab_runner", "maintenance"):
        assert facts[key] is None, key
    registries = facts["registry_ca"]
    assert (registries["authorities"], registries["clients"], registries["errors"]) == ([], [], [])
    assert (registries["store"], registries["store_current"], registries["managed"]) == (None, None, [])


def _debian11(host: Host) -> Host:
    host.program("docker", "Docker version 20.10.5+dfsg1, build 55c4c88")
    host.program("dockerd", "Docker version 20.10.5+dfsg1, build 363e9a8")
    host.program("containerd", "containerd github.com/containerd/containerd 1.4.13~ds1 1.4.13~ds1-1~deb11u4")
    host.program("runc", "runc version 1.0.0~rc93+ds1\nspec: 1.0.2-dev\nlibseccomp: 2.5.1")
    host.file("etc/group", "docker:x:998:gitlab-runner\n")
    ok = "install ok installed"
    return host.packages(docker__io="hold ok installed", containerd=ok, runc=ok, libseccomp2=ok)


def test_a_stopped_engine_is_described_by_programs_and_packages(host: Host) -> None:
    facts = _debian11(host).gather()
    docker = facts["docker"]
    assert (docker["installed"], docker["running"], docker["server_version"]) == (True, False, None)
    assert "does not exist; start the engine" in docker["error"]
    assert docker["client_version"] == "20.10.5+dfsg1"
    assert docker["group_members"] == ["gitlab-runner"]
    package = {"name": "docker.io", "version": "1-1", "held": True, "state": "installed", "source": "docker.io"}
    assert docker["package"] == package
    plain = {"version": "1-1", "held": False, "state": "installed"}
    assert facts["containerd"] == {"version": "1.4.13~ds1", "package": {"name": "containerd", **plain}}
    assert facts["runc"] == {
        "version": "1.0.0~rc93+ds1",
        "libseccomp": "2.5.1",
        "package": {"name": "runc", **plain},
    }


def test_a_running_engine_tells_the_containerd_that_it_uses(host: Host) -> None:
    version = {"Version": "28.5.2", "Components": [{"Name": "containerd", "Version": "v1.7.28"}]}
    with fake_engine({"/version": answer(version), "/info": answer({"Driver": "overlay2"})}) as fake:
        facts = _debian11(host).gather(fake.path)
    assert (facts["docker"]["running"], facts["docker"]["server_version"]) == (True, "28.5.2")
    assert facts["docker"]["error"] is None
    assert facts["containerd"]["version"] == "1.7.28"


def test_an_engine_that_only_its_socket_shows_is_installed(host: Host) -> None:
    with fake_engine({"/version": answer({"Version": "28.5.2"}), "/info": answer({})}) as fake:
        docker = host.gather(fake.path)["docker"]
    assert (docker["installed"], docker["running"], docker["package"]) == (True, True, None)


def test_a_stale_socket_is_an_error_even_without_an_engine(host: Host) -> None:
    Path(host.socket).write_text("")
    docker = host.gather()["docker"]
    assert (docker["installed"], docker["running"]) == (False, False)
    assert "nothing listens on it" in docker["error"]


@pytest.mark.parametrize(
    ("packages", "owner", "expected"),
    [
        pytest.param({}, None, {"name": None, "version": "24.0.7", "source": "static"}, id="a binary of no package"),
        pytest.param(
            {"docker_engine": "install ok installed"},
            "docker-engine",
            {"name": "docker-engine", "version": "1-1", "source": "other"},
            id="a package of an unknown name",
        ),
        pytest.param(None, None, None, id="a host without dpkg cannot tell"),
    ],
)
def test_a_dockerd_of_unknown_origin(
    host: Host, packages: dict[str, str] | None, owner: str | None, expected: dict[str, Any] | None
) -> None:
    host.program("dockerd", "Docker version 24.0.7, build 311b9ff")
    if packages is not None:
        host.packages(**packages)
    if owner:
        host.file(f"var/lib/dpkg/info/{owner}.list", f"/.\n{host.bin}/dockerd\n")
    docker = host.gather()["docker"]
    assert docker["installed"] is True
    assert docker["package"] == (expected and {**expected, "held": False, "state": "installed"})


def test_a_half_configured_package_is_there_and_says_so(host: Host) -> None:
    facts = host.packages(docker_ce="install ok half-configured", containerd__io="install ok unpacked").gather()
    assert facts["docker"]["installed"] is True
    assert facts["docker"]["package"]["state"] == "half-configured"
    assert facts["containerd"]["package"]["name"] == "containerd.io"
    assert facts["containerd"]["version"] is None
    # runc comes in the same package as containerd there.
    assert facts["runc"]["package"] == facts["containerd"]["package"]


def test_podman_and_its_stand_in_for_docker(host: Host) -> None:
    facts = host.program("podman", "podman version 4.3.1").program("docker", "podman version 4.3.1").gather()
    assert facts["podman"] == {"version": "4.3.1", "path": f"{host.bin}/podman"}
    assert facts["docker"]["client_version"] is None
    assert facts["docker"]["installed"] is False


@pytest.mark.parametrize("configured", [True, False], ids=["with a configuration", "without a configuration"])
def test_gitlab_runner(host: Host, configured: bool) -> None:
    host.program("gitlab-runner", "Version:      17.5.0\nGit revision: 0c6c7ef1")
    if configured:
        host.file("etc/gitlab-runner/config.toml", '[[runners]]\ntoken = "glrt-secret"\n')
    facts = host.gather()
    runners = facts["gitlab_runner"].pop("runners")
    assert facts["gitlab_runner"] == {
        "version": "17.5.0",
        "path": f"{host.bin}/gitlab-runner",
        "package": None,
        "service": {"active": None, "enabled": None, "held": None},
        "config_path": "/etc/gitlab-runner/config.toml" if configured else None,
        "config_error": None,
        "concurrent": None,
        "certificates": {},
        "registry_auth": None,
        "builds_folders": [],
    }
    assert len(runners) == configured
    assert "glrt-secret" not in str(facts) + str(runners)


def test_a_package_of_the_runner_whose_program_is_not_there_yet(host: Host) -> None:
    runner = host.packages(gitlab_runner="hold ok half-installed").gather()["gitlab_runner"]
    assert (runner["version"], runner["path"]) == (None, None)
    assert runner["package"] == {"name": "gitlab-runner", "version": "1-1", "held": True, "state": "half-installed"}


@pytest.mark.parametrize("there", [True, False], ids=["where the runner is", "and not where it is not"])
def test_the_service_is_asked_for_in_one_call(host: Host, there: bool) -> None:
    if there:
        host.program("gitlab-runner", "Version:      17.5.0")
    asked = host.root / "asked"
    host.script(
        "systemctl", f"echo $@ >> {asked}; echo LoadState=loaded; echo ActiveState=active; echo UnitFileState=x"
    )
    runner = host.gather()["gitlab_runner"]
    if not there:
        assert (runner, asked.exists()) == (None, False)
        return
    assert runner["service"] == {"active": "active", "enabled": "x", "held": None}
    assert asked.read_text() == "show gitlab-runner.service --property LoadState,ActiveState,UnitFileState\n"


@pytest.mark.parametrize("broken", [False, True], ids=["as it is", "broken"])
def test_the_mark_of_a_host_that_is_out_of_service(host: Host, broken: bool) -> None:
    mark = {
        "by": "drain", "since": "2026-11-22T17:40:00Z", "reason": "memory", "before": {"engine": "20.10.5"},
        "paused": [{"id": 5, "name": "build", "url": "https://gitlab.example.com"}], "run": "ctl1:123:456",
    }  # fmt: skip
    host.file("var/lib/runnerkit/maintenance.json", json.dumps(mark)[broken:])
    found = host.gather()["maintenance"]
    if broken:
        assert list(found) == ["error"]
        assert "is not what playbooks/upgrade.yml and playbooks/drain.yml write there" in found["error"]
    else:
        assert found.pop("idle") in range(60)
        assert found == mark


def test_everything_broken_at_once_still_gives_facts_in_time(host: Host) -> None:
    for name in ("docker", "containerd", "runc", "podman", "gitlab-runner"):
        host.script(name, "while :; do :; done")
    host.file("etc/docker/daemon.json", "{").file("etc/os-release", '"').file("var/lib/dpkg/status", "\0")
    started = time.monotonic()
    with fake_engine({"/version": None}) as fake:
        facts = host.gather(fake.path, command_timeout=0.5)
    assert time.monotonic() - started < 3
    assert set(facts) == KEYS
    assert "is not JSON" in facts["docker"]["daemon_config_error"]
    assert facts["runc"] == {"version": None, "libseccomp": None, "package": None}
    assert facts["gitlab_runner"]["version"] is None
