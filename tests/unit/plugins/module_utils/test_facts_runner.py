# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_runner, runner_hold, toml_reader
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_schema

DATA = Path(runner_schema.__file__).parent / "data" / "runner_schema.json"
CONFIG = "etc/gitlab-runner/config.toml"
NAMED = "/etc/gitlab-runner/config.toml"


def read(root: Path, content: str | bytes) -> dict[str, Any]:
    """The facts of a host with such a configuration."""
    path = root / CONFIG
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return facts_runner.configuration(str(root))


def runner(root: Path, content: str) -> dict[str, Any]:
    """The facts of the one runner of a configuration."""
    facts = read(root, content)
    assert facts["config_error"] is None
    [found] = facts["runners"]
    return dict(found)


FULL = """
concurrent = 4
[[runners]]
  name = "build"
  id = 42
  url = "https://user:hidden@gitlab.example.com/"
  token = "glrt-hidden"
  executor = "docker"
  builds_dir = "/builds"
  environment = [
    "DOCKER_HOST=tcp://docker:2375", "PASSWORD=hidden", "DOCKER_HOST=tcp://docker:2376", "DOCKER_TLS_CERTDIR=", "X",
  ]
  [runners.docker]
    host = "tcp://me:hidden@10.0.0.7:2376"
    Image = "ruby:3.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    privileged = true
    pull_policy = "if-not-present"
    security_opt = ["no-new-privileges", 'seccomp={"defaultAction": "hidden"}']
    volumes = ["/cache", "/builds:/builds:rw"]
    [[runners.docker.services]]
      name = "docker:28.5.2-dind"
      alias = "docker"
      command = ["--hidden"]
      environment = ["DOCKER_HOST=hidden"]
  [runners.feature_flags]
    FF_NETWORK_PER_BUILD = true
    FF_ODD = "hidden"
    hidden = true
"""


def test_what_is_told_of_a_runner(tmp_path: Path) -> None:
    facts = read(tmp_path, FULL)
    assert "hidden" not in str(facts)
    assert (facts["config_path"], facts["config_error"], facts["concurrent"]) == (NAMED, None, 4)
    assert facts["runners"] == [
        {
            "name": "build",
            "id": 42,
            "url": "https://********@gitlab.example.com/",
            "tls_ca_file": None,
            "executor": "docker",
            "mode": "dind_insecure",
            "builds_dir": "/builds",
            "environment": {"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_CERTDIR": ""},
            "feature_flags": {"FF_NETWORK_PER_BUILD": True},
            "docker": {
                "image": "ruby:3.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "helper_image": None,
                "privileged": True,
                "services_privileged": None,
                "volumes": ["/cache", "/builds:/builds:rw"],
                "services": [{"name": "docker:28.5.2-dind", "alias": "docker", "own_command": False}],
                "security_opt": ["no-new-privileges", "seccomp={...}"],
                "services_security_opt": [],
                "disable_cache": False,
                "runtime": None,
                "network_mode": None,
                "pull_policy": ["if-not-present"],
                "allowed_images": [],
                "allowed_services": [],
                "allowed_privileged_images": [],
                "allowed_privileged_services": [],
                "host": "tcp://********@10.0.0.7:2376",
            },
        }
    ]


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        pytest.param("", False, id="the image's own"),
        pytest.param('command = ["--registry-mirror", "https://hidden"]', False, id="other settings"),
        pytest.param('command = ["--tls=false"]', True, id="without certificates"),
        pytest.param('command = ["dockerd", "-H", "tcp://0.0.0.0:2375"]', True, id="a command of its own"),
        pytest.param('entrypoint = ["dockerd-entrypoint.sh"]', True, id="an entry point of its own"),
    ],
)
def test_a_service_that_may_listen_elsewhere_is_told(tmp_path: Path, settings: str, own: bool) -> None:
    text = f'[[runners]]\n[[runners.docker.services]]\nname = "docker:dind"\n{settings}\n'
    [service] = runner(tmp_path, text)["docker"]["services"]
    assert service == {"name": "docker:dind", "alias": None, "own_command": own}


# What may be told, by table; the rest of the schema may not.
TOLD = {
    "runner": {"name", "id", "url", "tls-ca-file", "executor", "builds_dir"},
    "runner.docker": {
        "image", "helper_image", "privileged", "services_privileged", "volumes", "security_opt", "runtime",
        "network_mode", "pull_policy", "host", "services_security_opt", "disable_cache",
        "allowed_images", "allowed_services", "allowed_privileged_images", "allowed_privileged_services",
    },
    "runner.docker.services": {"name", "alias"},
}  # fmt: skip


def marked(tables: dict[str, Any], table: str) -> dict[str, Any]:
    """A table with every key of the schema, each value a mark that says where it stands."""
    found: dict[str, Any] = {}
    for key, fact in tables[table].items():
        told = key in TOLD.get(table, set())
        mark = f"told-{table}-{key}" if told else f"SECRET-{table}-{key}"
        kind = fact["type"]
        if kind in ("table", "tables"):
            inner = marked(tables, fact["table"])
            found[key] = [inner] if kind == "tables" else inner
        elif kind.startswith("map"):
            found[key] = {mark: mark}
        elif kind.startswith("list") or kind == "string or list":
            found[key] = [mark, f"{mark}=1", f"A_{key}={mark}"]
        elif kind in ("int", "bool", "float") and told:
            found[key] = kind != "int" or 7
        else:
            found[key] = mark
    return found


def test_no_key_of_the_schema_gets_out_but_those_of_the_white_list(tmp_path: Path) -> None:
    tables = json.loads(DATA.read_text(encoding="utf-8"))["tables"]
    document = marked(tables, "global")
    text = tomlkit.dumps(document)
    assert text.count("SECRET-") > 600
    facts = read(tmp_path, text)
    assert facts["config_error"] is None
    found = str(facts)
    assert "SECRET" not in found
    expected = {f"told-{table}-{key}" for table, keys in TOLD.items() for key in keys}
    switches = ("privileged", "services_privileged", "disable_cache")
    expected -= {"told-runner-id", *(f"told-runner.docker-{key}" for key in switches)}
    assert sorted(mark for mark in expected if mark not in found) == []


def test_every_variable_but_those_of_docker_stays_where_it_is(tmp_path: Path) -> None:
    names = ["CI_TOKEN", "DOCKER_AUTH_CONFIG", "docker_host", "DOCKER_HOST_KEY", "HTTP_PROXY", " DOCKER_HOST"]
    text = "[[runners]]\nenvironment = [" + ", ".join(f'"{name}=hidden"' for name in names) + "]\n"
    found = runner(tmp_path, text)
    assert found["environment"] == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b'a = 1\ntoken "glrt-hidden"\n', "is not TOML from line 2, column 7 on", id="no TOML"),
        pytest.param(b'a = 1\nb = "\xff glrt-hidden"\n', "is not in UTF-8 (line 2)", id="another encoding"),
        pytest.param(b'runners = "glrt-hidden"', "`runners` is no array of tables", id="text for runners"),
        pytest.param(
            b'[runners]\ntoken = "glrt-hidden"', "`runners` is no array of tables", id="one table for runners"
        ),
        pytest.param(b"#" * (4 << 20) + b"glrt-hidden", "is larger than 4 MiB", id="no end"),
    ],
)
def test_a_configuration_that_cannot_be_read(tmp_path: Path, content: bytes, said: str) -> None:
    facts = read(tmp_path, content)
    assert facts["config_error"].startswith(NAMED)
    assert said in facts["config_error"]
    assert "glrt" not in facts["config_error"]
    assert (facts["runners"], facts["concurrent"]) == ([], None)


def test_a_pipe_in_place_of_the_configuration_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / CONFIG).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / CONFIG)
    assert "is no regular file" in facts_runner.configuration(str(tmp_path))["config_error"]


def test_no_configuration_is_no_error(tmp_path: Path) -> None:
    assert facts_runner.configuration(str(tmp_path)) == {
        "config_path": None, "config_error": None, "concurrent": None, "runners": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="an empty file"),
        pytest.param("\ufeff", id="a byte order mark alone"),
        pytest.param("concurrent = true\n[session_server]\n", id="no runner"),
    ],
)
def test_a_configuration_without_runners(tmp_path: Path, content: str) -> None:
    facts = read(tmp_path, content)
    assert (facts["config_error"], facts["runners"], facts["concurrent"]) == (None, [], None)


def test_wrong_types_are_nothing(tmp_path: Path) -> None:
    found = runner(
        tmp_path,
        "[[runners]]\nname = 1\nid = true\nenvironment = [1, 'DOCKER_HOST']\nexecutor = 'docker'\n[runners.docker]\n"
        "image = []\nvolumes = [1, '/cache']\nprivileged = 'yes'\nservices = 'docker:dind'\npull_policy = 1\n",
    )
    assert (found["name"], found["id"], found["environment"], found["mode"]) == (None, None, {}, "custom")
    docker = found["docker"]
    assert (docker["image"], docker["volumes"], docker["privileged"]) == (None, ["/cache"], False)
    assert (docker["services"], docker["pull_policy"]) == ([], [])


def test_the_reader_of_old_pythons_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(tmp_path, FULL)
    monkeypatch.setattr(toml_reader, "_standard", None)
    assert read(tmp_path, FULL) == expected


SOCKET = "volumes = ['/builds:/builds', '/cache', '/var/run/docker.sock:/var/run/docker.sock']"
CERTS = "volumes = ['/certs/client', '/cache']"
SERVICE = "[[runners.docker.services]]\nname = 'docker:28.5.2-dind'"
INSECURE = "environment = ['DOCKER_HOST=tcp://docker:2375', 'DOCKER_TLS_CERTDIR=']"


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        pytest.param("executor = 'shell'", "shell", id="the shell"),
        pytest.param("executor = 'docker'", "custom", id="containers of which nothing is said"),
        pytest.param(f"executor = 'docker'\n[runners.docker]\n{SOCKET}", "socket", id="the engine's socket"),
        pytest.param(
            "executor = 'docker'\n[runners.docker]\nvolumes = ['/run/docker.sock:/var/run/docker.sock:ro']", "socket",
            id="the socket at its other place",
        ),
        pytest.param(f"executor = 'kubernetes'\n[runners.docker]\n{SOCKET}", "custom", id="settings that do not count"),
        pytest.param(
            f"executor = 'docker'\n[runners.docker]\nprivileged = true\n{CERTS}", "dind", id="as GitLab documents it"
        ),
        pytest.param(
            f"executor = 'docker'\n[runners.docker]\nservices_privileged = true\n{CERTS}", "dind",
            id="privileged services alone",
        ),
        pytest.param(
            f"executor = 'docker'\n[runners.docker]\nprivileged = true\n{SERVICE}", "dind", id="a service of the runner"
        ),
        pytest.param(
            f"executor = 'docker'\n{INSECURE}\n[runners.docker]\nprivileged = true\n{SERVICE}", "dind_insecure",
            id="a service without certificates",
        ),
        pytest.param(
            "executor = 'docker'\nenvironment = ['DOCKER_HOST=tcp://docker:2375/']\n"
            "[runners.docker]\nprivileged = true", "dind_insecure", id="the plain port alone",
        ),
        pytest.param(
            "executor = 'docker'\n[runners.docker]\nprivileged = true\n"
            "[[runners.docker.services]]\nname = 'registry.example/ci/engine:1'\nalias = 'one, docker'", "dind",
            id="a service of another name, where jobs look for the daemon",
        ),
        pytest.param("executor = 'docker'\n[runners.docker]\nprivileged = true", "custom", id="privileged alone"),
        pytest.param(f"executor = 'docker'\n[runners.docker]\n{CERTS}", "custom", id="certificates alone"),
        pytest.param(
            f"executor = 'docker'\n[runners.docker]\nprivileged = true\n{SOCKET}\n{SERVICE}", "socket",
            id="both, of which the socket is what jobs meet",
        ),
    ],
)  # fmt: skip
def test_the_mode_is_told_by_the_settings(tmp_path: Path, settings: str, mode: str) -> None:
    assert runner(tmp_path, f"[[runners]]\n{settings}\n")["mode"] == mode


def test_what_the_runner_has_beside_its_configuration(tmp_path: Path) -> None:
    config = """
[[runners]]
  executor = "docker"
  [runners.docker]
    volumes = ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"]
[[runners]]
  executor = "docker"
  builds_dir = "/elsewhere"
  [runners.docker]
    volumes = ["/elsewhere:/elsewhere"]
"""
    read(tmp_path, config)
    certs = tmp_path / "etc/gitlab-runner/certs"
    certs.mkdir()
    (certs / "gitlab.example.com.crt").write_text("PEM")
    (certs / "gitlab.example.com.auth.key").write_text("hidden")
    os.mkfifo(str(certs / "pipe.crt"))
    (tmp_path / "builds").mkdir()
    facts = facts_runner.runner_facts("/usr/bin/gitlab-runner", "18.2.0", None, {}, str(tmp_path))
    assert facts is not None
    assert facts["builds_folders"] == ["/builds"]
    assert facts["certificates"] == {"gitlab.example.com.crt": hashlib.sha256(b"PEM").hexdigest()}
    assert facts["registry_auth"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '{"version": 1, "users": {"root": {"auths": ["hidden"], "credHelpers": [], "made": []}}, '
            '"runners": ["b", "a"]}', {"users": ["root"], "runners": ["a", "b"]}, id="names and no more",
        ),
        pytest.param('{"version": 1, "users": {}, "runners": []}', None, id="nobody"),
        pytest.param("{hidden", None, id="a record that cannot be read"),
    ],
)  # fmt: skip
def test_who_has_logins_to_registries(tmp_path: Path, text: str, expected: Any) -> None:
    record = tmp_path / "var/lib/runnerkit/registry-auth.json"
    record.parent.mkdir(parents=True)
    record.write_text(text)
    facts = facts_runner.runner_facts("/usr/bin/gitlab-runner", "18.2.0", None, {}, str(tmp_path))
    assert facts is not None
    assert facts["registry_auth"] == expected


@pytest.mark.parametrize(
    ("shown", "active", "enabled"),
    [
        pytest.param(
            "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n", "active", "enabled", id="a unit that runs"
        ),
        pytest.param(
            "LoadState=masked\nActiveState=inactive\nUnitFileState=masked\n", "inactive", "masked", id="a masked one"
        ),
        pytest.param(
            "LoadState=loaded\nActiveState=deactivating\nUnitFileState=\n", "deactivating", None, id="one that drains"
        ),
        pytest.param("LoadState=not-found\nActiveState=inactive\nUnitFileState=\n", None, None, id="no unit"),
        pytest.param(None, None, None, id="no systemd"),
    ],
)
def test_what_is_told_of_the_service(
    shown: str | None, active: str | None, enabled: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    monkeypatch.setattr(runner_hold, "PATH", str(hold))
    assert facts_runner.service_facts(shown) == {"active": active, "enabled": enabled, "held": None}
    hold.write_text('{"by": "drain", "since": "2026-11-22T17:40:00Z"}')
    held = {"by": "drain", "since": "2026-11-22T17:40:00Z"}
    assert facts_runner.service_facts(shown) == {"active": active, "enabled": enabled, "held": held}
