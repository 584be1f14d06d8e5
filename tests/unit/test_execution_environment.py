# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is said to those who build an image for the controller is what pyproject.toml and requirements say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]


def lines(path: Path) -> list[str]:
    """Without comments."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def pinned(name: str) -> set[str]:
    """Packages of a compiled file, each with its version."""
    return set(re.findall(r"^(\S+==\S+)", (CHECKOUT / "requirements" / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_collection_asks_for_the_libraries_that_the_project_asks_for() -> None:
    asked = yaml.safe_load((CHECKOUT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    python = CHECKOUT / asked["dependencies"]["python"]
    assert lines(python) == sorted(each for each in project if not each.startswith("ansible-core"))
    assert lines(CHECKOUT / asked["dependencies"]["system"])


def test_the_image_has_what_is_tested_and_ansible_runner() -> None:
    assert pinned("runtime.txt") <= pinned("ee.txt")
    assert any(each.startswith("ansible-runner==") for each in pinned("ee.txt"))
