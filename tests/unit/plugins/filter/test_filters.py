# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter import engine, readiness
from tests.unit.plugins.plugin_utils.engine_world import PACKAGES, Host, docker_host, docker_offers

SETTINGS = {
    "source": "docker", "version": "latest", "minimum_version": "20.10.6", "packages": PACKAGES["docker"],
    "libseccomp": "libseccomp2",
}  # fmt: skip


@pytest.mark.parametrize("value", ["latest", None, ["28.5.2"]])
def test_an_engine_version_names_what_is_no_version(value: Any) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        engine.engine_version(value)
    assert str(caught.value).startswith("engine_version: ")
    assert str(value) in str(caught.value)


@pytest.mark.parametrize("value", [28, 28.5])
def test_a_version_that_yaml_took_for_a_number_is_read(value: float) -> None:
    assert engine.engine_version(value) == ("28.0.0" if value == 28 else "28.5.0")


def test_a_plan_comes_as_a_dictionary() -> None:
    host = Host(offers=docker_offers("28.5.2"))
    plan = engine.engine_package_plan(host.facts, host.info, SETTINGS)
    assert (plan["target"], plan["changes"], plan["errors"]) == ("28.5.2", True, [])
    assert set(plan) == {
        "install", "remove", "hold", "release", "heal", "before", "held", "current", "target", "engine_moves",
        "below_floor", "notes", "errors", "changes", "optional", "new", "back_to", "unfinished",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param({}, "packages", id="no packages"),
        pytest.param({**SETTINGS, "packages": {"engine": "docker-ce"}}, "client", id="packages without a client"),
        pytest.param({"packages": PACKAGES["docker"]}, "source", id="packages alone"),
    ],
)
def test_settings_that_are_not_complete_say_what_is_missing(settings: dict[str, Any], named: str) -> None:
    host = docker_host("28.5.2")
    for call in (
        lambda: engine.engine_needs_index(host.facts, settings),
        lambda: engine.engine_package_plan(host.facts, host.info, settings),
    ):
        with pytest.raises(AnsibleFilterError, match=f"the settings of the engine plan are not complete: .*{named}"):
            call()


def test_settings_that_the_plan_does_not_know_are_passed_over() -> None:
    assert engine.engine_needs_index(docker_host("28.5.2").facts, {**SETTINGS, "colour": "blue"})


@pytest.mark.parametrize(
    "changes", [{"version": "newest"}, {"version": "28.5.2", "minimum_version": "old"}], ids=["version", "floor"]
)
def test_a_plan_names_a_setting_that_is_no_version(changes: dict[str, str]) -> None:
    host = docker_host("28.5.2")
    with pytest.raises(AnsibleFilterError, match=r"^engine_package_plan: '(newest|old)' is not a version"):
        engine.engine_package_plan(host.facts, host.info, {**SETTINGS, **changes})


def test_whether_the_index_is_needed_names_a_setting_that_is_no_version() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^engine_needs_index: 'newest' is not a version"):
        engine.engine_needs_index(docker_host("28.5.2").facts, {**SETTINGS, "version": "newest"})


@pytest.mark.parametrize("config", [None, "", [], "live-restore"])
def test_a_daemon_configuration_that_is_no_mapping_is_an_error_with_its_value(config: Any) -> None:
    assert engine.daemon_config_errors(config, "x") == [f"x has to be a mapping of daemon.json's keys, not {config!r}"]


@pytest.mark.parametrize(("facts", "named"), [(None, "NoneType"), ("text", "str"), ({"os": {}}, "dict")])
def test_readiness_says_what_it_wants_and_what_it_got(facts: Any, named: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"readiness wants what .*runtime_facts returns .*, not {named}$"):
        readiness.readiness(facts)


def test_readiness_names_a_floor_that_is_no_version() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^readiness: readiness_minimum_version .* is 'old', which is no"):
        readiness.readiness({"docker": {}}, "old")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"registries": {"host": "a"}}, "registries is what runnerkit.gitlab.registry_check", id="answers"),
        pytest.param({"expected": "registry.example"}, "expected is what the filter .*, not str", id="a name"),
        pytest.param({"ca_days": "soon"}, "readiness_ca_days .* is 'soon'; give a number of days from 0", id="no days"),
        pytest.param({"ca_days": -1}, "readiness_ca_days .* is -1; give a number of days", id="days before"),
        pytest.param({"now": "today"}, "now is 'today'; give a time in UTC such as", id="no time"),
    ],
)
def test_readiness_names_what_it_cannot_read_about_registries(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"^readiness: {words}"):
        readiness.readiness({"docker": {}}, **arguments)


def test_readiness_gives_dictionaries() -> None:
    [finding] = readiness.readiness({"docker": {"installed": False}})
    assert (finding["id"], type(finding["evidence"])) == ("engine_missing", dict)
