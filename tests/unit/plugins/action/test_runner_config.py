# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.runnerkit.gitlab.plugins.action.runner_config import SPEC, ActionModule
from ansible_collections.runnerkit.gitlab.plugins.modules import runner_config
from tests.unit.plugins.plugin_utils.runner_file_world import World

TOKEN = "glrt-abcdefghijklmnopqrst"
TEXT = f"""concurrent = 1
check_interval = 0

[[runners]]
  name = "one"
  url = "https://gitlab.example/"
  id = 7
  token = "{TOKEN}" # never touch
  executor = "docker"
  environment = ["NAME=value"]
  [runners.docker]
    image = "alpine:3.20"

[[runners]]
  name = "two"
  url = "https://gitlab.example/"
  token = "{TOKEN}2"
  executor = "shell"
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host with two runners."""
    made = World(tmp_path, monkeypatch)
    made.holds(TEXT)
    return made


def run(world: World, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    action = world.action(ActionModule, {"path": str(world.path), **options}, check_mode)
    result: dict[str, Any] = action.run(task_vars={})
    assert TOKEN not in str(result)
    return result


def test_declared_keys_are_set_and_the_rest_stays(world: World) -> None:
    result = run(world, config={"concurrent": 4}, runners=[{"name": "one", "limit": 2, "docker": {"privileged": True}}])
    assert (result["changed"], result["restart_needed"], result["backup_file"]) == (True, [], None)
    assert [line for line in world.text.splitlines() if line not in TEXT.splitlines()] == [
        "concurrent = 4", "  limit = 2", "    privileged = true",
    ]  # fmt: skip
    assert "# never touch" in world.text
    assert run(world, config={"concurrent": 4}, runners=[{"name": "one", "limit": 2}])["changed"] is False


def test_null_removes_a_key_and_absent_a_runner(world: World) -> None:
    run(world, config={"check_interval": None}, runners=[{"name": "two", "state": "absent"}])
    assert "check_interval" not in world.text
    assert 'name = "two"' not in world.text
    assert 'name = "one"' in world.text


@pytest.mark.parametrize("exclusive", [True, False])
def test_runners_that_are_not_declared(world: World, exclusive: bool) -> None:
    assert run(world, runners=[{"name": "one"}], exclusive=exclusive)["changed"] == exclusive
    assert ('name = "two"' in world.text) != exclusive


def test_a_backup(world: World) -> None:
    result = run(world, config={"concurrent": 4}, backup="yes")
    assert Path(result["backup_file"]).read_text() == TEXT


def test_check_mode(world: World) -> None:
    result = run(world, check_mode=True, config={"concurrent": 4})
    assert (result["changed"], world.text) == (True, TEXT)
    assert "********" in result["diff"][0]["after"]


@pytest.mark.parametrize("check_mode", [True, False], ids=["in check mode it is a warning", "it is an error"])
def test_a_runner_that_is_not_registered(world: World, check_mode: bool) -> None:
    result = run(world, check_mode, runners=[{"name": "new", "executor": "shell"}])
    words = f"runners new are not in {world.path} with a token; register them with runnerkit.gitlab.runner_registration"
    if check_mode:
        assert (result["warnings"], result["changed"]) == ([words], True)
    else:
        assert (result["failed"], result["msg"]) == (True, words + ", nothing was written")
    assert world.text == TEXT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"config": {"concurent": 4}}, "concurent"),
        ({"runners": [{"name": "one", "docker": {"volumes": "/cache"}}]}, "docker.volumes"),
        ({"config": [TOKEN]}, "config has to be a dictionary, it is a list"),
        ({"runners": TOKEN}, "runners has to be a list, it is a text"),
        ({"runners": [{"name": "one", "token": TOKEN}]}, "token"),
        ({"exclusive": "perhaps"}, "exclusive"),
        ({"cofnig": {}}, "cofnig. Supported parameters include"),
    ],
    ids=[
        "an unknown key", "a wrong type", "a list as configuration", "a token as runners", "a token", "no boolean",
        "an unknown option",
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_the_host_is_asked(world: World, options: dict[str, Any], words: str) -> None:
    result = run(world, **options)
    assert (result["failed"], result["changed"], world.calls) == (True, False, [])
    assert words in result["msg"]


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    result = run(world, config={"concurent": 4, "log_level": 5})
    assert "concurent" in result["msg"]
    assert "log_level" in result["msg"]


def test_a_key_that_the_installed_runner_does_not_know_yet(world: World) -> None:
    new: dict[str, Any] = {"config": {"labels": {"team": "build"}}}
    assert "failed" not in run(world, check_mode=True, **new)
    assert run(world, version="13.0.0", **new)["failed"] is True


def test_unknown_keys_for_the_future(world: World) -> None:
    assert run(world, config={"from_the_future": 1}, allow_unknown_keys=True)["changed"] is True


def test_what_the_host_says_is_told(world: World) -> None:
    world.holds("concurrent = = 1\n")
    result = run(world, config={"concurrent": 4})
    assert (result["failed"], world.calls) == (True, ["read"])
    assert result["msg"].endswith("nothing was written")


def test_the_documentation_has_the_options_that_there_are() -> None:
    documented = yaml.safe_load(runner_config.DOCUMENTATION)["options"]
    assert set(documented) == set(SPEC)
    for name, spec in SPEC.items():
        if spec["type"] != "raw":
            assert documented[name].get("default") == spec.get("default"), name
