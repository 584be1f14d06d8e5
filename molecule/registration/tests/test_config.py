"""config.toml by meaning, on a host: what people wrote stays, and what is wrong is said before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import note_time, touched
from tests.support.registering import another, own, register, with_runners, writes
from tests.support.runners import config, config_text, gitlab_of, main_pid, runner

NOWHERE = "https://gitlab.example"
MISDECLARED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown mode": (
        {"mode": "dnid"},
        "gitlab_runner_runners[{0}] (wrong {0}): mode is 'dnid', which is none of custom, socket, dind",
    ),
    "two ways to a token": (
        {"token": "glrt-both-ways"},
        "gitlab_runner_runners[{0}] (wrong {0}): token and scope are different ways to register it; keep one of them",
    ),
}
MISCONFIGURED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": (
        {"config": {"limt": 2}},
        "runners[{0}].limt (runner 'wrong {0}') is no key of the runner's; did you mean 'limit'?",
    ),
    "a wrong type": (
        {"config": {"limit": "two"}},
        "runners[{0}].limit (runner 'wrong {0}') has to be a whole number, not 'two'",
    ),
    "text for a list": (
        {"config": {"docker": {"volumes": "/cache"}}},
        "runners[{0}].docker.volumes (runner 'wrong {0}') has to be a list of texts, not '/cache'; write it as a list",
    ),
    "no such choice": (
        {"config": {"docker": {"pull_policy": "sometimes"}}},
        "runners[{0}].docker.pull_policy (runner 'wrong {0}') has to be one of always, if-not-present, never, not",
    ),
    "a key of the runner itself": (
        {"config": {"token": "glrt-secret-in-config"}},
        "runners[{0}].token (runner 'wrong {0}') is kept by the runner and cannot be declared here; leave it out",
    ),
    "a key too new": (
        {"config": {"docker": {"volume_keep": True}}},
        "runners[{0}].docker.volume_keep (runner 'wrong {0}') is known to gitlab-runner 18.10 and newer, and the host",
    ),
}
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
def test_keys_come_even_unknown_ones_when_that_is_wanted_and_a_null_removes_them(host: Host) -> None:
    declared = own()
    wanted = {"gitlab_runner_runners": [declared], "gitlab_runner_allow_unknown_keys": True}
    declared["config"] |= {"output_limit": 8192, "from_the_future": True}
    allowed = register(host, wanted)
    assert allowed.code == 0, allowed.output
    assert (runner(host, "created")["output_limit"], runner(host, "created")["from_the_future"]) == (8192, True)
    declared["config"]["output_limit"] = None
    assert register(host, wanted).code == 0
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


def refused(host: Host, mistakes: Sequence[dict[str, Any]]) -> str:
    """What a play says that declares a runner with each of these mistakes."""
    gitlab = gitlab_of(host, "registration")
    calls = len(writes(gitlab))
    note_time(host)
    wrong = [{**own(), "name": f"wrong {n}", **mistake} for n, mistake in enumerate(mistakes)]
    played = register(host, {"gitlab_runner_runners": wrong})
    assert played.code != 0
    assert "glrt-" not in played.output
    assert touched(host) == []
    assert len(writes(gitlab)) == calls
    return str(played.failures[-1])


@pytest.fixture(name="told", scope="module")
def _told(host: Host) -> str:
    """All mistakes are told at once; those in what is declared, before those in what would be written."""
    return "".join(refused(host, [mistake for mistake, _ in each.values()]) for each in (MISDECLARED, MISCONFIGURED))


@pytest.mark.parametrize(
    "sentence",
    [words.format(n) for each in (MISDECLARED, MISCONFIGURED) for n, (_, words) in enumerate(each.values())],
    ids=[*MISDECLARED, *MISCONFIGURED],
)
def test_bad_input_is_refused_before_anything_is_touched(told: str, sentence: str) -> None:
    assert sentence in told


def test_two_hundred_runners_cost_no_more_calls_than_one(host: Host, kept: str) -> None:
    text = config_text(host)
    for n in range(200):
        text += f'\n[[runners]]\n  name = "many {n}"\n  url = "{NOWHERE}"\n  token = "glrt-{n}"\n  executor = "shell"\n'
    host.check_output("printf '%%s' %s > %s", text, kept)
    runners = [
        {"name": f"many {n}", "url": NOWHERE, "config": {"executor": "shell", "limit": n + 1}} for n in range(200)
    ]
    # With the first of them their GitLab's certificate authority is laid out, once.
    one = register(host, with_runners(runners[0]))
    assert one.code == 0, one.output
    many = register(host, with_runners(*runners))
    assert many.code == 0, many.output
    # Facts, packages, one read, one write, the service: as with one runner that has to be changed.
    assert many.calls == 5
    assert [each.get("limit") for each in config(host)["runners"][1:]] == list(range(1, 201))


def test_check_mode_tells_and_touches_nothing(host: Host, gitlab: LabGitLab) -> None:
    calls = len(writes(gitlab))
    note_time(host)
    told = register(host, with_runners(another("wanted")), ["--check", "--diff"])
    assert told.code == 0, told.output
    assert any("Register" in task for task in told.changed)
    assert "wanted" in told.output
    assert touched(host) == []
    assert len(writes(gitlab)) == calls
