"""The timing callback: what it adds up, what it counts, what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.callback.timing import Ledger, results_on_hosts


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def item(**values: Any) -> dict[str, Any]:
    return {"ansible_loop_var": "item", **values}


@pytest.mark.parametrize(
    ("action", "result", "expected"),
    [
        pytest.param("ansible.builtin.command", {"rc": 0}, 1, id="a module's answer counts"),
        pytest.param("ansible.builtin.command", {"skipped": True}, 0, id="a skipped task does not"),
        pytest.param("ansible.builtin.debug", {"msg": "hi"}, 0, id="what only the controller does, does not"),
        pytest.param("set_fact", {"ansible_facts": {}}, 0, id="the same under its short name"),
        pytest.param("example.tools.debug", {"rc": 0}, 0, id="a name is judged by its last part"),
        pytest.param(
            "ansible.builtin.command",
            {"results": [item(rc=0), item(skipped=True), item(rc=1)]},
            2,
            id="each item of a loop counts unless it was skipped",
        ),
        pytest.param("ansible.builtin.find", {"results": [{"a": 1}, {"b": 2}]}, 1, id="a module's own results are one"),
        pytest.param("ansible.builtin.command", {"results": []}, 1, id="an empty list of a module's own is one"),
    ],
)
def test_results_on_hosts(action: str, result: dict[str, Any], expected: int) -> None:
    assert results_on_hosts(action, result) == expected


def test_a_task_lasts_until_the_next_one_starts() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    ledger.start("role docker_engine", "1", "install | Add the source")
    clock.now += 2
    ledger.start("role docker_engine", "2", "install | Install the packages")
    clock.now += 5
    ledger.start("play Report", "3", "Print")
    clock.now += 1
    ledger.stop()
    clock.now += 50
    ledger.stop()
    assert {entry.name: entry.seconds for entry in ledger.groups.values()} == {
        "role docker_engine": 7,
        "play Report": 1,
    }
    assert [entry.seconds for entry in ledger.tasks.values()] == [2, 5, 1]


def test_report_has_groups_in_their_order_and_tasks_by_their_time() -> None:
    clock = Clock()
    ledger = Ledger(clock)
    for task, (group, seconds, results) in enumerate([("role a", 1.0, 2), ("role b", 3.0, 1), ("role a", 0.01, 0)]):
        ledger.start(group, str(task), f"task {task}")
        ledger.count(group, str(task), results)
        clock.now += seconds
    ledger.stop()
    assert ledger.report(slowest=1) == [
        "role a      1.0 s     2 results",
        "role b      3.0 s     1 result",
        "slowest tasks",
        "  task 1      3.0 s     1 result",
    ]
    assert len(ledger.report(slowest=0)) == 2


def test_a_late_result_of_an_unknown_task_is_no_error() -> None:
    ledger = Ledger(Clock())
    ledger.count("role a", "1", 1)
    assert ledger.report(slowest=5) == []


PLAYBOOK = """
- name: Try
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Reach the host
      ansible.builtin.raw: "true"
      loop: [1, 2]
      changed_when: false
    - name: Say so
      ansible.builtin.debug:
        msg: said
"""


def test_a_real_run_ends_with_the_report(tmp_path: Path) -> None:
    playbook = tmp_path / "try.yml"
    playbook.write_text(PLAYBOOK)
    settings = tmp_path / "ansible.cfg"
    settings.touch()
    env = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "runnerkit.gitlab.timing",
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "LC_ALL": "C.UTF-8",
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    done = subprocess.run([program, playbook], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = done.stdout.partition("TIMING: ")[2].splitlines()
    assert report[1].startswith("play Try  ")
    assert report[1].endswith(" 2 results")
