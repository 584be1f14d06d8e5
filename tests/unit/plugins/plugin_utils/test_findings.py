# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import LAYERS, SEVERITIES, Finding, find
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report import WIDTH, findings_report

GOOD: dict[str, Any] = {
    "installed": True, "running": True, "error": None, "server_version": "24.0.9", "client_version": "24.0.9",
    "daemon_config_error": None,
}  # fmt: skip
LIBRARY = {"version": "2.5.4", "faccessat2": 439}


def host(libseccomp: dict[str, Any] | None = LIBRARY, **docker: Any) -> dict[str, Any]:
    """Facts of a host whose engine is right but for what is given."""
    return {
        "docker": {**GOOD, **docker}, "libseccomp": libseccomp, "runc": {"version": "1.1.5", "libseccomp": None},
        "kernel": {"release": "6.1.0"}, "architecture": "x86_64",
    }  # fmt: skip


def the(facts: dict[str, Any], identifier: str, minimum: str = "20.10.6", **more: Any) -> Finding:
    """The one finding of that id."""
    [finding] = [finding for finding in find(facts, minimum, **more) if finding.id == identifier]
    return finding


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(host(), id="an engine that is new enough"),
        pytest.param(host(server_version="20.10.24+dfsg1", client_version="20.10.24"), id="spellings that differ"),
        pytest.param(host(client_version="24.0.1"), id="a client that is a patch behind"),
        pytest.param(host(client_version=None), id="no client"),
        pytest.param(host(libseccomp=None), id="no library on the host"),
    ],
)
def test_a_host_that_is_right_has_no_findings(facts: dict[str, Any]) -> None:
    assert find(facts) == []


@pytest.mark.parametrize(
    ("facts", "identifier", "severity", "summary"),
    [
        pytest.param(
            host(installed=False), "engine_missing", "broken", "Docker Engine is not installed", id="no engine"
        ),
        pytest.param({"docker": None}, "engine_missing", "broken", "Docker Engine is not installed", id="no facts"),
        pytest.param(
            host(running=False, error="connection refused"), "engine_down", "broken",
            "Docker Engine does not answer: connection refused", id="an engine that does not answer",
        ),
        pytest.param(
            host(running=False), "engine_down", "broken", "Docker Engine does not answer: no reason known",
            id="an engine that does not answer and nobody knows why",
        ),
        pytest.param(
            host(server_version="20.10.5+dfsg1", client_version="20.10.5+dfsg1"), "floor", "broken",
            "Docker Engine 20.10.5+dfsg1 is older than 20.10.6, the least that GitLab advises", id="below the floor",
        ),
        pytest.param(
            host(client_version="20.10.24"), "client_differs", "note",
            "the docker command is 20.10.24, the engine 24.0.9", id="another client",
        ),
        pytest.param(
            host(daemon_config_error="it is not JSON"), "daemon_config", "degraded",
            "daemon.json cannot be read: it is not JSON", id="a damaged daemon.json",
        ),
        pytest.param(
            host({"version": "2.3.3", "faccessat2": -1}), "libseccomp_old", "degraded",
            "libseccomp 2.3.3 does not know faccessat2, which Alpine 3.14 and newer need", id="an old libseccomp",
        ),
    ],
)  # fmt: skip
def test_a_finding_says_what_is_wrong(facts: dict[str, Any], identifier: str, severity: str, summary: str) -> None:
    finding = the(facts, identifier)
    assert (finding.layer, finding.severity, finding.summary) == ("host", severity, summary)
    assert finding.evidence["kind"] == "measured"
    assert len(finding.evidence) > 1
    assert finding.as_dict() == {
        "id": identifier, "layer": "host", "severity": severity, "summary": summary,
        "evidence": dict(finding.evidence), "fix": finding.fix,
    }  # fmt: skip


def test_the_floor_can_be_raised() -> None:
    assert the(host(), "floor", "29.0.0").evidence == {
        "kind": "measured", "docker.server_version": "24.0.9", "docker_engine_minimum_version": "29.0.0",
    }  # fmt: skip


def test_an_engine_right_on_the_floor_meets_it() -> None:
    assert "floor" not in {finding.id for finding in find(host(server_version="20.10.6"))}


@pytest.mark.parametrize("version", ["20.10.6", "20.10.9"])
def test_the_floor_is_not_enough_for_a_new_glibc(version: str) -> None:
    finding = the(host(server_version=version, client_version=version), "call_blocked_clone3")
    assert (finding.severity, finding.evidence["kind"]) == ("broken", "predicted")
    assert "docker_engine_version: 20.10.10" in finding.fix


def test_the_worst_comes_first() -> None:
    facts = host({"version": "2.3.3", "faccessat2": -1}, server_version="20.10.5", daemon_config_error="no")
    order = ["floor", "daemon_config", "libseccomp_old", "client_differs"]
    assert [finding.id for finding in find(facts) if finding.id in order] == order


VERSIONS = st.sampled_from(["19.03.15", "20.10.5+dfsg1", "20.10.6", "28.5.2", "29.0.0-rc.1"])


@given(
    st.fixed_dictionaries(
        {
            "docker": st.none()
            | st.fixed_dictionaries(
                {
                    "installed": st.booleans(), "running": st.booleans(), "error": st.none() | st.text(max_size=9),
                    "server_version": st.none() | VERSIONS, "client_version": st.none() | VERSIONS,
                    "daemon_config_error": st.none() | st.just("it is not JSON"),
                }
            ),
            "libseccomp": st.none()
            | st.fixed_dictionaries({"version": st.just("2.3.3"), "faccessat2": st.sampled_from([439, -1])}),
        }
    )
)  # fmt: skip
def test_findings_are_ordered_known_words_and_can_be_shown(facts: dict[str, Any]) -> None:
    found = find(facts)
    ranks = [SEVERITIES.index(finding.severity) for finding in found]
    assert ranks == sorted(ranks)
    assert len({finding.id for finding in found}) == len(found)
    assert all(finding.layer in LAYERS and finding.fix and finding.summary for finding in found)
    text = findings_report([finding.as_dict() for finding in found])
    assert all(finding.id in text for finding in found)
    assert max(map(len, text.splitlines())) <= WIDTH
