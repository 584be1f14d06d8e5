# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.files.gitlab_runner import logins


def config(**registries: str) -> str:
    """A config.json with a password for each registry's user `ci`."""
    auths = {
        name.replace("_", "."): {"auth": base64.b64encode(f"ci:{password}".encode()).decode()}
        for name, password in registries.items()
    }
    return json.dumps({"auths": auths})


def password_of(found: dict[str, str]) -> Any:
    return json.loads(base64.urlsafe_b64decode(found["X-Registry-Auth"]))["password"] if found else None


CASES = {
    "the variable's login": (config(a_example="one"), "", "a.example/x:1", "one"),
    "the file's, where the variable has none": (config(b_example="two"), config(a_example="one"), "a.example/x", "one"),
    "the variable wins": (config(a_example="one"), config(a_example="two"), "a.example/group/x:1", "one"),
    "none for another registry": (config(a_example="one"), "", "b.example/x:1", None),
    "none for an image of Docker Hub": (config(a_example="one"), "", "ruby:3.3", None),
    "Docker Hub by its name": (config(docker_io="hub"), "", "library/ruby:3.3", "hub"),
    "a variable that is no JSON": ("{", config(a_example="one"), "a.example/x", "one"),
}


@pytest.mark.parametrize(("variable", "file", "image", "password"), CASES.values(), ids=CASES)
def test_the_engine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, file: str, image: str, password: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if file:
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(file)
    assert password_of(logins.header(image, {"DOCKER_AUTH_CONFIG": variable})) == password
