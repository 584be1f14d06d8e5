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

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_html import page
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean, read
from tests.support.any_text import any_text, with_text
from tests.support.html_page import Page
from tests.support.sample_report import large_report, sample_report


def parsed(report: dict[str, Any]) -> Page:
    return Page(page(read(report)))


def text_of(report: dict[str, Any]) -> str:
    return " ".join("".join(parsed(report).text).split())


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(sample_report(), id="all states"),
        pytest.param(sample_report(images=()), id="no images"),
        pytest.param({**sample_report(), "generated": None}, id="no time"),
        pytest.param(
            {
                **sample_report(),
                "hosts": [],
                "summary": {**sample_report()["summary"], "hosts": 0, "upgrade_first": []},
            },
            id="no hosts",
        ),
        pytest.param(large_report(60), id="many hosts"),
    ],
)
def test_the_page_is_well_formed_and_the_same_for_the_same_report(report: dict[str, Any]) -> None:
    found = parsed(report)
    assert Counter(found.all("id")).most_common(1)[0][1] == 1
    fragments = {value.removeprefix("#") for value in found.all("href") if value.startswith("#")}
    assert fragments - {"hosts"} <= set(found.all("id"))
    assert page(read(report)) == page(read(report))


def test_the_page_asks_for_nothing() -> None:
    found = parsed(sample_report())
    assert not found.all("src")
    assert not found.all("style")
    assert all(value.startswith(("#", "data:image/svg+xml,")) for value in found.all("href"))
    assert not re.search(r"url\(|@import|https?:|//[a-z]", found.raw["style"] + found.raw["script"].replace("// ", ""))


def test_its_policy_allows_its_own_style_and_script_alone() -> None:
    found = parsed(sample_report())
    policy = next(value for value in found.all("content") if "default-src" in value)
    hashes = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(found.raw[name].encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src '{hashes['style']}'; script-src '{hashes['script']}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("Of 7 hosts 3 are broken, 1 is of unknown state, 1 is degraded and 2 are ready.", id="the fleet"),
        pytest.param("Docker Engine 20.10.5+dfsg1 is older than 20.10.6, the least that GitLab advises", id="why"),
        pytest.param("dind (docker:19.03-dind): faccessat2 EPERM by the profile", id="a cell's evidence"),
        pytest.param("Fix use docker:26.1.5-dind or newer as the service; the host itself is fine", id="a cell's fix"),
        pytest.param("In a job: make: /bin/sh: Operation not permitted", id="how it looks in a job"),
        pytest.param("49 calls, 4 differ from the model, all explained, measured in 0.74 s.", id="the measurement"),
        pytest.param("this host's libseccomp 2.5.1 knows close_range, upstream's learned it in 2.5.2", id="a reason"),
        pytest.param("no reason is known for this: please report it, with this table", id="no reason"),
        pytest.param("Not measured: podman cannot be run as alice: no subordinate user ids", id="why not measured"),
        pytest.param("Predicted from versions, not measured.", id="a prediction"),
        pytest.param("What if docker:29.7.2 ran here", id="other versions"),
        pytest.param(
            "2 findings would go away (2 broken), 2 would be new (1 broken, 1 note), 4 would stay "
            "(1 broken, 2 degraded, 1 note).",
            id="what they change",
        ),
        pytest.param("jobs fail, or the engine is below the floor", id="what broken means"),
        pytest.param("unknown at layer host, not measured", id="a finding about what nobody could measure"),
        pytest.param("CN=Example CA until 2026-12-04", id="the CA of a registry, and its end"),
        pytest.param("refusednothing listens on 10.0.0.9:5009", id="what a registry answered"),
        pytest.param("Taken for granted: runc stays 1.0.0-rc10 unless it is given", id="what was assumed"),
    ],
)
def test_what_the_page_says(words: str) -> None:
    assert words in text_of(sample_report())


def test_every_call_stands_in_the_page() -> None:
    report = sample_report()
    text = text_of(report)
    assert all(f"{call['call']} {call['number']}" in text for host in report["hosts"] for call in host["calls"])


def test_a_fleet_without_trouble_is_told_so() -> None:
    report = sample_report()
    ready = [host for host in report["hosts"] if host["state"] == "ready"]
    summary = {"hosts": len(ready), "ready": len(ready), "degraded": 0, "broken": 0, "unknown": 0, "upgrade_first": []}
    text = text_of({**report, "hosts": ready, "summary": summary})
    assert "All 2 hosts are ready." in text
    assert "Nothing has to be upgraded before jobs run." in text


def test_hosts_whose_names_differ_only_in_odd_characters_have_their_own_addresses() -> None:
    report = sample_report()
    for host, name in zip(report["hosts"], ("a b", "a/b", "a?b"), strict=False):
        host["name"] = name
    assert parsed(report).all("id").count("host-a-b") == 1
    assert {"host-a-b", "host-a-b-2", "host-a-b-3"} <= set(parsed(report).all("id"))


@given(any_text)
def test_any_text_stays_text(text: str) -> None:
    found, plain = parsed(with_text(f"x{text}")), parsed(with_text("x"))
    shape = {tag: number for tag, number in found.tags.items() if tag != "wbr"}
    assert shape == {tag: number for tag, number in plain.tags.items() if tag != "wbr"}
    assert found.raw == plain.raw
    assert "".join(f"the least that GitLab advisesx{clean(text)}".split()) in "".join("".join(found.text).split())
