"""The GitLab stand-in towards runners: registering, verifying, leaving, and giving out jobs."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.gitlab import GitLabStandIn, LabGitLab

_numbers = itertools.count()
TAGS_NEEDED = {"tags_list": ["can not be empty when runner is not allowed to pick untagged jobs"]}


@pytest.fixture(scope="module")
def server() -> Iterator[GitLabStandIn]:
    with GitLabStandIn() as standin:
        yield standin


@pytest.fixture
def lab(server: GitLabStandIn) -> LabGitLab:
    """An instance that no other test knows."""
    return server.elsewhere(f"test{next(_numbers)}")


def runner(lab: LabGitLab, **attributes: Any) -> str:
    """A new runner's token."""
    return str(lab.api("POST", "/user/runners", {"runner_type": "instance_type", **attributes})["token"])


def ask(lab: LabGitLab, token: str, **more: Any) -> tuple[int, dict[str, str], Any]:
    return lab.call("POST", "/api/v4/jobs/request", {"token": token, "system_id": "s_1", **more})


@pytest.mark.parametrize(
    ("given", "status", "answer"),
    [
        pytest.param({"suffix": ""}, 201, "instance_type", id="the instance's"),
        pytest.param({"suffix": "-group", "tag_list": "a,b", "run_untagged": False}, 201, "group_type", id="a group's"),
        pytest.param({"suffix": "-project", "paused": True}, 201, "project_type", id="a project's"),
        pytest.param({"suffix": "x"}, 403, {"message": "403 Forbidden - invalid token supplied"}, id="nobody's"),
        pytest.param(
            {"suffix": "", "run_untagged": False}, 400, {"message": TAGS_NEEDED}, id="neither tags nor untagged"
        ),
        pytest.param({}, 400, {"error": "token is missing"}, id="none"),
    ],
)
def test_registering_the_old_way(lab: LabGitLab, given: dict[str, Any], status: int, answer: Any) -> None:
    wanted = {"description": "old", "locked": True, "info": {"name": "gitlab-runner"}, **given}
    if "suffix" in wanted:
        wanted["token"] = lab.registration_token + wanted.pop("suffix")
    found, _headers, body = lab.call("POST", "/api/v4/runners", wanted)
    assert found == status
    if status == 201:
        assert (body["token"].startswith("glrtr-"), body["token_expires_at"]) == (True, None)
        (made,) = lab.runners()
        assert (made["runner_type"], made["description"], made["locked"], made["name"]) == (
            answer, "old", True, "gitlab-runner",
        )  # fmt: skip
    else:
        assert body == answer


def test_the_old_way_can_be_switched_off(lab: LabGitLab) -> None:
    lab.settings(registration_allowed=False)
    status, _headers, answer = lab.call("POST", "/api/v4/runners", {"token": lab.registration_token})
    assert (status, answer) == (410, {"message": "410 Gone - runner registration disallowed"})


def test_a_valid_token_is_verified_and_the_machine_is_remembered(lab: LabGitLab) -> None:
    token = runner(lab)
    body = {"token": token, "system_id": "s_abc", "info": {"version": "18.2.0", "architecture": "amd64"}}
    assert lab.call("POST", "/api/v4/runners/verify", body)[::2] == (
        200, {"id": 1, "token": token, "token_expires_at": None},
    )  # fmt: skip
    (manager,) = lab.runners()[0]["managers"]
    assert (manager["system_id"], manager["version"], manager["architecture"]) == ("s_abc", "18.2.0", "amd64")
    assert lab.call("POST", "/api/v4/runners/verify", {"token": "glrt-x"})[::2] == (403, {"message": "403 Forbidden"})


@pytest.mark.parametrize(
    ("newer", "status"),
    [
        pytest.param(True, "online", id="verifying is contact to newer servers"),
        pytest.param(False, "never_contacted", id="and none to older ones"),
    ],
)
def test_whether_verifying_is_contact(lab: LabGitLab, newer: bool, status: str) -> None:
    lab.settings(verify_is_contact=newer)
    token = runner(lab)
    lab.call("POST", "/api/v4/runners/verify", {"token": token, "system_id": "s_1"})
    assert lab.runners()[0]["status"] == status
    ask(lab, token)
    assert lab.runners()[0]["status"] == "online"


def test_a_machine_leaves_and_the_runner_stays(lab: LabGitLab) -> None:
    token = runner(lab)
    for system in ("s_1", "s_2"):
        ask(lab, token, system_id=system)

    def leave(**body: str) -> tuple[int, Any]:
        return lab.call("DELETE", "/api/v4/runners/managers", body)[::2]

    assert leave(token=token, system_id="s_1") == (204, "")
    assert leave(token=token, system_id="s_1") == (404, {"message": "404 Runner manager not found Not Found"})
    assert leave(token=token) == (400, {"error": "system_id is missing"})
    assert leave(token="glrt-x", system_id="s_2") == (403, {"message": "403 Forbidden"})
    assert [each["system_id"] for each in lab.runners()[0]["managers"]] == ["s_2"]


def test_a_runner_of_the_old_kind_leaves_altogether(lab: LabGitLab) -> None:
    token = lab.call("POST", "/api/v4/runners", {"token": lab.registration_token})[2]["token"]
    assert lab.call("DELETE", "/api/v4/runners", {"token": token})[0] == 204
    assert lab.call("DELETE", "/api/v4/runners", {"token": token})[0] == 403
    assert lab.runners() == []


def test_a_token_is_exchanged_for_a_new_one(lab: LabGitLab) -> None:
    lab.settings(token_lifetime=3600, routable_tokens=True)
    old = runner(lab)
    status, _headers, new = lab.call("POST", "/api/v4/runners/reset_authentication_token", {"token": old})
    assert (status, new["token"].startswith("glrt-t1_"), new["token"].count(".")) == (201, True, 2)
    assert ask(lab, old)[0] == 403
    assert ask(lab, new["token"])[0] == 204


def test_a_token_whose_time_is_over_is_no_good(lab: LabGitLab) -> None:
    lab.settings(token_lifetime=0)
    assert ask(lab, runner(lab))[0] == 403


def test_there_is_no_job_router(lab: LabGitLab) -> None:
    path = "/api/v4/runners/router/discovery"
    assert lab.call("GET", path)[0] == 403
    assert lab.call("GET", path, headers={"RUNNER-TOKEN": runner(lab)})[0] == 501


@pytest.mark.parametrize(
    ("attributes", "job", "given"),
    [
        pytest.param({}, {}, True, id="untagged to one that takes it"),
        pytest.param({"tag_list": ["a"], "run_untagged": False}, {}, False, id="untagged to one that does not"),
        pytest.param({"tag_list": ["a", "b"], "run_untagged": False}, {"tags": ["a"]}, True, id="one of its tags"),
        pytest.param({"tag_list": ["a"]}, {"tags": ["a", "b"]}, False, id="one tag too many"),
        pytest.param({"access_level": "ref_protected"}, {}, False, id="an open branch to a protected runner"),
        pytest.param({"access_level": "ref_protected"}, {"protected": True}, True, id="a protected branch to it"),
        pytest.param({"paused": True}, {}, False, id="nothing to a paused one"),
        pytest.param({"runner_type": "project_type", "project_id": 11}, {}, True, id="its project's"),
        pytest.param(
            {"runner_type": "project_type", "project_id": 11}, {"project": "a/b"}, False, id="another project's"
        ),
        pytest.param({"runner_type": "group_type", "group_id": 7}, {"project": "group/x/y"}, True, id="its group's"),
        pytest.param(
            {"runner_type": "group_type", "group_id": 7}, {"project": "groups/x"}, False, id="another group's"
        ),
    ],
)
def test_who_gets_which_job(lab: LabGitLab, attributes: dict[str, Any], job: dict[str, Any], given: bool) -> None:
    number = lab.queue(["true"], **job)
    status, headers, _body = ask(lab, runner(lab, **attributes))
    assert status == (201 if given else 204)
    assert lab.job(number)["status"] == ("running" if given else "pending")
    assert ("X-GitLab-Last-Update" in headers) == (not given)


def test_a_runner_that_knows_there_is_nothing_is_told_as_soon_as_there_is(lab: LabGitLab) -> None:
    token = runner(lab)
    seen = ask(lab, token)[1]["X-GitLab-Last-Update"]
    assert ask(lab, token, last_update=seen)[1]["X-GitLab-Last-Update"] == seen
    lab.queue(["true"])
    assert ask(lab, token, last_update=seen)[0] == 201


def test_a_job_tells_the_runner_all_it_needs(lab: LabGitLab) -> None:
    token = runner(lab, maximum_timeout=600)
    number = lab.queue(
        ["make"], image="docker:26.1.5-cli", services=[{"name": "docker:26.1.5-dind", "alias": "docker"}],
        variables={"DOCKER_HOST": "tcp://docker:2376"}, after_script=["make clean"], name="build",
    )  # fmt: skip
    job = ask(lab, token)[2]
    assert (job["id"], job["job_info"]["name"], job["runner_info"]["timeout"]) == (number, "build", 600)
    assert job["job_info"]["project_full_path"] == "group/project"
    assert (job["image"]["name"], job["services"][0]["name"], job["services"][0]["alias"]) == (
        "docker:26.1.5-cli", "docker:26.1.5-dind", "docker",
    )  # fmt: skip
    assert [(step["name"], step["script"], step["when"]) for step in job["steps"]] == [
        ("script", ["make"], "on_success"),
        ("after_script", ["make clean"], "always"),
    ]
    variables = {each["key"]: each["value"] for each in job["variables"]}
    assert variables["DOCKER_HOST"] == "tcp://docker:2376"
    assert variables["CI_JOB_TOKEN"] == job["token"]
    assert variables["CI_API_V4_URL"] == f"{lab.url}/api/v4"
    assert variables["CI_REPOSITORY_URL"].endswith(f"@{lab.url.partition('//')[2]}/group/project.git")
    assert set(job) >= {"allow_git_fetch", "artifacts", "cache", "credentials", "dependencies", "features", "hooks"}


def test_a_job_that_is_about_its_sources_tells_where_they_are(lab: LabGitLab) -> None:
    token = runner(lab)
    lab.queue(["true"])
    lab.queue(["true"], repository=True, ref="feature/a", project="a/b/c")
    assert "git_info" not in ask(lab, token)[2]
    job = ask(lab, token)[2]
    told, variables = job["git_info"], {each["key"]: each["value"] for each in job["variables"]}
    assert told["repo_url"] == f"https://gitlab-ci-token:{job['token']}@{lab.url.partition('//')[2]}/a/b/c.git"
    assert (told["ref"], told["depth"], told["refspecs"]) == (
        "feature/a", 20, ["+refs/heads/feature/a:refs/remotes/origin/feature/a"],
    )  # fmt: skip
    assert (variables["CI_REPOSITORY_URL"], variables["CI_COMMIT_SHA"]) == (told["repo_url"], told["sha"])


def test_the_log_grows_without_a_gap_and_the_job_ends(lab: LabGitLab) -> None:
    token = runner(lab)
    number = lab.queue(["true"])
    job = ask(lab, token)[2]

    def append(text: bytes, begin: int, own: str = "") -> tuple[int, dict[str, str]]:
        span = {"Content-Range": f"{begin}-{begin + len(text) - 1}", "Content-Type": "text/plain"}
        path = f"/api/v4/jobs/{number}/trace?debug_trace=false"
        return lab.call("PATCH", path, text, {**span, "JOB-TOKEN": own or job["token"]})[:2]

    status, headers = append(b"one\n", 0)
    assert (status, headers["Job-Status"], headers["Range"]) == (202, "running", "0-4")
    assert (append(b"lost", 9)[0], append(b"lost", 9)[1]["Range"]) == (416, "0-4")
    assert append(b"two\n", 4)[0] == 202
    assert append(b"x", 8, own="glcbt-other")[0] == 403
    assert lab.call("PATCH", f"/api/v4/jobs/{number}/trace", b"x", {"JOB-TOKEN": job["token"]})[0] == 400

    def update(**body: Any) -> tuple[int, dict[str, str]]:
        return lab.call("PUT", f"/api/v4/jobs/{number}", {"token": job["token"], **body})[:2]

    assert update(state="running")[0] == 200
    assert update(state="tired")[0] == 400
    assert update(state="failed", failure_reason="script_failure", exit_code=3)[0] == 200
    status, headers = update(state="success")
    assert (status, headers["Job-Status"]) == (403, "failed")
    found = lab.finished(number)
    assert (found["status"], found["failure_reason"], found["exit_code"], found["trace"]) == (
        "failed", "script_failure", 3, "one\ntwo\n",
    )  # fmt: skip


def test_a_job_is_cancelled(lab: LabGitLab) -> None:
    token = runner(lab)
    waiting, running = lab.queue(["true"], tags=["nobody"]), lab.queue(["true"])
    job = ask(lab, token)[2]
    lab.cancel(waiting)
    lab.cancel(running)
    assert lab.job(waiting)["status"] == "canceled"
    headers = lab.call("PUT", f"/api/v4/jobs/{running}", {"token": job["token"], "state": "running"})[1]
    assert headers["Job-Status"] == "canceling"
    lab.call("PUT", f"/api/v4/jobs/{running}", {"token": job["token"], "state": "failed"})
    assert lab.job(running)["status"] == "canceled"


def test_when_a_runner_was_paused_is_remembered(lab: LabGitLab) -> None:
    token = runner(lab, paused=True)
    for paused in (True, False, False, True):
        lab.api("PUT", "/runners/1", {"paused": paused, "description": "again"})
    (found,) = lab.runners()
    assert [each["paused"] for each in found["pauses"]] == [True, False, True]
    times = [each["at"] for each in found["pauses"]]
    assert times == sorted(times)
    runner(lab)
    assert lab.runners()[1]["pauses"] == []
    assert "pauses" not in lab.api("GET", "/runners/1")
    assert ask(lab, token)[0] == 204


def test_a_job_with_a_key_that_is_none_is_refused(lab: LabGitLab) -> None:
    with pytest.raises(ValueError, match="unknown keys colour; a job has name, stage"):
        lab.queue(["true"], colour="red")


def test_fifty_runners_that_ask_at_once_get_each_job_once(lab: LabGitLab) -> None:
    tokens = [runner(lab) for _ in range(50)]
    jobs = {lab.queue(["true"]) for _ in range(50)}
    together = threading.Barrier(50)

    def work(token: str) -> int:
        together.wait(30)
        job = ask(lab, token)[2]
        lab.call("PUT", f"/api/v4/jobs/{job['id']}", {"token": job["token"], "state": "success"})
        return int(job["id"])

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(work, tokens)) == jobs
    assert {job["status"] for job in lab.state()["jobs"]} == {"success"}


def test_no_token_is_shown_where_people_look(lab: LabGitLab) -> None:
    token = runner(lab, description="<b>bold</b>", maintenance_note="kept by hand", tag_list=["a"])
    lab.call("POST", "/api/v4/runners", {"token": lab.registration_token})
    lab.call("GET", f"/api/v4/runners?private_token={lab.admin_token}&status=online")
    lab.call("GET", f"/api/v4/runners?search={token}")
    number = lab.queue(["true"], image="docker:26.1.5-cli")
    job = ask(lab, token)[2]
    text = f"the token is {token} and {job['token']}".encode()
    headers = {"JOB-TOKEN": job["token"], "Content-Range": "0-1", "Content-Type": "text/plain"}
    assert lab.call("PATCH", f"/api/v4/jobs/{number}/trace", text, headers)[0] == 202
    lab.fault("/version", status=503, times=None)
    page = lab.call("GET", "/")[2]
    secrets = lab.secrets()
    assert {token, job["token"], lab.admin_token, lab.registration_token} <= set(secrets)
    for place in (page, json.dumps(lab.state())):
        assert [secret for secret in secrets if secret in place] == []
    assert lab.job(number)["leaked_tokens"] == 2
    for shown in ("&lt;b&gt;bold", "kept by hand", "docker:26.1.5-cli", "the token is [MASKED]", "/version", "running"):
        assert shown in page
    assert f'<a href="/{lab.space}/">' in LabGitLab(lab.server, lab.ca, "").call("GET", "")[2]


def test_instances_do_not_meet(server: GitLabStandIn, lab: LabGitLab) -> None:
    other = server.elsewhere(f"{lab.space}-other")
    token = runner(lab)
    assert ask(other, token)[0] == 403
    assert other.runners() == []
    assert lab.call("GET", "/api/v4/version", headers={"PRIVATE-TOKEN": other.admin_token})[0] == 401
    lab.reset()
    assert (lab.runners(), lab.requests(), ask(lab, token)[0]) == ([], [], 403)
