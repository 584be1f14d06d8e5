"""Runners whose token somebody made elsewhere, and those of the old way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.registering import given, register, with_runners
from tests.support.runners import config_text, runner


@pytest.fixture(name="made")
def _made(gitlab: LabGitLab) -> dict[str, Any]:
    """As a user makes a runner in the web interface."""
    answer = gitlab.api("POST", "/user/runners", {"runner_type": "project_type", "project_id": 11, "tag_list": "given"})
    return dict(answer)


@pytest.fixture(name="_as_before", scope="module", autouse=True)
def _fixture_as_before(host: Host) -> Iterator[None]:
    yield
    assert register(host, {"gitlab_runner_exclusive": True}).code == 0


def test_a_token_that_was_given_and_one_of_the_old_way(host: Host, gitlab: LabGitLab, made: dict[str, Any]) -> None:
    old = given("old", registration_token=gitlab.registration_token, tags=["old"])
    first = register(host, with_runners(given("given", token=made["token"]), old))
    assert first.code == 0, first.output
    entry = runner(host, "given")
    assert (entry["token"], entry["id"]) == (made["token"], made["id"])
    registered = runner(host, "old")["token"]
    assert registered in gitlab.secrets()

    # As a runner does with its token after three quarters of its life.
    fresh = gitlab.api("POST", f"/runners/{made['id']}/reset_authentication_token")["token"]
    host.check_output("sed -i s/%s/%s/ /etc/gitlab-runner/config.toml", made["token"], fresh)
    again = register(host, with_runners(given("given", token=made["token"]), old))
    assert again.code == 0, again.output
    assert again.changed == []
    assert (runner(host, "given")["token"], runner(host, "old")["token"]) == (fresh, registered)

    other = gitlab.api("POST", "/user/runners", {"runner_type": "project_type", "project_id": 11})
    changed = register(host, with_runners(given("given", token=other["token"]), old))
    assert changed.code == 0, changed.output
    assert (runner(host, "given")["token"], runner(host, "given")["id"]) == (other["token"], other["id"])
    assert runner(host, "old")["token"] == registered


def test_a_token_that_gitlab_does_not_know_is_not_written(host: Host) -> None:
    before = config_text(host)
    refused = register(host, with_runners({"name": "unknown", "mode": "shell", "token": "glrt-nobodyknowsthisone00"}))
    assert refused.code != 0
    assert "unknown" in refused.failures[-1]
    assert "nobodyknowsthisone" not in refused.output
    assert config_text(host) == before


def test_the_old_way_says_clearly_that_it_is_switched_off(host: Host, gitlab: LabGitLab) -> None:
    before = config_text(host)
    gitlab.settings(registration_allowed=False)
    try:
        refused = register(host, with_runners(given("late", registration_token=gitlab.registration_token)))
    finally:
        gitlab.settings(registration_allowed=True)
    assert refused.code != 0
    assert "410" in refused.failures[-1]
    assert "scope" in refused.failures[-1]
    assert gitlab.registration_token not in refused.output
    assert config_text(host) == before
