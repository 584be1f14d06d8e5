# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The role's variables: what is documented, what is set and what is used are the same ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles" / "docker_engine"
NAME = re.compile(r"(?<![\w.])docker_engine_\w+")
DEFAULTS_TEXT = (ROLE / "defaults" / "main.yml").read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load(DEFAULTS_TEXT)
COMMENTED_OUT = set(re.findall(r"^# (docker_engine_\w+):", DEFAULTS_TEXT, re.MULTILINE))
SPECS: dict[str, Any] = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
OPTIONS: dict[str, dict[str, Any]] = SPECS["options"]
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "int": (int,), "list": (list,), "dict": (dict,), "path": (str,),
}  # fmt: skip


def texts(*folders: str) -> dict[str, str]:
    """Files of the role, path to content."""
    paths = [path for folder in folders for path in sorted((ROLE / folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(ROLE)): path.read_text() for path in paths}


def test_every_input_stands_in_the_defaults_and_in_the_argument_specs() -> None:
    assert {*DEFAULTS, *COMMENTED_OUT} == set(OPTIONS)


def test_an_input_that_is_commented_out_has_no_default_anywhere() -> None:
    assert not COMMENTED_OUT & set(DEFAULTS)
    assert {name for name, option in OPTIONS.items() if "default" not in option} == COMMENTED_OUT


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_both_name_the_same_default_and_it_is_of_its_type(name: str) -> None:
    option = OPTIONS[name]
    assert option["default"] == DEFAULTS[name]
    assert type(option["default"]) in TYPES[option["type"]]
    assert DEFAULTS[name] in option.get("choices", [DEFAULTS[name]])


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_input_is_described_typed_and_named_after_the_role(name: str) -> None:
    option = OPTIONS[name]
    assert name.startswith("docker_engine_")
    assert option["type"] in TYPES
    assert option["description"]
    assert ("elements" in option) is (option["type"] == "list")


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_input_is_used(name: str) -> None:
    assert any(name in NAME.findall(text) for text in texts("tasks", "vars").values())


def test_nothing_is_used_that_is_no_input() -> None:
    used = {
        name: path
        for path, text in texts("tasks", "vars").items()
        for name in NAME.findall(text)
        if name not in OPTIONS
    }
    assert used == {}


def test_every_input_has_a_comment_above_it() -> None:
    bare = []
    previous = ""
    for line in DEFAULTS_TEXT.splitlines():
        match = re.match(r"(?:# )?(docker_engine_\w+):", line)
        # Inputs that belong together share a comment.
        if match and not (previous.startswith(("#", " ")) or NAME.match(previous)):
            bare.append(match[1])
        previous = line
    assert bare == []


def test_what_the_role_keeps_to_itself_begins_with_underscores() -> None:
    for path, text in texts("vars").items():
        assert all(name.startswith("__docker_engine_") for name in yaml.safe_load(text)), path


def test_every_distribution_has_the_same_variables_and_the_same_parts() -> None:
    files = {path: yaml.safe_load(text) for path, text in texts("vars").items() if path != "vars/main.yml"}
    assert len(files) > 1
    for variables in files.values():
        assert set(variables) == set(next(iter(files.values())))
        for parts in variables["__docker_engine_packages"].values():
            assert set(parts) == {"engine", "client", "runtime", "optional", "replaces", "rivals"}


def test_a_source_replaces_the_engines_of_the_others_and_nothing_of_its_own() -> None:
    for path, text in texts("vars").items():
        packages = yaml.safe_load(text).get("__docker_engine_packages", {})
        for source, parts in packages.items():
            own = {parts["engine"], parts["client"], *parts["runtime"], *parts["optional"]}
            assert not own & set(parts["replaces"]), (path, source)
            others = {other["engine"] for name, other in packages.items() if name != source}
            assert others <= set(parts["replaces"]), (path, source)
