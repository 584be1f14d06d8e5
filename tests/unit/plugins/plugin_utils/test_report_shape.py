# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    ReportError,
    clean,
    evidence_text,
    grouped,
    headline,
    listed,
    name_ranges,
    read,
)
from tests.support.sample_report import sample_report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain, with ümläuts and ✓", "plain, with ümläuts and ✓", id="text stays as it is"),
        pytest.param("a\r\nb\rc\td", "a\nb\nc\td", id="lines and tabs stay"),
        pytest.param("\x1b[31mred\x07", "\ufffd[31mred\ufffd", id="a terminal gets no orders"),
        pytest.param("\x9b2J", "\ufffd2J", id="nor by the other control characters"),
        pytest.param("a\u202eb", "a\ufffdb", id="text cannot be turned round"),
        pytest.param("a\ud800b", "a\ufffdb", id="half a character is none"),
    ],
)
def test_text_is_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_is_clean_and_can_be_written(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


@pytest.mark.parametrize(
    ("report", "error"),
    [
        pytest.param(None, "is wanted, not NoneType", id="nothing"),
        pytest.param([], "is wanted, not list", id="a list"),
        pytest.param({"schema": 1}, "this has no key 'generated'", id="something else"),
        pytest.param({**sample_report(), "schema": 2}, "of schema 2 and 1 is wanted", id="a report of another time"),
    ],
)
def test_what_is_no_report_is_refused(report: Any, error: str) -> None:
    with pytest.raises(ReportError, match=error):
        read(report)


def test_a_report_is_read_as_it_is() -> None:
    report = sample_report()
    assert read(report) == report
    assert read(report) is not report


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param([], [], id="no names"),
        pytest.param(["a"], ["a"], id="one name"),
        pytest.param(["a1", "a2"], ["a1, a2"], id="two that follow one another stay two"),
        pytest.param(["a1", "a2", "a3"], ["a1 to a3"], id="three become a range"),
        pytest.param(["a08", "a09", "a10"], ["a08 to a10"], id="padded numbers"),
        pytest.param(["a8", "a9", "a10"], ["a8 to a10"], id="plain numbers"),
        pytest.param(["a1.x", "a2.x", "a3.y"], ["a1.x, a2.x", "a3.y"], id="another domain"),
        pytest.param(["a1", "a3", "b4"], ["a1", "a3", "b4"], id="gaps"),
        pytest.param(["a1", "a1"], ["a1", "a1"], id="the same name twice"),
    ],
)
def test_names_become_ranges(names: list[str], expected: list[str]) -> None:
    assert name_ranges(names) == expected


def _summary(**states: int) -> dict[str, int]:
    return {"ready": 0, "degraded": 0, "broken": 0, "unknown": 0, **states, "hosts": sum(states.values())}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        pytest.param(_summary(), "No host was looked at.", id="no host"),
        pytest.param(_summary(ready=1), "The one host is ready.", id="one host"),
        pytest.param(_summary(unknown=1), "The one host is of unknown state.", id="one host of which nothing is known"),
        pytest.param(_summary(broken=4), "All 4 hosts are broken.", id="all alike"),
        pytest.param(_summary(ready=2, broken=1), "Of 3 hosts 1 is broken and 2 are ready.", id="two states"),
        pytest.param(
            _summary(ready=2, broken=1, unknown=3, degraded=1),
            "Of 7 hosts 1 is broken, 3 are of unknown state, 1 is degraded and 2 are ready.",
            id="all states",
        ),
    ],
)
def test_the_headline_is_a_sentence(summary: dict[str, int], expected: str) -> None:
    assert headline(summary) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        pytest.param({"kind": "measured", "a": "x", "b": 1}, "measured: a=x, b=1", id="text and numbers"),
        pytest.param({"kind": "predicted", "a": ["x", "y"]}, "predicted: a=x, y", id="a list of texts"),
        pytest.param({"kind": "measured", "a": None, "b": {"c": [1]}}, 'measured: a=null, b={"c": [1]}', id="the rest"),
        pytest.param({"kind": "measured"}, "measured", id="without values"),
    ],
)
def test_evidence_is_one_line(evidence: dict[str, Any], expected: str) -> None:
    assert evidence_text({"evidence": evidence}) == expected


@given(st.lists(st.integers(0, 5)))
def test_groups_hold_every_item_once_in_the_order_of_their_first(items: list[int]) -> None:
    groups = grouped(items, lambda item: {"rest": item % 3})
    assert sorted(item for group in groups for item in group) == sorted(items)
    assert all(len({item % 3 for item in group}) == 1 for group in groups)
    assert [group[0] % 3 for group in groups] == list(dict.fromkeys(item % 3 for item in items))


@pytest.mark.parametrize(
    ("parts", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_read_as_sentences_do(parts: list[str], expected: str) -> None:
    assert listed(parts) == expected
