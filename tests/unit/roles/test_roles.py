# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The variables of every role: what is documented, what is set and what is used are the same ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = {path.name: path for path in sorted((Path(__file__).parents[3] / "roles").iterdir())}
# What a role leaves behind for those who come after it.
RESULTS = {"readiness": {"readiness_host"}}
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "int": (int,), "float": (float, int), "list": (list,), "dict": (dict,),
    "path": (str,),
}  # fmt: skip


class Role:
    """What a role says of its variables, in each of the places."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = ROLES[name]
        self.pattern = re.compile(rf"(?<![\w.]){name}_\w+")
        self.text = (self.path / "defaults" / "main.yml").read_text()
        self.defaults: dict[str, Any] = yaml.safe_load(self.text)
        self.commented_out = set(re.findall(rf"^# ({name}_\w+):", self.text, re.MULTILINE))
        self.specs: dict[str, Any] = yaml.safe_load((self.path / "meta" / "argument_specs.yml").read_text())
        self.options: dict[str, dict[str, Any]] = self.specs["argument_specs"]["main"]["options"]

    def texts(self, *folders: str) -> dict[str, str]:
        """Files of the role, path to content."""
        paths = [path for folder in folders for path in sorted((self.path / folder).rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.path)): path.read_text() for path in paths}

    def used(self) -> dict[str, str]:
        """Variables in tasks, templates and vars, with a file that uses each."""
        texts = self.texts("tasks", "templates", "vars").items()
        return {name: path for path, text in texts for name in self.pattern.findall(text)}


@pytest.fixture(name="role", params=sorted(ROLES))
def _role(request: pytest.FixtureRequest) -> Role:
    return Role(request.param)


def test_every_input_stands_in_the_defaults_and_in_the_argument_specs(role: Role) -> None:
    assert {*role.defaults, *role.commented_out} == set(role.options)


def test_every_entry_point_takes_the_same(role: Role) -> None:
    assert all(entry["options"] == role.options for entry in role.specs["argument_specs"].values())


def test_an_input_that_is_commented_out_has_no_default_anywhere(role: Role) -> None:
    assert not role.commented_out & set(role.defaults)
    assert {name for name, option in role.options.items() if "default" not in option} == role.commented_out


def test_both_name_the_same_default_and_it_is_of_its_type(role: Role) -> None:
    for name, default in role.defaults.items():
        option = role.options[name]
        assert option["default"] == default, name
        assert type(default) in TYPES[option["type"]], name
        for value in default if isinstance(default, list) else [default]:
            assert value in option.get("choices", [value]), name


def test_every_input_is_described_typed_and_named_after_the_role(role: Role) -> None:
    for name, option in role.options.items():
        assert name.startswith(f"{role.name}_")
        assert option["type"] in TYPES, name
        assert option["description"], name
        assert ("elements" in option) is (option["type"] == "list"), name


def test_every_input_is_used(role: Role) -> None:
    assert set(role.options) <= set(role.used())


def test_nothing_is_used_that_is_no_input(role: Role) -> None:
    known = {*role.options, *RESULTS.get(role.name, set())}
    assert {name: path for name, path in role.used().items() if name not in known} == {}


def test_every_input_has_a_comment_above_it(role: Role) -> None:
    bare = []
    previous = ""
    for line in role.text.splitlines():
        match = re.match(rf"(?:# )?({role.name}_\w+):", line)
        # Inputs that belong together share a comment.
        if match and not (previous.startswith(("#", " ")) or role.pattern.match(previous)):
            bare.append(match[1])
        previous = line
    assert bare == []


def test_what_the_role_keeps_to_itself_begins_with_underscores(role: Role) -> None:
    for path, text in role.texts("vars").items():
        assert all(name.startswith(f"__{role.name}_") for name in yaml.safe_load(text)), path
