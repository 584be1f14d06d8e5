# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_docker import (
    EngineAnswers,
    ask_engine,
    daemon_config,
    default_variables,
    engine_facts,
    engine_package,
    seccomp_profile,
)
from tests.unit.plugins.module_utils.fake_engine import answer, chunked, fake_engine

VERSION = {
    "Platform": {"Name": ""},
    "Components": [
        {"Name": "Engine", "Version": "20.10.5+dfsg1"},
        {"Name": "containerd", "Version": "v1.4.13~ds1"},
        {"Name": "runc", "Version": "1.0.0~rc93+ds1"},
    ],
    "Version": "20.10.5+dfsg1",
    "ApiVersion": "1.41",
    "MinAPIVersion": "1.12",
}

INFO = {
    "Driver": "overlay2",
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default", "name=cgroupns"],
    "LiveRestoreEnabled": True,
    "Swarm": {"LocalNodeState": "inactive"},
    "RegistryConfig": {
        "Mirrors": ["https://user:hunter2@mirror.example.com/"],
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Secure": True}, "registry.example:5000": {"Secure": False}},
    },
    "HttpProxy": "",
    "HttpsProxy": "http://user:hunter2@proxy.example.com:3128",
    "NoProxy": "localhost, .example.com,",
    "DockerRootDir": "/var/lib/docker",
    "ContainersRunning": 3,
}

WITHOUT_DAEMON: dict[str, Any] = {
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
}


def test_a_running_engine_tells_everything() -> None:
    with fake_engine({"/version": answer(VERSION), "/info": chunked(INFO)}) as fake:
        answers = ask_engine(Engine(fake.path))
    assert (answers.running, answers.error) == (True, None)
    assert answers.component("containerd") == "1.4.13~ds1"
    assert answers.component("docker-init") is None
    assert engine_facts(answers) == {
        "server_version": "20.10.5+dfsg1",
        "api_version": "1.41",
        "minimum_api_version": "1.12",
        "storage_driver": "overlay2",
        "cgroup_driver": "systemd",
        "cgroup_version": 2,
        "security_options": ["name=apparmor", "name=seccomp,profile=default", "name=cgroupns"],
        "seccomp_profile": "default",
        "live_restore": True,
        "rootless": False,
        "swarm": False,
        "registry_mirrors": ["https://********@mirror.example.com/"],
        "insecure_registries": ["127.0.0.0/8", "registry.example:5000"],
        "https_proxy": "http://********@proxy.example.com:3128",
        "no_proxy": ["localhost", ".example.com"],
        "data_root": "/var/lib/docker",
        "containers_running": 3,
    }


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        pytest.param(
            {"CgroupVersion": ""}, "cgroup_version", None, id="an engine before 20.10 names no cgroup version"
        ),
        pytest.param({"Swarm": {"LocalNodeState": "active"}}, "swarm", True, id="an active swarm"),
        pytest.param({"Swarm": None}, "swarm", False, id="no word of a swarm"),
        pytest.param({"SecurityOptions": ["name=rootless"]}, "rootless", True, id="a rootless daemon"),
        pytest.param({"SecurityOptions": None}, "security_options", [], id="no security options"),
        pytest.param({"RegistryConfig": None}, "registry_mirrors", [], id="no registry configuration"),
        pytest.param({"RegistryConfig": {"Mirrors": None}}, "registry_mirrors", [], id="no mirrors"),
        pytest.param(
            {"RegistryConfig": {"IndexConfigs": [1]}}, "insecure_registries", [], id="no word of insecure ones"
        ),
        pytest.param({"HttpsProxy": ""}, "https_proxy", None, id="no proxy"),
        pytest.param({"NoProxy": None}, "no_proxy", [], id="nothing without the proxy"),
        pytest.param({"ContainersRunning": 0}, "containers_running", 0, id="no running container is zero"),
    ],
)
def test_one_key_of_info(change: dict[str, Any], key: str, expected: Any) -> None:
    assert engine_facts(EngineAnswers(True, None, VERSION, {**INFO, **change}))[key] == expected


def test_no_word_of_an_engine_means_the_terminal() -> None:
    bad = "1\x1b[2J\x9b"
    version = {
        "Version": bad,
        "ApiVersion": bad,
        "MinAPIVersion": bad,
        "Components": [{"Name": "runc", "Version": bad}],
    }
    info = {
        **dict.fromkeys(("Driver", "CgroupDriver", "DockerRootDir"), bad),
        "SecurityOptions": [f"name=seccomp,profile={bad}"],
        "RegistryConfig": {"Mirrors": [bad], "InsecureRegistryCIDRs": [bad], "IndexConfigs": {bad: {"Secure": False}}},
        "HttpsProxy": bad,
        "NoProxy": bad,
    }
    answers = EngineAnswers(True, None, version, info)
    assert answers.component("runc") == "1?[2J?"
    facts = engine_facts(answers)
    assert facts["server_version"] == "1?[2J?"
    assert facts["seccomp_profile"] == "1?[2J?"
    assert json.dumps(facts).count("?[2J?") == 13


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(["name=seccomp,profile=default"], "default", id="the default profile"),
        pytest.param(["name=apparmor", "name=seccomp,profile=builtin"], "builtin", id="the default profile since 23"),
        pytest.param(["name=seccomp,profile=unconfined"], "unconfined", id="no profile"),
        pytest.param(["name=seccomp,profile=/etc/docker/s.json"], "/etc/docker/s.json", id="a profile of one's own"),
        pytest.param(["seccomp"], "default", id="an engine before 17.06"),
        pytest.param(["name=apparmor"], None, id="a kernel without seccomp"),
        pytest.param([], None, id="no options"),
    ],
)
def test_seccomp_profile(options: list[str], expected: str | None) -> None:
    assert seccomp_profile(options) == expected


@pytest.mark.parametrize(
    ("answers", "running", "error", "server_version"),
    [
        pytest.param(
            {"/version": answer({"message": "no"}, "500 Internal Server Error")}, False, "500: no", None, id="a 500"
        ),
        pytest.param({"/version": None}, False, "no answer within 0.2 s", None, id="an engine that hangs"),
        pytest.param(
            {"/version": answer([1])}, False, "/version is not an object", None, id="an answer in an odd shape"
        ),
        pytest.param(
            {"/version": answer(VERSION), "/info": None},
            True,
            "no answer within 0.2 s",
            "20.10.5+dfsg1",
            id="an engine whose storage hangs still tells its version",
        ),
        pytest.param(
            {"/version": answer(VERSION), "/info": answer({"message": "at https://u:pw@m/"}, "500 Oops")},
            True,
            "500: at https://********@m/",
            "20.10.5+dfsg1",
            id="an error is shown without the password in it",
        ),
        pytest.param(
            {"/version": answer({"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]})},
            False,
            "is answered by podman",
            None,
            id="podman on docker's socket is no engine",
        ),
    ],
)
def test_an_engine_in_trouble(
    answers: dict[str, bytes | None], running: bool, error: str, server_version: str | None
) -> None:
    started = time.monotonic()
    with fake_engine(answers) as fake:
        got = ask_engine(Engine(fake.path, timeout=0.2))
    assert time.monotonic() - started < 1
    assert got.running is running
    assert error in (got.error or "")
    assert engine_facts(got) == {
        **WITHOUT_DAEMON,
        "server_version": server_version,
        "api_version": server_version and "1.41",
        "minimum_api_version": server_version and "1.12",
    }


@pytest.mark.parametrize(
    ("text", "config", "error"),
    [
        pytest.param(None, None, None, id="no file is no error"),
        pytest.param("", {}, None, id="an empty file is an empty object"),
        pytest.param(" \n", {}, None, id="a blank file is an empty object"),
        pytest.param('{"live-restore": true}', {"live-restore": True}, None, id="a good file"),
        pytest.param(
            '{"log-opts": {"splunk-token": "abc"}, "registry-mirrors": ["https://u:p@m"]}',
            {"log-opts": {"splunk-token": "********"}, "registry-mirrors": ["https://********@m"]},
            None,
            id="secrets are masked",
        ),
        pytest.param(
            '{"splunk-token": "abc" "x": 1}',
            None,
            "/etc/docker/daemon.json is not JSON (Expecting ',' delimiter: line 1 column 24 (char 23)); "
            "correct it, or remove it",
            id="a broken file is described, not shown",
        ),
        pytest.param(
            "[1]",
            None,
            "/etc/docker/daemon.json holds a list where the daemon wants an object; correct it",
            id="a list",
        ),
        pytest.param("[" * 100_000, None, "is not JSON", id="a file nested without end"),
    ],
)
def test_daemon_config(tmp_path: Path, text: str | None, config: dict[str, Any] | None, error: str | None) -> None:
    (tmp_path / "etc/docker").mkdir(parents=True)
    if text is not None:
        (tmp_path / "etc/docker/daemon.json").write_text(text)
    got, message = daemon_config(str(tmp_path))
    assert got == config
    if error is None:
        assert message is None
    else:
        assert error in (message or "")


@pytest.mark.parametrize("kind", [pytest.param("folder", id="a folder"), pytest.param("pipe", id="a pipe")])
def test_a_daemon_json_that_is_no_file_is_described(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "etc/docker/daemon.json"
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert daemon_config(str(tmp_path)) == (None, "/etc/docker/daemon.json cannot be read: not a regular file")


def _package(name: str, state: str = "installed", want: str = "install") -> Package:
    return Package(name, "1", "amd64", want, state)


@pytest.mark.parametrize(
    ("packages", "name", "state", "held"),
    [
        pytest.param([_package("docker-ce", want="hold")], "docker-ce", "installed", True, id="docker-ce, held"),
        pytest.param([_package("docker.io")], "docker.io", "installed", False, id="docker.io"),
        pytest.param([_package("moby-engine")], "moby-engine", "installed", False, id="moby-engine"),
        pytest.param(
            [_package("docker-ce", "half-configured")], "docker-ce", "half-configured", False, id="half-configured"
        ),
        pytest.param(
            [_package("docker-ce", "unpacked"), _package("docker.io")],
            "docker.io",
            "installed",
            False,
            id="of two packages the one that is complete",
        ),
    ],
)
def test_engine_package(packages: list[Package], name: str, state: str, held: bool) -> None:
    assert engine_package({package.name: package for package in packages}) == {
        "name": name,
        "version": "1",
        "held": held,
        "state": state,
        "source": name,
    }


def test_without_an_engine_there_is_no_package() -> None:
    assert engine_package({"containerd": _package("containerd")}) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(None, [], id="there is no such file"),
        pytest.param(
            '# DOCKER_OPTS="--dns 8.8.8.8"\n\n#export http_proxy="http://127.0.0.1:3128/"\n', [], id="as packaged"
        ),
        pytest.param("DOCKER_OPTS=\nDOCKER_TMPDIR= \n", [], id="nothing is set"),
        pytest.param('DOCKER_OPTS="--data-root=/srv/docker"\n', ["DOCKER_OPTS"], id="options"),
        pytest.param(
            "export https_proxy=http://p:1\n  DOCKER_OPTS=-D\n", ["DOCKER_OPTS", "https_proxy"], id="and a proxy"
        ),
    ],
)
def test_variables_that_only_the_distributions_unit_reads(tmp_path: Path, text: str | None, names: list[str]) -> None:
    if text is not None:
        (tmp_path / "etc/default").mkdir(parents=True)
        (tmp_path / "etc/default/docker").write_text(text)
    assert default_variables(str(tmp_path)) == names
