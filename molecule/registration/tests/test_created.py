"""A runner that GitLab made for this host, once, and in step with what is declared."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.registering import another, in_gitlab, own, register, with_runners, writes
from tests.support.runners import CONFIG, config_text, main_pid, names, runner


def test_it_is_in_gitlab_with_its_attributes(gitlab: LabGitLab) -> None:
    (found,) = in_gitlab(gitlab, "created")
    declared = own()
    assert found["runner_type"] == "group_type"
    assert sorted(found["tag_list"]) == declared["tags"]
    assert found["run_untagged"] is False
    assert found["maximum_timeout"] == 3600
    assert found["maintenance_note"].startswith("Asks at the helpdesk.\nrunnerkit: registration-debian12/created ")


def test_its_token_is_in_the_file_that_only_root_reads(host: Host, gitlab: LabGitLab) -> None:
    entry = runner(host, "created")
    assert entry["token"] in gitlab.secrets()
    assert entry["id"] == in_gitlab(gitlab, "created")[0]["id"]
    assert (host.file(CONFIG).mode, host.file(CONFIG).user) == (0o600, "root")
    assert entry["limit"] == 2


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["a second run", "a second run in check mode"])
def test_nothing_is_left_to_do(host: Host, gitlab: LabGitLab, arguments: list[str]) -> None:
    before = len(writes(gitlab))
    again = register(host, None, arguments)
    assert again.code == 0, again.output
    assert again.changed == []
    assert len(writes(gitlab)) == before


def test_what_somebody_changed_in_gitlab_is_put_back(host: Host, gitlab: LabGitLab) -> None:
    number = runner(host, "created")["id"]
    gitlab.api("PUT", f"/runners/{number}", {"paused": True, "tag_list": ["three"]})
    before = config_text(host)
    again = register(host, with_runners(), ["--diff"])
    assert again.code == 0, again.output
    # `paused` is not declared, so it is theirs; the tags are ours.
    found = gitlab.api("GET", f"/runners/{number}")
    assert (sorted(found["tag_list"]), found["paused"]) == (["one", "two"], True)
    assert config_text(host) == before
    gitlab.api("PUT", f"/runners/{number}", {"paused": False})


def test_one_that_was_deleted_in_gitlab_is_made_anew(host: Host, gitlab: LabGitLab) -> None:
    before = runner(host, "created")
    gitlab.api("DELETE", f"/runners/{before['id']}")
    pid = main_pid(host)
    again = register(host)
    assert again.code == 0, again.output
    after = runner(host, "created")
    assert after["id"] != before["id"]
    assert after["token"] != before["token"]
    assert len(in_gitlab(gitlab, "created")) == 1
    assert main_pid(host) == pid


def test_a_token_is_exchanged_when_asked_for(host: Host) -> None:
    before = runner(host, "created")
    rotated = register(host, {"gitlab_runner_rotate": True})
    assert rotated.code == 0, rotated.output
    after = runner(host, "created")
    assert after["id"] == before["id"]
    assert after["token"] != before["token"]


def test_one_that_is_absent_goes_from_both_sides_and_one_that_nobody_declares_when_that_is_exclusive(
    host: Host, gitlab: LabGitLab
) -> None:
    made = register(host, with_runners(another("short-lived"), another("undeclared")))
    assert made.code == 0, made.output
    assert (len(in_gitlab(gitlab, "short-lived")), len(in_gitlab(gitlab, "undeclared"))) == (1, 1)
    gone = register(host, with_runners({"name": "short-lived", "state": "absent"}))
    assert gone.code == 0, gone.output
    assert in_gitlab(gitlab, "short-lived") == []
    assert names(host) == ["created", "undeclared"]
    exclusive = register(host, {"gitlab_runner_exclusive": True})
    assert exclusive.code == 0, exclusive.output
    assert names(host) == ["created"]
    assert in_gitlab(gitlab, "undeclared") == []
    assert register(host).changed == []
