# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_schema, runner_toml
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_variables import listed, resolved, table

NAMES = st.sampled_from(["A", "B", "HTTP_PROXY"])
VALUES = st.sampled_from(["", "1", "a=b"])


@pytest.mark.parametrize(
    ("there", "declared", "expected"),
    [
        pytest.param(["A=1"], {"B": "2"}, ["A=1", "B=2"], id="what is there stays, in its place"),
        pytest.param(["A=1", "C=3"], {"A": "2"}, ["A=2", "C=3"], id="one that is there is changed where it stands"),
        pytest.param(["A=1", "C=3"], {"A": None}, ["C=3"], id="null takes one out"),
        pytest.param(["A=1"], {"A": None}, None, id="the last one takes the key along"),
        pytest.param(None, {}, None, id="nothing to set, no key"),
        pytest.param(["A=1", "A=2"], {"A": "3"}, ["A=3"], id="of several assignments one is left"),
        pytest.param(
            [], {"N": 1, "T": True, "E": ""}, ["N=1", "T=true", "E="], id="numbers and switches as YAML has them"
        ),
    ],
)
def test_variables_one_by_one(there: Any, declared: dict[str, Any], expected: list[str] | None) -> None:
    assert resolved({"name": "build", "environment": declared}, there) == {"name": "build", "environment": expected}


def test_a_list_is_the_whole_of_it() -> None:
    runner = {"name": "build", "environment": ["A=1"]}
    assert resolved(runner, ["B=2"]) is runner


@given(st.lists(st.builds("{}={}".format, NAMES, VALUES)), st.dictionaries(NAMES, st.none() | VALUES))
def test_afterwards_they_say_what_was_declared_and_the_others_what_they_said(
    there: list[str], declared: dict[str, str | None]
) -> None:
    once = resolved({"environment": declared}, there)["environment"]
    assert table(once) == {
        **{name: value for name, value in table(there).items() if name not in declared},
        **{name: value for name, value in declared.items() if value is not None},
    }
    assert resolved({"environment": declared}, once)["environment"] == once
    assert listed(once) == (once or [])


FILE = """\
[[runners]]
  name = "build"
  # The proxy is by hand.
  environment = ["HTTP_PROXY=http://proxy:3128", "DOCKER_HOST=tcp://old:2375"]
"""


def test_a_variable_written_by_hand_stays_in_the_file() -> None:
    wanted = {"name": "build", "environment": {"DOCKER_HOST": "tcp://docker:2376", "OLD": None}}
    after = runner_toml.apply(FILE, {}, [wanted])
    assert after == FILE.replace("tcp://old:2375", "tcp://docker:2376")
    assert runner_toml.apply(after, {}, [wanted]) == after
    gone = runner_toml.apply(after, {}, [{"name": "build", "environment": {"HTTP_PROXY": None, "DOCKER_HOST": None}}])
    assert "environment" not in runner_toml.parse(gone)["runners"][0]


def test_both_ways_are_no_mistake() -> None:
    for environment in ({"A": "1", "B": None}, ["A=1"]):
        assert runner_schema.problems({}, [{"name": "build", "executor": "shell", "environment": environment}]) == []
