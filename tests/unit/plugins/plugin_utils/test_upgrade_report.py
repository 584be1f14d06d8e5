# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import upgrade_report_words as words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import ReportError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report import RESULTS, STEPS, upgrade_report
from tests.support import sample_upgrade as sample
from tests.support.sample_upgrade import FLOOR, SOCKET, WHOLE, host, steps


def entry(*given: Any, **more: Any) -> dict[str, Any]:
    """The one host of a report, upgraded with these steps."""
    found: dict[str, Any] = upgrade_report([host("a", "upgraded", 1, steps=list(given), **more)])["hosts"][0]
    return found


def test_hosts_stand_in_the_order_of_the_roll_and_then_as_they_were_given() -> None:
    hosts = [host("d", "current"), host("c", "upgraded", 3), host("b", "current", 0), host("a", "upgraded", 1)]
    assert [row["name"] for row in upgrade_report(hosts)["hosts"]] == ["a", "c", "d", "b"]


def test_the_summary_counts_results_and_spans_all_steps() -> None:
    summary = sample.sample_upgrade()["summary"]
    assert {result: summary[result] for result in RESULTS} == {
        "broken": 1, "unreachable": 1, "failed": 1, "rolled_back": 1, "skipped": 2, "not_begun": 2, "upgraded": 2,
        "current": 4,
    }  # fmt: skip
    assert (summary["hosts"], summary["began"]) == (14, "2026-11-22T17:40:00.000Z")
    assert (summary["ended"], summary["seconds"]) == ("2026-11-22T17:45:55.700Z", 355.7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("2026-11-22T17:40:00Z", "2026-11-22T17:40:00.000Z", id="seconds"),
        pytest.param("2026-11-22T17:40:00.123456Z", "2026-11-22T17:40:00.123Z", id="microseconds"),
        pytest.param("2026-11-22T18:40:00+01:00", "2026-11-22T17:40:00.000Z", id="another zone"),
        pytest.param("2026-11-22T17:40:00", "2026-11-22T17:40:00.000Z", id="no zone is UTC"),
    ],
)
def test_all_times_are_written_alike(given: str, expected: str) -> None:
    assert entry({"name": "look", "began": given, "ended": given})["steps"][0]["began"] == expected


def test_steps_tell_how_long_they_took() -> None:
    found = entry(*steps(0, ("pause", 0.6), ("drain", 38), ("change", None), ("back", None)))["steps"]
    assert [(step["seconds"], step["failed"]) for step in found] == [
        (0.6, False),
        (38, False),
        (20, True),
        (None, True),
    ]


@pytest.mark.parametrize(
    ("lasted", "seconds", "out"),
    [
        pytest.param(WHOLE, 110.6, False, id="from the beginning of the pause to the end of the resumption"),
        pytest.param((("look", 1.0),), None, False, id="it was only looked at"),
        pytest.param((("look", 1.0), ("pause", None)), None, False, id="a pause that failed leaves it as it was"),
        pytest.param((("pause", 1.0),), None, True, id="it was paused, and that was that"),
        pytest.param((("pause", 1.0), ("drain", None)), None, True, id="the connection was lost while it drained"),
        pytest.param((("pause", 1.0), ("drain", None), ("resume", 2.0)), 23.0, False, id="its jobs did not end"),
        pytest.param((("pause", 1.0), ("drain", 2.0), ("resume", None)), None, True, id="it could not be resumed"),
        pytest.param((("back", 9.0), ("resume", 1.0)), None, False, id="what an earlier roll left was put right"),
        pytest.param((("back", None),), None, True, id="what an earlier roll left could not be put right"),
        pytest.param(
            (("back", 9.0), ("resume", 1.0), ("pause", 1.0), ("drain", 5.0)), None, True, id="put right, then lost"
        ),
        pytest.param(
            (("back", 9.0), ("resume", 1.0), ("pause", 1.0), ("resume", 3.0)), 4.0, False, id="put right, then whole"
        ),
    ],
)
def test_time_out_of_service(lasted: tuple[tuple[str, float | None], ...], seconds: float | None, out: bool) -> None:
    found = entry(*steps(0, *lasted))
    assert (found["out_of_service"], found["still_out"]) == (seconds, out)


def test_a_step_may_fail_at_a_known_time() -> None:
    pause, resume = steps(0, ("pause", 1.0), ("resume", 2.0))
    found = entry(pause, {**resume, "failed": True})
    assert found["still_out"]
    assert found["steps"][1] == {**resume, "failed": True, "seconds": 2.0}


def test_a_clock_that_is_put_back_makes_no_time_negative() -> None:
    found = entry({"name": "drain", "began": "2026-11-22T17:40:00Z", "ended": "2026-11-22T17:39:00Z"})
    assert found["steps"][0]["seconds"] == 0


@pytest.mark.parametrize(
    ("before", "after", "solved", "brought"),
    [
        pytest.param([FLOOR, SOCKET], [SOCKET, sample.URING], ["floor"], ["io_uring_blocked"], id="both"),
        pytest.param([FLOOR], [FLOOR], [], [], id="nothing"),
        pytest.param([FLOOR], [{**FLOOR, "severity": "note", "summary": "now"}], [], [], id="the same in other words"),
        pytest.param(
            [FLOOR], [{**FLOOR, "evidence": {"kind": "measured", "name": "other"}}], ["floor"], ["floor"],
            id="the same about something else",
        ),
        pytest.param([], [sample.URING, SOCKET, FLOOR], [], ["floor", "socket_is_root", "io_uring_blocked"], id="all"),
    ],
)  # fmt: skip
def test_what_an_upgrade_solved_and_brought(
    before: list[Any], after: list[Any], solved: list[str], brought: list[str]
) -> None:
    found = entry(before=before, after=after)
    assert [finding["id"] for finding in found["solved"]] == solved
    assert [finding["id"] for finding in found["brought"]] == brought


@pytest.mark.parametrize(("before", "after"), [(None, None), ([FLOOR], None), (None, [FLOOR])])
def test_without_a_look_on_both_sides_nothing_is_said_of_findings(before: Any, after: Any) -> None:
    found = entry(before=before, after=after)
    assert (found["solved"], found["brought"]) == (None, None)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param([], "No host was to be upgraded.", id="no host"),
        pytest.param(
            [host("a", "upgraded"), host("b", "current")], "Nothing is left to do: another run would change nothing.",
            id="all is well",
        ),
        pytest.param(
            [host("a", "rolled_back"), host("b", "not_begun"), host("c", "not_begun")],
            "See to what is said of a, then run playbooks/upgrade.yml again: it goes on with b and c and leaves hosts "
            "alone that are up to date.",
            id="the roll stopped",
        ),
        pytest.param(
            [sample.broken("a", 1)],
            "See to what is said of a, then run playbooks/upgrade.yml again: it first puts right what is still out of "
            "service (a) and leaves hosts alone that are up to date.",
            id="a host is out of service",
        ),
    ],
)  # fmt: skip
def test_what_to_do_next(hosts: list[Any], expected: str) -> None:
    assert upgrade_report(hosts)["summary"]["next"] == expected


@pytest.mark.parametrize(
    ("hosts", "settings", "error"),
    [
        pytest.param(None, None, "a list of hosts is wanted, each with name and result, not NoneType", id="nothing"),
        pytest.param({}, None, "not dict", id="one host"),
        pytest.param([7], None, "a host is 7, where a dictionary with name and result is wanted", id="a number"),
        pytest.param([{"result": "current"}], None, "where a dictionary with name and result is wanted", id="no name"),
        pytest.param([{"name": "a"}], None, "host 'a' has the result None, which is none of broken, ", id="no result"),
        pytest.param(
            [{"name": "a", "result": "current", "order": "1"}], None, "host 'a' has the order '1', where a number",
            id="a place that is text",
        ),
        pytest.param(
            [host("a", "upgraded", steps=[{"name": "wait"}])], None, "has the step 'wait', which is none of look, ",
            id="no such step",
        ),
        pytest.param(
            [host("a", "upgraded", steps=[{"name": "look"}])], None, "has no beginning of its step look",
            id="a step without a beginning",
        ),
        pytest.param(
            [host("a", "upgraded", steps=[{"name": "look", "began": "noon"}])], None,
            "has the time 'noon' at its step look, where one such as 2026-11-22T17:40:00Z is wanted", id="no time",
        ),
        pytest.param([], "now", "the settings are 'now', where a dictionary with generated is wanted", id="settings"),
        pytest.param([], {"made": 1}, "the settings have 'made', which is none of generated", id="another setting"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_one_sentence(hosts: Any, settings: Any, error: str) -> None:
    with pytest.raises(ReportError, match=error.replace("(", r"\(")) as caught:
        upgrade_report(hosts, settings)
    assert "\n" not in str(caught.value)


any_steps = st.lists(st.tuples(st.sampled_from(STEPS), st.none() | st.floats(0, 1e5)), max_size=8)


@given(any_steps)
def test_out_of_service_is_never_longer_than_the_whole(lasted: list[tuple[str, float | None]]) -> None:
    report = upgrade_report([host("a", "upgraded", 1, steps=steps(0, *lasted))])
    found = report["hosts"][0]
    assert not (found["still_out"] and found["out_of_service"] is not None)
    assert (found["out_of_service"] or 0) <= (report["summary"]["seconds"] or 0) + 0.001


@given(any_steps)
def test_a_resumption_that_succeeded_at_the_end_leaves_no_host_out(lasted: list[tuple[str, float | None]]) -> None:
    assert not entry(*steps(0, *lasted, ("resume", 1.0)))["still_out"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param([], "No host was to be upgraded.", id="no host"),
        pytest.param(["upgraded"], "The one host was upgraded.", id="one"),
        pytest.param(["current", "current"], "All 2 hosts were up to date.", id="all alike"),
        pytest.param(
            ["upgraded", "upgraded", "rolled_back", "not_begun"],
            "Of 4 hosts 1 was rolled back, 1 was not begun and 2 were upgraded.",
            id="the worst first",
        ),
    ],
)
def test_the_headline_is_a_sentence(hosts: list[str], expected: str) -> None:
    assert words.headline(upgrade_report([host("a", result) for result in hosts])["summary"]) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"), (0, "0.0s"), (0.44, "0.4s"), (9.94, "9.9s"), (9.96, "10s"), (59.4, "59s"), (59.6, "1m00s"),
        (72, "1m12s"), (3599.6, "1h00m"), (7380, "2h03m"), (100000, "27h46m"),
    ],
)  # fmt: skip
def test_durations_are_short(seconds: float | None, expected: str) -> None:
    assert words.duration(seconds) == expected


@pytest.mark.parametrize(
    ("move", "result", "expected"),
    [
        ({"from": "1", "to": "2"}, "upgraded", "1 → 2"),
        ({"from": "1", "to": "2"}, "rolled_back", "1 → 2 → 1"),
        ({"from": None, "to": "2"}, "upgraded", "new 2"),
        ({"from": "1", "to": None}, "upgraded", "1 removed"),
    ],
)
def test_versions_tell_their_way(move: dict[str, Any], result: str, expected: str) -> None:
    assert words.way(move, result) == expected
