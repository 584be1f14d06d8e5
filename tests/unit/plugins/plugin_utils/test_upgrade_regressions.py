# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What containers could do before an upgrade and cannot do after it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import ANSWERS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_regressions import (
    allowed,
    fallbacks,
    regressions,
)
from tests.unit.plugins.plugin_utils.readiness_world import dind, layer, podman, probe, unknown
from tests.unit.plugins.plugin_utils.test_readiness_laws import JSON, PROBES

CALLS = ("clone3", "faccessat2", "fchmodat2", "mseal")
ALL = probe(layer(calls={call: {"answer": "allowed"} for call in CALLS}))
BEFORE = {"host default": list(CALLS)}


def answered(**answers: str) -> dict[str, Any]:
    return {call: {"answer": answers.get(call, "allowed")} for call in CALLS}


def profile(path: str, **answers: str) -> dict[str, Any]:
    """The host's layer, whose engine was given a profile."""
    found = layer(calls=answered(**answers))
    return {**found, "engine": {**found["engine"], "seccomp_profile": path}}


def test_what_is_kept_is_what_every_measured_layer_allows() -> None:
    seen = probe(
        layer(calls=answered(mseal="EPERM", clone3="ENOSYS")),
        layer(calls=answered(mseal="killed"), profile="/etc/p.json"),
        dind("28.5.2", calls=answered(**dict.fromkeys(CALLS, "EPERM"))),
        unknown("podman (alice)"),
    )
    assert allowed(seen) == {
        "host default": ["faccessat2", "fchmodat2"],
        "host /etc/p.json": ["clone3", "faccessat2", "fchmodat2"],
        "dind (docker:28.5.2-dind) default": [],
    }


def test_what_newer_engines_withdrew_on_purpose_takes_no_host_back() -> None:
    before = {"host default": ["io_uring_enter", "io_uring_register", "io_uring_setup", "mseal"]}
    blocked = {call: {"answer": "EPERM"} for call in before["host default"]}
    told = regressions(before, probe(layer(calls=blocked)))
    assert told == ["the default profile of the engine blocks mseal, which it allowed before"]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        pytest.param(ALL, [], id="all as before"),
        pytest.param(
            probe(layer(calls=answered(faccessat2="EPERM", clone3="EPERM"))),
            ["the default profile of the engine blocks clone3 and faccessat2, which it allowed before"], id="blocked",
        ),
        pytest.param(
            probe(layer(calls=answered(mseal="killed"))),
            ["the default profile of the engine blocks mseal, which it allowed before"], id="killed",
        ),
        pytest.param(probe(layer(calls=answered(mseal="ENOSYS"))), [], id="what falls back is none"),
        pytest.param(
            probe(profile("/etc/docker/own.json", mseal="EPERM")),
            ["the profile /etc/docker/own.json of the engine blocks mseal, which it allowed before"],
            id="by a profile that the engine was given",
        ),
        pytest.param(
            probe(unknown(reason="the engine does not answer")),
            ["layer host default was measured before and cannot be measured any more: the engine does not answer"],
            id="a layer that cannot be measured any more",
        ),
        pytest.param(
            probe(podman(calls=answered())),
            ["layer host default was measured before and cannot be measured any more: the probe has no such layer"],
            id="a layer that is not there any more",
        ),
        pytest.param(
            None,
            [("layer host default was measured before and cannot be measured any more: the probe says nothing about "
              "any layer; run seccomp_probe with layers: [host]")],
            id="no measurement at all",
        ),
        pytest.param(
            probe(layer(calls=answered()), podman(calls=answered(**dict.fromkeys(CALLS, "EPERM")))), [],
            id="a layer that was not measured before",
        ),
    ],
)  # fmt: skip
def test_regressions(seen: Any, told: list[str]) -> None:
    assert regressions(BEFORE, seen) == told


def test_each_layer_has_a_sentence_and_those_that_are_lost_come_first() -> None:
    before = {"host default": ["clone3"], "podman (root) default": ["mseal", "clone3"], "dind x": []}
    worse = answered(clone3="EPERM", mseal="EPERM")
    assert regressions(before, probe(layer(calls=worse), podman(calls=worse))) == [
        "layer dind x was measured before and cannot be measured any more: the probe has no such layer",
        "the default profile of the engine blocks clone3, which it allowed before",
        "the default profile of podman (root) blocks mseal and clone3, which it allowed before",
    ]


def test_what_falls_back_is_told_apart() -> None:
    seen = probe(layer(calls=answered(mseal="ENOSYS", clone3="EPERM")))
    assert fallbacks(BEFORE, seen) == [
        "the default profile of the engine answers ENOSYS to mseal, which it allowed before; programs fall back"
    ]


PROFILES = st.dictionaries(st.sampled_from(CALLS), st.sampled_from(ANSWERS), min_size=1)


@given(PROBES)
def test_the_same_measurement_is_no_regression_and_can_be_kept(seen: Any) -> None:
    before = allowed(seen)
    assert json.loads(json.dumps(before)) == before
    assert regressions(before, seen) == []
    assert fallbacks(before, seen) == []


@given(PROFILES, PROFILES)
def test_a_call_is_named_if_and_only_if_it_got_worse(old: dict[str, str], new: dict[str, str]) -> None:
    first, then = (probe(layer(calls={call: {"answer": each} for call, each in calls.items()})) for calls in (old, new))
    told, noted = " ".join(regressions(allowed(first), then)), " ".join(fallbacks(allowed(first), then))
    for call in CALLS:
        was = old.get(call) == "allowed"
        assert (call in told) is (was and new.get(call) in ("EPERM", "killed"))
        assert (call in noted) is (was and new.get(call) == "ENOSYS")


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=3) | JSON, JSON | PROBES)
def test_whatever_a_host_kept_nothing_breaks(before: Any, seen: Any) -> None:
    found = [*regressions(before, seen), *fallbacks(before, seen)]
    assert all("\n" not in each and each.isprintable() for each in found)
    assert found == [] or before
