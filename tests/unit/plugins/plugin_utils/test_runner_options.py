# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_options

SECRET = "glrt-abcdefghijklmnopqrst"


def test_settings_are_copied_into_plain_data() -> None:
    tagged = DataLoader().load("a: {b: [1, 2.5, yes, null, text]}\nc: 2026-01-02\nd: 2026-01-02T03:04:05Z\n")
    made = runner_options.settings(tagged, "config")
    assert made == {
        "a": {"b": [1, 2.5, True, None, "text"]},
        "c": datetime.date(2026, 1, 2),
        "d": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    }
    kinds = [type(each) for each in (made, *made.values(), made["a"]["b"], *made["a"]["b"])]
    assert kinds == [
        dict, dict, datetime.date, datetime.datetime, list, int, float, bool, type(None), str,
    ]  # fmt: skip


def test_a_library_that_the_controller_lacks() -> None:
    runner_options.need("json")
    with pytest.raises(runner_options.OptionError, match=r"^the controller's Python \(.*\) has no tomlnot; install it"):
        runner_options.need("tomlnot")


@pytest.mark.parametrize("nothing", [None, {}], ids=["null", "an empty dictionary"])
def test_no_settings(nothing: Any) -> None:
    assert runner_options.settings(nothing, "config") == {}


@pytest.mark.parametrize("nothing", [None, []], ids=["null", "an empty list"])
def test_no_runners(nothing: Any) -> None:
    assert runner_options.runners(nothing) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (SECRET, "runners has to be a list, it is a text"),
        ({"token": SECRET}, "runners has to be a list, it is a dictionary"),
        ([SECRET], "runners[0] has to be a dictionary, it is a text"),
        ([{"name": "a"}, [SECRET]], "runners[1] has to be a dictionary, it is a list"),
        ([{"name": "a"}, 5], "runners[1] has to be a dictionary, it is a number"),
        ([True], "runners[0] has to be a dictionary, it is something else"),
        ([{"token": SECRET}], "runners[0] has no name; give it the one that it has or shall have in config.toml"),
        ([{"name": ""}], "runners[0] has no name; give it the one that it has or shall have in config.toml"),
        ([{"name": 5}], "runners[0] has no name; give it the one that it has or shall have in config.toml"),
        ([{"name": "a", "state": SECRET}], "runners[0].state has to be present or absent"),
    ],
    ids=[
        "a text", "one runner instead of a list", "a list of texts", "a list in a list", "a number", "a switch",
        "no name", "an empty name", "a number as name", "an unknown state",
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_without_the_value(value: Any, words: str) -> None:
    with pytest.raises(runner_options.OptionError) as raised:
        runner_options.runners(value)
    assert str(raised.value) == words


@pytest.mark.parametrize(
    ("given", "words"),
    [({"pth": "x"}, "pth. Supported parameters include: config, path."), ({"path": {}}, "")],
    ids=["an unknown option", "another type"],
)
def test_the_other_options_go_by_the_usual_rules(given: dict[str, Any], words: str) -> None:
    spec = {"path": {"type": "str", "default": "/etc"}, "config": {"type": "raw"}}
    assert runner_options.checked({"config": SECRET}, spec) == {"path": "/etc", "config": SECRET}
    if words:
        with pytest.raises(runner_options.OptionError) as raised:
            runner_options.checked({"config": SECRET, **given}, spec)
        assert str(raised.value) == words
