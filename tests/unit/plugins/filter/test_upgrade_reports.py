# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible._internal._datatag._tags import Origin
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter import upgrade_reports
from tests.support.sample_upgrade import every, sample_upgrade

FORMS: dict[str, Callable[..., str]] = {
    "upgrade_html": upgrade_reports.upgrade_html,
    "upgrade_text": upgrade_reports.upgrade_text,
}
each_form = pytest.mark.parametrize("name", sorted(FORMS))


@each_form
@pytest.mark.parametrize(
    ("report", "error"),
    [
        pytest.param(None, "what runnerkit.gitlab.upgrade_report returns is wanted, not NoneType", id="nothing"),
        pytest.param(every(), "upgrade_report returns is wanted, not list", id="the hosts alone"),
        pytest.param({"hosts": []}, "this has no key 'schema'", id="a part of a report"),
        pytest.param(
            {**sample_upgrade(), "schema": 7}, "the report is of schema 7 and 1 is wanted", id="another schema"
        ),
        pytest.param({**sample_upgrade(), "hosts": [{}]}, "upgrade.schema.json", id="a host without anything"),
        pytest.param({**sample_upgrade(), "hosts": [7]}, "upgrade.schema.json", id="hosts that are none"),
    ],
)
def test_what_is_no_report_is_an_error_in_one_sentence(name: str, report: Any, error: str) -> None:
    with pytest.raises(AnsibleFilterError, match=error) as caught:
        FORMS[name](report)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "error"),
    [
        pytest.param(7, "a list of hosts is wanted", id="no list"),
        pytest.param([{"name": "a", "result": "fine"}], "host 'a' has the result 'fine'", id="no result"),
        pytest.param([{"name": "a", "result": "failed", "moves": [7]}], "ansible-doc -t filter", id="no moves"),
        pytest.param(
            [{"name": "a", "result": "failed", "before": [{}], "after": []}], "ansible-doc -t filter", id="no findings"
        ),
    ],
)
def test_hosts_that_cannot_be_read_are_an_error_in_one_sentence(hosts: Any, error: str) -> None:
    with pytest.raises(AnsibleFilterError, match=error) as caught:
        upgrade_reports.upgrade_report(hosts)
    assert str(caught.value).startswith("upgrade_report: ")
    assert "\n" not in str(caught.value)


def test_a_width_that_is_none_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="upgrade_text: width is 'wide', where a number such as 110 is wanted"):
        upgrade_reports.upgrade_text(sample_upgrade(), "wide")


def tagged(value: Any) -> Any:
    """As Ansible gives values to a filter."""
    if isinstance(value, dict):
        return {tagged(key): tagged(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [tagged(part) for part in value]
    return Origin(description="a test").tag(value) if isinstance(value, str) else value


def test_values_as_ansible_has_them_make_no_difference() -> None:
    assert upgrade_reports.upgrade_report(tagged(every())) == upgrade_reports.upgrade_report(every())
    for written in FORMS.values():
        assert written(tagged(sample_upgrade())) == written(sample_upgrade())
        assert type(written(tagged(sample_upgrade()))) is str


def test_what_was_given_is_left_as_it_is() -> None:
    hosts, report = every(), sample_upgrade()
    upgrade_reports.upgrade_report(hosts)
    for written in FORMS.values():
        written(report)
    assert (hosts, report) == (every(), sample_upgrade())
