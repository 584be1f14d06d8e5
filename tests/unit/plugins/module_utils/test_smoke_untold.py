# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import smoke_untold
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import read_plan

MIRROR = "--registry-mirror=https://mirror.example"
CONFIG = f"""
[[runners]]
  name = "one"
  environment = ["A=b", 'DOCKER_AUTH_CONFIG=%s']
  [runners.docker]
    [[runners.docker.services]]
      name = "docker:28.5.2-dind"
      alias = "docker"
      command = ["{MIRROR}", "--label=secret"]
[[runners]]
  name = "twin"
[[runners]]
  name = "twin"
"""
FACTS = {
    "name": "one",
    "mode": "dind",
    "docker": {"image": "docker:28.5.2-cli", "services": [{"name": "docker:28.5.2-dind", "alias": "docker"}]},
}


def auths(**given: str) -> str:
    """A config.json; names and passwords by registry."""
    return json.dumps(
        {
            "auths": {
                name.replace("_", "."): {"auth": base64.b64encode(text.encode()).decode()}
                for name, text in given.items()
            }
        }
    )


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG % auths(r_example="runner:pass:word", both_example="runner:env"))
    return str(path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(smoke_untold, "account_of", lambda _: SimpleNamespace(path=str(tmp_path / "config.json")))
    return tmp_path / "config.json"


def test_a_service_gets_the_mirrors_that_it_has_and_nothing_else(config: str) -> None:
    plan = read_plan(smoke_untold.completed(FACTS, smoke_untold.entry("one", config)))
    assert plan.services[0].command == (MIRROR,)


@pytest.mark.parametrize(
    "name", [pytest.param("twin", id="two of that name"), pytest.param("other", id="none of that name")]
)
def test_nobody_is_guessed(config: str, name: str) -> None:
    assert smoke_untold.entry(name, config) == {}
    assert smoke_untold.completed(FACTS, {}) == FACTS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param(b"[[runners", id="no TOML"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"runners = 1", id="another shape"),
    ],
)
def test_a_configuration_that_cannot_be_read_tells_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    assert smoke_untold.entry("one", str(path)) == {}


def test_logins_are_the_runners_before_those_of_its_user(config: str, home: Path) -> None:
    hub = {"https://index.docker.io/v1/": {"auth": base64.b64encode(b"me:hub").decode()}}
    document = json.loads(auths(both_example="root:file", file_example="root:file"))
    home.write_text(json.dumps({"auths": {**document["auths"], **hub}}))
    assert smoke_untold.logins(smoke_untold.entry("one", config)) == {
        "r.example": ("runner", "pass:word"),
        "both.example": ("runner", "env"),
        "file.example": ("root", "file"),
        "docker.io": ("me", "hub"),
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{broken", id="no JSON"),
        pytest.param('{"auths": {"r": {}, "s": {"auth": "%"}, "t": {"auth": "bm8="}, "u": null}}', id="no logins"),
        pytest.param("[]", id="another shape"),
        pytest.param(None, id="no file"),
    ],
)
def test_what_is_no_login_is_none(home: Path, document: Any) -> None:
    if document is not None:
        home.write_text(document)
    assert smoke_untold.logins({"environment": [f"DOCKER_AUTH_CONFIG={document}", 1]}) == {}
