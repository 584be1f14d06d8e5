# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The page as text; tests/browser looks at it in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_html import upgrade_html
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_report_words import read_upgrade
from tests.support.any_text import any_text
from tests.support.html_page import Page
from tests.support.sample_upgrade import finding, host, large_upgrade, sample_upgrade, steps, upgraded


def parsed(report: dict[str, Any]) -> Page:
    return Page(upgrade_html(read_upgrade(report)))


def text_of(report: dict[str, Any]) -> str:
    return " ".join("".join(parsed(report).text).split())


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(sample_upgrade(), id="all results"),
        pytest.param({**sample_upgrade(), "generated": None}, id="no time"),
        pytest.param(sample_upgrade([]), id="no hosts"),
        pytest.param(sample_upgrade([host("a", "current")]), id="nothing to do"),
        pytest.param(sample_upgrade([host("a", "failed", steps=steps(0, ("look", None)))]), id="one step without end"),
        pytest.param(large_upgrade(60), id="many hosts"),
    ],
)
def test_the_page_is_well_formed_and_the_same_for_the_same_report(report: dict[str, Any]) -> None:
    found = parsed(report)
    assert not found.all("id") or Counter(found.all("id")).most_common(1)[0][1] == 1
    fragments = {value.removeprefix("#") for value in found.all("href") if value.startswith("#")}
    assert fragments - {"hosts"} <= set(found.all("id"))
    assert upgrade_html(read_upgrade(report)) == upgrade_html(read_upgrade(report))


def test_the_page_asks_for_nothing_and_its_policy_allows_its_own_style_alone() -> None:
    found = parsed(sample_upgrade())
    assert not found.all("src")
    assert not found.all("style")
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert all(value.startswith(("#", "data:image/svg+xml,")) for value in found.all("href"))
    assert not re.search(r"url\([^#]|@import|https?:", found.raw["style"])
    style = "sha256-" + base64.b64encode(hashlib.sha256(found.raw["style"].encode()).digest()).decode()
    assert next(value for value in found.all("content") if "default-src" in value) == (
        f"default-src 'none'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "script" not in found.tags


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("Of 14 hosts 1 is broken, 1 could not be reached, 1 failed,", id="the fleet"),
        pytest.param("From 2026-11-22 17:40 UTC on, for 5m56s. Made 2026-11-22 18:00 UTC.", id="when"),
        pytest.param("Next See to what is said of ci-berlin-03 to ci-berlin-07 and ci-legacy-01, then run", id="next"),
        pytest.param("drain running jobs end", id="what a step is"),
        pytest.param("drain did not succeed: 17:41:57, 20s", id="a step that failed"),
        pytest.param("Docker Engine20.10.5 → 26.1.5 → 20.10.5", id="the way there and back"),
        pytest.param("docker-buildx-pluginnew 0.14.1", id="a package that is new"),
        pytest.param("the engine's default profile blocks clone3, which it allowed before", id="a reason"),
        pytest.param("Not paused: shared, 3 machines share it, pausing it would", id="a runner that was not paused"),
        pytest.param("Paused in GitLab for it: build, deploy.", id="runners that were"),
        pytest.param("a hold of docker-ce is left to playbooks/site.yml", id="a note"),
        pytest.param("Brought 1 are new", id="findings that came"),
        pytest.param("Before 1 held on this host; afterwards nobody looked", id="findings of a host that was lost"),
        pytest.param("still out of service", id="a host that is not back"),
    ],
)
def test_what_the_page_says(words: str) -> None:
    assert words in text_of(sample_upgrade())


def test_without_a_roll_there_is_no_timeline() -> None:
    text = text_of(sample_upgrade([host("a", "current"), host("b", "current")]))
    assert "All 2 hosts were up to date." in text
    assert "The roll" not in text


def full(text: str) -> dict[str, Any]:
    """A report in which every text that can come from outside ends with this one."""
    one = upgraded(f"a{text}", 1) | {
        "reason": f"r{text}", "paused": [f"p{text}"], "notes": [f"n{text}"],
        "left": [{"name": f"l{text}", "why": f"w{text}"}], "before": [finding(f"f{text}", "broken", f"s{text}")],
        "moves": [{"what": f"m{text}", "from": f"1{text}", "to": f"2{text}"}],
    }  # fmt: skip
    return sample_upgrade([one, host(f"b{text}", "skipped", reason=f"r{text}")])


@given(any_text)
def test_any_text_stays_text(text: str) -> None:
    found, plain = parsed(full(f"x{text}")), parsed(full("x"))
    shape = {tag: number for tag, number in found.tags.items() if tag != "wbr"}
    assert shape == {tag: number for tag, number in plain.tags.items() if tag != "wbr"}
    assert found.raw == plain.raw
    told = "".join("".join(found.text).split())
    assert all("".join(f"{letter}x{clean(text)}".split()) in told for letter in "arpnlwfsm12b")
