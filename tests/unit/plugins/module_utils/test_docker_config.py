# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import docker_config
from ansible_collections.runnerkit.gitlab.plugins.module_utils.docker_config import DockerConfigError, merge, parse
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_auth_record import Owned

SECRET = "cnVubmVyOmdlaGVpbQ=="
LOGIN = {"auths": {"r": {"auth": SECRET}}}
FOREIGN = {"auths": {"foreign.example": {"auth": "eDp5"}}, "psFormat": "table", "HttpHeaders": {"X": "y"}}


@pytest.mark.parametrize(
    ("found", "auths", "helpers", "owned", "expected", "ours"),
    [
        pytest.param({}, {"r": SECRET}, {}, Owned(), LOGIN, Owned(("r",)), id="the first login"),
        pytest.param(
            FOREIGN, {"r": SECRET}, {"e": "ecr-login"}, Owned(),
            {
                "auths": {"foreign.example": {"auth": "eDp5"}, "r": {"auth": SECRET}}, "psFormat": "table",
                "HttpHeaders": {"X": "y"}, "credHelpers": {"e": "ecr-login"},
            },
            Owned(("r",), ("e",)), id="what others wrote stays",
        ),
        pytest.param(
            LOGIN, {"r": SECRET}, {}, Owned(), LOGIN, Owned(), id="a login that was there as it is wanted is not ours",
        ),
        pytest.param(
            LOGIN, {"r": SECRET}, {}, Owned(("r",)), LOGIN, Owned(("r",)), id="one of ours stays ours",
        ),
        pytest.param(
            {"auths": {"r": {"auth": "old", "email": "x"}}}, {"r": SECRET}, {}, Owned(), LOGIN, Owned(("r",)),
            id="another password is replaced",
        ),
        pytest.param(
            {"auths": {"r": {}}, "credHelpers": {"r": "pass", "s": "pass"}}, {"r": SECRET}, {}, Owned(),
            {"auths": {"r": {"auth": SECRET}}, "credHelpers": {"s": "pass"}}, Owned(("r",)),
            id="a helper that would be asked instead goes",
        ),
        pytest.param(
            {"auths": {"r": {"auth": SECRET}, "x": {"auth": "x"}}, "credHelpers": {"e": "ecr-login"}}, {}, {},
            Owned(("r",), ("e",)), {"auths": {"x": {"auth": "x"}}}, Owned(), id="what is ours goes, and only that",
        ),
        pytest.param({"auths": {"r": {}}}, {}, {}, Owned(("r",)), {}, Owned(), id="a table that becomes empty goes"),
        pytest.param({"auths": {}}, {}, {}, Owned(("r",)), {"auths": {}}, Owned(), id="one that was empty stays"),
        pytest.param(
            LOGIN, {}, {"r": "ecr-login"}, Owned(("r",)), {"credHelpers": {"r": "ecr-login"}},
            Owned((), ("r",)), id="a helper takes the place of a password",
        ),
    ],
)  # fmt: skip
def test_logins_are_merged_one_by_one(
    found: dict[str, Any],
    auths: dict[str, str],
    helpers: dict[str, str],
    owned: Owned,
    expected: dict[str, Any],
    ours: Owned,
) -> None:
    before = json.dumps(found)
    merged = merge(found, auths, helpers, owned)
    assert (merged.document, merged.owned) == (expected, ours)
    assert json.dumps(found) == before
    again = merge(merged.document, auths, helpers, merged.owned)
    assert again == merged


NAMES = st.sampled_from(["a", "b", "c"])
TABLES = st.dictionaries(NAMES, st.sampled_from(["x", "y"]))


@given(TABLES, TABLES, TABLES)
def test_what_is_taken_out_again_leaves_what_was_there_of_others(
    there: dict[str, str], wanted: dict[str, str], helpers: dict[str, str]
) -> None:
    helpers = {name: one for name, one in helpers.items() if name not in wanted}
    found = {"auths": {name: {"auth": auth} for name, auth in there.items()}, "psFormat": "z"}
    merged = merge(found, wanted, helpers, Owned())
    left = merge(merged.document, {}, {}, merged.owned).document
    replaced = {name for name, auth in wanted.items() if name in there and there[name] != auth}
    kept = {name: one for name, one in found["auths"].items() if name not in replaced}  # type: ignore[attr-defined]
    assert left.get("auths", {}) == kept
    assert not left.get("credHelpers")
    assert left["psFormat"] == "z"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b'{"auths": {"r": {"auth": "geheim"}', "is not JSON (", id="cut off"),
        pytest.param(b"\xff\xfegeheim", "is not text in UTF-8", id="no text"),
        pytest.param(b'["geheim"]', "is JSON, but no object", id="a list"),
        pytest.param(b'{"auths": ["geheim"]}', "has 'auths', which is no object", id="auths as a list"),
        pytest.param(b'{"credHelpers": "geheim"}', "has 'credHelpers', which is no object", id="helpers as a text"),
        pytest.param(b"[" * 100_000, "is not JSON", id="nested without end"),
    ],
)
def test_a_broken_file_is_told_without_what_it_holds(content: bytes, words: str) -> None:
    with pytest.raises(DockerConfigError) as raised:
        parse(content)
    assert words in str(raised.value)
    assert "geheim" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize("content", [b"", b" \n", b"{}", b'{"auths": null}'])
def test_a_file_without_logins(content: bytes) -> None:
    assert not parse(content).get("auths")


def test_a_file_is_written_as_the_docker_command_writes_it() -> None:
    text = docker_config.render({"auths": {"r\u00e4": {"auth": SECRET}}}).decode()
    assert text == f'{{\n\t"auths": {{\n\t\t"r\u00e4": {{\n\t\t\t"auth": "{SECRET}"\n\t\t}}\n\t}}\n}}\n'


def test_what_is_shown_has_no_password() -> None:
    before = {"auths": {"r": {"auth": "old"}, "x": {"auth": "x"}}}
    after = {"auths": {"r": {"auth": SECRET}, "s": {"auth": SECRET}}, "credHelpers": {"e": "ecr-login"}}
    assert docker_config.shown(before, before, {"r": 1, "s": 1, "e": 1}) == "r: (a login)\n"
    assert docker_config.shown(after, before, {"r": 1, "s": 1, "e": 1}) == (
        "e: docker-credential-ecr-login\nr: (another login)\ns: (a login)\n"
    )


def test_half_a_character_stays_what_it_was() -> None:
    text = b'{"HttpHeaders": {"x": "\\ud800 \xc3\xa9"}}'
    rendered = docker_config.render(docker_config.parse(text))
    assert docker_config.parse(rendered) == docker_config.parse(text)


def test_what_somebody_wrote_there_moves_no_cursor() -> None:
    document = {"credHelpers": {"r": "a\x1b[2J\nb"}}
    assert docker_config.shown(document, document, {"r": ""}) == "r: docker-credential-a?[2J?b\n"
