# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import gitlab_words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError, scrub
from tests.support.gitlab import LabGitLab
from tests.support.gitlab_world import instance


@pytest.fixture
def lab() -> LabGitLab:
    return instance()


def client(lab: LabGitLab, **how: Any) -> GitLab:
    return GitLab(**{"url": lab.url, "private_token": lab.admin_token, "ca": lab.ca, "sleep": lambda _: None, **how})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("glrt-t1_abc.DEF-123_x is bad", "******** is bad", id="a runner's token"),
        pytest.param("token=glpat-abcdefgh1234", "token=********", id="a user's token"),
        pytest.param("GR1348941abcdefgh!", "********!", id="a registration token"),
        pytest.param("glrtr-abcdefghijk", "********", id="a runner's token of the older workflow"),
        pytest.param("the olderone here", "the ******** here", id="a token that was used"),
        pytest.param("http://u:p@proxy/x", "http://********@proxy/x", id="a password in an address"),
        pytest.param("line\none\x1b[31m", "line one?[31m", id="letters that move the cursor"),
        pytest.param(
            "gitlab-runner and glow-stick", "gitlab-runner and ********", id="rather too much than too little"
        ),
    ],
)
def test_tokens_are_taken_out_of_texts(text: str, shown: str) -> None:
    assert scrub(text, ["olderone", ""]) == shown


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500])
def test_a_gitlab_that_repeats_tokens_is_not_repeated(
    lab: LabGitLab, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    older = "older-token-without-a-prefix"
    said = {"message": f"{older} and {lab.admin_token} and glrt-somebodyelses"}
    lab.fault(path="runners", status=status, body=said, times=None)
    gitlab = client(lab)
    calls: list[Callable[[], object]] = [
        lambda: gitlab.reset_own_token(older),
        lambda: gitlab.register(older, {}),
        lambda: gitlab.create({"runner_type": "instance_type"}),
    ]
    for call in calls:
        with pytest.raises(GitLabError) as caught:
            call()
        shown = "".join([str(caught.value), repr(caught.value), repr(caught.value.args), caplog.text])
        assert "******** and ******** and ********" in shown
        assert not [secret for secret in (older, lab.admin_token, "somebodyelses") if secret in shown]


def test_what_is_logged_has_no_token(lab: LabGitLab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gitlab = client(lab)
    made = gitlab.create({"runner_type": "instance_type"})
    gitlab.verify(made.token, "s_0123456789ab")
    gitlab.reset_token(made.id or 0)
    assert caplog.records
    assert not [secret for secret in lab.secrets() if secret in caplog.text]
    assert lab.admin_token not in caplog.text


def test_an_unforeseen_failure_is_named_by_its_kind_alone() -> None:
    error = gitlab_words.of_exception("https://gitlab.example", "show a runner", ValueError("glpat-secret"))
    assert str(error) == (
        "cannot show a runner: the address https://gitlab.example cannot be used (ValueError); correct "
        "gitlab_runner_url"
    )
