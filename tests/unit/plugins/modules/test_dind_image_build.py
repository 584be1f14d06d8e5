# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_build as build_side
from ansible_collections.runnerkit.gitlab.plugins.modules import dind_image, dind_image_build
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.dind_image_world import BASE, NAME, QuietJanitor, World

CA = Authority("Lab CA").pem


def run(capsys: pytest.CaptureFixture[str], check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """The answer as it goes over the connection."""
    given = {"name": NAME, "base": BASE, **params, "_ansible_check_mode": check_mode}
    with patch_module_args(given), pytest.raises(SystemExit):
        dind_image_build.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("check_mode", [True, False], ids=["in check mode", "for real"])
def test_an_image_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], check_mode: bool
) -> None:
    world = World(monkeypatch)
    auth = {"username": "ci", "password": "s3cret-word"}
    answer = run(capsys, check_mode, registries=[{"host": "a.example", "ca": CA}], auth=auth)
    told = answer["dind_image"]
    assert (answer["changed"], told["built"], told["pushed"]) == (True, True, True)
    assert (NAME in world.engine.images) is not check_mode
    assert "s3cret-word" not in str(answer)


def test_the_answer_has_what_is_documented(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    World(monkeypatch)
    told = run(capsys)["dind_image"]
    documented = yaml.safe_load(dind_image.RETURN)
    assert set(told) - {"changed", "diff"} == set(documented)
    assert set(told["versions"]) == set(documented["versions"]["contains"])


def test_trouble_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(build_side, "Janitor", QuietJanitor)
    answer = run(capsys, socket="/nowhere/docker.sock", timeout=1)
    assert answer["failed"] is True
    assert answer["msg"] == "/nowhere/docker.sock does not exist; start the engine, or name its socket"
    assert answer["dind_image"] == {}


def test_what_cannot_go_into_an_image_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, registries=[{"host": "a/b", "ca": CA}])
    assert answer["msg"].startswith("registries[0].host is 'a/b'; write the registry as images name it")
