# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import STEPS, upgrade_report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_chart import Bar, Chart
from tests.support.sample_upgrade import host, steps


def chart(seconds: float) -> Chart:
    return Chart.of({"began": "2026-11-22T17:40:07.000Z", "seconds": seconds})


def bars(*lasted: tuple[str, float | None]) -> list[Bar]:
    report = upgrade_report([host("a", "upgraded", 1, steps=steps(0, *lasted))])
    return Chart.of(report["summary"]).bars(report["hosts"][0]["steps"])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(0, ["17:40:08"], id="no time at all still has a line"),
        pytest.param(9, ["17:40:08", "17:40:10", "17:40:12", "17:40:14", "17:40:16"], id="seconds"),
        pytest.param(70, ["17:40:15", "17:40:30", "17:40:45", "17:41:00", "17:41:15"], id="quarters of a minute"),
        pytest.param(300, ["17:41", "17:42", "17:43", "17:44", "17:45"], id="minutes"),
        pytest.param(3600, ["17:50", "18:00", "18:10", "18:20", "18:30", "18:40"], id="every ten minutes"),
        pytest.param(86400, ["20:00", "00:00", "04:00", "08:00", "12:00", "16:00"], id="a day"),
        pytest.param(400000, ["11-23", "11-24", "11-25", "11-26", "11-27"], id="days"),
    ],
)
def test_ticks_are_round_times_of_the_day(seconds: float, expected: list[str]) -> None:
    assert [label for _, label in chart(seconds).ticks()] == expected


@given(st.floats(0, 1e7))
def test_ticks_are_few_and_on_the_line(seconds: float) -> None:
    ticks = chart(seconds).ticks()
    assert len(ticks) <= 8
    assert all(0 < left <= 100 for left, _ in ticks)
    assert sorted(ticks) == ticks


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.none() | st.floats(0, 1e5)), min_size=1, max_size=8))
def test_bars_follow_one_another_on_the_line_and_can_be_seen(lasted: list[tuple[str, float | None]]) -> None:
    found = bars(*lasted)
    assert all(0 <= bar.left < 100 and 0 < bar.width <= 100 for bar in found)
    assert sorted(bar.left for bar in found) == [bar.left for bar in found]


def test_bars_have_the_labels_that_fit() -> None:
    drain, change, trial, back = bars(("drain", 100), ("change", 16), ("try", None), ("back", 18))
    assert drain.labels == (("desk", "drain"), ("phone", "drain"))
    assert change.labels == (("desk", "change"), ("phone", ""))
    assert trial.labels == (("desk", "✕ try"), ("phone", "✕"))
    assert back.labels == (("desk", "back"), ("phone", ""))


def test_bars_say_what_they_are() -> None:
    assert [bar.title for bar in bars(("pause", 0.6), ("drain", None), ("back", None))] == [
        "pause: 17:40:00, 0.6s",
        "drain did not succeed: 17:40:00, 20s",
        "back did not succeed: 17:40:20",
    ]
