# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared, errors

URL = "https://gitlab.example"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="a runner that has its token"),
        pytest.param({"token": "glrt-abcdefgh"}, id="a given token"),
        pytest.param({"token": "olderkindoftoken"}, id="a given token of the older kind"),
        pytest.param({"registration_token": "GR1348941abc", "tags": ["a"]}, id="a registration token with attributes"),
        pytest.param({"scope": "instance", "run_untagged": False, "tags": ["a"]}, id="an instance runner"),
        pytest.param({"scope": "group", "group": "a/b"}, id="a group's by path"),
        pytest.param(
            {"scope": "project", "project": 5, "mode": "socket", "accepted_risks": []}, id="a project's by id"
        ),
        pytest.param(
            {"scope": "instance", "maximum_timeout": 0, "maintenance_note": "x" * 900}, id="no limit, long note"
        ),
        pytest.param(
            {"scope": "instance", "description": None, "token": "", "group": None}, id="nothings do not count"
        ),
        pytest.param({"state": "absent", "paused": True}, id="one that goes may have anything"),
        pytest.param({"token": "glrt-abcdefgh", "url": "https://other.example"}, id="a given token for another GitLab"),
    ],
)
def test_a_good_declaration_passes(given: dict[str, Any]) -> None:
    assert errors([{"name": "build", **given}], URL, True, "h1") == []


SECRET = "verysecretvalue"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"token": SECRET, "scope": "instance"}, " has token and scope; keep one of them", id="two ways"),
        pytest.param({"token": SECRET, "registration_token": SECRET, "scope": "instance"},
                     " has token and registration_token and scope; keep one", id="three ways"),
        pytest.param({"token": SECRET, "tags": ["a"], "paused": True},
                     " has tags, paused, which cannot be set by token",
                     id="attributes for a given token"),
        pytest.param({"description": "x"}, " has description, which cannot be set by a runner without a way",
                     id="attributes for a runner without a way"),
        pytest.param({"scope": "group"}, ".group is missing, but scope is group; give its id or full path",
                     id="a group's runner without the group"),
        pytest.param({"scope": "instance", "project": 5},
                     ".project is set, but scope is instance; set scope to project",
                     id="a project for an instance runner"),
        pytest.param({"group": "a"}, ".group is set, but scope is not set", id="a group without a scope"),
        pytest.param({"scope": "shared"}, ".scope has to be instance, group or project, not 'shared'",
                     id="a wrong scope"),
        pytest.param({"scope": "group", "group": "/"}, ".group has to be an id or a full path, not '/'", id="no path"),
        pytest.param({"scope": "instance", "url": "https://other.example"}, ".url is not gitlab_runner_url, to which "
                     "alone gitlab_runner_api_token is sent", id="the API token for another GitLab"),
        pytest.param({"token": f"{SECRET}\n"}, ".token has blanks or line ends in it", id="a token with a line end"),
        pytest.param({"token": f"glpat-{SECRET}"}, ".token is a token of a user or of a job", id="a user's token"),
        pytest.param({"token": f"GR1348941{SECRET}"}, ".token is a registration token; give it as registration_token",
                     id="a registration token as token"),
        pytest.param({"registration_token": f"glrt-{SECRET}"}, ".registration_token is an authentication token; give "
                     "it as token", id="a token as registration token"),
        pytest.param({"token": [SECRET]}, ".token has to be text; correct it", id="a list as token"),
        pytest.param({"scope": "instance", "tags": "a,b"}, ".tags has to be a list of texts, not 'a,b'",
                     id="text as tags"),
        pytest.param({"scope": "instance", "tags": ["a,b"]}, ".tags has 'a,b', which cannot be a tag",
                     id="a comma in a tag"),
        pytest.param({"scope": "instance", "run_untagged": False, "tags": []},
                     ".run_untagged is false, but tags is empty",
                     id="neither tags nor untagged jobs"),
        pytest.param({"scope": "instance", "maximum_timeout": 60}, ".maximum_timeout is 60; give at least 600 seconds",
                     id="a short timeout"),
        pytest.param({"scope": "instance", "maximum_timeout": True}, ".maximum_timeout has to be a number of seconds",
                     id="a boolean as timeout"),
        pytest.param({"scope": "instance", "paused": "yes"}, ".paused has to be true or false, not 'yes'",
                     id="text as boolean"),
        pytest.param({"scope": "instance", "access_level": "protected"}, ".access_level has to be not_protected or "
                     "ref_protected", id="a wrong access level"),
        pytest.param({"scope": "instance", "maintenance_note": "x" * 1024},
                     ".maintenance_note has 1024 letters, 52 too many",
                     id="a note without room for the mark"),
        pytest.param({"tag": ["a"]}, ".tag is not known", id="a misspelt key"),
        pytest.param({"name": " build"}, ".name has to be text on one line", id="a name with a blank"),
        pytest.param({"name": "bu\nild"}, ".name has to be text on one line", id="a name with a line end"),
    ],
)  # fmt: skip
def test_a_bad_declaration_is_refused_without_its_secrets(given: dict[str, Any], error: str) -> None:
    (found,) = errors([{"name": "build", **given}], URL, True, "h1")
    assert found.startswith(f"runners[0]{error}")
    assert SECRET not in found
    assert "(runner '" in found


def test_the_api_token_has_to_be_there() -> None:
    runners = [{"name": "build", "scope": "instance"}]
    assert errors(runners, URL, False, "h1") == [
        (
            "runners[0].scope needs gitlab_runner_api_token, which is not set; set it, or give the runner's token as "
            "token (runner 'build')"
        )
    ]
    assert errors([{**runners[0], "state": "absent"}], URL, False, "h1") == []


def test_each_runner_needs_a_gitlab_and_a_name_of_its_own() -> None:
    runners = [{"name": "a", "url": URL}, {"name": "b"}, {"name": "a", "url": URL}]
    assert errors(runners, None, False, "h1") == [
        "runners[1].url is not set, nor is gitlab_runner_url; set one of them (runner 'b')",
        "runners[2].name 'a' is there twice; give each runner a name of its own",
    ]


@pytest.mark.parametrize(
    ("url", "read"),
    [
        pytest.param("https://GitLab.example/", "https://gitlab.example", id="a slash at the end"),
        pytest.param("https://gitlab.example/ci", "https://gitlab.example", id="an old address"),
        pytest.param("https://gitlab.example/below/", "https://gitlab.example/below", id="a GitLab below a path"),
    ],
)
def test_addresses_are_read_as_a_runner_reads_them(url: str, read: str) -> None:
    assert Declared.read({"name": "build"}, url).url == read


def test_no_token_is_in_the_form_for_people() -> None:
    declared = Declared.read({"name": "build", "token": SECRET, "registration_token": SECRET}, URL)
    assert SECRET not in repr(declared)
