# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_rules import ProfileError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_source import (
    CAPABILITIES,
    bounding_set,
    default_profile,
)
from tests.unit.plugins.module_utils.profile_engine import RULES, ProfileEngine


@pytest.fixture(name="engine")
def _engine(monkeypatch: pytest.MonkeyPatch) -> ProfileEngine:
    found = ProfileEngine()
    found.patch(monkeypatch)
    return found


def ask(names: list[str] = CAPABILITIES) -> tuple[dict[str, Any], int]:
    return default_profile(Engine("/nowhere"), names, 10.0)


def test_the_engine_tells_its_profile_by_its_containers(engine: ProfileEngine) -> None:
    profile, containers = ask()
    assert sorted(profile["syscalls"], key=str) == sorted(RULES, key=str)
    assert profile["defaultAction"] == "SCMP_ACT_TRACE"
    assert containers == engine.started == 17
    assert engine.bundles == {}


def test_capabilities_that_the_host_cannot_give_are_not_asked_for(engine: ProfileEngine) -> None:
    profile, _ = ask(["CHOWN", "KILL", "SYS_CHROOT"])
    assert [rule["names"] for rule in profile["syscalls"]] == [["read", "faccessat2"], ["chroot"], ["clone3"]]
    # Nothing that can be had on this host makes a difference to it.
    assert profile["syscalls"][-1] == {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"profile": None}, "without a seccomp profile"),
        ({"hides_bundles": True}, "cannot be found on this host"),
        ({"twist": lambda profile: {**profile, "syscalls": profile["syscalls"][1:]}}, "makes something else of"),
        ({"twist": lambda profile: {**profile, "defaultAction": "SCMP_ACT_ERRNO"}}, "makes something else of"),
    ],
    ids=["unconfined", "bundles somewhere else", "a rule gets lost", "another default action"],
)
def test_what_the_engine_does_otherwise_is_said(engine: ProfileEngine, change: dict[str, Any], sentence: str) -> None:
    for name, value in change.items():
        setattr(engine, name, value)
    with pytest.raises(ProfileError, match=sentence):
        ask()


@pytest.mark.parametrize(
    "error",
    [
        EngineError("timeout", "it gave no answer"),
        EngineError("http", 'invalid CapAdd: unknown capability: "CAP_NOBODY_ASKED_FOR"', 400),
    ],
    ids=["it hangs", "a capability that was not asked for"],
)
def test_trouble_with_the_engine_is_not_hidden(engine: ProfileEngine, error: EngineError) -> None:
    engine.error = error
    with pytest.raises(EngineError) as caught:
        ask()
    assert caught.value is error


def test_an_image_that_somebody_pruned_is_made_once_more(engine: ProfileEngine) -> None:
    engine.pruned = {"empty:1"}
    profile, _ = ask()
    assert profile["defaultAction"] == "SCMP_ACT_TRACE"
    assert engine.images > 1


def test_an_engine_that_is_pruned_all_the_time_is_given_up(engine: ProfileEngine) -> None:
    engine.pruned = {f"empty:{number}" for number in range(99)}
    with pytest.raises(EngineError, match="something removes containers or images of this engine"):
        ask()
    assert engine.images == 2


@pytest.mark.parametrize(
    ("mask", "first", "last", "count"),
    [
        ("000001ffffffffff", "CHOWN", "CHECKPOINT_RESTORE", 41),
        ("0000003ffeffffff", "CHOWN", "AUDIT_READ", 37),
        ("00000000a80425fb", "CHOWN", "SETFCAP", 14),
    ],
    ids=["all of them", "a container without two", "docker's default"],
)
def test_the_bounding_set_is_read(mask: str, first: str, last: str, count: int) -> None:
    names = bounding_set(f"Name:\tdockerd\nCapEff:\t0000000000000000\nCapBnd:\t{mask}\nCapAmb:\t0\n")
    assert (names[0], names[-1], len(names)) == (first, last, count)


def test_without_a_bounding_set_there_is_none() -> None:
    assert bounding_set("Name:\tdockerd\n") == []
