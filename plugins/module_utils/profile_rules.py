# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""An engine's seccomp profile, learnt from what the engine makes of it for sets of capabilities.

A profile is a list of rules, some of which are for containers with, or without, certain capabilities. For a container
the engine picks the rules that apply and hands them to the OCI runtime. Seen for enough sets of capabilities, these
lists give the profile back: which sets are enough is computed here, and a profile that does not explain every list that
was seen, rule by rule and in the same order, is no answer but a ProfileError. What is learnt right: rules that ask for
any capabilities, rules that exclude any, and rules that do both with one each; no engine's default profile has others.
"""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Sequence

Rule = Dict[str, Any]
Capabilities = FrozenSet[str]
# A container's linux.seccomp (OCI runtime specification) for each set of capabilities.
Sections = Dict[Capabilities, Dict[str, Any]]
Ask = Callable[[List[Capabilities]], Sections]

TRACE = "SCMP_ACT_TRACE"
# What blocks; an engine whose default action is another one has nothing that TRACE would mend.
BLOCKING = ("SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP")
# Default profiles take one round of questions, a handful of containers more at most.
ROUNDS = 6
MOST_SETS = 150


class ProfileError(Exception):
    """No profile can be derived from what the engine hands over; the text is a sentence."""


class Conditions(NamedTuple):
    """A rule applies to containers that have all of `includes` and none of `excludes`."""

    includes: Capabilities
    excludes: Capabilities

    def hold(self, capabilities: Capabilities) -> bool:
        return self.includes <= capabilities and not self.excludes & capabilities


def plain(rule: Mapping[str, Any]) -> Rule:
    """A rule without its conditions and without what is empty: the form in which two rules can be compared."""
    keys = ("names", "action", "errnoRet", "args")
    return {key: rule[key] for key in keys if rule.get(key) not in (None, [], "")}


def handed_over(profile: Mapping[str, Any], capabilities: Capabilities) -> list[Rule]:
    """The rules that the engine makes of one of our profiles for a container with these capabilities."""
    found = []
    for rule in profile["syscalls"]:
        conditions = Conditions(
            frozenset(rule.get("includes", {}).get("caps", ())), frozenset(rule.get("excludes", {}).get("caps", ()))
        )
        if conditions.hold(capabilities):
            found.append(plain(rule))
    return found


def sets_to_try(capabilities: Capabilities) -> list[Capabilities]:
    """All, none, and for each binary digit of a capability's place those with 0 and those with 1 there.

    A rule that depends on one capability is told from all others by these alone: no two places have the same digits.
    """
    names = sorted(capabilities)
    sets = [frozenset(names), frozenset()]
    for digit in range(max(0, len(names) - 1).bit_length()):
        sets += [frozenset(name for place, name in enumerate(names) if place >> digit & 1 == value) for value in (0, 1)]
    return list(dict.fromkeys(sets))


def derive(first: Sections, ask: Ask) -> dict[str, Any]:
    """The profile behind the sections, in docker's own format, with TRACE as its default action."""
    sections = dict(first)
    capabilities: Capabilities = frozenset().union(*sections)
    wanted = sets_to_try(capabilities)
    asked: set[Capabilities] = set(sections)
    for _ in range(ROUNDS):
        wanted = [each for each in wanted if each not in asked]
        if len(asked) + len(wanted) > MOST_SETS:
            break
        if wanted:
            sections.update(ask(wanted))
            asked.update(wanted)
        seen = {each: _texts(section) for each, section in sections.items()}
        learnt = {text: _conditions(text, seen, capabilities) for texts in seen.values() for text in texts}
        conditions = {text: found for text, (found, _) in learnt.items()}
        more = {each for _, open_ in learnt.values() for each in open_} - asked or _unordered(conditions, seen) - asked
        wanted = sorted(more, key=sorted)
        if not wanted:
            profile = {**_common(sections), "syscalls": [_rule(text, conditions[text]) for text in _in_order(seen)]}
            _check(profile, seen)
            return profile
    raise ProfileError("the engine's default profile has more conditions than can be told apart")


def _check(profile: Mapping[str, Any], seen: Mapping[Capabilities, Sequence[str]]) -> None:
    """It has to explain everything that was seen."""
    for each, texts in seen.items():
        if handed_over(profile, each) != [json.loads(text) for text in texts]:
            raise ProfileError(
                "the engine's default profile depends on capabilities in a way that its containers do not tell "
                "(seen with {})".format(", ".join(sorted(each)) or "none")
            )


def _texts(section: Mapping[str, Any]) -> list[str]:
    return [json.dumps(plain(rule), sort_keys=True) for rule in section.get("syscalls") or []]


def _conditions(
    text: str, seen: Mapping[Capabilities, Sequence[str]], capabilities: Capabilities
) -> tuple[Conditions, list[Capabilities]]:
    """The narrowest conditions that fit, and the sets that would say which of them are real."""
    having = [each for each, texts in seen.items() if text in texts]
    lacking = [each for each, texts in seen.items() if text not in texts]
    narrowest = Conditions(having[0].intersection(*having), capabilities.difference(*having))
    # A set without the rule that breaks one condition only proves that one.
    proven = set()
    for each in lacking:
        broken = [(True, name) for name in narrowest.includes - each] + [
            (False, name) for name in narrowest.excludes & each
        ]
        if len(broken) == 1:
            proven.add(broken[0])
    home = having[0]
    open_ = [home - {name} for name in narrowest.includes if (True, name) not in proven]
    open_ += [home | {name} for name in narrowest.excludes if (False, name) not in proven]
    return narrowest, open_


def _unordered(conditions: Mapping[str, Conditions], seen: Mapping[Capabilities, Sequence[str]]) -> set[Capabilities]:
    """Sets that have two rules at once which were not seen together yet, so that nothing tells which comes first."""
    together = {frozenset(pair) for texts in seen.values() for pair in combinations(texts, 2)}
    apart = {frozenset(pair) for pair in combinations(conditions, 2)} - together
    found = set()
    for one, other in apart:
        both = conditions[one].includes | conditions[other].includes
        if conditions[one].hold(both) and conditions[other].hold(both):
            found.add(both)
    return found


def _in_order(seen: Mapping[Capabilities, Sequence[str]]) -> list[str]:
    """All rules in an order that agrees with every list."""
    after: dict[str, set[str]] = {}
    for texts in seen.values():
        for text in texts:
            after.setdefault(text, set())
        for above, text in zip(texts, texts[1:]):
            after[text].add(above)
    order: list[str] = []
    while after:
        first = next((text for text, before in after.items() if not before), None)
        if first is None:
            raise ProfileError("the engine hands its rules over in an order that depends on the capabilities")
        order.append(first)
        del after[first]
        for before in after.values():
            before.discard(first)
    return order


def _rule(text: str, conditions: Conditions) -> Rule:
    rule: Rule = json.loads(text)
    rule = {key: rule[key] for key in ("names", "action", "errnoRet", "args") if key in rule}
    for key, names in (("includes", conditions.includes), ("excludes", conditions.excludes)):
        if names:
            rule[key] = {"caps": sorted(names)}
    return rule


def _common(sections: Sections) -> dict[str, Any]:
    """What is the same for all containers, with the default action changed."""
    heads = [{key: value for key, value in section.items() if key != "syscalls"} for section in sections.values()]
    head = heads[0]
    if any(each != head for each in heads):
        raise ProfileError("the engine's default action or architectures depend on a container's capabilities")
    action = head.get("defaultAction")
    if action not in BLOCKING:
        raise ProfileError(f"the default action of this engine's profile is {action}, which blocks nothing")
    kept = {key: value for key, value in head.items() if key not in ("defaultAction", "defaultErrnoRet") and value}
    return {"defaultAction": TRACE, **kept}
