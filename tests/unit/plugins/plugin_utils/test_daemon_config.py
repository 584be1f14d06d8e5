# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.daemon_config import TYPES, config_errors

VARIABLE = "docker_engine_daemon_config"
GOOD: dict[type, Any] = {bool: True, str: "text", int: 5, list: ["one"], dict: {"one": "two"}}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"live-restore": False, "debug": True}, id="booleans"),
        pytest.param({"log-driver": "local", "log-opts": {"max-size": "10m", "max-file": "3"}}, id="log options"),
        pytest.param({"registry-mirrors": ["https://mirror.example"]}, id="a list"),
        pytest.param({"default-shm-size": "64M"}, id="a size as text"),
        pytest.param({"default-shm-size": 67108864}, id="a size as a number"),
        pytest.param({"live-restore": None, "mtu": None}, id="keys that shall go"),
        pytest.param({"log-opts": {"max-size": None}}, id="an option that shall go"),
        pytest.param({"quite-new-thing": {"x": 1}}, id="a key that only dockerd can know"),
        pytest.param({5: "x"}, id="a key that is a number is left to dockerd"),
    ],
)
def test_what_dockerd_takes_passes(config: dict[Any, Any]) -> None:
    assert config_errors(config) == []


@pytest.mark.parametrize(
    ("config", "error"),
    [
        pytest.param({"live-restore": "yes please"}, "['live-restore'] has to be true or false, not 'yes please'",
                     id="text for a boolean"),
        pytest.param({"debug": 1}, "['debug'] has to be true or false, not 1", id="a number for a boolean"),
        pytest.param({"mtu": True}, "['mtu'] has to be a whole number, not True", id="a boolean for a number"),
        pytest.param({"mtu": "1400"}, "['mtu'] has to be a whole number, not '1400'", id="text for a number"),
        pytest.param({"registry-mirrors": "https://m"}, "['registry-mirrors'] has to be a list, not 'https://m'",
                     id="text for a list"),
        pytest.param({"log-opts": ["a"]}, "['log-opts'] has to be a mapping, not ['a']", id="a list for a mapping"),
        pytest.param({"data-root": 5}, "['data-root'] has to be text, not 5", id="a number for text"),
        pytest.param({"default-shm-size": []}, "['default-shm-size'] has to be text or a whole number, not []",
                     id="a list for a size"),
        pytest.param({"log-opts": {"max-file": 3}}, "['log-opts']['max-file'] has to be text, not 3; put it in quotes",
                     id="a number for a log option"),
        pytest.param({"registry-mirror": []}, " has the key 'registry-mirror', which dockerd does not know; did you "
                     "mean 'registry-mirrors'?", id="a misspelt key"),
    ],
)  # fmt: skip
def test_each_error_names_the_key_the_value_and_the_remedy(config: dict[str, Any], error: str) -> None:
    assert config_errors(config) == [VARIABLE + error]


def test_every_error_is_named_and_after_the_variable_given() -> None:
    assert [error.partition("[")[0] for error in config_errors({"debug": 1, "mtu": "x"}, "my_config")] == [
        "my_config"
    ] * 2


@pytest.mark.parametrize("key", sorted(TYPES))
def test_every_known_key_takes_its_own_types_and_no_other(key: str) -> None:
    for kind, value in GOOD.items():
        assert bool(config_errors({key: value})) is (kind not in TYPES[key])


@given(st.dictionaries(st.sampled_from(sorted(TYPES)), st.none() | st.booleans() | st.integers() | st.text(max_size=5)))
def test_errors_of_keys_add_up(config: dict[str, Any]) -> None:
    """Whether one key is right does not depend on the others."""
    assert config_errors(config) == [error for key in config for error in config_errors({key: config[key]})]
