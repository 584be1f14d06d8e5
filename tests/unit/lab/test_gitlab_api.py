"""The GitLab stand-in towards people: creating, changing and listing runners, and what it says when it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import gitlab
import pytest

from tests.support.gitlab import GitLabStandIn, LabGitLab

_numbers = itertools.count()
CANNOT_BE_EMPTY = "can not be empty when runner is not allowed to pick untagged jobs"


@pytest.fixture(scope="module")
def server() -> Iterator[GitLabStandIn]:
    with GitLabStandIn() as standin:
        yield standin


@pytest.fixture
def lab(server: GitLabStandIn) -> LabGitLab:
    """An instance that no other test knows."""
    return server.elsewhere(f"test{next(_numbers)}")


@pytest.fixture
def client(server: GitLabStandIn, lab: LabGitLab) -> Iterator[gitlab.Gitlab]:
    """python-gitlab, as the plugins use it."""
    with gitlab.Gitlab(lab.url, private_token=lab.admin_token, ssl_verify=str(server.ca_file)) as session:
        yield session


def post(lab: LabGitLab, body: dict[str, Any], token: str = "") -> tuple[int, Any]:
    status, _headers, answer = lab.call(
        "POST", "/api/v4/user/runners", body, {"PRIVATE-TOKEN": token or lab.admin_token}
    )
    return status, answer


def create(lab: LabGitLab, **attributes: Any) -> dict[str, Any]:
    made: dict[str, Any] = lab.api("POST", "/user/runners", {"runner_type": "instance_type", **attributes})
    return made


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        pytest.param({"runner_type": "instance_type"}, "glrt-t1_", id="an instance runner"),
        pytest.param({"runner_type": "group_type", "group_id": 7}, "glrt-t2_", id="a group runner"),
        pytest.param({"runner_type": "project_type", "project_id": 11}, "glrt-t3_", id="a project runner"),
        pytest.param({"runner_type": "project_type", "project_id": "11"}, "glrt-t3_", id="numbers may be text"),
    ],
)
def test_a_runner_is_created_and_its_token_is_shown_once(lab: LabGitLab, given: dict[str, Any], prefix: str) -> None:
    status, made = post(lab, given)
    assert (status, made["id"], made["token_expires_at"]) == (201, 1, None)
    assert made["token"].startswith(prefix)
    shown = lab.api("GET", "/runners/1")
    assert (shown["runner_type"], shown["status"], shown["contacted_at"]) == (
        given["runner_type"], "never_contacted", None,
    )  # fmt: skip
    assert made["token"] not in str([shown, lab.api("GET", "/runners/all"), lab.state()])


def test_a_new_runner_has_the_attributes_it_was_given_and_the_defaults_of_the_rest(lab: LabGitLab) -> None:
    create(lab, description="one", tag_list="a, b,,a", maintenance_note="note", maximum_timeout=600, paused=True)
    create(lab)
    names = ("description", "tag_list", "maintenance_note", "maximum_timeout", "paused", "active", "locked")
    assert [[row[name] for name in (*names, "run_untagged", "access_level")] for row in lab.runners()] == [
        ["one", ["a", "b"], "note", 600, True, False, False, True, "not_protected"],
        [None, [], None, None, False, True, False, True, "not_protected"],
    ]


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        pytest.param({}, {"error": "runner_type is missing"}, id="no type"),
        pytest.param(
            {"runner_type": "shared"}, {"error": "runner_type does not have a valid value"}, id="another type"
        ),
        pytest.param({"runner_type": "group_type"}, {"error": "group_id is missing"}, id="no group"),
        pytest.param({"runner_type": "project_type"}, {"error": "project_id is missing"}, id="no project"),
        pytest.param(
            {"runner_type": "instance_type", "maximum_timeout": "soon", "access_level": "x"},
            {"error": "access_level does not have a valid value, maximum_timeout is invalid"},
            id="two wrong values",
        ),
        pytest.param(
            {"runner_type": "instance_type", "paused": "perhaps", "tag_list": [1]},
            {"error": "paused is invalid, tag_list is invalid"},
            id="wrong types",
        ),
        pytest.param(
            {"runner_type": "group_type", "group_id": 4711},
            {"message": "400 Bad request - Missing/invalid scope"},
            id="a group that is not there",
        ),
        pytest.param(
            {"runner_type": "instance_type", "run_untagged": False},
            {"message": f"400 Bad request - Tags list {CANNOT_BE_EMPTY}"},
            id="neither tags nor untagged jobs",
        ),
        pytest.param(
            {"runner_type": "instance_type", "maintenance_note": "x" * 1025, "maximum_timeout": 599},
            {
                "message": "400 Bad request - Maintenance note is too long (maximum is 1024 characters) and "
                "Maximum timeout needs to be at least 10 minutes"
            },
            id="too long a note and too short a time",
        ),
    ],
)
def test_what_the_model_refuses_is_not_created(lab: LabGitLab, given: dict[str, Any], answer: dict[str, Any]) -> None:
    assert post(lab, given) == (400, answer)
    assert lab.runners() == []


@pytest.mark.parametrize(
    ("who", "given", "expected"),
    [
        pytest.param("nobody", {}, (401, {"message": "401 Unauthorized"}), id="a token that is nobody's"),
        pytest.param("read", {}, (403, "insufficient_scope"), id="a token for reading"),
        pytest.param(
            "user", {}, (403, {"message": "403 Forbidden - Insufficient permissions"}), id="not an administrator"
        ),
        pytest.param("user", {"runner_type": "group_type", "group_id": 7}, (201, None), id="of a group of one's own"),
        pytest.param("runner", {}, (201, None), id="the scope create_runner is enough"),
    ],
)
def test_who_may_create(lab: LabGitLab, who: str, given: dict[str, Any], expected: tuple[int, Any]) -> None:
    tokens = {"nobody": "glpat-x", "read": lab.read_token, "user": lab.user_token, "runner": lab.runner_token}
    status, answer = post(lab, {"runner_type": "instance_type", **given}, tokens[who])
    assert status == expected[0]
    assert expected[1] in (None, answer, answer.get("error"))


def test_a_bearer_is_as_good_as_a_private_token(lab: LabGitLab) -> None:
    status, _headers, answer = lab.call("GET", "/api/v4/user", headers={"Authorization": f"Bearer {lab.admin_token}"})
    assert (status, answer["username"]) == (200, "root")
    assert lab.call("GET", "/api/v4/version")[0] == 401
    assert lab.api("GET", "/version")["version"] == "18.2.0"


@pytest.mark.parametrize(
    ("given", "status", "answer"),
    [
        pytest.param({"description": "new", "unknown": 1}, 200, {"description": "new", "tag_list": ["a"]}, id="one"),
        pytest.param({"paused": True}, 200, {"paused": True, "active": False}, id="paused"),
        pytest.param({"active": False}, 200, {"paused": True}, id="paused by its older name"),
        pytest.param({"tag_list": "b,c", "run_untagged": "0"}, 200, {"tag_list": ["b", "c"]}, id="tags as text"),
        pytest.param({"maximum_timeout": None}, 200, {"maximum_timeout": None}, id="no maximum any more"),
        pytest.param({"tag_list": []}, 400, {"message": {"tags_list": [CANNOT_BE_EMPTY]}}, id="no tags any more"),
        pytest.param(
            {"active": True, "paused": True}, 400, {"error": "active, paused are mutually exclusive"}, id="both names"
        ),
        pytest.param(
            {"unknown": 1},
            400,
            {
                "error": "description, active, paused, tag_list, run_untagged, locked, access_level, maximum_timeout, "
                "maintenance_note are missing, at least one parameter must be provided"
            },
            id="nothing that it knows",
        ),
    ],
)
def test_attributes_change(lab: LabGitLab, given: dict[str, Any], status: int, answer: dict[str, Any]) -> None:
    create(lab, tag_list=["a"], run_untagged=False, maximum_timeout=3600)
    before = lab.runners()
    found, _headers, body = lab.call("PUT", "/api/v4/runners/1", given, {"PRIVATE-TOKEN": lab.admin_token})
    assert found == status
    assert {name: body[name] for name in answer} == answer
    assert (lab.runners() == before) == (status == 400)


def test_what_is_not_there_is_not_found(lab: LabGitLab, client: gitlab.Gitlab) -> None:
    for method, path in (("GET", "/runners/9"), ("DELETE", "/runners/9"), ("GET", "/runners/9/managers")):
        found = lab.call(method, f"/api/v4{path}", None, {"PRIVATE-TOKEN": lab.admin_token})
        assert (found[0], found[2]) == (404, {"message": "404 Not found"})
    with pytest.raises(gitlab.exceptions.GitlabGetError, match="404 Group Not Found"):
        client.groups.get("missing/group")
    with pytest.raises(gitlab.exceptions.GitlabGetError, match="404 Project Not Found"):
        client.projects.get("missing/project")
    assert lab.call("PUT", "/api/v4/user/runners")[0] == 405
    assert lab.call("GET", "/api/v4/nothing")[2] == {"error": "404 Not Found"}
    assert "<html>" in lab.call("GET", "/users/sign_in")[2]


def test_groups_and_projects_come_into_being_when_they_are_asked_for(client: gitlab.Gitlab) -> None:
    assert client.groups.get("group").id == 7
    assert client.projects.get("group/project").id == 11
    made = client.projects.get("some/where/else")
    assert (made.id, client.projects.get(made.id).path_with_namespace) == (101, "some/where/else")


def test_a_group_sees_its_own_runners_and_a_project_those_above_it(lab: LabGitLab, client: gitlab.Gitlab) -> None:
    create(lab, description="all")
    create(lab, runner_type="group_type", group_id=7, description="ours")
    create(lab, runner_type="group_type", group_id=client.groups.get("other").id, description="theirs")
    create(lab, runner_type="project_type", project_id=11, description="mine")

    def names(listing: Any) -> list[str]:
        return [row.description for row in listing.list(get_all=True)]

    assert names(client.runners_all) == ["all", "ours", "theirs", "mine"]
    assert names(client.runners) == ["ours", "theirs", "mine"]
    assert names(client.groups.get(7, lazy=True).runners) == ["all", "ours"]
    assert names(client.projects.get(11, lazy=True).runners) == ["all", "ours", "mine"]
    user = {"PRIVATE-TOKEN": lab.user_token}
    assert lab.call("GET", "/api/v4/runners/all", headers=user)[2] == {"message": "403 Forbidden"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({"type": "group_type"}, ["b"], id="by type"),
        pytest.param({"paused": True}, ["c"], id="by pause"),
        pytest.param({"paused": False}, ["a", "b"], id="by no pause"),
        pytest.param({"status": "never_contacted"}, ["b", "c"], id="by contact"),
        pytest.param({"status": "online", "tag_list": ["x"]}, ["a"], id="by status and tag"),
        pytest.param({"tag_list": ["x", "y"]}, ["b"], id="all the tags"),
        pytest.param({"version_prefix": "18."}, ["a"], id="by version"),
        pytest.param({"scope": "specific"}, ["b"], id="by the older word"),
    ],
)
def test_lists_are_filtered(
    lab: LabGitLab, client: gitlab.Gitlab, filters: dict[str, Any], expected: list[str]
) -> None:
    token = create(lab, description="a", tag_list=["x"])["token"]
    create(lab, description="b", tag_list=["x", "y"], runner_type="group_type", group_id=7)
    create(lab, description="c", paused=True)
    lab.call("POST", "/api/v4/jobs/request", {"token": token, "system_id": "s_1", "info": {"version": "18.2.0"}})
    rows = client.runners_all.list(get_all=True, **filters)
    assert [row.description for row in rows] == expected
    assert not any(hasattr(row, "maintenance_note") or hasattr(row, "tag_list") for row in rows)


def test_a_filter_that_is_not_one_is_refused(client: gitlab.Gitlab) -> None:
    with pytest.raises(gitlab.exceptions.GitlabListError, match="400: status does not have a valid value"):
        client.runners_all.list(status="asleep", get_all=True)


def test_lists_come_in_pages(lab: LabGitLab, client: gitlab.Gitlab) -> None:
    for number in range(45):
        create(lab, description=str(number))
    first = client.runners_all.list(iterator=True)
    assert (first.total, first.total_pages, first.current_page, first.next_page, first.prev_page) == (45, 3, 1, 2, None)
    assert [row.description for row in first] == [str(number) for number in range(45)]
    assert len(client.runners_all.list(page=3, get_all=False)) == 5
    assert len(client.runners_all.list(per_page=1000, get_all=False)) == 45
    headers = lab.call("GET", "/api/v4/runners/all?page=3", headers={"PRIVATE-TOKEN": lab.admin_token})[1]
    assert {name: headers[name] for name in ("X-Page", "X-Prev-Page", "X-Next-Page", "X-Per-Page", "X-Total")} == {
        "X-Page": "3", "X-Prev-Page": "2", "X-Next-Page": "", "X-Per-Page": "20", "X-Total": "45",
    }  # fmt: skip
    assert f'<{lab.url}/api/v4/runners/all?page=2&per_page=20>; rel="prev"' in headers["Link"]
    assert 'rel="next"' not in headers["Link"]


def test_a_runner_says_who_uses_it_and_what_it_runs(lab: LabGitLab, client: gitlab.Gitlab) -> None:
    token = create(lab)["token"]
    jobs = [lab.queue(["true"]) for _ in range(3)]
    for _ in jobs[:2]:
        lab.call("POST", "/api/v4/jobs/request", {"token": token, "system_id": "s_1", "info": {"version": "18.2.0"}})
    runner = client.runners.get(1)
    assert [job.id for job in runner.jobs.list(get_all=True, status="running")] == [2, 1]
    assert [job.id for job in runner.jobs.list(get_all=True, order_by="id", sort="asc", system_id="s_1")] == [1, 2]
    assert runner.jobs.list(get_all=True, status="success") == []
    keyset = runner.jobs.list(iterator=True, pagination="keyset", order_by="id", per_page=1)
    assert ([job.id for job in keyset], keyset.total) == ([2, 1], None)
    (manager,) = lab.api("GET", "/runners/1/managers")
    assert (manager["system_id"], manager["version"], manager["status"]) == ("s_1", "18.2.0", "online")
    assert (manager["job_execution_status"], runner.job_execution_status, runner.version) == (
        "active",
        "active",
        "18.2.0",
    )


def test_a_token_is_reset_by_number(lab: LabGitLab) -> None:
    lab.settings(token_lifetime=3600)
    old = create(lab)["token"]
    new = lab.api("POST", "/runners/1/reset_authentication_token")
    assert new["token"] != old
    assert new["token_expires_at"].endswith("Z")
    assert [lab.call("POST", "/api/v4/runners/verify", {"token": token})[0] for token in (old, new["token"])] == [
        403,
        200,
    ]


def test_a_deleted_runner_is_gone(lab: LabGitLab, client: gitlab.Gitlab) -> None:
    token = create(lab)["token"]
    client.runners.delete(1)
    assert lab.runners() == []
    assert lab.call("POST", "/api/v4/runners/verify", {"token": token})[2] == {"message": "403 Forbidden"}
    assert create(lab)["id"] == 2
