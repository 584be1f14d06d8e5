# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab import LabGitLab
from tests.support.gitlab_world import instance

PATH = "/runners/5$"


@pytest.fixture
def lab() -> LabGitLab:
    return instance()


def client(lab: LabGitLab, **how: Any) -> GitLab:
    return GitLab(**{"url": lab.url, "private_token": lab.admin_token, "ca": lab.ca, "sleep": lambda _: None, **how})


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        pytest.param(
            {"status": 401},
            "unauthorized",
            "answers 401 (401 Unauthorized) when asked to change runner 5; give "
            "a gitlab_runner_api_token that is neither expired nor revoked",
            id="401",
        ),
        pytest.param(
            {"status": 403},
            "forbidden",
            "answers 403 (403 Forbidden) when asked to change runner 5; "
            "gitlab_runner_api_token needs the scopes create_runner and manage_runner, or api",
            id="403",
        ),
        pytest.param(
            {"status": 404},
            "missing",
            "answers 404 (404 Not found) when asked to change runner 5; check "
            "gitlab_runner_url, and the id or path that is meant",
            id="404",
        ),
        pytest.param(
            {"status": 409},
            "conflict",
            "answers 409 (409 Conflict) when asked to change runner 5; somebody else",
            id="409",
        ),
        pytest.param({"status": 410}, "gone", "answers 410 (410 Gone - runner registration disallowed) when", id="410"),
        pytest.param(
            {"status": 422},
            "invalid",
            "answers 422 (422 Unprocessable Entity) when asked to change runner 5; correct the value that it names",
            id="422",
        ),
        pytest.param(
            {"status": 400, "body": {"message": {"tags_list": ["is empty", "is bad"]}}},
            "invalid",
            "answers 400 (tags_list: is empty, is bad) when",
            id="what GitLab says of fields",
        ),
        pytest.param(
            {"status": 403, "body": {"error": "insufficient_scope", "error_description": "needs more."}},
            "forbidden",
            "answers 403 (insufficient_scope, needs more) when",
            id="what GitLab says of scopes",
        ),
        pytest.param(
            {"status": 500},
            "server",
            "answers 500 (500 Internal Server Error) when asked to change runner 5; "
            "look into GitLab's logs, and run again when it is well; asked 5 times",
            id="500",
        ),
        pytest.param(
            {"status": 502}, "server", "answers 502 when asked to change runner 5; look into", id="502, a page"
        ),
        pytest.param(
            {"status": 429},
            "too_many",
            "answers 429 (Executing database migrations. Please retry later) when "
            "asked to change runner 5; run again later, or for fewer hosts at once; asked 5 times",
            id="429",
        ),
        pytest.param(
            {"status": 200, "body": "<html>log in</html>"},
            "foreign",
            "what answers at {url} when asked to change runner 5 is not GitLab's API",
            id="a page of something else",
        ),
        pytest.param(
            {"status": 404, "body": "<html>no such page</html>"},
            "foreign",
            "when asked to change runner 5 is not GitLab's API (status 404, no JSON",
            id="a page that a proxy does not know",
        ),
        pytest.param(
            {"status": 302, "headers": {"Location": "https://other.example/"}},
            "redirect",
            "redirects to https://other.example/ when asked to change runner 5; use the address",
            id="a redirect",
        ),
        pytest.param({"drop": "before"}, "connection", "cannot change runner 5: {url} cut the connection", id="a cut"),
        pytest.param(
            {"delay": 1}, "timeout", "cannot change runner 5: GitLab at {url} did not answer in time", id="silence"
        ),
    ],
)
def test_each_failure_has_its_own_words(lab: LabGitLab, fault: dict[str, Any], kind: str, words: str) -> None:
    lab.fault(path=PATH, times=None, **fault)
    with pytest.raises(GitLabError) as caught:
        client(lab, timeout=0.2).update(5, {"paused": True})
    assert words.replace("{url}", lab.url) in str(caught.value)
    assert caught.value.kind == kind
    assert caught.value.status == (None if kind == "foreign" else fault.get("status"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        pytest.param(
            "https://does-not-exist.invalid",
            "dns",
            "no address is found for https://does-not-exist.invalid",
            id="no such name",
        ),
        pytest.param(
            "https://127.0.0.1:1", "connection", "https://127.0.0.1:1 cannot be connected to; check", id="nobody"
        ),
        pytest.param(
            "gitlab.example", "url", "gitlab_runner_url 'gitlab.example' is no address of a GitLab", id="no scheme"
        ),
        pytest.param(
            "https://user:secret@gitlab.example", "url", "'https://********@gitlab.example' is no", id="a password"
        ),
    ],
)
def test_a_gitlab_that_cannot_be_reached(url: str, kind: str, words: str) -> None:
    with pytest.raises(GitLabError) as caught:
        GitLab(url, "glpat-secret", sleep=lambda _: pytest.fail("tried again")).get(5)
    assert words in str(caught.value)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("headers", "at_least", "at_most"),
    [
        pytest.param({"Retry-After": "7"}, 7, 7.7, id="seconds"),
        pytest.param({"Retry-After": "3600"}, 60, 66, id="more than a minute"),
        pytest.param({"Retry-After": "soon"}, 0.2, 0.22, id="no number"),
        pytest.param({"Retry-After": "-5"}, 0.2, 0.22, id="a negative one"),
        pytest.param({"Retry-After": "50", "RateLimit-ResetTime": "in 20 s"}, 17, 22, id="a date goes first"),
        pytest.param({"Retry-After": "7", "RateLimit-ResetTime": "20 s ago"}, 7, 7.7, id="a date that is over"),
        pytest.param({"Retry-After": "7", "RateLimit-ResetTime": "never"}, 7, 7.7, id="no date"),
    ],
)
def test_gitlab_is_waited_for(lab: LabGitLab, headers: dict[str, str], at_least: float, at_most: float) -> None:
    for words, seconds in (("in 20 s", 20), ("20 s ago", -20)):
        if headers.get("RateLimit-ResetTime") == words:
            at = datetime.now(UTC) + timedelta(seconds=seconds)
            headers = {**headers, "RateLimit-ResetTime": format_datetime(at, usegmt=True)}
    lab.fault(path="/runners/5$", status=429, headers=headers)
    slept: list[float] = []
    assert client(lab, sleep=slept.append).get(5) is None
    assert len(slept) == 1
    assert at_least <= slept[0] <= at_most


@pytest.mark.parametrize(
    ("status", "times"),
    [
        (408, 5),
        (429, 5),
        (500, 5),
        (502, 5),
        (503, 5),
        (504, 5),
        (520, 5),
        (501, 1),
        (505, 1),
        (400, 1),
        (401, 1),
        (409, 1),
    ],
)
def test_what_a_runner_tries_again_is_tried_again(lab: LabGitLab, status: int, times: int) -> None:
    lab.fault(path=PATH, status=status, body={}, times=None)
    slept: list[float] = []
    with pytest.raises(GitLabError):
        client(lab, sleep=slept.append).get(5)
    assert len(lab.requests(path="/runners/5")) == times
    assert len(slept) == times - 1
    assert slept == sorted(slept) or status == 429


@pytest.mark.parametrize(
    ("call", "times"),
    [
        pytest.param(lambda gitlab: gitlab.get(5), 2, id="showing"),
        pytest.param(lambda gitlab: gitlab.delete(5), 2, id="deleting"),
        pytest.param(lambda gitlab: gitlab.verify("glrt-abcdefgh", "s_0123456789ab"), 2, id="verifying"),
        pytest.param(lambda gitlab: gitlab.reset_own_token("glrt-abcdefgh"), 1, id="giving up a token"),
        pytest.param(lambda gitlab: gitlab.register("GR1348941abc", {}), 1, id="registering"),
        pytest.param(lambda gitlab: gitlab.create({"runner_type": "instance_type"}), 1, id="creating"),
    ],
)
def test_a_lost_answer_is_asked_for_again_where_nothing_is_done_twice(lab: LabGitLab, call: Any, times: int) -> None:
    lab.fault(drop="before", times=1)
    if times == 1:
        with pytest.raises(GitLabError) as caught:
            call(client(lab))
        assert caught.value.done_perhaps
    else:
        assert not call(client(lab))
    assert len(lab.requests(path="runners")) == times


def test_the_api_token_goes_only_where_it_is_needed(lab: LabGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    sent: list[tuple[str, str, bool]] = []
    send = requests.Session.send

    def spy(self: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        path = str(request.path_url).partition("/api/v4")[2].partition("?")[0]
        sent.append((str(request.method), path, lab.admin_token in str(request.headers)))
        assert "Authorization" not in request.headers
        return send(self, request, **how)

    monkeypatch.setattr(requests.Session, "send", spy)
    gitlab = client(lab)
    made = gitlab.create({"runner_type": "instance_type"})
    gitlab.verify(made.token, "s_0123456789ab")
    gitlab.get(made.id or 0)
    gitlab.unregister_manager(made.token, "s_0123456789ab")
    gitlab.reset_own_token(made.token)
    gitlab.unregister("glrt-whatever")
    gitlab.delete(made.id or 0)
    assert sent == [
        ("POST", "/user/runners", True),
        ("POST", "/runners/verify", False),
        ("GET", f"/runners/{made.id}", True),
        ("DELETE", "/runners/managers", False),
        ("POST", "/runners/reset_authentication_token", False),
        ("DELETE", "/runners", False),
        ("DELETE", f"/runners/{made.id}", True),
    ]


def test_without_an_api_token_nothing_is_asked_that_needs_one(lab: LabGitLab) -> None:
    with pytest.raises(GitLabError, match="gitlab_runner_api_token is not set, but needed"):
        client(lab, private_token=None).get(5)
    assert lab.requests() == []


def test_a_redirect_is_not_followed(lab: LabGitLab) -> None:
    lab.fault(path=PATH, status=307, headers={"Location": f"{lab.url}/api/v4/runners/6?private_token=glpat-abcdefgh"})
    with pytest.raises(GitLabError, match=r"redirects to https://\S+=\*{8} when"):
        client(lab).get(5)
    assert [row["path"] for row in lab.requests()] == ["/api/v4/runners/5"]


def test_lists_are_read_to_their_end(lab: LabGitLab) -> None:
    for _ in range(101):
        lab.api("POST", "/user/runners", {"runner_type": "instance_type"})
    found = client(lab).runners("instance", status="never_contacted")
    assert len({each["id"] for each in found}) == 101
    assert len(lab.requests("GET", "/runners/all")) == 2


def test_jobs_and_pausing_for_those_who_drain(lab: LabGitLab) -> None:
    gitlab = client(lab)
    made = gitlab.create({"runner_type": "instance_type", "run_untagged": True})
    lab.queue(["true"])
    lab.call("POST", "/api/v4/jobs/request", {"token": made.token, "system_id": "s_0123456789ab"})
    gitlab.pause(made.id or 0)
    assert lab.api("GET", f"/runners/{made.id}")["paused"] is True
    assert len(gitlab.running_jobs(made.id or 0)) == 1
    assert gitlab.running_jobs(made.id or 0, "s_ffffffffffff") == []


@pytest.mark.parametrize(("lifetime", "expires"), [(None, False), (3600, True)], ids=["never", "in an hour"])
def test_when_a_token_expires(lab: LabGitLab, lifetime: int | None, expires: bool) -> None:
    lab.settings(token_lifetime=lifetime)
    made = client(lab).create({"runner_type": "instance_type"})
    assert (made.token_expires_at is not None) is expires
    if made.token_expires_at:
        assert made.token_expires_at.tzinfo is UTC
        assert made.token_expires_at.microsecond == 0
    assert made.token not in repr(made)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/runners/verify$", 403, id="a firewall that lets no runner through"),
        pytest.param("GET", "/runners/[0-9]+$", 404, id="a proxy that does not know the page"),
        pytest.param("DELETE", "/runners", 403, id="a firewall that lets DELETE not through"),
    ],
)
def test_the_page_of_something_between_is_no_verdict_on_a_runner(
    lab: LabGitLab, method: str, path: str, status: int
) -> None:
    gitlab = client(lab)
    made = gitlab.create({"runner_type": "instance_type"})
    calls: dict[str, Callable[[], object]] = {
        "POST": lambda: gitlab.verify(made.token, None),
        "GET": lambda: gitlab.get(made.id or 0),
        "DELETE": lambda: gitlab.unregister(made.token),
    }
    lab.fault(method=method, path=path, status=status, body="<html>blocked</html>")
    with pytest.raises(GitLabError, match=f"is not GitLab's API .status {status}"):
        calls[method]()
    assert calls[method]()


def test_a_gitlab_that_is_away_is_not_waited_for_again_and_again(lab: LabGitLab) -> None:
    gitlab = client(lab)
    lab.fault(path=PATH, status=503, times=6)
    for _ in range(2):
        with pytest.raises(GitLabError, match="answers 503"):
            gitlab.get(5)
    assert len(lab.requests()) == 6
    gitlab.get(5)
    lab.fault(path=PATH, status=503, times=1)
    gitlab.get(5)


def test_an_address_with_a_bracket_too_many_is_told() -> None:
    with pytest.raises(GitLabError, match="is no address of a GitLab"):
        GitLab("https://[gitlab.example")
