# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_junit import junit
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import clean, read
from tests.support.any_text import any_text, with_text
from tests.support.sample_report import large_report, sample_report

REST = "engine, versions and settings"
REGISTRIES = "private registries"


def parsed(report: dict[str, Any], degraded: str = "skipped") -> ElementTree.Element:
    return ElementTree.fromstring(junit(read(report), degraded))


def case(root: ElementTree.Element, host: str, name: str) -> ElementTree.Element:
    found = root.find(f"testsuite[@name='{host}']/testcase[@name='{name}']")
    assert found is not None
    return found


def test_hosts_are_suites_and_columns_are_cases() -> None:
    root = parsed(sample_report())
    report = sample_report()
    assert [suite.get("name") for suite in root] == [host["name"] for host in report["hosts"]]
    titles = [column["title"] for column in report["columns"]]
    for suite, host in zip(root, report["hosts"], strict=True):
        registries = [REGISTRIES] if host["registries"] else []
        assert [entry.get("name") for entry in suite] == [*titles, *registries, REST]
        assert {entry.get("classname") for entry in suite} == {suite.get("name")}
        assert suite.get("timestamp") == "2026-11-22T07:30:00"


@pytest.mark.parametrize(
    ("host", "title", "element"),
    [
        pytest.param("ci-berlin-01", "Alpine 3.14 · glibc 2.33", None, id="ready passes"),
        pytest.param("ci-legacy-01", "Alpine 3.14 · glibc 2.33", "failure", id="broken fails"),
        pytest.param("ci-munich-03", "Alpine 3.14 · glibc 2.33", "error", id="unknown is an error"),
        pytest.param("ci-munich-01", "glibc 2.34 · close_range", "skipped", id="degraded counts as skipped"),
        pytest.param("ci-berlin-02", REST, "failure", id="an engine that is too old fails, though all columns pass"),
        pytest.param("ci-munich-03", REST, "error", id="an unreachable host is an error"),
        pytest.param("ci-munich-02", REST, "skipped", id="a degraded finding beside the columns"),
        pytest.param("ci-munich-01", REST, None, id="risks and notes do not matter"),
        pytest.param("ci-munich-01", REGISTRIES, "skipped", id="a registry whose CA expires soon"),
        pytest.param("ci-berlin-02", REGISTRIES, None, id="registries that are well"),
    ],
)
def test_states_become_outcomes(host: str, title: str, element: str | None) -> None:
    assert [part.tag for part in case(parsed(sample_report()), host, title)] == ([element] if element else [])


def test_a_failure_says_how_it_is_known_and_what_to_do() -> None:
    failure = case(parsed(sample_report()), "ci-munich-02", "Alpine 3.14 · glibc 2.33")[0]
    assert failure.get("type") == "broken"
    assert failure.text == (
        "Alpine 3.14 · glibc 2.33: broken, measured\n"
        "host: faccessat2 allowed\n"
        "dind (docker:19.03-dind): faccessat2 EPERM by the profile\n"
        "in a job it looks like this: make: /bin/sh: Operation not permitted; test -x answers no for an executable\n"
        "fix: use docker:26.1.5-dind or newer as the service; the host itself is fine"
    )
    assert failure.get("message") == failure.text.splitlines()[0]


@pytest.mark.parametrize(
    ("degraded", "element"), [("skipped", "skipped"), ("failed", "failure"), ("passed", "system-out")]
)
def test_one_may_choose_what_degraded_counts_as(degraded: str, element: str) -> None:
    found = case(parsed(sample_report(), degraded), "ci-munich-01", "glibc 2.34 · close_range")[0]
    assert found.tag == element
    assert "fix: take /etc/docker/seccomp-jobs.json out" in str(found.text)


def test_another_choice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"degraded is 'red'; choose one of skipped, failed, passed"):
        junit(read(sample_report()), "red")


@pytest.mark.parametrize("degraded", ["skipped", "failed", "passed"])
def test_the_counts_are_those_of_the_cases(degraded: str) -> None:
    root = parsed(large_report(20), degraded)
    for element in (root, *root):
        assert element.get("tests") == str(len(list(element.iter("testcase"))))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert element.get(attribute) == str(len(list(element.iter(tag))))


def test_columns_with_the_same_title_are_told_apart() -> None:
    report = sample_report()
    report["columns"][1]["title"] = report["columns"][0]["title"] = "the same"
    names = [entry.get("name") for entry in parsed(report)[0]]
    assert names[:2] == ["the same (musl-time64)", "the same (faccessat2)"]


def test_a_report_without_a_time_has_no_timestamp() -> None:
    assert all(suite.get("timestamp") is None for suite in parsed({**sample_report(), "generated": None}))


@given(any_text)
def test_any_text_gives_well_formed_xml_and_stays_text(text: str) -> None:
    root = parsed(with_text(text))
    plain = parsed(with_text(""))
    assert [element.tag for element in root.iter()] == [element.tag for element in plain.iter()]
    assert [suite.get("name") for suite in root] == [f"{suite.get('name')}{clean(text)}" for suite in plain]
    failure, before = next(root.iter("failure")), next(plain.iter("failure"))
    assert str(failure.text).replace(clean(text), "") == str(before.text).replace(clean(text), "")
