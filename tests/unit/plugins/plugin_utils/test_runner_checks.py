# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_checks import errors, name_errors

URL = "https://gitlab.example.com"
SECRET = "glrt-hidden"


def check(*runners: Any, **more: Any) -> list[str]:
    return errors(list(runners), **{"url": URL, "api_token": True, **more})


def one(**keys: Any) -> dict[str, Any]:
    return {"name": "build", **keys}


AT = "gitlab_runner_runners[0] (build): "


@pytest.mark.parametrize(
    "runner",
    [
        pytest.param(one(), id="a name alone"),
        pytest.param(one(mode="dind", token=SECRET, config={"limit": 2}), id="a given token"),
        pytest.param(one(scope="group", group="platform/builds", tags=["a"], run_untagged=False), id="of a group"),
        pytest.param(one(scope="project", project=11, maximum_timeout=600, paused=False), id="of a project by its id"),
        pytest.param(one(registration_token="hidden", locked=True, description="x"), id="the old way"),
        pytest.param(one(state="absent", mode="socket", scope="instance"), id="one that goes"),
        pytest.param(one(scope="instance", mode="socket", accepted_risks=["socket"]), id="a risk that is accepted"),
        pytest.param(one(scope="instance", mode="shell"), id="an instance runner without a risk"),
        pytest.param(one(mode="socket", config={"executor": "docker-autoscaler"}), id="another executor of containers"),
        pytest.param(one(url=None, tags=None, config=None), id="keys without values"),
    ],
)
def test_what_is_right(runner: dict[str, Any]) -> None:
    assert check(runner) == []


@pytest.mark.parametrize(
    ("runner", "sentence"),
    [
        pytest.param(
            {"mode": "shell"},
            "gitlab_runner_runners[0]: name is missing; it finds the runner's entry in config.toml",
            id="no name",
        ),
        pytest.param(
            {"name": ""},
            "gitlab_runner_runners[0]: name is an empty text, where a text is wanted",
            id="an empty name",
        ),
        pytest.param(one(tgas=["a"]), AT + "there is no key tgas; did you mean tags?", id="a key that is misspelt"),
        pytest.param(
            one(limit=1),
            AT + "there is no key limit; keys of config.toml belong into its config",
            id="a key of config",
        ),
        pytest.param(
            one(mode="dnid"),
            AT + "mode is 'dnid', which is none of custom, socket, dind, dind_insecure, shell",
            id="an unknown mode",
        ),
        pytest.param(
            one(state="gone"),
            AT + "state is 'gone', which is none of present, absent",
            id="an unknown state",
        ),
        pytest.param(one(token=[SECRET]), AT + "token is a list, where a text is wanted", id="a token that is a list"),
        pytest.param(one(tags="a,b"), AT + "tags is a text, where a list of texts is wanted", id="tags in one text"),
        pytest.param(
            one(scope="instance", tags=["a,b"]),
            AT + "tags has one with a comma in it, which GitLab takes for two; write each tag by itself",
            id="two tags in one",
        ),
        pytest.param(
            one(scope="instance", paused="yes"),
            AT + "paused is a text, where true or false is wanted",
            id="a switch that is a word",
        ),
        pytest.param(
            one(scope="instance", maximum_timeout=60),
            "gitlab_runner_runners[0].maximum_timeout is 60; give at least 600 seconds, or 0 for no limit "
            "(runner 'build')",
            id="a timeout in minutes",
        ),
        pytest.param(
            one(config=["limit"]),
            AT + "config is a list, where a dictionary of keys as [[runners]] has them is wanted",
            id="a config that is a list",
        ),
        pytest.param(
            one(token=SECRET, scope="instance"),
            AT + "token and scope are different ways to register it; keep one of them",
            id="two ways",
        ),
        pytest.param(
            one(scope="group"),
            AT + "scope is group, and group is missing; give its id or its full path",
            id="no group",
        ),
        pytest.param(
            one(scope="instance", project=7),
            AT + "project is given, and scope is instance; set scope: project, or leave project out",
            id="a project without its scope",
        ),
        pytest.param(
            one(token=SECRET, tags=["a"]),
            AT + "tags cannot be set for a runner that is given by its token; set it in GitLab",
            id="tags for a given token",
        ),
        pytest.param(
            one(tags=["a"]),
            AT + "tags would go nowhere; give a scope, so that the runner is kept in step in GitLab",
            id="tags for nobody",
        ),
        pytest.param(
            one(scope="instance", run_untagged=False),
            AT + "run_untagged is false and tags is empty, so it would never get a job; give it tags",
            id="no job ever",
        ),
        pytest.param(
            one(token="GR1348941hidden"),
            AT + "token is a registration token; give it as registration_token",
            id="the wrong token",
        ),
        pytest.param(
            one(registration_token=SECRET),
            AT + "registration_token is an authentication token; give it as token",
            id="the other wrong token",
        ),
        pytest.param(
            one(token="glpat-hidden"),
            AT + "token is a personal access token; give it as gitlab_runner_api_token, and a scope here",
            id="the API's token",
        ),
        pytest.param(
            one(url="gitlab.example.com"),
            AT + "url is no address such as https://gitlab.example.com",
            id="no scheme",
        ),
        pytest.param(
            one(url="https://me:hidden@gitlab.example.com"),
            AT + "url has a user's name in it, which the runner does not use; leave it out",
            id="a password in the address",
        ),
        pytest.param(
            one(config={"url": URL}),
            AT + "config.url is not a setting of its own; give it as url of the runner",
            id="the address in config",
        ),
        pytest.param(
            one(mode="socket", config={"executor": "shell"}),
            AT + "config.executor is 'shell', and mode socket needs docker or docker-windows or "
            "docker-autoscaler or docker+machine; take another mode, or custom",
            id="an executor against the mode",
        ),
        pytest.param(
            one(accepted_risks=["scoket"]),
            AT + "accepted_risks has 'scoket', which is none of socket, privileged, docker_group",
            id="an unknown risk",
        ),
        pytest.param(
            one(scope="instance", mode="dind"),
            AT + "it is an instance runner, open to every project, and a privileged container can do on the "
            "host whatever root can; narrow its scope, or accept that with privileged in accepted_risks "
            "or gitlab_runner_accepted_risks",
            id="a risk for everybody",
        ),
        pytest.param(
            one(token="glrt-t1_hidden", mode="socket"),
            AT + "it is an instance runner, open to every project, and the engine's socket makes a job root "
            "on the host; narrow its scope, or accept that with socket in accepted_risks or "
            "gitlab_runner_accepted_risks",
            id="a risk for everybody by a given token",
        ),
        pytest.param(
            "build",
            "gitlab_runner_runners[0] is a text, where a dictionary with a name is wanted",
            id="a name in place of a runner",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(runner: Any, sentence: str) -> None:
    assert check(runner) == [sentence]
    assert "hidden" not in sentence


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = check(one(mode="x"), one(scope="group"), 7, {"name": "c", "tags": 1})
    assert len(found) == 5
    assert found[0] == (
        "gitlab_runner_runners[0] and gitlab_runner_runners[1] have the same name 'build'; the name finds the entry in "
        "config.toml, so give each its own"
    )


def test_what_is_missing_beside_the_runners() -> None:
    assert check(one(scope="instance", mode="shell"), api_token=False, url=None) == [
        AT + "scope is instance, so GitLab has to be asked to create it, and gitlab_runner_api_token is empty",
        AT + "url is missing; give it here or as gitlab_runner_url",
    ]


@pytest.mark.parametrize(
    ("accepted", "sentence"),
    [
        pytest.param(
            "socket",
            "gitlab_runner_accepted_risks is a text, where a list out of socket, privileged, docker_group is wanted",
            id="a text",
        ),
        pytest.param(
            ["all"],
            "gitlab_runner_accepted_risks has 'all', which is none of socket, privileged, docker_group",
            id="a word of its own",
        ),
    ],
)
def test_accepted_risks_are_looked_at_as_well(accepted: Any, sentence: str) -> None:
    assert check(accepted_risks=accepted) == [sentence]


def test_risks_can_be_accepted_for_all() -> None:
    runner = one(scope="instance", mode="shell")
    assert len(check(runner, docker_group=True)) == 1
    assert check(runner, docker_group=True, accepted_risks=["docker_group"]) == []


def test_no_list_is_one_sentence() -> None:
    assert errors(None) == ["gitlab_runner_runners is empty, where a list of runners is wanted, each with a name"]
    assert errors({"name": "a"}, variable="runners")[0].startswith("runners is a dictionary, where a list")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["docker", "volumes"]), inner, max_size=2)
    ),
    max_leaves=3,
)
NAMES = ("token", "registration_token", "config", "tags", "maximum_timeout", "group", "accepted_risks", "url", "odd")


@given(st.lists(ANYTHING | st.dictionaries(st.sampled_from(NAMES), ANYTHING).map(lambda keys: one(**keys)), max_size=3))
def test_whatever_is_declared_nothing_breaks_and_no_token_is_said(runners: list[Any]) -> None:
    assert SECRET not in " ".join(errors(runners, accepted_risks=runners, url=URL)).replace(f"has '{SECRET}'", "")


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        pytest.param({"token": "glrt-secret\n"}, "has blanks or line ends in it", id="a token with a line end"),
        pytest.param({"token": "gldt-secret"}, "is a token of a user or of a job", id="a deploy token"),
        pytest.param({"scope": "group", "group": "/"}, "has to be an id or a full path", id="a path without a name"),
        pytest.param({"scope": "instance", "tags": [" a"]}, "cannot be a tag", id="a tag with a blank"),
        pytest.param({"name": " b"}, "without blanks around it", id="a name with a blank"),
        pytest.param(
            {"scope": "instance", "maintenance_note": "x" * 1000}, "together with the mark", id="no room for the mark"
        ),
        pytest.param(
            {"scope": "instance", "url": "https://elsewhere.example"}, "to which alone", id="a token for another GitLab"
        ),
    ],
)
def test_what_the_registration_would_refuse_is_said_before_it(runner: dict[str, Any], words: str) -> None:
    [sentence] = errors([{"name": "build", **runner}], api_token=True, url="https://gitlab.example", host="h1")
    assert words in sentence
    assert "secret" not in sentence


@pytest.mark.parametrize("given", [{"maximum_timeout": 0}, {"maintenance_note": ""}, {"description": ""}])
def test_what_takes_something_away_is_no_mistake(given: dict[str, Any]) -> None:
    runner = {"name": "build", "scope": "project", "project": 1, **given}
    assert errors([runner], api_token=True, url="https://gitlab.example", host="h1") == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["a", "b"], [], id="each has its own"),
        pytest.param([], [], id="nobody there"),
        pytest.param(["a", "b", "a"], ["/c has 2 [[runners]] named 'a'"], id="two of a name"),
        pytest.param(["a", None], ["/c has 1 [[runners]] without a name"], id="one without"),
    ],
)
def test_names_that_find_no_runner_or_more_than_one(names: list[str | None], expected: list[str]) -> None:
    end = "; give each a name of its own there, nothing was touched"
    assert name_errors([{"name": name} for name in names], "/c") == [f"{start}{end}" for start in expected]
