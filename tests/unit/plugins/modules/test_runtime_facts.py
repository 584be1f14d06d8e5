# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance, profile_record, runner_hold
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_runtime import gather
from ansible_collections.runnerkit.gitlab.plugins.modules import runtime_facts
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.registry_world import Host

CA = Authority("Lab CA")
BUILDER = CA.issue(["builder"], client=True)

VERSION = {"Version": "28.5.2", "ApiVersion": "1.51", "MinAPIVersion": "1.24"}
INFO = {"Driver": "overlay2", "SecurityOptions": ["name=seccomp,profile=builtin"]}


def run(capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    """The module's answer on standard output."""
    with patch_module_args(args), pytest.raises(SystemExit):
        runtime_facts.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("check_mode", [False, True], ids=["in a normal run", "in check mode"])
def test_the_facts_come_under_one_key_and_nothing_changes(capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    with fake_engine({"/version": answer(VERSION), "/info": answer(INFO)}) as fake:
        result = run(capsys, socket=fake.path, _ansible_check_mode=check_mode)
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == ["runnerkit"]
    docker = result["ansible_facts"]["runnerkit"]["docker"]
    assert (docker["running"], docker["server_version"], docker["seccomp_profile"]) == (True, "28.5.2", "builtin")


def test_an_absent_socket_does_not_fail_the_task(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, socket=str(tmp_path / "docker.sock"))
    assert "failed" not in result
    assert result["ansible_facts"]["runnerkit"]["docker"]["running"] is False


@pytest.mark.parametrize(
    ("timeout", "shown"),
    [
        pytest.param(0, "0", id="no time at all"),
        pytest.param(-1, "-1", id="less than none"),
        pytest.param(61, "61", id="more than a minute"),
        pytest.param("nan", "nan", id="no number"),
        pytest.param("inf", "inf", id="for ever"),
    ],
)
def test_a_bad_timeout_gets_its_message(capsys: pytest.CaptureFixture[str], timeout: Any, shown: str) -> None:
    result = run(capsys, timeout=timeout)
    assert result["failed"] is True
    assert result["msg"] == f"timeout is {shown}; give seconds above 0 and up to 60"


def _documented(contains: dict[str, Any], prefix: str = "") -> set[str]:
    paths: set[str] = set()
    for key, value in contains.items():
        paths.add(prefix + key)
        paths |= _documented(value.get("contains", {}), f"{prefix}{key}.")
    return paths


def _returned(value: Any, prefix: str = "") -> set[str]:
    paths: set[str] = set()
    for each in value if isinstance(value, list) else ():
        paths |= _returned(each, prefix)
    for key, item in value.items() if isinstance(value, dict) else ():
        paths.add(prefix + key)
        # Keys of these are data, not structure.
        if key not in ("syscalls", "daemon_config", "environment"):
            paths |= _returned(item, f"{prefix}{key}.")
    return paths


def test_everything_returned_is_documented_and_the_other_way_round(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A host that has everything, so that no key hides behind a null.
    for name in ("docker", "dockerd", "containerd", "runc", "podman", "gitlab-runner"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    status = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
    names = ("docker-ce", "containerd.io", "libseccomp2", "gitlab-runner")
    (tmp_path / "var/lib/dpkg/status").write_text("\n".join(status.format(name) for name in names))

    (tmp_path / "etc/gitlab-runner").mkdir(parents=True)
    runner = "[[runners]]\n[runners.docker]\n[[runners.docker.services]]\nname = 'docker:28.5.2-dind'\n"
    (tmp_path / "etc/gitlab-runner/config.toml").write_text(runner)

    record = profile_record.Record("20.10.5", None, "5.10.0", "/etc/docker/profile.json", {})
    (tmp_path / "var/lib/runnerkit").mkdir(parents=True)
    profile_record.write(record, str(tmp_path) + profile_record.PATH)

    runner_mark = {"id": 5, "name": "build", "url": "https://gitlab.example.com"}
    mark = maintenance.merged(None, {"by": "drain", "reason": "", "paused": [runner_mark], "before": {}})
    maintenance.write(mark, str(tmp_path) + maintenance.PATH)
    monkeypatch.setattr(runner_hold, "PATH", str(tmp_path / "hold"))
    runner_hold.write(runner_hold.new("drain"))

    registries = Host(tmp_path)
    registries.trust("registry.example", CA.pem, BUILDER.cert_pem, BUILDER.key_pem)
    registries.trust("other.example", CA.der)

    def everything(socket: str, timeout: float) -> dict[str, Any]:
        facts = gather(socket, timeout, root=str(tmp_path), search_path=str(tmp_path))
        facts["libseccomp"] = facts["libseccomp"] or {"version": "", "path": "", "faccessat2": 0, "syscalls": {}}
        facts["libseccomp"]["package"] = facts["containerd"]["package"]
        return facts

    monkeypatch.setattr(runtime_facts, "gather", everything)
    result = run(capsys, socket=str(tmp_path / "docker.sock"))
    documented = _documented(yaml.safe_load(runtime_facts.RETURN)["ansible_facts"]["contains"])
    # `source` is written once, where all packages are, and belongs to the engine's alone.
    elsewhere = {path for path in documented if path.endswith(".package.source") and ".docker." not in path}
    assert _returned(result["ansible_facts"]) == documented - elsewhere


def test_the_options_are_those_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class StopHere(Exception):  # noqa: N818 - it is no error
        pass

    def record(**kwargs: Any) -> None:
        seen.update(kwargs)
        raise StopHere

    monkeypatch.setattr(runtime_facts, "AnsibleModule", record)
    with pytest.raises(StopHere):
        runtime_facts.main()
    options = yaml.safe_load(runtime_facts.DOCUMENTATION)["options"]
    plain = {name: {key: option[key] for key in ("type", "default")} for name, option in options.items()}
    assert plain == seen["argument_spec"]
    assert seen["supports_check_mode"] is True


def test_the_examples_are_tasks_of_this_collection() -> None:
    tasks = yaml.safe_load(runtime_facts.EXAMPLES)
    assert any("runnerkit.gitlab.runtime_facts" in task for task in tasks)
    assert all(task["name"][0].isupper() for task in tasks)
