# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What hosts tell of registries, read; whatever it is, there is a report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from ansible_collections.runnerkit.gitlab.plugins.filter.readiness import readiness_registries
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    report,
    report_html,
    report_junit,
    report_prometheus,
    report_shape,
    report_text,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import LAYERS, SEVERITIES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import report as fleet_report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import read_registries, when
from tests.unit.plugins.plugin_utils.readiness_world import facts, layer, probe
from tests.unit.plugins.plugin_utils.registry_world import HOST, NOW, PAST, SOON, authority, check, client, known
from tests.unit.plugins.plugin_utils.test_readiness_laws import JSON, _spoiled

KNOWN = known(
    authority(), authority(not_after=PAST, subject="CN=Old CA"), authority(layers=["dind"], subject="CN=Other CA"),
    authority(None, ["os", "helper"], not_after=SOON), authority(None, ["runner"], name="gitlab.example.com"),
    clients=[client(), client("other.example", key=False)], store_current=False,
    errors=[{"path": "/etc/docker/certs.d/x/ca.crt", "error": "it is empty", "certificates": 0}],
    managed=["/usr/local/share/ca-certificates/company.crt"],
)  # fmt: skip
CHECKS = [check(), check("a.example", "other_ca"), check("b.example", "refused"), check("c.example", "name_mismatch")]
DECLARED = [{"host": HOST, "layers": ["engine", "os"]}, {"host": "d.example", "layers": ["runner"]}]


@given(registries=_spoiled(KNOWN), checks=_spoiled(CHECKS), expected=_spoiled(DECLARED))
@settings(max_examples=150)
def test_garbage_is_a_report_all_the_same(registries: Any, checks: Any, expected: Any) -> None:
    entry = {
        "name": "a", "facts": {**facts(), "registry_ca": registries}, "probe": probe(layer()), "error": None,
        "registries": checks, "expected": expected,
    }  # fmt: skip
    made = fleet_report([entry], {"generated": NOW, "what_if": "docker:29.7.2"})
    json.dumps(made, allow_nan=False)
    [row] = made["hosts"]
    assert all(each["severity"] in SEVERITIES and each["layer"] in LAYERS for each in row["findings"])
    assert all(each["summary"] and each["fix"] and each["evidence"]["kind"] for each in row["findings"])
    told = report_shape.read(made)
    assert report_text.fleet_text(told)
    assert report_html.page(told)
    assert report_junit.junit(told)
    assert report_prometheus.exposition(told)
    report.facts_report(
        {**entry["facts"], "os": {}, "cgroup_version": 2, "service_manager": "systemd", "docker": {}, "runc": None}
    )
    readiness_registries(registries, expected)


@given(JSON)
def test_a_time_is_one_or_none(value: Any) -> None:
    found = when(value)
    assert found is None or found.utcoffset() is not None


def test_what_other_versions_would_change_leaves_registries_as_they_are() -> None:
    entry = {
        "name": "a",
        "facts": {**facts(), "registry_ca": KNOWN},
        "probe": None,
        "error": None,
        "registries": CHECKS,
    }
    [row] = fleet_report([entry], {"generated": NOW, "what_if": "docker:29.7.2"})["hosts"]
    told = [each for each in row["findings"] if each["id"].startswith("registry_")]
    left = [each for each in row["what_if"]["left"] if each["id"].startswith("registry_")]
    assert len(told) > 5
    assert left == told


@pytest.mark.parametrize(
    ("registries", "expected", "asked"),
    [
        pytest.param(known(), None, [], id="none is known"),
        pytest.param(None, None, [], id="nothing is known"),
        pytest.param(known(authority()), None, [HOST], id="one that the engine has a CA for"),
        pytest.param(known(authority(layers=["podman", "dind"])), None, [], id="one that the engine does not know"),
        pytest.param(known(clients=[client()]), None, [HOST], id="one that wants a client and has a public CA"),
        pytest.param(known(authority(None, ["os"])), None, [], id="an authority for every address"),
        pytest.param(known(), [{"host": HOST, "layers": ["engine", "dind"]}], [HOST], id="declared for the engine"),
        pytest.param(known(), [{"host": HOST, "layers": ["os"]}], [HOST], id="declared for the OS store"),
        pytest.param(known(), [{"host": HOST, "layers": ["dind"]}], [], id="declared for dind alone"),
        pytest.param(known(), [{"host": "gitlab.example.com", "layers": ["runner", "os"]}], [], id="a GitLab"),
        pytest.param(
            known(authority("Registry.Example:5000")), [{"host": HOST, "layers": ["engine"]}],
            ["Registry.Example:5000"], id="both, as the folder is spelled",
        ),
        pytest.param(known(authority("not a host")), None, [], id="a folder that no engine looks into"),
        pytest.param(known(authority("registry:99999")), None, [], id="no port"),
    ],
)  # fmt: skip
def test_whom_to_ask(registries: Any, expected: Any, asked: list[str]) -> None:
    assert readiness_registries(registries, expected) == [{"host": host} for host in asked]


def test_what_is_not_said_of_a_certificate_is_what_most_are() -> None:
    [one] = read_registries({"authorities": [{"host": HOST, "layers": ["engine"]}]}).authorities
    assert (one.ca, one.self_signed, one.managed, one.until) == (True, True, False, "an unknown day")
