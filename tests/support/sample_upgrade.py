# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Hosts as playbooks/upgrade.yml tells of them, with every result there is, to try the report's forms on."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import upgrade_report

Dict = dict[str, Any]

GENERATED = "2026-11-22T18:00:00Z"
_NOON = datetime.datetime(2026, 11, 22, 17, 40, tzinfo=datetime.UTC)
MOVES = (
    {"what": "Docker Engine", "from": "20.10.5", "to": "26.1.5"},
    {"what": "GitLab Runner", "from": "17.11.0", "to": "18.2.0"},
    {"what": "containerd.io", "from": "1.4.13", "to": "1.7.27"},
    {"what": "docker-buildx-plugin", "from": None, "to": "0.14.1"},
    {"what": "docker-scan-plugin", "from": "0.9.0", "to": None},
)
WHOLE = (("look", 1.2), ("pause", 0.6), ("drain", 38), ("change", 61.5), ("try", 9.4), ("resume", 1.1), ("look", 1.3))


def finding(ident: str, severity: str, summary: str, layer: str = "host") -> Dict:
    return {
        "id": ident, "layer": layer, "severity": severity, "summary": summary,
        "evidence": {"kind": "measured", "name": "host"}, "fix": "run playbooks/upgrade.yml",
    }  # fmt: skip


FLOOR = finding("floor", "broken", "Docker Engine 20.10.5 is older than 20.10.6, the least that GitLab advises")
ACCESS = finding("call_blocked_faccessat2", "broken", "faccessat2 answers EPERM at layer host, so test -x answers no")
SOCKET = finding("socket_is_root", "risk", "jobs reach the host's engine, so a job is root on the host", "runner")
URING = finding("io_uring_blocked", "note", "io_uring is blocked by the default profile; programs fall back to epoll")


def steps(after: float, *lasted: tuple[str, float | None]) -> list[Dict]:
    """Steps that follow one another, from AFTER seconds on; of one without a duration nothing tells the end."""
    found = []
    for name, seconds in lasted:
        step: Dict = {"name": name, "began": _time(after), "ended": None}
        after += 20 if seconds is None else seconds
        if seconds is not None:
            step["ended"] = _time(after)
        found.append(step)
    return found


def _time(seconds: float) -> str:
    return (_NOON + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def host(name: str, result: str, order: int | None = None, **more: Any) -> Dict:
    """A host of which only this is told; findings are not known unless they are given."""
    return {"name": name, "order": order, "result": result, "before": None, "after": None, **more}


def upgraded(name: str, order: int, after: float = 0.0) -> Dict:
    return host(
        name, "upgraded", order, moves=MOVES, steps=steps(after, *WHOLE), paused=["build", "deploy"],
        before=[FLOOR, ACCESS, SOCKET], after=[SOCKET, URING],
    )  # fmt: skip


def rolled_back(name: str, order: int, after: float = 0.0) -> Dict:
    lasted = (("look", 1.0), ("pause", 0.7), ("drain", 12), ("change", 48), ("try", None), ("back", 41), ("resume", 1))
    return host(
        name, "rolled_back", order, reason="the engine's default profile blocks clone3, which it allowed before",
        moves=MOVES, steps=steps(after, *lasted), paused=["build"],
        left=[{"name": "shared", "why": "3 machines share it, pausing it would take their jobs away"}],
        before=[FLOOR, ACCESS], after=[FLOOR, ACCESS],
    )  # fmt: skip


def broken(name: str, order: int, after: float = 0.0) -> Dict:
    lasted = (("look", 1.0), ("pause", 0.7), ("drain", 3), ("change", None), ("back", None))
    return host(
        name, "broken", order, reason="apt ended with 100: there is no space left on the device", moves=MOVES,
        steps=steps(after, *lasted), paused=["build"], before=[FLOOR],
    )  # fmt: skip


def every() -> list[Dict]:
    """A host for every result."""
    return [
        host("ci-munich-01", "current", notes=["a hold of docker-ce is left to playbooks/site.yml"]),
        host("ci-munich-02", "current"),
        host("ci-munich-03", "current"),
        host("ci-munich-04", "current"),
        upgraded("ci-berlin-01", 1),
        upgraded("ci-berlin-02", 2, 115),
        host(
            "ci-berlin-03", "skipped", 3, moves=MOVES, before=[FLOOR], after=[FLOOR],
            reason="after 120 s job 8123 was still running; raise gitlab_runner_drain_timeout or begin at a quiet hour",
            steps=steps(116, ("look", 1.0), ("pause", 0.5), ("drain", None), ("resume", 1.1)),
        ),
        rolled_back("ci-berlin-04", 4, 232),
        broken("ci-berlin-05", 5, 233),
        host("ci-berlin-06", "failed", 6, moves=MOVES, steps=steps(233, ("look", 1.0), ("pause", None)),
             reason="GitLab answered 502 to pausing build, and this host is as it was", before=[FLOOR]),
        host("ci-berlin-07", "unreachable", reason="it could not be reached over SSH"),
        host("ci-berlin-08", "not_begun", moves=MOVES, reason="the roll stopped at ci-berlin-04", before=[FLOOR]),
        host("ci-berlin-09", "not_begun", moves=MOVES, reason="the roll stopped at ci-berlin-04", before=[FLOOR]),
        host("ci-legacy-01", "skipped",
             reason="drained by hand since 2026-11-20T09:00:00Z: a new disk; run playbooks/resume.yml first"),
    ]  # fmt: skip


def sample_upgrade(hosts: Sequence[Dict] | None = None) -> Dict:
    """The report on these hosts, or on one of every result."""
    # Hosts share findings; whoever spoils a report spoils it alone.
    return copy.deepcopy(upgrade_report(every() if hosts is None else hosts, {"generated": GENERATED}))


def large_upgrade(hosts: int) -> Dict:
    """One host, then a quarter of them at a time; the last tenth needed nothing."""
    rolled = [
        upgraded(
            f"runner{number + 1:03}",
            number + 1,
            130 * ((number + 3 * hosts // 4 - 1) // max(1, hosts // 4) - 2) + number % 7,
        )
        for number in range(hosts - hosts // 10)
    ]
    return sample_upgrade(
        [*rolled, *(host(f"runner{number + 1:03}", "current") for number in range(len(rolled), hosts))]
    )
