# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Whatever hosts and probes return: no traceback, never ready by accident, and findings and cells agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import assess
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import LAYERS, SEVERITIES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.what_if import what_if
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, podman, probe, unknown

IMAGES = ("alpine:3.14", "debian:12", "docker:20.10-dind", "acme/own:1")

SCALARS = st.none() | st.booleans() | st.integers(-2, 10**6) | st.floats() | st.text(max_size=6)
VERSIONS = st.sampled_from(
    ["20.10.24", "20.10.5+dfsg1", "19.03.15", "29.7.2", "1.0.0-rc10", "2.4.3", "dev", "", "9" * 5000, "v", "5:1"]
)
WORDS = st.sampled_from(
    ["measured", "unknown", "host", "dind", "podman", "default", "/etc/p.json", "unconfined", "allowed", "EPERM",
     "killed", "ENOSYS", "SCMP_ACT_ALLOW", "SCMP_ACT_NONSENSE", "SCMP_ACT_TRACE", "x86_64", "armv7l", "vax", "fails",
     "docker"]
)  # fmt: skip
JSON = st.recursive(
    SCALARS | VERSIONS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def _spoiled(value: Any) -> st.SearchStrategy[Any]:
    """The same shape with garbage, or nothing, in any of its places."""
    whole: st.SearchStrategy[Any]
    if isinstance(value, dict):
        whole = st.fixed_dictionaries({}, optional={key: _spoiled(each) for key, each in value.items()})
    elif isinstance(value, list):
        whole = st.lists(st.one_of([_spoiled(each) for each in value]) if value else JSON, max_size=3)
    else:
        whole = st.just(value)
    return st.integers(0, 9).flatmap(lambda dice: JSON if dice == 0 else whole)


SOME_CALLS = {
    call: answer for call, answer in answers().items() if call in ("faccessat2", "clone3", "mseal", "io_uring_setup")
}
FILTER = {"default": "SCMP_ACT_ERRNO", "default_errno": 1, "rules": {"clone3": "SCMP_ACT_ERRNO:38"}}
BEHAVIOUR = [{"image": "alpine:3.14", "access": {"result": "fails", "detail": "no"}, "threads": {"result": "works"}}]
FACTS = _spoiled(facts(runner="17.0.1"))
PROBES = _spoiled(
    probe(
        layer(calls=SOME_CALLS, filter=FILTER, behaviour=BEHAVIOUR),
        dind(calls=SOME_CALLS),
        podman(calls=SOME_CALLS),
        unknown(),
    )
    | {"kernel": {"calls": {"clone3": "present"}}}
)


@given(facts=FACTS, probe=st.none() | PROBES, error=st.none() | st.text(max_size=5))
@settings(max_examples=300)
def test_garbage_is_never_a_traceback_and_never_ready(facts: Any, probe: Any, error: str | None) -> None:
    hosts = [{"name": "a", "facts": facts, "probe": probe, "error": error}]
    found = report(hosts, {"images": list(IMAGES), "what_if": "docker:29.7.2"})
    json.dumps(found)
    [row] = found["hosts"]
    assert all(each["severity"] in SEVERITIES and each["layer"] in LAYERS for each in row["findings"])
    assert all(each["summary"] and each["fix"] and each["evidence"]["kind"] for each in row["findings"])
    ranks = [SEVERITIES.index(each["severity"]) for each in row["findings"]]
    assert ranks == sorted(ranks)
    severities = {each["severity"] for each in row["findings"]}
    worst = next((each for each in ("broken", "unknown", "degraded") if each in severities), "ready")
    assert row["state"] == worst
    if row["state"] == "ready":
        # Ready takes an engine that was seen and an answer of every call.
        assert all(each["state"] in ("ready", "degraded") and each["evidence"] for each in row["cells"].values())
        assert not (error and error.strip())
        assert probe is None or row["layers"]


@given(facts=FACTS, probe=st.none() | PROBES)
def test_findings_and_cells_can_be_had_alone(facts: Any, probe: Any) -> None:
    found = find(facts, probe=probe, images=IMAGES)
    cells = assess(facts, probe, IMAGES)
    blocked = {
        each.id.removeprefix("call_blocked_").replace("_", "-") for each in found if each.id.startswith("call_blocked_")
    }
    assert {key.replace("_", "-") for key, cell in cells.items() if key in blocked} <= blocked
    for identifier in ("faccessat2", "clone3"):
        assert (cells[identifier].state == "broken") == (identifier in blocked)


@given(st.text(max_size=30))
def test_a_specification_is_read_or_refused_in_a_sentence(spec: str) -> None:
    try:
        said = what_if(facts(), None, spec)["spec"]
    except ValueError as error:
        said = str(error)
    assert said.startswith(("docker:", "readiness_what_if is "))


RELEASES = ("18.09.9", "19.03.15", "20.10.5", "20.10.9", "20.10.24", "24.0.9", "26.1.5", "29.7.2")


@pytest.mark.parametrize("release", RELEASES)
def test_the_same_versions_solve_and_bring_nothing(release: str) -> None:
    found = what_if(facts(release, minimum_api_version=None, api_version=None), None, f"docker:{release}")
    assert (found["solved"], found["brought"]) == ([], [])


@given(st.sampled_from(RELEASES), st.sampled_from(RELEASES))
def test_going_back_brings_what_going_there_solved(one: str, other: str) -> None:
    there = what_if(facts(one, minimum_api_version=None, api_version=None), None, f"docker:{other}")
    back = what_if(facts(other, minimum_api_version=None, api_version=None), None, f"docker:{one}")
    assert {each["id"] for each in there["solved"]} == {each["id"] for each in back["brought"]}


@given(st.lists(st.sampled_from(["good", "blocked", "unknown"]), min_size=1, max_size=4))
def test_one_more_layer_never_makes_a_host_better(kinds: list[str]) -> None:
    worse = ("ready", "degraded", "unknown", "broken")
    layers = [
        {"good": dind("26.1.5"), "blocked": dind("26.1.5", calls=answers(faccessat2="EPERM")), "unknown": unknown()}[
            kind
        ]
        for kind in kinds
    ]
    seen = [assess(facts(), probe(*layers[:count]))["faccessat2"].state for count in range(1, len(layers) + 1)]
    assert [worse.index(state) for state in seen] == sorted(worse.index(state) for state in seen)
