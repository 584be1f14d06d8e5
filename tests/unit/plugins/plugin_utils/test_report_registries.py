# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The private registries of a fleet in the forms of its report."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_html import page
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_junit import junit
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_prometheus import exposition
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_registries import registries_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import read
from tests.unit.plugins.plugin_utils.readiness_world import facts, layer, probe
from tests.unit.plugins.plugin_utils.registry_world import HOST, NOW, SOON, authority, check, client, known

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "report.schema.json").read_text())
GOOD = known(
    authority(), authority(None, ["runner"], name="gitlab.example.com", subject="CN=GitLab CA"),
    authority(None, ["os", "helper"], subject="CN=Company Root"), clients=[client()],
)  # fmt: skip


def host(name: str, registries: Any, checks: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "facts": {**facts(), "registry_ca": registries}, "probe": probe(layer()), "error": None,
        "registries": checks, **more,
    }  # fmt: skip


def made(*hosts: dict[str, Any]) -> dict[str, Any]:
    """A report, as its forms read it."""
    return read(report(hosts, {"generated": NOW}))


def shown(*hosts: dict[str, Any], width: int = 110) -> str:
    return "\n".join(registries_text(made(*hosts)["hosts"], width))


def test_hosts_that_see_the_same_share_rows() -> None:
    bad = known(authority(not_after=SOON))
    text = shown(
        host("a", GOOD, [check(seconds=0.02)]), host("b", GOOD, [check(seconds=0.9)]),
        host("c", bad, [check(), check("10.0.0.9:5009", "refused")]),
    )  # fmt: skip
    assert text == textwrap.dedent(
        """\
        private registries, and who is trusted for them where
          registry                      state     trusted by            until       answer   hosts
          ----------------------------  --------  --------------------  ----------  -------  -----------------
          10.0.0.9:5009                 degraded  -                     -           refused  c
          registry.example:5000         degraded  engine, podman, dind  2026-12-04  answers  c
          registry.example:5000         ready     engine, podman, dind  2036-01-01  answers  a and b (2 hosts)
          GitLab at gitlab.example.com  ready     runner                2036-01-01  -        a and b (2 hosts)
          the helper's store            ready     helper                2036-01-01  -        a and b (2 hosts)
          the OS store                  ready     os                    2036-01-01  -        a and b (2 hosts)"""
    )


def test_one_host_needs_no_column_of_hosts() -> None:
    assert shown(host("runner01", known(authority()), [check()]), width=80) == textwrap.dedent(
        """\
        private registries, and who is trusted for them where
          registry               state  trusted by            until       answer
          ---------------------  -----  --------------------  ----------  -------
          registry.example:5000  ready  engine, podman, dind  2036-01-01  answers"""
    )


def test_what_only_the_engines_proxy_may_reach_is_of_unknown_state() -> None:
    behind = {**facts(), "registry_ca": known(authority())}
    behind["docker"] = {**behind["docker"], "https_proxy": "http://proxy.example:3128"}
    entry = {**host("a", None, [check(kind="timeout")]), "facts": behind}
    [one] = made(entry)["hosts"]
    assert [row["state"] for row in one["registries"]] == ["unknown"]
    assert [each["severity"] for each in one["findings"] if each["layer"] == "registry"] == ["note"]


def test_of_a_host_that_is_away_nothing_is_known() -> None:
    away = {"name": "a", "facts": None, "probe": None, "error": "it cannot be reached", "registries": None}
    [one] = made({**away, "expected": [{"host": HOST, "layers": ["engine"]}]})["hosts"]
    assert [row["state"] for row in one["registries"]] == ["unknown"]


def test_of_many_registries_those_that_are_well_are_a_number() -> None:
    many = [authority(f"r{number:03}.example", subject=f"CN={number}") for number in range(299)]
    text = shown(host("runner01", known(authority("bad.example", not_after=SOON), *many)))
    assert text.splitlines()[-1] == "  299 more registries are ready"
    assert len(text.splitlines()) == 5
    assert shown(host("runner01", known(*many))).splitlines()[1:] == ["  299 registries are ready"]


def test_of_many_registries_those_with_the_same_trouble_share_a_row() -> None:
    many = [authority(f"r{number:03}.example", not_after=SOON) for number in range(300)]
    lines = shown(host("runner01", known(*many))).splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("  r000.example and 299 more  degraded  engine, podman, dind  2026-12-04")


def test_a_fleet_without_registries_has_no_table() -> None:
    assert shown(host("runner01", known()), host("runner02", None)) == ""
    assert "Private registries" not in page(made(host("runner01", known())))


@pytest.mark.parametrize("width", range(58, 130))
def test_lines_are_as_wide_as_asked(width: int) -> None:
    hosts = [host(f"ci-runner-{number}.example.com", GOOD, [check()]) for number in (1, 5, 9)]
    hosts.append(host("other.example.com", known(authority()), [check(kind="client_wanted")]))
    assert max(map(len, shown(*hosts, width=width).splitlines())) <= width


def test_a_row_has_all_that_is_known() -> None:
    [row] = made(host("runner01", known(authority(), clients=[client()]), [check()]))["hosts"][0]["registries"]
    certificate = {"subject": "CN=Example CA", "not_after": "2036-01-01T00:00:00Z"}
    assert row == {
        "name": HOST, "state": "ready", "layers": ["engine", "podman", "dind"],
        "authorities": [{**certificate, "sha256": authority()["sha256"], "layers": ["engine", "podman", "dind"]}],
        "clients": [
            {**certificate, "subject": "CN=runner01", "sha256": client()["sha256"], "layers": ["engine"]},
        ],
        "until": "2036-01-01T00:00:00Z",
        "answer": {
            "kind": "ok", "detail": "", "address": "10.0.0.4:5000", "seconds": 0.021, "tls_version": "TLSv1.3",
            "not_after": "2027-06-30T00:00:00Z",
        },
    }  # fmt: skip


def test_what_is_declared_or_asked_is_a_row_although_nothing_is_there() -> None:
    expected = [{"host": "new.example", "layers": ["engine"]}, {"host": "git.example", "layers": ["runner", "helper"]}]
    rows = made(host("runner01", known(), [check("asked.example")], expected=expected))["hosts"][0]["registries"]
    assert [(row["name"], row["state"], row["until"]) for row in rows] == [
        ("asked.example", "ready", None), ("new.example", "broken", None), ("GitLab at git.example", "broken", None),
    ]  # fmt: skip


def test_a_registry_that_only_the_hosts_own_store_vouches_for_says_so() -> None:
    [row] = made(host("h1", known(), [check(trust="store")]))["hosts"][0]["registries"]
    assert (row["name"], row["layers"], row["until"]) == (HOST, ["os"], None)


def test_a_folder_in_other_letters_is_the_same_registry() -> None:
    expected = [{"host": HOST, "layers": ["engine"]}]
    known_one = known(authority("Registry.Example:5000"))
    rows = made(host("runner01", known_one, [check("Registry.Example:5000")], expected=expected))
    [row] = rows["hosts"][0]["registries"]
    assert (row["name"], row["state"], row["answer"]["kind"]) == ("Registry.Example:5000", "ready", "ok")


def test_reports_are_as_the_schema_has_them() -> None:
    checks = [check(), check("b.example", "moon_phase", detail=None, seconds=None, address=None, not_after=None)]
    Draft202012Validator(SCHEMA).validate(report([host("a", GOOD, checks), host("b", None, None)], {"generated": NOW}))


def test_a_registry_is_no_fault_of_the_engine_in_junit() -> None:
    text = junit(made(host("runner01", GOOD, [check(kind="client_wanted")])))
    assert '<testcase name="private registries" classname="runner01" time="0">' in text
    assert '<testcase name="engine, versions and settings" classname="runner01" time="0" />' in text
    assert "private registries" not in junit(made(host("runner01", known())))


def test_the_end_of_trust_can_be_watched() -> None:
    lines = exposition(made(host("runner01", known(authority(not_after=SOON)), [check()]))).splitlines()
    assert 'runnerkit_registry_ready{host="runner01",registry="registry.example:5000"} 0' in lines
    series = 'runnerkit_registry_trust_end_timestamp_seconds{host="runner01",registry="registry.example:5000"}'
    assert f"{series} 1796369400" in lines


def test_the_page_shows_them_with_their_authorities() -> None:
    text = page(made(host("runner01", GOOD, [check(kind="refused", detail="nothing listens there")])))
    assert "Private registries" in text
    for words in ("CN=Example CA", "until 2036-01-01", "shown as client", "refused", "nothing listens there"):
        assert words in text


def test_where_to_begin_has_the_registry_beside_the_engine() -> None:
    known_one = known(authority(not_after=SOON))
    entry = host("runner01", known_one, [check(kind="plain_http")])
    entry["facts"] |= {"docker": {"installed": False}}
    first = made(entry)["summary"]["upgrade_first"]
    assert [row["why"].partition(":")[0] for row in first][-1] == "registry.example"
    assert len(first) == 2
