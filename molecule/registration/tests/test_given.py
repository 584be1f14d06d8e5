"""Runners whose token somebody made elsewhere, and those of the old way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.registering import given, register, with_runners
from tests.support.runners import config_text, names, runner


@pytest.fixture(name="made")
def _made(gitlab: LabGitLab) -> dict[str, Any]:
    """As a user makes a runner in the web interface."""
    answer = gitlab.api("POST", "/user/runners", {"runner_type": "project_type", "project_id": 11, "tag_list": "given"})
    return dict(answer)


@pytest.fixture(autouse=True)
def _as_before(host: Host) -> Iterator[None]:
    yield
    assert register(host, {"gitlab_runner_exclusive": True}).code == 0


def test_a_given_token_is_verified_and_written(host: Host, made: dict[str, Any]) -> None:
    wanted = with_runners(given("given", token=made["token"]))
    first = register(host, wanted)
    assert first.code == 0, first.output
    entry = runner(host, "given")
    assert (entry["token"], entry["id"]) == (made["token"], made["id"])
    assert register(host, wanted).changed == []


def test_another_token_takes_its_place(host: Host, gitlab: LabGitLab, made: dict[str, Any]) -> None:
    assert register(host, with_runners(given("given", token=made["token"]))).code == 0
    other = gitlab.api("POST", "/user/runners", {"runner_type": "project_type", "project_id": 11})
    changed = register(host, with_runners(given("given", token=other["token"])))
    assert changed.code == 0, changed.output
    assert (runner(host, "given")["token"], runner(host, "given")["id"]) == (other["token"], other["id"])


def test_a_token_that_gitlab_does_not_know_is_not_written(host: Host) -> None:
    before = config_text(host)
    refused = register(host, with_runners({"name": "given", "mode": "shell", "token": "glrt-nobodyknowsthisone00"}))
    assert refused.code != 0
    assert "given" in refused.failures[-1]
    assert "nobodyknowsthisone" not in refused.output
    assert config_text(host) == before


def test_one_that_the_runner_rotated_by_itself_is_kept(host: Host, gitlab: LabGitLab, made: dict[str, Any]) -> None:
    wanted = with_runners(given("given", token=made["token"]))
    assert register(host, wanted).code == 0
    number = made["id"]
    fresh = gitlab.api("POST", f"/runners/{number}/reset_authentication_token")["token"]
    host.check_output("sed -i s/%s/%s/ /etc/gitlab-runner/config.toml", made["token"], fresh)
    again = register(host, wanted)
    assert again.code == 0, again.output
    assert again.changed == []
    assert runner(host, "given")["token"] == fresh


def test_the_old_way_registers_once(host: Host, gitlab: LabGitLab) -> None:
    wanted = with_runners(given("old", registration_token=gitlab.registration_token, tags=["old"]))
    first = register(host, wanted)
    assert first.code == 0, first.output
    assert runner(host, "old")["token"] in gitlab.secrets()
    assert register(host, wanted).changed == []


def test_the_old_way_says_clearly_that_it_is_switched_off(host: Host, gitlab: LabGitLab) -> None:
    gitlab.settings(registration_allowed=False)
    try:
        refused = register(host, with_runners(given("old", registration_token=gitlab.registration_token)))
    finally:
        gitlab.settings(registration_allowed=True)
    assert refused.code != 0
    assert "410" in refused.failures[-1]
    assert "scope" in refused.failures[-1]
    assert gitlab.registration_token not in refused.output
    assert names(host) == ["created"]
