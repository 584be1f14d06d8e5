# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What all forms of the fleet's report have in common: a report that was read and cleaned, and words for its parts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

_Item = TypeVar("_Item")

SCHEMA = 1
STATES = ("broken", "unknown", "degraded", "ready")
SEVERITIES = ("broken", "unknown", "degraded", "risk", "note")
# Of these a host's state is made; risks and notes do not matter for it.
WEIGHTY = SEVERITIES[:3]

_KEYS = ("schema", "generated", "minimum_version", "summary", "columns", "hosts")
_CONTROL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # a terminal obeys them, XML and HTML forbid most of them
    "\u202a-\u202e\u2066-\u2069"  # they show text in another order than it has
    "\ud800-\udfff\ufffe\uffff"  # halves of characters, from bytes that are not UTF-8, and what is no character
    "]"
)
_NUMBERED = re.compile(r"^(?P<before>.*?)(?P<number>[0-9]+)(?P<after>[^0-9]*)$", re.DOTALL)


class ReportError(ValueError):
    """What was given is no fleet report."""


def clean(text: str) -> str:
    """Text without what would steer a terminal or spoil a document; hosts are not trusted with that."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def read(report: Any, keys: Sequence[str] = _KEYS, maker: str = "readiness_report") -> dict[str, Any]:
    """A copy of a report in plain types and cleaned text; ReportError says what is not one that MAKER makes."""
    if not isinstance(report, Mapping):
        raise ReportError(f"what runnerkit.gitlab.{maker} returns is wanted, not {type(report).__name__}")
    missing = [key for key in keys if key not in report]
    if missing:
        raise ReportError(f"what runnerkit.gitlab.{maker} returns is wanted; this has no key '{missing[0]}'")
    if report["schema"] != SCHEMA:
        raise ReportError(
            f"the report is of schema {report['schema']!r} and {SCHEMA} is wanted; make it again with this collection"
        )
    copy: dict[str, Any] = plain(report)
    return copy


def plain(value: Any) -> Any:
    """Ansible's own kinds of text, lists and mappings become Python's, and all text clean."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(part) for key, part in value.items()}
    if isinstance(value, Iterable):
        return [plain(part) for part in value]
    return clean(str(value))


def as_text(value: Any) -> str:
    """A value of a finding's evidence for people."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def evidence_pairs(finding: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of a finding's evidence; how it is known is told apart."""
    return [(name, as_text(value)) for name, value in finding["evidence"].items() if name != "kind"]


def evidence_text(finding: Mapping[str, Any]) -> str:
    """A finding's evidence in one line."""
    pairs = ", ".join(f"{name}={value}" for name, value in evidence_pairs(finding))
    kind = known_how(finding)
    return f"{kind}: {pairs}" if pairs else kind


def known_how(finding: Mapping[str, Any]) -> str:
    """Whether a finding was measured or predicted, or that it is about what nobody could measure."""
    kind = str(finding["evidence"].get("kind", "known"))
    return "not measured" if kind == "unknown" else kind


def count(number: int, one: str, many: str = "") -> str:
    """`1 host`, `2 hosts`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def states_counted(summary: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The states that hosts have, the worst first, and how many have each."""
    return [(state, summary[state]) for state in STATES if summary[state]]


_SAID = {"ready": "ready", "degraded": "degraded", "broken": "broken", "unknown": "of unknown state"}


# What a registry answered, in the few words that a table has room for.
_ANSWERS = {
    "ok": "answers", "dns": "no address", "refused": "refused", "timeout": "no answer", "unreachable": "no way there",
    "plain_http": "plain HTTP", "other_ca": "another CA", "name_mismatch": "another name",
    "server_expired": "expired", "server_not_yet_valid": "not valid yet", "ca_expired": "CA expired",
    "ca_not_yet_valid": "CA not valid yet", "unfit": "unfit certificate",
    "client_wanted": "wants a certificate", "client_refused": "refuses ours",
    "trust_unreadable": "files unusable", "protocol": "no TLS in common", "not_a_registry": "no registry",
}  # fmt: skip


def answer_word(row: Mapping[str, Any]) -> str:
    """How a registry answered; nothing where nobody asked it."""
    answer = row["answer"]
    return _ANSWERS.get(answer["kind"], "unknown") if answer else "-"


def until_day(row: Mapping[str, Any]) -> str:
    """The day on which the trust in a registry ends."""
    return str(row["until"])[:10] if row["until"] else "-"


def when(time: str) -> str:
    """A time in UTC for people."""
    return f"{time[:10]} {time[11:16]} UTC"


def headline(summary: Mapping[str, Any]) -> str:
    """How the fleet is, in one sentence."""
    total = summary["hosts"]
    if not total:
        return "No host was looked at."
    counted = states_counted(summary)
    if len(counted) == 1:
        said = _SAID[counted[0][0]]
        return f"The one host is {said}." if total == 1 else f"All {total} hosts are {said}."
    parts = [f"{number} {'is' if number == 1 else 'are'} {_SAID[state]}" for state, number in counted]
    return f"Of {total} hosts {listed(parts)}."


def grouped(items: Iterable[_Item], key: Callable[[_Item], Any]) -> list[list[_Item]]:
    """Items with the same key together, in the order of their first ones; a key may be anything that JSON can say."""
    groups: list[list[_Item]] = []
    index: dict[str, int] = {}
    for item in items:
        mark = json.dumps(key(item), sort_keys=True)
        if mark not in index:
            index[mark] = len(groups)
            groups.append([])
        groups[index[mark]].append(item)
    return groups


def name_ranges(names: Sequence[str]) -> list[str]:
    """Names with the numbers that follow one another put together: `runner01-runner12`."""
    ranges: list[tuple[str, str]] = []
    for name in names:
        if ranges and _follows(ranges[-1][1], name):
            ranges[-1] = (ranges[-1][0], name)
        else:
            ranges.append((name, name))
    return [_range(names, first, last) for first, last in ranges]


def _range(names: Sequence[str], first: str, last: str) -> str:
    if first == last:
        return first
    # Two names are shorter, and clearer, than a range of two.
    if names.index(last) == names.index(first) + 1:
        return f"{first}, {last}"
    return f"{first} to {last}"


def _follows(one: str, other: str) -> bool:
    left, right = _NUMBERED.match(one), _NUMBERED.match(other)
    if not left or not right:
        return False
    after = str(int(left["number"]) + 1).zfill(len(left["number"]))
    return (right["before"], right["number"], right["after"]) == (left["before"], after, left["after"])
