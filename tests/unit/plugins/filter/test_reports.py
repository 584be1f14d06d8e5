# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter import reports
from tests.support.sample_report import sample_report

FILTERS = reports.FilterModule().filters()
each_filter = pytest.mark.parametrize("name", sorted(FILTERS))


@each_filter
@pytest.mark.parametrize(
    ("report", "error"),
    [
        pytest.param(None, "readiness_report returns is wanted, not NoneType", id="nothing"),
        pytest.param([], "readiness_report returns is wanted, not list", id="a list"),
        pytest.param({"hosts": []}, "this has no key 'schema'", id="a part of a report"),
        pytest.param(
            {**sample_report(), "schema": 7}, "the report is of schema 7 and 1 is wanted", id="another schema"
        ),
        pytest.param({**sample_report(), "hosts": [{}]}, "report.schema.json", id="a host without anything"),
        pytest.param({**sample_report(), "hosts": [7]}, "report.schema.json", id="hosts that are none"),
    ],
)
def test_what_is_no_report_is_an_error_in_one_sentence(name: str, report: Any, error: str) -> None:
    with pytest.raises(AnsibleFilterError, match=error) as caught:
        FILTERS[name](report)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@each_filter
def test_the_report_itself_is_left_as_it_is(name: str) -> None:
    report = sample_report()
    FILTERS[name](report)
    assert report == sample_report()


def tagged(value: Any) -> Any:
    """As Ansible gives values to a filter."""
    if isinstance(value, dict):
        return {tagged(key): tagged(part) for key, part in value.items()}
    if isinstance(value, list):
        return [tagged(part) for part in value]
    return Origin(description="a test").tag(value) if isinstance(value, str) else value


@each_filter
def test_values_as_ansible_has_them_make_no_difference(name: str) -> None:
    written: Callable[..., str] = FILTERS[name]
    assert written(tagged(sample_report())) == written(sample_report())
    assert type(written(tagged(sample_report()))) is str


def test_a_host_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="readiness_prometheus: host 'x' is not in the report; choose one of"):
        reports.readiness_prometheus(sample_report(), host="x")


@pytest.mark.parametrize("name", ["readiness_text", "readiness_calls"])
def test_a_width_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"{name}: width is 'wide', where a number such as 110 is wanted"):
        FILTERS[name](sample_report(), "wide")


def test_a_width_may_be_given_as_text() -> None:
    assert reports.readiness_text(sample_report(), width="90") == reports.readiness_text(sample_report(), width=90)
