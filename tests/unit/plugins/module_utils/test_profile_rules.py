# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_rules import (
    Capabilities,
    ProfileError,
    derive,
    handed_over,
    plain,
    sets_to_try,
)

NAMES = [f"CAP_{letter}" for letter in "ABCDEFGHIJK"]
ALL = frozenset(NAMES)
ARCHITECTURES = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
HEAD = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ARCHITECTURES}
MASKED = [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]

# As moby has them, in short.
CLONE: dict[str, Any] = {
    "names": ["clone"],
    "action": "SCMP_ACT_ALLOW",
    "args": MASKED,
    "excludes": {"caps": ["CAP_A"]},
}
CLONE3: dict[str, Any] = {
    "names": ["clone3"],
    "action": "SCMP_ACT_ERRNO",
    "errnoRet": 38,
    "excludes": {"caps": ["CAP_A"]},
}
READ: dict[str, Any] = {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}
MOUNT: dict[str, Any] = {
    "names": ["clone", "clone3", "mount"],
    "action": "SCMP_ACT_ALLOW",
    "includes": {"caps": ["CAP_A"]},
}
CHROOT: dict[str, Any] = {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_B"]}}
MOBY: list[dict[str, Any]] = [READ, MOUNT, CHROOT, CLONE, CLONE3]


class Engine:
    """An engine with a default profile; knows how often it was asked."""

    def __init__(self, rules: list[dict[str, Any]], head: Mapping[str, Any] = HEAD) -> None:
        self.profile = {**head, "syscalls": rules}
        self.asked: list[Capabilities] = []

    def section(self, capabilities: Capabilities) -> dict[str, Any]:
        return {**self.profile, "syscalls": handed_over(self.profile, capabilities)}

    def ask(self, sets: Iterable[Capabilities]) -> dict[Capabilities, dict[str, Any]]:
        wanted = list(sets)
        self.asked += wanted
        return {each: self.section(each) for each in wanted}

    def derive(self) -> dict[str, Any]:
        return derive({ALL: self.section(ALL)}, self.ask)


def rule(name: str, includes: Iterable[str] = (), excludes: Iterable[str] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"names": [name], "action": "SCMP_ACT_ALLOW"}
    for key, caps in (("includes", sorted(includes)), ("excludes", sorted(excludes))):
        if caps:
            found[key] = {"caps": caps}
    return found


def test_the_profile_comes_back_with_another_default_action() -> None:
    assert Engine(MOBY).derive() == {
        "defaultAction": "SCMP_ACT_TRACE",
        "architectures": ARCHITECTURES,
        "syscalls": MOBY,
    }


def test_a_profile_as_engines_have_it_takes_one_round_of_questions() -> None:
    engine = Engine(MOBY)
    engine.derive()
    assert len(engine.asked) == len(sets_to_try(ALL)) - 1 == 9


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 37, 41])
def test_any_two_capabilities_are_told_apart(count: int) -> None:
    names = frozenset(f"CAP_{number:02}" for number in range(count))
    sets = sets_to_try(names)
    assert {frozenset(), names} <= set(sets)
    assert len(sets) == len(set(sets)) <= 14
    for one in names:
        for other in names - {one}:
            assert any(one in each and other not in each for each in sets)


def _rules() -> st.SearchStrategy[list[dict[str, Any]]]:
    names = st.frozensets(st.sampled_from(NAMES), max_size=4)
    one = st.sampled_from(NAMES)
    conditions: st.SearchStrategy[tuple[Capabilities, Capabilities]] = st.one_of(
        names.map(lambda caps: (caps, frozenset())),
        names.map(lambda caps: (frozenset(), caps)),
        st.tuples(one, one)
        .filter(lambda pair: pair[0] != pair[1])
        .map(lambda p: (frozenset({p[0]}), frozenset({p[1]}))),
    )
    return st.lists(conditions, max_size=9).map(
        lambda found: [rule(f"call{place}", *each) for place, each in enumerate(found)]
    )


@given(_rules(), st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=20))
def test_what_was_derived_gives_the_same_rules_to_every_container(
    rules: list[dict[str, Any]], containers: list[Capabilities]
) -> None:
    engine = Engine(rules)
    derived = engine.derive()
    for each in [*containers, *(ALL - {name} for name in NAMES), *(frozenset({name}) for name in NAMES)]:
        assert handed_over(derived, each) == engine.section(each)["syscalls"]


def test_two_conditions_of_one_rule_take_another_round() -> None:
    engine = Engine([rule("bpf", includes={"CAP_A", "CAP_D"})])
    assert engine.derive()["syscalls"] == [rule("bpf", includes={"CAP_A", "CAP_D"})]
    assert len(engine.asked) > 9


def test_what_an_engine_leaves_empty_is_left_out() -> None:
    assert plain({"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": None, "comment": "", "includes": {}}) == {
        "names": ["read"],
        "action": "SCMP_ACT_ALLOW",
    }


def test_the_error_number_of_a_call_stays_even_if_it_is_zero() -> None:
    zero = {"names": ["sync"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}
    assert Engine([zero]).derive()["syscalls"] == [zero]


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        (Engine(MOBY, {"defaultAction": "SCMP_ACT_ALLOW"}), "is SCMP_ACT_ALLOW, which blocks nothing"),
        (Engine(MOBY, {"defaultAction": "SCMP_ACT_TRACE"}), "is SCMP_ACT_TRACE, which blocks nothing"),
        (Engine([rule("bpf", {"CAP_A"}), rule("bpf", {"CAP_B"})]), "in an order that depends|in a way that"),
    ],
    ids=[
        "a default action that allows",
        "a default action that traces already",
        "one rule under either of two conditions",
    ],
)
def test_what_cannot_be_told_for_sure_is_no_profile(engine: Engine, sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        engine.derive()


def test_a_rule_that_no_container_showed_is_left_out() -> None:
    """The limit: with several excluded capabilities beside an included one, no set that is tried may have the rule."""
    assert Engine([READ, rule("bpf", {"CAP_A"}, ALL - {"CAP_A"})]).derive()["syscalls"] == [READ]


def test_an_engine_that_changes_its_architectures_is_not_understood() -> None:
    engine = Engine(MOBY)
    first = {ALL: {**engine.section(ALL), "architectures": ["SCMP_ARCH_X86"]}}
    with pytest.raises(ProfileError, match="default action or architectures depend"):
        derive(first, engine.ask)
