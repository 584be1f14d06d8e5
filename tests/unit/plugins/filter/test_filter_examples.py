# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Each filter has its documentation beside it, and the examples there do what they say."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.test.core import TestModule as CoreTests
from jinja2 import StrictUndefined
from jinja2.nativetypes import NativeEnvironment

from tests.support.sample_report import sample_report
from tests.unit.plugins.plugin_utils.engine_world import PACKAGES, Host, docker_offers

COLLECTION = "runnerkit.gitlab"
FOLDER = Path(__file__).parents[4] / "plugins" / "filter"
EXPECTATION = re.compile(r"^# => (?P<value>.+)\n(?P<name>\w+):", re.MULTILINE)


def all_filters() -> dict[str, Callable[..., Any]]:
    """Every filter of the collection by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.filter.{path.stem}")
        found.update(module.FilterModule().filters())
    return found


FILTERS = all_filters()


def sidecar(name: str) -> dict[str, Any]:
    """The documentation of a filter."""
    document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return document


def examples() -> Iterator[Any]:
    """Every template in the examples, with the value that the comment above it promises."""
    for name in sorted(FILTERS):
        text = sidecar(name)["EXAMPLES"]
        promised = {match["name"]: yaml.safe_load(match["value"]) for match in EXPECTATION.finditer(text)}
        for key, template in yaml.safe_load(text).items():
            yield pytest.param(template, promised.get(key), id=f"{name}: {key}")


@pytest.fixture(scope="module")
def environment() -> NativeEnvironment:
    """Jinja with the collection's filters, Ansible's own tests, and a host to talk about."""
    jinja = NativeEnvironment(undefined=StrictUndefined)
    jinja.filters.update({f"{COLLECTION}.{name}": function for name, function in FILTERS.items()})
    jinja.tests.update(CoreTests().tests())
    host = Host(offers=docker_offers("28.5.2"))
    facts = {
        **host.facts, "os": {"pretty_name": "Debian GNU/Linux 12"}, "kernel": {"release": "6.1.0"},
        "architecture": "x86_64", "cgroup_version": 2, "libseccomp": {"version": "2.5.4", "faccessat2": 439},
    }  # fmt: skip
    jinja.globals.update(
        ansible_facts={"runnerkit": facts},
        offer=host.info,
        report=sample_report(),
        settings={
            "source": "docker", "version": "latest", "minimum_version": "20.10.6", "packages": PACKAGES["docker"],
            "libseccomp": "libseccomp2",
        },
    )  # fmt: skip
    return jinja


def test_every_filter_has_its_documentation_and_nothing_else_has() -> None:
    assert {path.stem for path in FOLDER.glob("*.yml")} == set(FILTERS)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_the_documentation_names_every_argument_with_its_default(name: str) -> None:
    document = sidecar(name)
    assert document["DOCUMENTATION"]["name"] == name
    options = dict(document["DOCUMENTATION"]["options"])
    assert options.pop("_input")["required"] is True
    arguments = list(inspect.signature(FILTERS[name]).parameters.values())[1:]
    assert list(options) == [argument.name for argument in arguments]
    for argument in arguments:
        option = options[argument.name]
        if argument.default is inspect.Parameter.empty:
            assert option["required"] is True
        else:
            assert option["default"] == argument.default
    assert document["RETURN"]["_value"]["type"]


@pytest.mark.parametrize(("template", "promised"), list(examples()))
def test_the_examples_do_what_they_say(environment: NativeEnvironment, template: str, promised: Any) -> None:
    value = environment.from_string(template).render()
    assert value is not None
    if promised is not None:
        assert value == promised
