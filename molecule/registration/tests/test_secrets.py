"""A token is in config.toml and nowhere else, however loud Ansible is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testinfra.host import Host

from tests.support import leaks
from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.registering import CONVERGE, another, given, register, with_runners
from tests.support.runners import runner

LEAKING = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ gitlab_runner_api_token }}"
        dest: /srv/planted
        mode: "0600"
"""


def test_nothing_leaks_from_a_registration(host: Host, gitlab: LabGitLab) -> None:
    made = gitlab.api("POST", "/user/runners", {"runner_type": "project_type", "project_id": 11})
    assert register(host, with_runners(another("loud"))).code == 0
    known: dict[str, str] = {
        "API token": gitlab.admin_token,
        "given token": made["token"],
        "registration token": gitlab.registration_token,
        "token of a runner that is there": runner(host, "created")["token"],
        "token that is exchanged": runner(host, "loud")["token"],
    }
    wanted: dict[str, Any] = with_runners(
        another("loud"),
        given("given", token=made["token"]),
        given("old", registration_token=gitlab.registration_token),
        gitlab_runner_rotate=True,
        gitlab_runner_api_token=gitlab.admin_token,
    )
    # The play itself names the API token, as an inventory does.
    hunt = leaks.hunt_play(CONVERGE, name_of(host), wanted, known)
    assert hunt.code == 0, hunt.output
    assert hunt.places == []
    # What was given out meanwhile: on the host afterwards, and in what was printed.
    fresh = {runner(host, name)["token"] for name in ("created", "loud", "old")}
    assert fresh <= set(gitlab.secrets())
    assert not any(token in hunt.output for token in gitlab.secrets())
    later = leaks.hunt_play(
        CONVERGE, name_of(host), wanted, {f"fresh {n}": token for n, token in enumerate(sorted(fresh))}
    )
    assert later.places == []
    assert register(host, {"gitlab_runner_exclusive": True}).code == 0


def test_a_failing_run_leaks_nothing_either(host: Host, gitlab: LabGitLab) -> None:
    gitlab.fault(
        r"/user/runners$", method="POST", status=422, times=None, body={"message": {"token": [gitlab.admin_token]}}
    )
    hunt = leaks.hunt_play(CONVERGE, name_of(host), with_runners(another("refused")), {"API token": gitlab.admin_token})
    assert hunt.code != 0
    assert hunt.places == []


def test_the_hunt_finds_what_is_planted(host: Host, tmp_path: Path) -> None:
    playbook = tmp_path / "leaking.yml"
    playbook.write_text(LEAKING)
    hunt = leaks.hunt_play(
        playbook,
        name_of(host),
        {"gitlab_runner_api_token": "glpat-planted0000000"},
        {"API token": "glpat-planted0000000"},
    )
    host.check_output("rm -f /srv/planted")
    assert any("/srv/planted" in place for place in hunt.places)
    assert any(place.startswith("stdout") for place in hunt.places)
