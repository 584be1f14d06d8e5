# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.runnerkit.gitlab.plugins.action import runner_registration
from ansible_collections.runnerkit.gitlab.plugins.modules import runner_registration as documented
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import Found, RunnerFileError, Written
from tests.support.gitlab_world import SYSTEM_ID, instance

OLD = "# by hand\nconcurrent = 1\n"


class Host:
    """A host's config.toml, and the action that keeps it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, text: str = OLD) -> None:
        self.lab = instance()
        self.text = text
        self.mode = "0600"
        self.writes: list[str] = []
        self.problem: str | None = None
        self.lost_answer = False
        self.meanwhile: list[str] = []  # what somebody else writes before us
        monkeypatch.setattr(runner_registration, "RunnerFile", lambda action, task_vars, path: self)
        monkeypatch.setattr(GitLab, "wait_for", lambda *_: None)
        self.path = "/etc/gitlab-runner/config.toml"
        self.facts: dict[str, Any] = {}

    def read(self) -> Found:
        return Found(
            exists=True, text=self.text, sha256=hashlib.sha256(self.text.encode()).hexdigest(), system_id=SYSTEM_ID,
            mode=self.mode, uid=0, gid=0,
        )  # fmt: skip

    def write(self, text: str, found: Found, *, backup: bool = False, restart_needed: bool = False) -> Written:
        if self.meanwhile:
            self.text = self.meanwhile.pop(0)
        if self.text != found.text:
            return Written(conflict=True)
        if self.problem and not self.lost_answer:
            raise RunnerFileError(self.problem)
        self.text = text
        self.writes.append(text)
        if self.problem:
            raise RunnerFileError(self.problem)
        return Written(conflict=False)

    def run(self, *runners: dict[str, Any], check: bool = False, **arguments: Any) -> dict[str, Any]:
        args = {"url": self.lab.url, "ca": self.lab.ca, "api_token": self.lab.admin_token, "runners": list(runners)}
        args.update(arguments)
        task: Any = SimpleNamespace(
            args={key: value for key, value in args.items() if value is not None}, check_mode=check, async_val=0,
            action="runner_registration", diff=True, get_search_path=lambda: ["/nowhere"],
        )  # fmt: skip
        connection: Any = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nowhere"))
        nothing: Any = None
        action = runner_registration.ActionModule(task, connection, nothing, DataLoader(), nothing, None)
        result = action.run(task_vars={"inventory_hostname": "h1"})
        self.no_secret_in(result)
        return result

    def no_secret_in(self, result: dict[str, Any]) -> None:
        """The result is what Ansible prints and hands on."""
        shown = json.dumps(result, default=str) + repr(result)
        secrets = [*self.lab.secrets(), self.lab.admin_token, "verysecret"]
        assert not [secret for secret in secrets if secret in shown]

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in tomllib.loads(self.text).get("runners", [])}

    @property
    def ids(self) -> list[int]:
        return sorted(row["id"] for row in self.lab.runners())


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def runner(name: str = "build", **more: Any) -> dict[str, Any]:
    return {"name": name, "scope": "instance", "config": {"executor": "shell"}, **more}


def test_tokens_and_declared_keys_are_written_together(host: Host) -> None:
    result = host.run(runner("a"), runner("b", scope="group", group="group", tags=["x"]), config={"concurrent": 4})
    assert (result["changed"], result.get("failed"), len(host.writes)) == (True, None, 1)
    assert [(each["name"], each["outcome"]) for each in result["runners"]] == [("a", "created"), ("b", "created")]
    assert host.text.startswith("# by hand\nconcurrent = 4\n")
    for name, entry in host.entries.items():
        assert entry["url"] == host.lab.url
        assert entry["executor"] == "shell"
        assert entry["token"].startswith("glrt-")
        assert entry["id"] in host.ids, name
    diff = result["diff"]
    assert "+" not in diff[0]["before"]
    assert "********" in diff[0]["after"]
    assert "GitLab, runner 'b': create group runner 'b on h1' of group group\n" in diff[1]["prepared"]

    before = len(host.lab.requests())
    again = host.run(runner("a"), runner("b", scope="group", group="group", tags=["x"]), config={"concurrent": 4})
    assert (again["changed"], again["diff"], len(host.writes)) == (False, [], 1)
    seen = [f"{row['method']} {row['path']}" for row in host.lab.requests()[before:] if row["method"] != "GET"]
    assert seen == ["POST /api/v4/runners/verify"] * 2


def test_check_mode_writes_nowhere_and_says_what_would_happen(host: Host) -> None:
    result = host.run(runner(), check=True)
    assert (result["changed"], host.text, host.ids) == (True, OLD, [])
    assert result["runners"][0]["server_changes"] == ["create instance runner 'build on h1'"]
    assert 'token = "********"' in result["diff"][0]["after"]
    assert {row["method"] for row in host.lab.requests()} == {"GET"}
    host.run(runner())
    assert host.run(runner(), check=True)["changed"] is False


@pytest.mark.parametrize(
    ("arguments", "runners", "words"),
    [
        pytest.param({}, [runner(token="verysecret")], "runners[0] has token and scope; keep one", id="two ways"),
        pytest.param({}, [runner(), runner("b", tags="x")], "runners[1].tags has to be a list", id="a wrong type"),
        pytest.param({"api_token": None}, [runner()], "scope needs gitlab_runner_api_token", id="no API token"),
        pytest.param({"api_token": "very secret"}, [runner()], "gitlab_runner_api_token has blanks", id="no token"),
        pytest.param({"config": {"concurent": 4}}, [runner()], "concurent", id="an unknown key of config.toml"),
        pytest.param({}, [runner(config={"executor": "shell", "limit": "x"})], "limit", id="a wrong key of a runner"),
        pytest.param({"runners": "verysecret"}, [], "runners has to be a list", id="no list of runners"),
        pytest.param({"api_tokn": "verysecret"}, [], "api_tokn", id="a misspelt option"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_touched(
    host: Host, arguments: dict[str, Any], runners: list[dict[str, Any]], words: str
) -> None:
    result = host.run(*runners, **arguments)
    assert (result["failed"], result["changed"], host.text) == (True, False, OLD)
    assert words in result["msg"]
    assert host.lab.requests() == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('concurrent = "verysecret', id="broken TOML"),
        pytest.param('[[runners]]\nname = "build"\n[[runners]]\nname = "build"\n', id="an entry that is there twice"),
    ],
)
def test_a_file_that_cannot_be_changed_is_found_before_gitlab_is(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    host = Host(monkeypatch, text)
    result = host.run(runner())
    assert (result["failed"], host.text, host.lab.requests()) == (True, text, [])
    assert "config.toml" in result["msg"]


def test_when_one_fails_those_before_it_are_written(host: Host) -> None:
    host.lab.fault(method="POST", path="/user/runners$", status=403, skip=2, times=None)
    result = host.run(runner("a"), runner("b"), runner("c"), runner("d"), config={"concurrent": 4}, exclusive=True)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].startswith("runner 'c': GitLab at ")
    assert "answers 403" in result["msg"]
    assert [each["name"] for each in result["runners"]] == ["a", "b"]
    assert list(host.entries) == ["a", "b"]
    assert len(host.ids) == 2
    host.lab.end_faults()
    assert not host.run(runner("a"), runner("b"), runner("c"), runner("d"), config={"concurrent": 4}).get("failed")
    assert (len(host.ids), len(host.entries)) == (4, 4)


def test_what_could_not_be_written_is_taken_back_from_gitlab(host: Host) -> None:
    host.problem = "cannot write /etc/gitlab-runner/config.toml: No space left on device"
    result = host.run(runner("a"), runner("b", scope=None, registration_token=host.lab.registration_token))
    assert (result["failed"], host.text, host.ids) == (True, OLD, [])
    assert result["msg"] == host.problem


def test_what_was_written_although_it_seemed_to_fail_stays(host: Host) -> None:
    host.problem, host.lost_answer = "cannot write: no answer", True
    assert host.run(runner())["failed"]
    assert host.ids == [host.entries["build"]["id"]]
    host.problem = None
    assert host.run(runner())["changed"] is False


def test_what_cannot_be_taken_back_is_named(host: Host) -> None:
    host.problem = "cannot write it"
    host.lab.fault(method="DELETE", status=403, times=None)
    result = host.run(runner())
    assert "cannot write it; runner 'build' (id 1) stays in GitLab although no host has its token: " in result["msg"]
    host.lab.end_faults()
    host.problem = None
    host.run(runner())
    assert len(host.ids) == 1


def test_a_file_that_somebody_else_writes_meanwhile_gets_the_token_all_the_same(host: Host) -> None:
    host.meanwhile = ["# theirs\nconcurrent = 9\n"]
    result = host.run(runner())
    assert (result["changed"], host.ids) == (True, [host.entries["build"]["id"]])
    assert host.text.startswith("# theirs\nconcurrent = 9\n")


def test_a_file_that_is_never_left_alone_leaves_no_runner_behind(host: Host) -> None:
    host.meanwhile = [f"# {number}\n" for number in range(9)]
    result = host.run(runner())
    assert result["failed"]
    assert "changed by somebody else 3 times" in result["msg"]
    assert host.ids == []


def test_a_run_that_died_between_gitlab_and_the_file_leaves_no_orphan(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> Written:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(host, "write", die)
        with pytest.raises(Killed):
            host.run(runner())
    assert len(host.ids) == 1
    result = host.run(runner())
    assert host.ids == [host.entries["build"]["id"]]
    assert any("an interrupted attempt left behind" in each for each in result["runners"][0]["server_changes"])


def test_a_runner_goes_from_gitlab_and_from_the_file(host: Host) -> None:
    host.run(runner("a"), runner("b"))
    result = host.run(runner("a", state="absent"), runner("b"))
    assert [each["outcome"] for each in result["runners"]] == ["unregistered", "unchanged"]
    assert list(host.entries) == ["b"]
    assert len(host.ids) == 1
    assert host.run(runner("a", state="absent"), runner("b"))["changed"] is False


def test_what_nobody_declared_goes_with_exclusive(host: Host) -> None:
    host.run(runner("a"), runner("b"), runner("c", scope=None, registration_token=host.lab.registration_token))
    result = host.run(runner("a"), exclusive=True)
    assert list(host.entries) == ["a"]
    assert [each["name"] for each in result["runners"]] == ["a", "b", "c"]
    assert len(host.ids) == 2  # an older token may be in use elsewhere
    assert "runner 'c': it is not declared" in result["warnings"][0]
    assert host.run(runner("a"), exclusive=True)["changed"] is False


def test_rotation_comes_last_and_is_written(host: Host) -> None:
    host.run(runner("a"), runner("b"))
    before = {name: entry["token"] for name, entry in host.entries.items()}
    result = host.run(runner("a", paused=True), runner("b"), runner("c"), rotate=True)
    assert [each["outcome"] for each in result["runners"]] == ["rotated", "rotated", "created"]
    assert len(host.writes) == 2
    assert not {entry["token"] for entry in host.entries.values()} & set(before.values())
    posts = [row["path"] for row in host.lab.requests("POST")]
    assert posts.index("/api/v4/runners/1/reset_authentication_token") > max(
        index for index, path in enumerate(posts) if path.endswith("/user/runners")
    )
    assert host.run(runner("a"), runner("b"), runner("c"))["changed"] is False


def test_a_runner_without_a_way_stays_where_it_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[[runners]]\n  name = "old"\n  url = "https://elsewhere.example/"\n  token = "verysecret"\n'
    host = Host(monkeypatch, text)
    result = host.run({"name": "old", "config": {"limit": 2, "url": host.lab.url}})
    assert host.entries["old"]["url"] == "https://elsewhere.example/"
    assert host.entries["old"]["limit"] == 2
    assert (result["changed"], host.lab.requests()) == (True, [])


def test_the_api_token_does_not_go_to_the_gitlab_of_another_runner(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    other = instance()
    made = other.api("POST", "/user/runners", {"runner_type": "instance_type"})
    result = host.run(runner(), {"name": "other", "url": other.url, "token": made["token"], "config": {}})
    assert not result.get("failed")
    assert host.entries["other"]["url"] == other.url
    assert made["token"] not in json.dumps(result)


def test_plain_http_is_warned_about(host: Host) -> None:
    result = host.run({"name": "a", "token": "glrt-verysecret"}, url="http://127.0.0.1:1", api_token=None, verify=False)
    assert result["warnings"] == [
        "http://127.0.0.1:1 is not https, so tokens go over the network as they are; use https in gitlab_runner_url"
    ]
    assert host.entries["a"]["token"] == "glrt-verysecret"


def test_the_ca_can_be_a_file(host: Host, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(host.lab.ca)
    assert host.run(runner(), ca=str(tmp_path / "ca.pem"))["changed"]
    failed = host.run(runner("b"), ca="does-not-exist.pem")
    assert "gitlab_runner_ca cannot be used: No such file or directory ('does-not-exist.pem')" in failed["msg"]


def test_the_documentation_tells_of_the_same_options() -> None:
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    assert set(options) == set(runner_registration.SPEC)
    for name, option in options.items():
        spec = runner_registration.SPEC[name]
        if spec["type"] != "raw":
            assert option.get("default") == spec.get("default"), name
            assert option["type"] in (spec["type"], "path"), name


@pytest.mark.parametrize("check", [pytest.param(False, id="applied"), pytest.param(True, id="in check mode")])
@pytest.mark.parametrize("status", [pytest.param(503, id="GitLab is down"), pytest.param(429, id="GitLab is busy")])
def test_a_gitlab_that_cannot_be_asked_does_not_keep_the_file_from_being_changed(
    host: Host, status: int, check: bool
) -> None:
    legacy = {"name": "old", "registration_token": host.lab.registration_token, "config": {"executor": "shell"}}
    host.run(runner("a"), legacy)
    given = {"name": "b", "token": host.entries["a"]["token"], "config": {"executor": "shell"}}
    host.run(runner("a"), legacy, given)
    before, ids = host.entries, host.ids
    host.lab.fault(path="/api/v4/", status=status, times=None)
    limited = [
        {**each, "config": {"executor": "shell", "limit": 2}} for each in (runner("a", tags=["x"]), legacy, given)
    ]
    result = host.run(*limited, config={"concurrent": 9}, check=check)
    host.lab.end_faults()
    assert (result.get("failed"), result["changed"]) == (None, True)
    assert {each["outcome"] for each in result["runners"]} == {"unchanged"}
    assert all(each.startswith("h1: runner '") for each in result["warnings"])
    assert all("GitLab cannot be asked" in each for each in result["warnings"])
    assert f"answers {status}" in result["warnings"][0]
    assert [each["id"] for each in result["runners"]] == [before[name]["id"] for name in ("a", "old", "b")]
    wanted = before if check else {name: {**entry, "limit": 2} for name, entry in before.items()}
    assert (host.entries, host.ids) == (wanted, ids)
    assert host.text.startswith("# by hand\nconcurrent = " + ("1" if check else "9"))


@pytest.mark.parametrize(
    ("given", "arguments", "fault"),
    [
        pytest.param(runner("new"), {}, {}, id="a new runner"),
        pytest.param(runner("a"), {"rotate": True}, {}, id="another token"),
        pytest.param(runner("a", state="absent"), {}, {}, id="a runner that goes"),
        pytest.param({"name": "a", "token": "glrt-verysecret"}, {}, {}, id="a token that was not there"),
        pytest.param(runner("a", tags=["x"]), {}, {"method": "PUT"}, id="an attribute that could not be sent"),
        pytest.param(runner("a"), {}, {"status": 401}, id="an API token that expired"),
        pytest.param(runner("a"), {}, {"status": 403}, id="an API token that may not"),
    ],
)
def test_what_needs_an_answer_of_gitlab_fails_without_one(
    host: Host, given: dict[str, Any], arguments: dict[str, Any], fault: dict[str, Any]
) -> None:
    host.run(runner("a"))
    before = host.entries
    host.lab.fault(**{"path": "/runners", "status": 503, "times": None, **fault})
    result = host.run(given, **arguments)
    assert result["failed"] is True
    assert host.entries == before


def test_exclusive_lets_no_entry_go_unnoticed(host: Host) -> None:
    host.run(runner("a"), runner("twice"), runner("other"), runner("third"))
    twice, other = host.entries["twice"]["id"], host.entries["other"]["id"]
    third = host.entries["third"]["id"]
    host.text = host.text.replace('"other"', '"twice"').replace('"third"', '""')
    result = host.run(runner("a"), exclusive=True)
    assert list(host.entries) == ["a"]
    assert [(each["name"], each["id"], each["outcome"]) for each in result["runners"][1:]] == [
        ("twice", twice, "unregistered"),
        ("twice", other, "absent"),
        ("(without a name)", third, "absent"),
    ]
    assert [f"runner {each} stays in GitLab" in "".join(result["warnings"]) for each in (twice, other, third)] == [
        False, True, True,
    ]  # fmt: skip
