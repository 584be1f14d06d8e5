# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon_json import (
    RELOADABLE,
    DaemonJsonError,
    differing_keys,
    merge,
    needs_restart,
    parse,
    render,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.daemon_config import TYPES

KEYS = st.sampled_from(["debug", "log-opts", "runtimes", "mtu", "ä"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
SETTINGS = st.dictionaries(KEYS, VALUES, max_size=4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="an empty file"),
        pytest.param(" \n", {}, id="blanks"),
        pytest.param('{"debug": true}', {"debug": True}, id="a setting"),
        pytest.param("{}", {}, id="an empty object"),
    ],
)
def test_text_is_read(text: str, expected: dict[str, Any]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"debug": true,}', "it is not JSON: ", id="a comma too many"),
        pytest.param("debug: true", "it is not JSON: ", id="YAML"),
        pytest.param("\ufeff{}", "it is not JSON: ", id="a byte order mark"),
        pytest.param("[]", "it has to be a JSON object, not a list", id="a list"),
        pytest.param("null", "it has to be a JSON object, not a NoneType", id="null"),
    ],
)
def test_text_that_is_no_object_says_why(text: str, message: str) -> None:
    with pytest.raises(DaemonJsonError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        pytest.param({"debug": True}, {"mtu": 1400}, {"debug": True, "mtu": 1400}, id="a new key beside the others"),
        pytest.param({"debug": True}, {"debug": False}, {"debug": False}, id="a scalar is replaced"),
        pytest.param({"dns": ["a"]}, {"dns": ["b"]}, {"dns": ["b"]}, id="a list is replaced as a whole"),
        pytest.param({"debug": True}, {"debug": None}, {}, id="null removes"),
        pytest.param({}, {"debug": None}, {}, id="null removes what is not there"),
        pytest.param(
            {"log-opts": {"a": "1", "b": "2"}}, {"log-opts": {"b": None, "c": "3"}}, {"log-opts": {"a": "1", "c": "3"}},
            id="an object is merged key by key",
        ),
        pytest.param({"log-opts": 5}, {"log-opts": {"a": "1"}}, {"log-opts": {"a": "1"}}, id="an object over a scalar"),
        pytest.param({}, {"log-opts": {"a": None}}, {"log-opts": {}}, id="an object with nothing left in it"),
    ],
)  # fmt: skip
def test_merging(found: dict[str, Any], wanted: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merge(found, wanted) == expected


@given(SETTINGS, SETTINGS)
def test_merging_twice_is_merging_once(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    once = merge(found, wanted)
    assert merge(once, wanted) == once
    assert differing_keys(once, merge(once, wanted)) == []


@given(SETTINGS, SETTINGS)
def test_keys_that_nobody_named_stay_and_null_removes(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    before = render(found)
    merged = merge(found, wanted)
    assert render(found) == before
    for key in {*found, *wanted}:
        if key not in wanted:
            assert merged[key] == found[key]
        elif wanted[key] is None:
            assert key not in merged
        else:
            assert isinstance(wanted[key], dict) or merged[key] == wanted[key]
    assert set(differing_keys(found, merged)) <= set(wanted)


@given(SETTINGS)
def test_nothing_wanted_changes_nothing(found: dict[str, Any]) -> None:
    assert merge(found, {}) == found


@given(SETTINGS)
def test_what_is_written_is_read_again_in_the_same_order(settings: dict[str, Any]) -> None:
    assert parse(render(settings)) == settings
    assert list(parse(render(settings))) == list(settings)


def test_text_for_people() -> None:
    assert render({"labels": ["käse"], "debug": True}) == '{\n  "labels": [\n    "käse"\n  ],\n  "debug": true\n}\n'


def test_differing_keys_are_sorted() -> None:
    assert differing_keys({"mtu": 1, "debug": True, "dns": []}, {"mtu": 2, "dns": [], "bip": "x"}) == [
        "bip", "debug", "mtu",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({}, {}, False, id="no key"),
        pytest.param({"mtu": 1400}, {"mtu": 1400}, False, id="a key that stays as it is"),
        pytest.param(
            {"live-restore": False},
            {"live-restore": True, "registry-mirrors": ["http://m"]},
            False,
            id="keys that the daemon reads again",
        ),
        pytest.param({}, {"live-restore": True, "data-root": "/srv"}, True, id="one that it does not"),
        pytest.param({}, {"quite-new": 1}, True, id="one that nobody knows"),
        pytest.param({"debug": True}, {}, True, id="one that could be reloaded, but is gone"),
        pytest.param({"debug": True, "labels": ["a"]}, {"labels": ["b"]}, True, id="one gone, one reloadable"),
        pytest.param({"labels": ["a"]}, {"labels": []}, False, id="a list that is empty now"),
        pytest.param({"mtu": 1400}, {}, True, id="one that could not be reloaded, and is gone"),
        pytest.param({}, {"features": {"containerd-snapshotter": True}}, True, id="features"),
        pytest.param({"features": {"a": True}}, {"features": {}}, True, id="features that are empty now"),
    ],
)
def test_what_needs_a_restart(before: dict[str, Any], after: dict[str, Any], expected: bool) -> None:
    assert needs_restart(before, after) is expected


@given(SETTINGS)
def test_no_difference_needs_no_restart(settings: dict[str, Any]) -> None:
    assert not needs_restart(settings, dict(settings))


@given(SETTINGS, SETTINGS)
def test_whatever_goes_needs_a_restart(before: dict[str, Any], after: dict[str, Any]) -> None:
    gone = [key for key in before if key not in after and before[key] is not None]
    assert needs_restart(before, after) or not gone


def test_every_key_that_can_be_reloaded_is_a_known_one() -> None:
    assert set(TYPES) >= RELOADABLE
