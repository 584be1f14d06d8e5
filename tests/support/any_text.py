# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Reports whose texts are anything that a host may say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.sample_hosts import nested, old, stock
from tests.support.sample_report import sample_report

# What has a meaning in one of the report's forms; hypothesis alone would seldom think of it.
_NASTY = (
    "<script>alert(1)</script>", "]]>", "<!--", "&amp;", '"', "'", "\\", "\n", "\r\n", "{{ 1 }}", "\x1b[2J", "\x00",
    "\ud800", "\ufffe", "\u202e", "[[ATTACHMENT|/etc/passwd]]", "# HELP", "</style>", "\u2028", "\x85", "\x9b", " ",
)  # fmt: skip
any_text = st.lists(
    st.one_of(st.sampled_from(_NASTY), st.text(st.characters(exclude_categories=()), max_size=8)), max_size=6
).map("".join)
# Words of the report's own that are no text of a host.
_FIXED = frozenset(
    {"state", "kind", "severity", "measured", "by", "model", "generated", "layer", "call", "until", "not_after"}
)


def with_text(text: str) -> dict[str, Any]:
    """A report in which every text that can come from outside ends with this one."""
    report = sample_report(hosts=[stock(), old(), nested()])
    spoilt: dict[str, Any] = _spoilt(report, text)
    for column, before in zip(spoilt["columns"], report["columns"], strict=True):
        column["id"] = before["id"]
    return spoilt


def _spoilt(value: Any, text: str, key: str = "") -> Any:
    if isinstance(value, dict):
        # Names of evidence come from facts.
        return {
            f"{name}{text}" if key == "evidence" and name != "kind" else name: part
            if name in _FIXED
            else _spoilt(part, text, name)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_spoilt(part, text) for part in value]
    return f"{value}{text}" if isinstance(value, str) else value
