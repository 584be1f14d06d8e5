# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import textwrap
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_text import upgrade_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_words import read_upgrade
from tests.support.any_text import any_text
from tests.support.sample_upgrade import MOVES, broken, host, large_upgrade, rolled_back, sample_upgrade, upgraded


def shown(report: dict[str, Any], width: int = 110) -> str:
    return upgrade_text(read_upgrade(report), width)


def test_a_roll_that_stopped() -> None:
    hosts = [
        host("ci-01", "current"),
        upgraded("ci-02", 1),
        rolled_back("ci-03", 2, 120),
        host("ci-04", "not_begun", moves=MOVES, reason="the roll stopped at ci-03"),
        host("ci-05", "not_begun", moves=MOVES, reason="the roll stopped at ci-03"),
    ]
    assert shown(sample_upgrade(hosts)) == textwrap.dedent(
        """\
        Of 5 hosts 1 was rolled back, 2 were not begun, 1 was upgraded and 1 was up to date. It began 2026-11-22 17:40
          UTC and took 4m04s.

        #  host   result       engine               runner               drain  out of   began     ended
                                                                                service
        -  -----  -----------  -------------------  -------------------  -----  -------  --------  --------
        1  ci-02  upgraded     20.10.5 → 26.1.5     17.11.0 → 18.2.0     38s    1m51s    17:40:00  17:41:53
        2  ci-03  rolled back  20.10.5 → 26.1.5 →   17.11.0 → 18.2.0 →   12s    2m03s    17:42:00  17:44:03
                               20.10.5              17.11.0

        ci-03: rolled back
          the engine's default profile blocks clone3, which it allowed before

        ci-04, ci-05 (2 hosts): not begun
          the roll stopped at ci-03

        ci-01: current

        other packages of ci-02: containerd.io 1.4.13 → 1.7.27, docker-buildx-plugin new 0.14.1, docker-scan-plugin
          0.9.0 removed

        worth knowing
          ci-03: runner shared was not paused: 3 machines share it, pausing it would take their jobs away

        findings of ci-02
          solved    floor (host, broken), call_blocked_faccessat2 (host, broken)
          brought   io_uring_blocked (host, note)

        See to what is said of ci-03, then run playbooks/upgrade.yml again: it goes on with ci-04, ci-05 and leaves
          hosts alone that are up to date."""
    )


def test_a_host_that_stays_out_of_service_is_told_at_the_top_of_the_reasons() -> None:
    text = shown(sample_upgrade())
    assert "ci-berlin-05: broken, still out of service\n  apt ended with 100" in text
    reasons = [line for line in text.splitlines() if line.endswith(("service", ": failed", ": skipped", "not begun"))]
    assert reasons[-5:-2] == [
        "ci-berlin-05: broken, still out of service",
        "ci-berlin-06: failed",
        "ci-berlin-03: skipped",
    ]
    assert shown(sample_upgrade([broken("a", 1)])).splitlines()[-1].endswith("hosts alone that are up to date.")


def test_nothing_to_do_is_three_sentences() -> None:
    hosts = [host(f"runner{number:03}", "current") for number in range(1, 201)]
    assert shown(sample_upgrade(hosts)).split("\n\n") == [
        "All 200 hosts were up to date.",
        "runner001 to runner200 (200 hosts): current",
        "Nothing is left to do: another run would change nothing.",
    ]


def test_no_host_is_a_sentence() -> None:
    assert shown(sample_upgrade([])) == "No host was to be upgraded."


def test_columns_that_do_not_fit_go_into_a_further_table() -> None:
    heads = [line.split() for line in shown(sample_upgrade(), 70).splitlines() if line.startswith("#  host")]
    assert heads == [["#", "host", "result", "engine", "runner"], ["#", "host", "drain", "out", "of", "began", "ended"]]


def test_of_many_hosts_each_that_had_a_turn_has_one_row() -> None:
    lines = shown(large_upgrade(200)).splitlines()
    assert sum(line.split()[2:3] == ["upgraded"] for line in lines) == 180
    assert "findings of runner001 to runner180 (180 hosts)" in lines
    assert "runner181 to runner200 (20 hosts): current" in lines


@given(any_text, st.integers(-5, 200))
def test_any_text_fits_and_steers_nothing(text: str, width: int) -> None:
    hosts = [rolled_back(f"a{text}", 1), host(f"b{text}", "failed", reason=f"r{text}", notes=[f"n{text}"])]
    lines = shown(sample_upgrade(hosts), width).split("\n")
    assert all(len(line) <= max(width, 60) for line in lines)
    assert all(clean(line) == line for line in lines)
