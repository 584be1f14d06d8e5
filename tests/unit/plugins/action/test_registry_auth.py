# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The action and its half on the host, on real files, and what is seen of them on the way."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.action.registry_auth import SPEC, ActionModule
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_record as records
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_store as store
from ansible_collections.runnerkit.gitlab.plugins.modules import registry_auth, registry_auth_file
from tests.unit.plugins.plugin_utils.runner_file_world import Connection

SECRET = "geheim-4711"
AUTH = base64.b64encode(f"runner:{SECRET}".encode()).decode()
LOGIN = {"registry": "Registry.Example:5000", "username": "runner", "password": SECRET}


class World:
    """A host with user `one`, whose home is a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = folder / "home/.docker/config.json"
        self.record = folder / "lib/registry-auth.json"
        self.capsys = capsys
        self.connection = Connection(pipelining=False)
        self.calls: list[dict[str, Any]] = []
        self.answers: Any = lambda answer: answer
        self.path.parent.parent.mkdir()
        account = store.Account("one", os.geteuid(), os.getegid(), str(folder / "home"))
        monkeypatch.setattr(store, "account_of", {"one": account}.get)
        monkeypatch.setattr(records, "PATH", str(self.record))

    def run(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        task = SimpleNamespace(args=options, check_mode=check_mode, async_val=0, action="registry_auth")
        action: Any = ActionModule(task, self.connection, SimpleNamespace(no_log=False), None, None, None)  # type: ignore[arg-type]
        action._execute_module = lambda **call: self.answers(self._execute(check_mode, **call))
        result: dict[str, Any] = action.run(task_vars={})
        for form in (SECRET, AUTH):
            assert form not in json.dumps(result)
        return result

    def _execute(self, check_mode: bool, module_name: str, module_args: dict[str, Any], task_vars: Any) -> Any:
        assert module_name == "runnerkit.gitlab.registry_auth_file"
        assert self.connection._play_context.no_log
        assert not any(getattr(constants, name) for name in ("DEFAULT_DEBUG", "DEFAULT_KEEP_REMOTE_FILES"))
        self.calls.append(module_args)
        arguments = {**module_args, "_ansible_check_mode": check_mode}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            registry_auth_file.main()
        text = self.capsys.readouterr().out
        answer = json.loads(text)
        # What the module itself says has no password, but for the arguments that are repeated, masked.
        for form in (SECRET, AUTH):
            assert form not in text
        return answer


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    """A host with a user who never logged in."""
    return World(tmp_path, monkeypatch, capsys)


def test_logins_come_stay_and_go(world: World) -> None:
    wanted: dict[str, Any] = {"logins": [LOGIN], "users": ["one"], "runners": ["build"]}
    result = world.run(**wanted)
    assert (result["changed"], result["files"]) == (True, [str(world.path)])
    assert result["diff"][0]["after"] == "registry.example:5000: (a login)\n"
    assert json.loads(world.path.read_text()) == {"auths": {"registry.example:5000": {"auth": AUTH}}}
    again = world.run(**wanted)
    assert (again["changed"], again["files"], again["diff"]) == (False, [], [])
    gone = world.run()
    assert (gone["changed"], gone["diff"][0]["after"]) == (True, "")
    assert not world.path.exists()
    assert not world.record.exists()
    assert world.run()["changed"] is False


@pytest.mark.parametrize("runners", [[], ["build"]])
def test_check_mode_says_what_would_change_and_changes_nothing(world: World, runners: list[str]) -> None:
    result = world.run(check_mode=True, logins=[LOGIN], users=["one"], runners=runners)
    assert (result["changed"], len(result["diff"])) == (True, 1)
    assert not world.path.exists()
    assert not world.record.exists()
    assert world.run(check_mode=True, logins=[], runners=runners)["changed"] is bool(runners)


def test_check_mode_goes_on_without_a_user_whom_the_run_brings(world: World) -> None:
    wanted: dict[str, Any] = {"logins": [LOGIN], "users": ["one", "gitlab-runner"]}
    result = world.run(check_mode=True, **wanted)
    assert (result["changed"], result["files"]) == (True, [str(world.path)])
    assert result["warnings"] == store.missing_users(["gitlab-runner"])
    assert "names 'gitlab-runner', and there is no such user on this host; correct" in world.run(**wanted)["msg"]


def test_passwords_do_not_travel_where_nobody_gets_them(world: World) -> None:
    world.run(logins=[LOGIN], users=[], runners=["build"])
    assert world.calls[0]["auths"] == {}
    assert json.loads(world.record.read_text())["runners"] == ["build"]


def test_a_helper_that_is_missing_is_a_warning(world: World) -> None:
    result = world.run(logins=[{"registry": "ecr.example", "helper": "not-to-be-found"}], users=["one"])
    assert result["warnings"] == store.missing_programs({"ecr.example": "not-to-be-found"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"logins": [{**LOGIN, "username": None}]}, "logins[0]: username is missing"),
        ({"logins": {"password": SECRET}}, "logins is a dictionary, where a list is wanted"),
        ({"logins": SECRET}, "logins is a text, where a list is wanted"),
        ({"lgoins": []}, "lgoins. Supported parameters include"),
    ],
    ids=["half a login", "a dictionary", "a text", "an unknown option"],
)
def test_what_is_wrong_is_said_before_the_host_is_asked(world: World, options: dict[str, Any], words: str) -> None:
    result = world.run(**options)
    assert (result["failed"], result["changed"], world.calls) == (True, False, [])
    assert words in result["msg"]


def test_what_the_host_says_is_told(world: World) -> None:
    result = world.run(logins=[LOGIN], users=["nobody"])
    assert (result["failed"], result["changed"]) == (True, False)
    assert "names 'nobody', and there is no such user on this host" in result["msg"]
    world.record.parent.mkdir()
    world.record.write_text("{")
    assert "cannot be read as a record of this role" in world.run(logins=[LOGIN], users=["one"])["msg"]


def test_no_answer_is_told_without_what_was_on_its_way(world: World) -> None:
    world.answers = lambda answer: {"failed": True, "module_stdout": AUTH, "module_stderr": "sudo: no\n", "rc": 1}
    assert world.run(logins=[LOGIN], users=["one"])["msg"] == "cannot write logins to registries: sudo: no"


def test_the_documentation_has_the_options_that_there_are() -> None:
    documented = yaml.safe_load(registry_auth.DOCUMENTATION)["options"]
    assert set(documented) == set(SPEC)
    for name, spec in SPEC.items():
        assert documented[name].get("default") == spec.get("default"), name
    on_the_host = yaml.safe_load(registry_auth_file.DOCUMENTATION)["options"]
    assert set(on_the_host) == set(registry_auth_file.ARGUMENTS)
