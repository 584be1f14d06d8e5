# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What role upgrade asks of a host, and in which order: run by Ansible, with made-up modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]
# Answers with what the file beside the calls has for it, and else that all is well.
MODULE = """#!/usr/bin/python
# WANT_JSON
import json, pathlib, sys
folder, name = pathlib.Path({folder!r}), {name!r}
given = json.loads(pathlib.Path(sys.argv[1]).read_text())
asked = {{key: value for key, value in given.items() if not key.startswith("_ansible")}}
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([name, asked]) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
state = name + " " + str(asked.get("state"))
print(json.dumps(answers.get(state, answers.get(name, {{"changed": False, "draining": False}}))))
"""
MARK = {"by": "upgrade", "since": "2026-11-22T17:40:00Z", "reason": "", "paused": []}
FACTS: dict[str, Any] = {
    "docker": {"socket": "/run/docker.sock", "running": True},
    "gitlab_runner": {"service": {"active": "active", "held": None}, "runners": []},
    "maintenance": None,
    "podman": None,
}
PLAN: dict[str, Any] = {
    "before": {}, "new": [], "held": [], "set_aside": [], "binary": False, "back_to": None, "unfinished": False,
}  # fmt: skip
PROBE = {
    "layers": [{
        "layer": "host", "name": "host", "profile": "default", "state": "measured",
        "calls": {"clone3": {"answer": "allowed"}},
    }],
}  # fmt: skip
HOST = {"result": "", "reason": "", "resume": True, "steps": [{"name": "look", "began": "2026-11-22T17:40:00Z"}]}


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """The collection with modules that ask no host."""
    collection = tmp_path / "collections/ansible_collections/runnerkit/gitlab"
    (collection / "plugins/modules").mkdir(parents=True)
    for part in ("roles", "meta", "galaxy.yml", *(f"plugins/{kind}_utils" for kind in ("plugin", "module"))):
        (collection / part).symlink_to(CHECKOUT / part)
    for part in ("filter", "test"):
        (collection / "plugins" / part).symlink_to(CHECKOUT / "plugins" / part)
    for module in (CHECKOUT / "plugins/modules").glob("[a-z]*.py"):
        text = MODULE.format(folder=str(tmp_path), name=module.stem)
        (collection / "plugins/modules" / module.name).write_text(text)
    return tmp_path


def include(role: str, entry: str) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"runnerkit.gitlab.{role}", "tasks_from": entry}}


def run(folder: Path, tasks: list[Any], answers: dict[str, Any], **facts: Any) -> tuple[str, dict[str, Any], list[Any]]:
    """(the output, __upgrade_host in the end, the calls) of a play on this machine."""
    (folder / "answers.json").write_text(
        json.dumps({"runtime_facts": {"ansible_facts": {"runnerkit": FACTS}}, **answers})
    )
    kept = folder / "end.json"
    given = {
        "__upgrade_host": HOST, "__upgrade_plan": {"interrupted": None, "moves": []},
        "__docker_engine_plan": PLAN, "__gitlab_runner_plan": PLAN, "__gitlab_runner_saved": [], **facts,
    }  # fmt: skip
    play = [{
        "hosts": "localhost", "connection": "local", "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable, "upgrade_smoke": False},
        "tasks": [
            {"ansible.builtin.set_fact": {"runnerkit": FACTS, "runnerkit_probe": PROBE, "cacheable": True}},
            {"ansible.builtin.set_fact": given},
            *tasks,
            {"ansible.builtin.copy": {"content": "{{ __upgrade_host }}", "dest": str(kept)}},
        ],
    }]  # fmt: skip
    (folder / "ansible.cfg").touch()
    (folder / "play.yml").write_text(json.dumps(play))
    environment = {
        **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }  # fmt: skip
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(folder / "play.yml")]
    done = subprocess.run(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    calls = folder / "calls"
    asked = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
    return done.stdout, json.loads(kept.read_text()) if kept.exists() else {}, asked


def test_what_was_measured_before_does_not_count_for_what_is_tried(folder: Path) -> None:
    known = {"mark": {**MARK, "before": {"allowed": {"host default": ["clone3"]}}}}
    output, _, _ = run(
        folder, [include("upgrade", "try")], {"seccomp_probe": {"failed": True, "msg": "the disk is full"}},
        __gitlab_runner_paused=known,
    )  # fmt: skip
    assert "layer host default was measured before and cannot be measured any more" in output
    assert "the disk is full" in output


ENGINE = {**PLAN, "install": {"docker-ce": "2"}, "remove": [], "optional": []}
CHANGES = {
    "__docker_engine_plan": ENGINE, "__docker_engine_source_current": True, "__docker_engine_changes": True,
    "__docker_engine_distribution": "debian", "__upgrade_runner": False,
}  # fmt: skip


def test_packages_are_fetched_while_jobs_run(folder: Path) -> None:
    _, host, calls = run(folder, [include("upgrade", "fetch")], {}, **CHANGES)
    ((name, asked),) = calls
    assert (name, asked["install"], asked["fetch_only"]) == ("package_set", {"docker-ce": "2"}, True)
    assert [step["name"] for step in host["steps"]] == ["look", "fetch"]
    assert not host["result"]


def test_what_an_interrupted_run_of_site_yml_left_is_fetched_only_where_it_can_go_back(folder: Path) -> None:
    unfinished = {**ENGINE, "unfinished": True}
    _, host, calls = run(
        folder, [include("upgrade", "fetch")], {}, **{**CHANGES, "__docker_engine_plan": unfinished}
    )  # fmt: skip
    assert calls == []
    assert not host["result"]


def test_a_host_whose_packages_cannot_be_had_is_left_as_it_is(folder: Path) -> None:
    _, host, calls = run(
        folder, [include("upgrade", "main")], {"package_set": {"failed": True, "msg": "the disk is full"}}, **CHANGES
    )
    assert (host["result"], host["reason"], host["resume"]) == ("failed", "the disk is full", False)
    assert [(step["name"], step.get("failed")) for step in host["steps"][:2]] == [("look", None), ("fetch", True)]
    assert [asked["state"] for name, asked in calls if name in ("runner_pause", "runner_service")] == ["left"]


@pytest.mark.parametrize(
    ("interrupted", "instead_of"),
    [
        pytest.param(None, "", id="nobody's"),
        pytest.param({**MARK, "run": "ctl1:123:456"}, "ctl1:123:456", id="that of a run that was interrupted"),
        pytest.param(MARK, "", id="that of an earlier version"),
    ],
)
def test_whose_place_an_upgrade_takes(folder: Path, interrupted: Any, instead_of: str) -> None:
    _, _, calls = run(
        folder, [include("upgrade", "drain")], {}, __upgrade_plan={"interrupted": interrupted, "moves": []},
        __gitlab_runner_authority_errors=[], __gitlab_runner_drain_errors=[],
    )  # fmt: skip
    [asked] = [asked for name, asked in calls if name == "runner_pause"]
    assert (asked["by"], asked["instead_of"]) == ("upgrade", instead_of)


def test_the_way_back_begins_with_a_runner_that_is_held(folder: Path) -> None:
    _, host, calls = run(folder, [include("upgrade", "back")], {}, ansible_failed_result={"msg": "it did not come up"})
    order = [(name, asked.get("state"), asked.get("hold")) for name, asked in calls]
    held, moved = order.index(("runner_service", "stopped", "upgrade")), order.index(("package_set", None, None))
    assert held < moved
    assert (host["result"], host["reason"]) == ("rolled_back", "it did not come up")


def test_packages_do_not_go_back_under_jobs(folder: Path) -> None:
    busy = {"failed": True, "draining": True, "msg": "some still run"}
    _, host, calls = run(
        folder, [include("upgrade", "back")], {"runner_service stopped": busy},
        ansible_failed_result={"msg": "it did not come up"}, gitlab_runner_drain_timeout=1,
    )  # fmt: skip
    assert "package_set" not in [name for name, _ in calls]
    assert (host["result"], host["resume"]) == ("broken", False)
    assert host["reason"] == "it did not come up; and some still run"


def test_where_nothing_is_left_but_to_resume_the_runner_is_seen_to_run(folder: Path) -> None:
    _, host, calls = run(folder, [include("upgrade", "resume")], {})
    assert [(name, asked.get("state")) for name, asked in calls] == [
        ("runner_service", "started"), ("runner_pause", "resumed"),
    ]  # fmt: skip
    assert host["result"] == "upgraded"


@pytest.mark.parametrize(
    ("saved", "left"),
    [
        pytest.param(False, "the one of now", id="none that this run did not replace"),
        pytest.param(True, "an older one", id="the one that it has replaced"),
    ],
)
def test_which_program_comes_back(folder: Path, saved: bool, left: str) -> None:
    program = folder / "gitlab-runner"
    program.write_text("the one of now")
    program.with_name("gitlab-runner.runnerkit.save").write_text("an older one")
    _, _, calls = run(
        folder, [include("gitlab_runner", "back")], {}, gitlab_runner_source="binary",
        __gitlab_runner_program=str(program), __gitlab_runner_stat={"stat": {"exists": True}},
        __gitlab_runner_plan={**PLAN, "binary": True, "back_to": "18.1.0"},
        __gitlab_runner_saved=[str(program)] if saved else [],
    )  # fmt: skip
    assert program.read_text() == left
    assert [asked["program"] for name, asked in calls if name == "runner_service"] == [str(program)]


def test_a_program_that_is_right_is_the_one_that_is_started_again(folder: Path) -> None:
    _, _, calls = run(
        folder, [include("gitlab_runner", "back")], {}, gitlab_runner_source="binary",
        __gitlab_runner_stat={"stat": {"exists": True}}, __gitlab_runner_plan={**PLAN, "back_to": "18.1.0"},
    )  # fmt: skip
    assert [asked["program"] for name, asked in calls if name == "runner_service"] == ["/usr/local/bin/gitlab-runner"]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        pytest.param("drain", "", id="its own"),
        pytest.param("docker_engine", "stay stopped; run playbooks/site.yml, then run this again", id="a role's"),
        pytest.param("unknown", "see who wrote /var/lib/runnerkit/gitlab-runner-hold", id="one that cannot be read"),
    ],
)
def test_resume_does_not_pass_over_a_hold_of_somebody_else(folder: Path, by: str, told: str) -> None:
    held = {**FACTS, "gitlab_runner": {"service": {"active": "inactive", "held": {"by": by, "since": None}}}}
    gathered = {"runtime_facts": {"ansible_facts": {"runnerkit": held}}}
    output, _, calls = run(folder, [include("gitlab_runner", "resume")], gathered)
    assert told in output.replace("\n", " ")
    assert ("runner_service" in [name for name, _ in calls]) is (not told)
