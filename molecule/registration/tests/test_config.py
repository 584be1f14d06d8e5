"""config.toml by meaning, on a host: what people wrote stays, and what is wrong is said before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import note_time, touched
from tests.support.registering import another, own, register, with_runners, writes
from tests.support.runners import config, config_text, main_pid, runner

NOWHERE = "https://gitlab.example"
HERS = """\
[[runners]] # by hand
  name = "hers"
  url = "https://gitlab.example"
  token = "glrt-hers"
  executor = "shell"
  own_key = 1 # foreign
"""


def test_what_was_written_by_hand_survives_a_change(host: Host, kept: str) -> None:
    text = f"# Ask Ada before you change this.\n{config_text(host)}\n{HERS}"
    host.check_output("printf '%%s' %s > %s", text, kept)
    before = config_text(host)
    pid = main_pid(host)
    changed = register(host, {"gitlab_runner_config": {"concurrent": 5, "check_interval": 60}}, ["--diff"])
    assert changed.code == 0, changed.output
    assert config_text(host) == before.replace("concurrent = 4", "concurrent = 5")
    assert "-concurrent = 4" in changed.output
    assert "+concurrent = 5" in changed.output
    assert runner(host, "created")["token"] not in changed.output
    assert main_pid(host) == pid


@pytest.mark.usefixtures("kept")
def test_a_null_removes_a_key(host: Host) -> None:
    with_more = own()
    with_more["config"]["output_limit"] = 8192
    assert register(host, {"gitlab_runner_runners": [with_more]}).code == 0
    assert runner(host, "created")["output_limit"] == 8192
    with_more["config"]["output_limit"] = None
    assert register(host, {"gitlab_runner_runners": [with_more]}).code == 0
    assert "output_limit" not in runner(host, "created")


@pytest.mark.usefixtures("kept")
def test_a_key_that_is_read_at_the_start_makes_one_restart(host: Host) -> None:
    before = main_pid(host)
    settings = {"concurrent": 4, "check_interval": 60, "listen_address": "127.0.0.1:9252"}
    wanted: dict[str, Any] = {"gitlab_runner_config": settings}
    changed = register(host, wanted)
    assert changed.code == 0, changed.output
    after = main_pid(host)
    assert before != after != 0
    assert config(host)["listen_address"] == "127.0.0.1:9252"
    again = register(host, wanted)
    assert again.changed == []
    assert main_pid(host) == after


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"config": {"limt": 2}}, ["runners[0].limt", "limit"]),
        ({"config": {"limit": "two"}}, ["runners[0].limit"]),
        ({"config": {"docker": {"volumes": "/cache"}}}, ["runners[0].docker.volumes"]),
        ({"config": {"docker": {"pull_policy": "sometimes"}}}, ["runners[0].docker.pull_policy", "if-not-present"]),
        ({"config": {"token": "glrt-secret-in-config"}}, ["runners[0].token"]),
        ({"config": {"docker": {"volume_keep": True}}}, ["runners[0].docker.volume_keep", "18.10", "18.2.0"]),
        ({"mode": "dnid"}, ["dnid", "dind"]),
        ({"token": "glrt-both-ways"}, ["scope", "token"]),
    ],
    ids=[
        "an unknown key", "a wrong type", "text for a list", "no such choice", "a key of the runner itself",
        "a key too new", "an unknown mode", "two ways to a token",
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_touched(
    host: Host, gitlab: LabGitLab, mistake: dict[str, Any], words: list[str]
) -> None:
    calls = len(writes(gitlab))
    note_time(host)
    refused = register(host, {"gitlab_runner_runners": [{**own(), **mistake}]})
    assert refused.code != 0
    assert all(word in refused.failures[-1] for word in words), refused.failures
    assert "glrt-" not in refused.output
    assert touched(host) == []
    assert len(writes(gitlab)) == calls


def test_two_hundred_runners_cost_no_more_calls_than_one(host: Host, kept: str) -> None:
    text = config_text(host)
    for n in range(200):
        text += f'\n[[runners]]\n  name = "many {n}"\n  url = "{NOWHERE}"\n  token = "glrt-{n}"\n  executor = "shell"\n'
    host.check_output("printf '%%s' %s > %s", text, kept)
    runners = [
        {"name": f"many {n}", "url": NOWHERE, "config": {"executor": "shell", "limit": n + 1}} for n in range(200)
    ]
    one = register(host, with_runners(runners[0]))
    assert one.code == 0, one.output
    many = register(host, with_runners(*runners))
    assert many.code == 0, many.output
    # Facts, packages, one read, one write, the service: as with one runner that has to be changed.
    assert many.calls == 5
    assert [each.get("limit") for each in config(host)["runners"][1:]] == list(range(1, 201))


@pytest.mark.usefixtures("kept")
def test_an_unknown_key_is_written_when_that_is_wanted(host: Host) -> None:
    future = own()
    future["config"]["from_the_future"] = True
    allowed = register(host, {"gitlab_runner_runners": [future], "gitlab_runner_allow_unknown_keys": True})
    assert allowed.code == 0, allowed.output
    assert runner(host, "created")["from_the_future"] is True


def test_check_mode_tells_and_touches_nothing(host: Host, gitlab: LabGitLab) -> None:
    calls = len(writes(gitlab))
    note_time(host)
    told = register(host, with_runners(another("wanted")), ["--check", "--diff"])
    assert told.code == 0, told.output
    assert any("Register" in task for task in told.changed)
    assert "wanted" in told.output
    assert touched(host) == []
    assert len(writes(gitlab)) == calls
