# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about hosts that take no jobs: those that were taken out of service, and those whose runner does not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_hold
from ansible_collections.runnerkit.gitlab.plugins.module_utils.maintenance import ended_by
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import count, listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

# What a state of the service means for jobs; `active` and `reloading` are well.
_STATES = {
    "inactive": "was stopped",
    "failed": "failed",
    "activating": "ended, and systemd waits to start it once more, or has just done so",
}


def find_maintenance(host: Host) -> Iterator[Finding]:
    """Who took the host out of service, and whether its runner runs."""
    runner = mapping(host.facts.get("gitlab_runner"))
    service = mapping(runner.get("service"))
    mark, hold = mapping(host.facts.get("maintenance")), mapping(service.get("held"))
    if text(mark.get("error")):
        yield _unreadable(host, str(mark["error"]))
    elif mark:
        yield _taken(host, mark, hold)
    elif hold:
        yield _held(host, hold)
    if runner.get("runners") and not hold:
        yield from _not_running(host, text(service.get("active")), len(entries(runner.get("runners"))))


def _unreadable(host: Host, trouble: str) -> Finding:
    # Whoever may not read it knows nothing about it.
    hidden = "cannot be read:" in trouble
    return Finding(
        "host_in_maintenance", "runner", "unknown" if hidden else "broken",
        f"whether the host is out of service is not known: {trouble}",
        {"kind": "unknown" if hidden else host.kind, "maintenance.error": trouble},
        "run playbooks/audit.yml against it as root" if hidden else "look in GitLab which of its runners are paused",
    )  # fmt: skip


def _taken(host: Host, mark: Mapping[str, Any], hold: Mapping[str, Any]) -> Finding:
    whose, since = text(mark.get("by")) or "unknown", text(mark.get("since")) or "some time"
    reason = text(mark.get("reason"))
    names = [text(mapping(each).get("name")) or "without a name" for each in entries(mark.get("paused"))]
    said = (
        f"an upgrade that began on {since} has not ended"
        if whose == "upgrade"
        else f"the host was taken out of service by playbooks/drain.yml on {since}"
    )
    paused = f", but these stay paused in GitLab: {listed(names)}" if names else ""
    what = "it takes no jobs" if hold else f"its runner may run again{paused}"
    return Finding(
        "host_in_maintenance", "runner", "broken" if whose == "upgrade" and hold else "degraded",
        f"{said}{f' ({reason})' if reason else ''}, and {what}",
        {
            "kind": host.kind, "maintenance.by": whose, "maintenance.since": since, "maintenance.paused": names,
            "maintenance.run": text(mark.get("run")), "gitlab_runner.service.held": text(hold.get("by")),
        },
        f"run {ended_by(whose)} for it"
        + (", which first puts right what was left" if whose == "upgrade" else " when the work on it is done"),
    )  # fmt: skip


def _held(host: Host, hold: Mapping[str, Any]) -> Finding:
    """The runner was stopped for a change of the engine, and nobody came back to start it."""
    whose, since = text(hold.get("by")) or "unknown", text(hold.get("since"))
    return Finding(
        "host_in_maintenance", "runner", "broken",
        f"GitLab Runner is kept from being started by {whose}{f' since {since}' if since else ''}, and takes no jobs",
        {"kind": host.kind, "gitlab_runner.service.held": whose, "gitlab_runner.service.held.since": since},
        runner_hold.REMEDIES.get(whose)
        or f"see who wrote {runner_hold.PATH} there and remove it, then run playbooks/site.yml",
    )  # fmt: skip


def _not_running(host: Host, active: str | None, runners: int) -> Iterator[Finding]:
    evidence = {"kind": host.kind, "gitlab_runner.service.active": active, "gitlab_runner.runners": runners}
    if active == "deactivating":
        yield Finding(
            "runner_not_running", "runner", "note",
            "GitLab Runner was told to stop: it takes no new jobs, and waits for those that run", evidence,
            "nothing, if that was meant; else run playbooks/site.yml, which starts it",
        )  # fmt: skip
    elif active in _STATES:
        yield Finding(
            "runner_not_running", "runner", "broken",
            f"GitLab Runner does not run (it {_STATES[active]}), and nobody takes jobs for {count(runners, 'runner')}",
            evidence,
            "run playbooks/site.yml, which starts it, or says why it cannot; journalctl -u gitlab-runner has its words",
        )  # fmt: skip
