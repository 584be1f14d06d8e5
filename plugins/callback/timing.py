"""Callback that closes a run with where its time went."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timing
type: aggregate
short_description: Says at the end of a run where the time went
version_added: 0.1.0
description:
  - Prints, after the recap, one line per role (or per play, for tasks outside of roles) with its share of the run in
    seconds and the number of task results that came from hosts, and below it the slowest tasks.
  - A task counts from its start to the start of the next one, so that the lines add up to the whole run. With
    O(ignore:strategy=free) tasks overlap, and the time goes to the one that was started last.
  - A I(result from a host) is one that a module produced on a host; one loop item is one result. Skipped tasks and
    actions that only the controller carries out, such as M(ansible.builtin.debug) or M(ansible.builtin.set_fact), do
    not count.
author:
  - The runnerkit contributors (@runnerkit)
requirements:
  - It has to be enabled, with C(callbacks_enabled = runnerkit.gitlab.timing) in C([defaults]) of C(ansible.cfg).
options:
  slowest:
    description:
      - How many of the slowest tasks to name. V(0) leaves the list out.
    type: int
    default: 5
    env:
      - name: RUNNERKIT_TIMING_SLOWEST
    ini:
      - section: callback_runnerkit_timing
        key: slowest
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

# What the controller does by itself: nothing reaches the host, so it says nothing about the cost of a run there.
CONTROLLER_ACTIONS = frozenset(
    {
        "add_host",
        "assert",
        "debug",
        "fail",
        "group_by",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "include_vars",
        "meta",
        "pause",
        "set_fact",
        "set_stats",
        "validate_argument_spec",
    }
)


@dataclass
class Entry:
    """Time and results of one task, or of one role or play."""

    name: str
    seconds: float = 0.0
    results: int = 0


@dataclass
class Ledger:
    """Adds up which task ran when."""

    clock: Callable[[], float] = time.monotonic
    groups: dict[str, Entry] = field(default_factory=dict)
    tasks: dict[str, Entry] = field(default_factory=dict)
    _running: tuple[Entry, Entry] | None = None
    _since: float = 0.0

    def start(self, group: str, task_id: str, task_name: str) -> None:
        """A task begins, which is also the end of the one before it."""
        self.stop()
        self._running = (
            self.groups.setdefault(group, Entry(group)),
            self.tasks.setdefault(task_id, Entry(task_name)),
        )
        self._since = self.clock()

    def stop(self) -> None:
        """Nothing runs any more."""
        if self._running is None:
            return
        elapsed = self.clock() - self._since
        for entry in self._running:
            entry.seconds += elapsed
        self._running = None

    def count(self, group: str, task_id: str, results: int) -> None:
        """Results came back for a task, which may no longer be the one started last."""
        for entry in (self.groups.get(group), self.tasks.get(task_id)):
            if entry is not None:
                entry.results += results

    def report(self, slowest: int) -> list[str]:
        """The lines to print: groups in the order in which they ran, then the slowest tasks."""
        groups = [entry for entry in self.groups.values() if entry.results or entry.seconds >= 0.05]
        lines = _table(groups)
        tasks = sorted(self.tasks.values(), key=lambda entry: entry.seconds, reverse=True)[: max(slowest, 0)]
        tasks = [entry for entry in tasks if entry.seconds >= 0.05]
        if tasks:
            lines += ["slowest tasks", *("  " + line for line in _table(tasks))]
        return lines


def _table(entries: list[Entry]) -> list[str]:
    width = max((len(entry.name) for entry in entries), default=0)
    return [f"{entry.name:<{width}}  {entry.seconds:7.1f} s  {_count(entry.results)}" for entry in entries]


def _count(results: int) -> str:
    return f"{results:4d} {'result' if results == 1 else 'results'}"


def results_on_hosts(action: str, result: dict[str, Any]) -> int:
    """How many results in a task's answer were produced on a host."""
    if action.rpartition(".")[2] in CONTROLLER_ACTIONS:
        return 0
    items = result.get("results")
    # `results` is also what some modules call a value of their own; only a loop's entries name their item.
    if (
        isinstance(items, list)
        and items
        and all(isinstance(item, dict) and "ansible_loop_var" in item for item in items)
    ):
        return sum(1 for item in items if not item.get("skipped"))
    return 0 if result.get("skipped") else 1


class CallbackModule(CallbackBase):
    """Passes Ansible's events on to the ledger."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "runnerkit.gitlab.timing"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self._play = ""
        self._began = time.monotonic()

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self._began = time.monotonic()

    def v2_playbook_on_play_start(self, play: Play) -> None:
        # Finding hosts and starting workers belongs to no task.
        self.ledger.stop()
        self._play = str(play.get_name()).strip()

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        self.ledger.start(self._group(task), str(task._uuid), str(task.get_name()))

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        self.v2_playbook_on_task_start(task, is_conditional=False)

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        task = result.task
        results = results_on_hosts(str(task.resolved_action or task.action), dict(result.result))
        self.ledger.count(self._group(task), str(task._uuid), results)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self.ledger.stop()
        self._display.banner(f"TIMING: {time.monotonic() - self._began:.1f} s")
        for line in self.ledger.report(int(CallbackBase.get_option(self, "slowest"))):
            self._display.display(line)

    def _group(self, task: Task) -> str:
        role = getattr(task, "_role", None)
        return f"role {role.get_name()}" if role else f"play {self._play}"
