# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_mirrors import (
    arguments,
    errors,
    in_arguments,
    plain,
)


@pytest.mark.parametrize(
    "mirrors",
    [
        [], ["https://mirror.example"], ["http://10.0.0.4:5000/"], ["https://[fd00::4]:5000", "https://mirror.example"],
    ],
    ids=["none", "one", "an address with a slash", "two"],
)  # fmt: skip
def test_good_mirrors_pass(mirrors: list[str]) -> None:
    assert errors(mirrors, "m") == []


@pytest.mark.parametrize(
    ("mirrors", "error"),
    [
        pytest.param("https://m", "m is 'https://m', where a list of addresses is wanted", id="a text"),
        pytest.param([None], "m[0] is None, where an address is wanted", id="nothing"),
        pytest.param([""], "m[0] is '', where an address is wanted", id="an empty text"),
        pytest.param(
            ["mirror.example:5000"],
            "m[0] is 'mirror.example:5000', which dockerd does not take; begin it with https://",
            id="no scheme",
        ),
        pytest.param(
            ["ftp://m.example"], "m[0] is 'ftp://m.example', which dockerd does not take", id="another scheme"
        ),
        pytest.param(
            ["https://m.example:5000/v2/"],
            "m[0] is 'https://m.example:5000/v2/', and a mirror is the root of an "
            "address; write https://m.example:5000",
            id="a path",
        ),
        pytest.param(
            ["https://m.example?x=1"], "m[0] is 'https://m.example?x=1', and a mirror is the root", id="a query"
        ),
        pytest.param(
            ["https://m.example/#"], "m[0] is 'https://m.example/#', and a mirror is the root", id="a fragment"
        ),
        pytest.param(
            ["https://m.example:x"], "m[0] is no address; write one such as https://mirror.example", id="a port"
        ),
        pytest.param(["https://m example"], "m[0]: its host is 'm example', which has blanks in it", id="a blank"),
        pytest.param(["https://m", "https://m/"], "m has 'https://m' twice; name it once", id="twice"),
    ],
)
def test_what_dockerd_would_not_start_with(mirrors: Any, error: str) -> None:
    [found] = errors(mirrors, "m")
    assert found.startswith(error)


def test_a_password_in_an_address_is_not_shown() -> None:
    [found] = errors(["https://user:geheim@m.example"], "m")
    assert found.startswith("m[0] has a user's name in it")
    assert "geheim" not in found


def test_mirrors_are_words_of_a_command_line_and_are_found_there_again() -> None:
    mirrors = plain(["https://m/", "http://n:5000"])
    assert arguments(mirrors) == ["--registry-mirror=https://m", "--registry-mirror=http://n:5000"]
    assert in_arguments(["--debug", *arguments(mirrors)]) == mirrors
