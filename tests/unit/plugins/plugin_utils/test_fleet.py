# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The report on a fleet as plain data."""

from __future__ import annotations

import copy
import json
import re
import time
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import report
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, probe, unknown

GOOD = {"name": "good", "facts": facts(), "probe": probe(layer()), "error": None}
OLD_HOST = layer(calls=answers(faccessat2="EPERM"))
BROKEN = {"name": "broken", "facts": facts(), "probe": probe(OLD_HOST), "error": None}
LOST = {"name": "lost", "facts": None, "probe": None, "error": "it cannot be reached: no route to host"}
SETTINGS = {"minimum_version": "20.10.6", "images": ["alpine:3.21"], "what_if": "", "generated": "2026-11-22T07:30:00Z"}


def host(name: str, **parts: Any) -> dict[str, Any]:
    return {"name": name, "facts": facts(), "probe": None, "error": None, **parts}


def test_it_has_the_promised_shape() -> None:
    found = report([GOOD, BROKEN, LOST], SETTINGS)
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["schema", "generated", "minimum_version", "summary", "columns", "hosts"]
    assert (found["schema"], found["generated"], found["minimum_version"]) == (1, "2026-11-22T07:30:00Z", "20.10.6")
    summary = {key: value for key, value in found["summary"].items() if key != "upgrade_first"}
    assert summary == {"hosts": 3, "ready": 1, "degraded": 0, "broken": 1, "unknown": 1}
    assert [(column["id"], column["kind"]) for column in found["columns"]] == [
        ("faccessat2", "generation"), ("clone3", "generation"), ("close_range", "generation"),
        ("fchmodat2", "generation"), ("alpine:3.21", "image"),
    ]  # fmt: skip
    for column in found["columns"]:
        assert list(column) == ["id", "kind", "title", "examples", "needs", "symptom"]
    for row in found["hosts"]:
        assert list(row) == [
            "name", "state", "facts", "layers", "cells", "findings", "registries", "calls", "what_if",
        ]  # fmt: skip
        assert list(row["cells"]) == [column["id"] for column in found["columns"]]
        assert list(row["facts"]) == [
            "os", "kernel", "architecture", "engine", "runc", "libseccomp", "containerd", "podman", "gitlab_runner",
        ]  # fmt: skip
        for each in row["layers"]:
            assert list(each) == ["layer", "name", "profile", "state", "reason", "engine", "seconds"]
        for each in row["calls"]:
            assert list(each) == [
                "layer", "name", "profile", "call", "number", "measured", "by", "model", "reason", "explained",
            ]  # fmt: skip


def test_a_host_is_told_as_it_is() -> None:
    [row] = report([GOOD], SETTINGS)["hosts"]
    assert row["facts"] == {
        "os": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-37-amd64", "architecture": "x86_64",
        "engine": "20.10.24", "runc": "1.1.5", "libseccomp": "2.5.4", "containerd": "1.6.20", "podman": None,
        "gitlab_runner": None,
    }  # fmt: skip
    assert row["layers"] == [
        {
            "layer": "host", "name": "host", "profile": "default", "state": "measured", "reason": None,
            "engine": "docker 20.10.24", "seconds": 0.61,
        }
    ]  # fmt: skip
    assert len(row["calls"]) == 49
    [clone3] = [each for each in row["calls"] if each["call"] == "clone3"]
    assert clone3 == {
        "layer": "host", "name": "host", "profile": "default", "call": "clone3", "number": 435,
        "measured": "ENOSYS", "by": "profile", "model": "ENOSYS", "reason": None, "explained": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        pytest.param(host("a"), "ready", id="predicted to be ready"),
        pytest.param(host("a", facts=facts("26.1.5")), "ready", id="notes do not matter"),
        pytest.param(host("a", facts=facts(seccomp_profile="unconfined")), "ready", id="risks do not matter"),
        pytest.param(host("a", facts=facts("20.10.9")), "broken", id="broken"),
        pytest.param(host("a", facts=facts(daemon_config_error="no")), "degraded", id="degraded"),
        pytest.param(host("a", probe=probe(unknown())), "unknown", id="not measured"),
        pytest.param(
            host("a", facts=facts("20.10.9"), probe=probe(unknown())), "unknown", id="not measured: not predicted"
        ),
        pytest.param(
            host("a", facts=facts("20.10.5"), probe=probe(unknown())), "broken", id="not measured, and broken"
        ),
        pytest.param(host("a", facts=facts(running=False)), "broken", id="an engine that is down"),
        pytest.param(host("a", facts=facts(running=None)), "unknown", id="an engine that one may not ask"),
        pytest.param(host("a", facts=None), "unknown", id="nothing is known"),
        pytest.param(host("a", error="it was lost while it was measured"), "unknown", id="lost on the way"),
        pytest.param(LOST, "unknown", id="unreachable"),
        pytest.param({}, "unknown", id="an empty entry"),
        pytest.param(None, "unknown", id="no entry"),
        pytest.param("host", "unknown", id="a name alone"),
    ],
)
def test_the_state_of_a_host(entry: Any, state: str) -> None:
    [row] = report([entry])["hosts"]
    assert row["state"] == state
    # The findings alone say the same, for those who do not look at the cells.
    worst = [
        each for each in ("broken", "unknown", "degraded") if each in {found["severity"] for found in row["findings"]}
    ]
    assert (worst or ["ready"])[0] == state


def test_why_a_host_is_not_known_is_told() -> None:
    [row] = report([LOST])["hosts"]
    assert row["findings"][0]["summary"] == "host: it cannot be reached: no route to host"
    assert row["cells"]["faccessat2"]["evidence"] == ["host: it cannot be reached: no route to host"]


def test_columns_of_machines_that_nobody_has_are_left_out() -> None:
    old = facts("19.03.5", runc="1.0.0-rc10", library="2.4.1", architecture="armv7l")
    assert report([host("pi", facts=old)])["columns"][0]["id"] == "musl-time64"
    assert report([])["columns"][0]["id"] == "musl-time64"


def test_what_to_upgrade_first() -> None:
    hosts = [
        GOOD,
        host("later", facts=facts(daemon_config_error="no")),
        LOST,
        host("library", facts=facts(runc="1.0.0-rc92", library="2.4.3")),
        host("worst", facts=facts("19.03.15", runc="1.0.0-rc10", library="2.4.3")),
        host("engine", facts=facts("20.10.5")),
        host("down", facts=facts(running=False)),
        host("nested", probe=probe(layer(), dind("20.10.9", calls=answers(clone3="EPERM")))),
    ]
    first = report(hosts)["summary"]["upgrade_first"]
    assert all(list(each) == ["hosts", "why", "fix"] for each in first)
    assert first[0]["hosts"] == ["down"], "where nothing runs comes first"
    assert [each["hosts"] for each in first][-2:] == [["lost"], ["later"]]
    assert {name for each in first for name in each["hosts"]} == {
        "worst", "library", "engine", "down", "nested", "lost", "later",
    }  # fmt: skip
    by_host = {name: each for each in first for name in each["hosts"]}
    assert "docker_engine_source: docker" in by_host["worst"]["fix"]
    assert "docker_engine_version: 20.10.10" in by_host["engine"]["fix"]
    assert "upgrade libseccomp" in by_host["library"]["fix"]
    assert "journalctl" in by_host["down"]["fix"]
    assert "dind image" in by_host["nested"]["fix"]


def test_causes_are_grouped_before_ten_are_taken() -> None:
    lost = "it cannot be reached: ssh: connect to host 192.0.2.{} port 22: timed out"
    hosts = [host(f"floor{number:02}", facts=facts(f"20.10.{number % 6}", runc="1.1.5")) for number in range(12)]
    hosts += [host(f"clone{number:02}", facts=facts("20.10.9")) for number in range(14)]
    hosts += [host(f"lost{number:02}", facts=None, error=lost.format(number)) for number in range(15)]
    hosts += [host("down", facts=facts(running=False, error="refused")), host("gone", facts=facts(installed=False))]
    first = report(hosts)["summary"]["upgrade_first"]
    assert len(first) <= 10
    named = [name for each in first for name in each["hosts"]]
    assert sorted(named) == sorted(each["name"] for each in hosts), "no host is lost by the cut"
    assert [each["hosts"] for each in first[:2]] == [["gone"], ["down"]]
    [unreachable] = [each for each in first if "lost00" in each["hosts"]]
    assert (len(unreachable["hosts"]), unreachable["why"]) == (15, "host: it cannot be reached")
    sizes = [len(each["hosts"]) for each in first[2:] if "lost00" not in each["hosts"]]
    assert sizes == sorted(sizes, reverse=True)


def test_engines_below_the_floor_are_one_cause_whatever_their_versions() -> None:
    versions = ("27.0.1", "27.1.0", "26.1.5")
    hosts = [host(version, facts=facts(version, api_version="1.46")) for version in versions]
    [only] = report(hosts, {"minimum_version": "29"})["summary"]["upgrade_first"]
    assert only["hosts"] == list(versions)
    assert only["why"] == "Docker Engine is older than 29, the least that readiness_minimum_version allows"


def test_an_image_of_all_jobs_is_one_cause() -> None:
    hosts = [
        GOOD, {**GOOD, "name": "second"}, host("own", facts=facts("20.10.9")), host("down", facts=facts(running=False)),
    ]  # fmt: skip
    first = report(hosts, {"images": ["docker:19.03.15-dind"]})["summary"]["upgrade_first"]
    of_image = [each for each in first if "docker:19.03.15-dind" in each["why"]]
    assert [each["hosts"] for each in of_image] == [["good", "second", "own", "down"]]
    assert [each["hosts"] for each in first if each not in of_image] == [["down"], ["own"]]


def test_an_image_is_told_with_what_any_machine_of_the_fleet_needs() -> None:
    old = facts("19.03.5", architecture="armv7l", runc="1.0.0-rc10", library="2.4.4")
    for hosts in ([host("a"), host("pi", facts=old)], [host("pi", facts=old), host("a")]):
        found = report(hosts, {"images": ["alpine:3.13"]})
        assert found["columns"][-1]["needs"] == ["clock_gettime64", "futex_time64"]
        assert "clock reads 1970" in found["columns"][-1]["symptom"]


def test_how_an_unreachable_host_is_known() -> None:
    [found] = report([LOST])["hosts"][0]["findings"]
    assert found["evidence"]["kind"] == "unknown"


def test_every_host_has_its_what_if() -> None:
    found = report([host("a", facts=facts("20.10.9")), LOST], {"what_if": "docker:29.7.2"})
    assert found["hosts"][0]["what_if"]["spec"] == "docker:29.7.2"
    assert [each["id"] for each in found["hosts"][0]["what_if"]["solved"]] == ["call_blocked_clone3"]
    assert found["hosts"][1]["what_if"] is None
    assert report([GOOD], SETTINGS)["hosts"][0]["what_if"] is None


@pytest.mark.parametrize(
    ("hosts", "settings", "message"),
    [
        ([], {"images": ["two words"]}, "readiness_images: image reference 'two words' has white space in it"),
        ([], {"images": "alpine:3.21"}, "readiness_images is 'alpine:3.21', where a list of images"),
        ([], {"images": [None]}, "readiness_images has None, which is no image"),
        ([], {"what_if": "podman:5"}, "readiness_what_if is 'podman:5'"),
        (
            [], {"minimum_version": "twenty"},
            "readiness_minimum_version (the setting minimum_version) is 'twenty', which is no version of Docker Engine",
        ),
        ([], {"minimum_version": "20.10.6 or so"}, "readiness_minimum_version (the setting minimum_version) is '20"),
        ([], {"minimum_version": ["29"]}, "readiness_minimum_version (the setting minimum_version) is ['29'], which"),
        ([], {"colour": "blue"}, "the settings have 'colour', which is none of minimum_version"),
        ([], "blue", "the settings are 'blue', where a dictionary"),
        ({"name": "a"}, {}, "a list of hosts is wanted, each with name, facts, probe and error, not dict"),
        (None, {}, "a list of hosts is wanted"),
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_named_before_any_host_is_looked_at(hosts: Any, settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        report(hosts, settings)


def test_nothing_that_was_given_is_changed() -> None:
    hosts = [GOOD, BROKEN, LOST]
    before = copy.deepcopy(hosts)
    report(hosts, {**SETTINGS, "what_if": "docker:29.7.2"})
    assert hosts == before


def test_fifty_hosts_are_judged_in_well_under_a_second() -> None:
    hosts = [{**copy.deepcopy([GOOD, BROKEN][number % 2]), "name": f"runner{number:02}"} for number in range(50)]
    began = time.process_time()
    report(hosts, {**SETTINGS, "what_if": "docker:29.7.2"})
    assert time.process_time() - began < 1.0
