# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find
from tests.unit.plugins.plugin_utils import readiness_world as world

SINCE = "2026-11-22T17:40:00Z"
IDS = ("host_in_maintenance", "runner_not_running")


def mark(by: str, *names: str, reason: str = "") -> dict[str, Any]:
    paused = [{"id": 5, "name": name, "url": "https://gitlab.example.com"} for name in names]
    return {"by": by, "since": SINCE, "reason": reason, "paused": paused, "before": {}}


def found(
    maintenance: Any = None, held: str | None = None, active: str | None = "active", runners: int = 1
) -> list[Finding]:
    """What is said of such a host beside all else."""
    runner = {
        "version": "18.2.0", "runners": [{"name": f"r{each}"} for each in range(runners)],
        "service": {"active": active, "enabled": "enabled", "held": {"by": held, "since": SINCE} if held else None},
    }  # fmt: skip
    facts = {**world.facts(), "gitlab_runner": runner, "maintenance": maintenance}
    return [each for each in find(facts) if each.id in IDS]


@pytest.mark.parametrize(
    ("host", "severity", "summary", "fix"),
    [
        pytest.param(
            {"maintenance": mark("upgrade", "a"), "held": "upgrade", "active": "inactive"}, "broken",
            f"an upgrade that began on {SINCE} has not ended, and it takes no jobs",
            "run playbooks/upgrade.yml for it, which first puts right what was left",
            id="an upgrade that was interrupted",
        ),
        pytest.param(
            {"maintenance": mark("upgrade", "a", "b")}, "degraded",
            f"an upgrade that began on {SINCE} has not ended, and its runner may run again, but these stay paused "
            "in GitLab: a and b", "run playbooks/upgrade.yml for it, which first puts right what was left",
            id="an upgrade that was interrupted before or after all",
        ),
        pytest.param(
            {"maintenance": mark("drain", reason="memory"), "held": "drain", "active": "inactive"}, "degraded",
            f"the host was taken out of service by playbooks/drain.yml on {SINCE} (memory), and it takes no jobs",
            "run playbooks/resume.yml for it when the work on it is done",
            id="taken out by hand",
        ),
        pytest.param(
            {"maintenance": mark("drain", "a")}, "degraded",
            f"the host was taken out of service by playbooks/drain.yml on {SINCE}, and its runner may run again, "
            "but these stay paused in GitLab: a", "run playbooks/resume.yml for it when the work on it is done",
            id="taken out by hand and started by hand",
        ),
        pytest.param(
            {"maintenance": mark("drain")}, "degraded",
            f"the host was taken out of service by playbooks/drain.yml on {SINCE}, and its runner may run again",
            "run playbooks/resume.yml for it when the work on it is done",
            id="a mark alone",
        ),
        pytest.param(
            {"held": "docker_engine", "active": "inactive"}, "broken",
            f"GitLab Runner is kept from being started by docker_engine since {SINCE}, and takes no jobs",
            "run playbooks/site.yml, which starts it",
            id="a change of the engine that was interrupted",
        ),
        pytest.param(
            {"held": "unknown", "active": "inactive"}, "broken",
            f"GitLab Runner is kept from being started by unknown since {SINCE}, and takes no jobs",
            "see who wrote /var/lib/runnerkit/gitlab-runner-hold there and remove it, then run playbooks/site.yml",
            id="held by nobody knows whom",
        ),
        pytest.param(
            {"maintenance": {"error": "/x is not what is written there"}}, "broken",
            "whether the host is out of service is not known: /x is not what is written there",
            "look in GitLab which of its runners are paused",
            id="a broken mark",
        ),
        pytest.param(
            {"maintenance": {"error": "/x cannot be read: Permission denied"}}, "unknown",
            "whether the host is out of service is not known: /x cannot be read: Permission denied",
            "run playbooks/audit.yml against it as root",
            id="a mark that only root may read",
        ),
    ],
)  # fmt: skip
def test_a_host_that_is_out_of_service(host: dict[str, Any], severity: str, summary: str, fix: str) -> None:
    [finding] = found(**host)
    assert (finding.id, finding.layer, finding.severity) == ("host_in_maintenance", "runner", severity)
    assert (finding.summary, finding.fix) == (summary, fix)


@pytest.mark.parametrize(
    ("host", "severity", "words"),
    [
        pytest.param({"active": "active"}, None, "", id="one that runs"),
        pytest.param({"active": "reloading"}, None, "", id="one that reads its configuration again"),
        pytest.param({"active": None}, None, "", id="one that systemd knows nothing of"),
        pytest.param({"active": "inactive", "runners": 0}, None, "", id="one without runners"),
        pytest.param({"active": "inactive", "held": "drain", "maintenance": mark("drain")}, None, "", id="one held"),
        pytest.param(
            {"active": "inactive"}, "broken", "(it was stopped), and nobody takes jobs for 1 runner", id="stopped"
        ),
        pytest.param(
            {"active": "failed", "runners": 2},
            "broken",
            "(it failed), and nobody takes jobs for 2 runners",
            id="failed",
        ),
        pytest.param({"active": "activating"}, "broken", "systemd waits to start it once more", id="one that crashes"),
        pytest.param({"active": "deactivating"}, "note", "it takes no new jobs, and waits", id="one that drains"),
    ],
)
def test_a_runner_that_does_not_run(host: dict[str, Any], severity: str | None, words: str) -> None:
    about = [finding for finding in found(**host) if finding.id == "runner_not_running"]
    assert [finding.severity for finding in about] == ([severity] if severity else [])
    assert all(words in finding.summary for finding in about)


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["by", "since", "reason", "paused", "name", "error", "active", "held"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(maintenance=_ODD, service=_ODD)
def test_whatever_a_host_says_nothing_breaks(maintenance: Any, service: Any) -> None:
    runner = {"version": "1", "runners": [{"name": "a"}], "service": service}
    find({**world.facts(), "gitlab_runner": runner, "maintenance": maintenance})
