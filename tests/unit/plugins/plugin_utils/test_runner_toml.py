# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""config.toml as the runner writes it, changed by meaning."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_toml import TomlProblem, apply, parse

# What `gitlab-runner register` makes, with what people add to it.
FILE = """\
concurrent = 4 # one for each core
check_interval = 0
shutdown_timeout = 0

# who may ask for a terminal
[session_server]
  session_timeout = 1800

[[runners]]
  name = "builder"
  url = "https://gitlab.example.com/"
  id = 12
  token = "glrt-AAAAAAAAAAAAAAAAAAAA"
  token_obtained_at = 2026-01-02T03:04:05Z
  token_expires_at = 0001-01-01T00:00:00Z
  executor = "docker"
  my_note = "keep me"
  [runners.cache]
    MaxUploadedArchiveSize = 0
  [runners.docker]
    tls_verify = false
    # pinned by hand
    image = "docker:27.0.3-cli"
    privileged = false
    disable_cache = false
    volumes = ["/builds:/builds", "/cache"]
    pull_policy = "if-not-present"
    shm_size = 0
    [[runners.docker.services]]
      name = "postgres:16" # for the tests
      alias = "db"
    [[runners.docker.services]]
      name = "redis:7"

# the old machine
[[runners]]
  name = "shell"
  url = "https://gitlab.example.com/"
  token = "glrt-BBBBBBBBBBBBBBBBBBBB"
  executor = "shell"
"""


def changed(
    settings: dict[str, Any] | None = None, *runners: dict[str, Any], text: str = FILE, **more: Any
) -> tuple[list[str], list[str]]:
    """The lines that go and those that come."""
    before, after = text.splitlines(), apply(text, settings or {}, runners, **more).splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("settings", "runner", "gone", "come"),
    [
        pytest.param({"concurrent": 8}, {}, ["concurrent = 4 # one for each core"],
                     ["concurrent = 8 # one for each core"], id="a value keeps the comment behind it"),
        pytest.param({"log_level": "debug"}, {}, [], ['log_level = "debug"'], id="a key at the top"),
        pytest.param({"session_server": {"listen_address": ":8093"}}, {}, [],
                     ['  listen_address = ":8093"'], id="a key in a table"),
        pytest.param({}, {"limit": 3}, [], ["  limit = 3"], id="a key of a runner"),
        pytest.param({}, {"docker": {"image": "alpine:3.20"}}, ['    image = "docker:27.0.3-cli"'],
                     ['    image = "alpine:3.20"'], id="an image"),
        pytest.param({}, {"docker": {"dns": ["10.0.0.1"]}}, [], ['    dns = ["10.0.0.1"]'], id="a key of a table"),
        pytest.param({}, {"docker": {"volumes": ["/cache"]}}, ['    volumes = ["/builds:/builds", "/cache"]'],
                     ['    volumes = ["/cache"]'], id="a list is replaced"),
        pytest.param({}, {"docker": {"services": [{"name": "redis:7"}]}},
                     ['      name = "postgres:16" # for the tests', '      alias = "db"'], [], id="a service goes"),
        pytest.param({}, {"docker": {"services": [{"name": "postgres:16", "alias": "db"}, {"name": "x"}]}},
                     ['      name = "redis:7"'], ['      name = "x"'], id="a service is another one"),
        pytest.param({}, {"feature_flags": {"FF_TIMESTAMPS": False}}, [],
                     ["  [runners.feature_flags]", "    FF_TIMESTAMPS = false"], id="a table"),
        pytest.param({}, {"cache": {"Type": "s3", "s3": {"BucketName": "b"}}}, [],
                     ['    Type = "s3"', "    [runners.cache.s3]", '      BucketName = "b"'], id="a table in a table"),
        pytest.param({}, {"docker": {"privileged": None}}, ["    privileged = false"], [], id="null removes"),
        pytest.param({}, {"docker": {"no_such_key": None}}, [], [], id="null of nothing"),
        pytest.param({"session_server": None}, {}, ["# who may ask for a terminal", "[session_server]",
                     "  session_timeout = 1800"], [], id="null removes a table with the comment above it"),
        pytest.param({}, {"token": "glrt-C", "token_obtained_at": datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)},
                     ['  token = "glrt-AAAAAAAAAAAAAAAAAAAA"', "  token_obtained_at = 2026-01-02T03:04:05Z"],
                     ['  token = "glrt-C"', "  token_obtained_at = 2026-05-01T00:00:00Z"], id="what the runner owns"),
        pytest.param({"connection_max_age": "15m"}, {"unhealthy_interval": 90 * 10**9}, [],
                     ['connection_max_age = "15m"', "  unhealthy_interval = 90000000000"], id="durations as given"),
    ],
)  # fmt: skip
def test_one_change_is_one_change(
    settings: dict[str, Any], runner: dict[str, Any], gone: list[str], come: list[str]
) -> None:
    assert changed(settings, {"name": "builder", **runner}) == (gone, come)


@pytest.mark.parametrize(
    ("settings", "runner"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"Concurrent": 4, "CHECK_INTERVAL": 0}, {}, id="other case"),
        pytest.param({}, {"docker": {"pull_policy": ["if-not-present"]}}, id="a list of one and its text"),
        pytest.param({}, {"limit": 0, "output_limit": 0}, id="0 where the runner leaves it out"),
        pytest.param({}, {"environment": [], "builds_dir": "", "debug_trace_disabled": False}, id="nothings"),
        pytest.param({"labels": {}}, {"docker": {"cap_add": [], "sysctls": {}}}, id="empty lists and tables"),
        pytest.param({}, {"docker": {"volumes": ("/builds:/builds", "/cache")}}, id="a tuple"),
        pytest.param({}, {"artifact": {"upload_timeout": None}}, id="a table of nulls"),
        pytest.param(
            {}, {"token_obtained_at": datetime.datetime.fromisoformat("2026-01-02T04:04:05+01:00")}, id="another zone"
        ),
    ],
)
def test_what_means_the_same_changes_no_byte(settings: dict[str, Any], runner: dict[str, Any]) -> None:
    assert apply(FILE, settings, [{"name": "builder", **runner}]) == FILE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('"1h"', "60m", True), ('"1h"', "1h0m0s", True), ('"1h"', 3600 * 10**9, True), ("3600000000000", "1h", True),
        ('"1h"', "1.5h", False), ('"90m"', "1.5h", True), ('"500ms"', "0.5s", True), ('"500us"', "500µs", True),
        ('"-1s"', "-1000ms", True), ('"1h"', "1", False), ('"soon"', "soon", True), ('"+1s"', "1s", True),
    ],
)  # fmt: skip
def test_durations_are_compared_by_what_they_mean(one: str, other: Any, same: bool) -> None:
    text = f"connection_max_age = {one}\n"
    assert (apply(text, {"connection_max_age": other}, []) == text) is same


def test_texts_that_look_like_durations_are_not_compared_as_such_elsewhere() -> None:
    text = '[[runners]]\n  name = "a"\n  builds_dir = "1h"\n'
    assert '"60m"' in apply(text, {}, [{"name": "a", "builds_dir": "60m"}])


def test_a_new_runner_is_written_as_the_runner_writes_it() -> None:
    runner = {
        "docker": {
            "services": [{"name": "docker:27.0.3-dind", "alias": "docker"}],
            "volumes": ["/certs/client", "/cache"],
            "privileged": True,
            "image": "docker:27.0.3-cli",
            "host": None,
        },
        "executor": "docker",
        "environment": ["A=b"],
        "token": "glrt-x",
        "feature_flags": {"FF_TIMESTAMPS": True},
        "name": "new",
        "url": "https://gitlab.example.com/",
        "limit": 0,
    }
    assert apply("concurrent = 1\n", {}, [runner, {"name": "more"}]) == (
        "concurrent = 1\n"
        "\n"
        "[[runners]]\n"
        '  name = "new"\n'
        '  url = "https://gitlab.example.com/"\n'
        '  token = "glrt-x"\n'
        '  executor = "docker"\n'
        '  environment = ["A=b"]\n'
        "  [runners.feature_flags]\n"
        "    FF_TIMESTAMPS = true\n"
        "  [runners.docker]\n"
        '    image = "docker:27.0.3-cli"\n'
        "    privileged = true\n"
        '    volumes = ["/certs/client", "/cache"]\n'
        "    [[runners.docker.services]]\n"
        '      name = "docker:27.0.3-dind"\n'
        '      alias = "docker"\n'
        "\n"
        "[[runners]]\n"
        '  name = "more"\n'
    )


def test_an_empty_file_is_begun() -> None:
    text = apply("", {"concurrent": 2, "session_server": {"session_timeout": 9}}, [{"name": "a"}])
    assert text == 'concurrent = 2\n\n[session_server]\n  session_timeout = 9\n\n[[runners]]\n  name = "a"\n'


def test_new_runners_come_behind_the_last_one() -> None:
    text = f"{FILE}\n[foreign]\n  x = 1\n"
    assert apply(text, {}, [{"name": "z"}]) == f'{FILE}\n[[runners]]\n  name = "z"\n\n[foreign]\n  x = 1\n'


def test_an_absent_runner_goes_with_its_tables_and_the_comment_above_it() -> None:
    gone = FILE.index("[[runners]]")
    rest = FILE.index("# the old machine")
    assert apply(FILE, {}, [], absent=["builder"]) == FILE[:gone] + FILE[rest:]
    assert apply(FILE, {}, [], absent=["shell", "nobody"]) == FILE[: rest - 1]


def test_exclusive_removes_what_is_not_declared() -> None:
    assert apply(FILE, {}, [{"name": "builder"}], exclusive=True) == FILE[: FILE.index("\n# the old machine")]
    assert apply(FILE, {}, [], exclusive=True) == FILE[: FILE.index("\n[[runners]]")]
    assert parse(apply(FILE, {}, [{"name": "new"}], exclusive=True))["runners"] == [{"name": "new"}]


def test_without_exclusive_what_is_not_declared_stays() -> None:
    assert changed({}, {"name": "new"}) == ([], ['  name = "new"'])


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("a = \n", 1, 5, "a value is missing or has to be quoted"),
        ("a = hush\n", 1, 5, "a value is missing or has to be quoted"),
        ("a = 1\na = 2\n", 2, 6, "this key is there already"),
        ("[a]\n[a]\n", 2, 3, "this table is there already"),
        ("a = {b = 1}\na.c = 2\n", 2, 8, "an inline table cannot be added to"),
        ('a = "hush\n', 1, 10, "a character that has to be escaped"),
        ('a = "hush', 1, 10, "a text without its closing quote"),
        ("a = 'hush", 1, 10, "a text without its closing quote"),
        ("a = ['hush' \n", 2, 1, "an array without its closing bracket"),
        ("[hush\n", 1, 6, "a header without its closing bracket"),
        ("hush\n", 1, 5, "a key has to be followed by ="),
        ("a = 1 hush\n", 1, 7, "something follows on the line that does not belong there"),
        ('a = "\\hush"\n', 1, 8, "a backslash that escapes nothing; write two of them, or use single quotes"),
        ("a = 2026-02-30\n", 1, 5, "a date or time that does not exist"),
        ("= 3\n", 1, 1, "no key, table or comment begins here"),
        ("<<<<<<< HEAD\na = 1\n", 1, 1, "no key, table or comment begins here"),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_told_with_its_place_and_never_quoted(
    text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(TomlProblem) as caught:
        parse(text)
    problem = caught.value
    assert (problem.line, problem.column) == (line, column)
    assert str(problem) == (
        f"config.toml is no valid TOML at line {line}, column {column}: {reason}; correct it by hand,"
        " nothing was written"
    )
    assert "hush" not in repr(problem)
    assert problem.__suppress_context__
    with pytest.raises(TomlProblem):
        apply(text, {}, [])


def test_endless_nesting_is_told() -> None:
    with pytest.raises(TomlProblem, match="nested too deeply to be read; correct it by hand, nothing was written"):
        parse("a = " + "[" * 5000 + "]" * 5000)


@pytest.mark.parametrize(
    ("text", "runners", "more", "sentence"),
    [
        pytest.param(
            '[[runners]]\nname = "a"\n[[runners]]\nname = "a"\n',
            [{"name": "a"}],
            {},
            "config.toml has 2 [[runners]] named 'a', so that none can be told by its name; rename or remove all but"
            " one by hand, nothing was written",
            id="two of one name",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\n[[runners]]\nname = "a"\n',
            [],
            {"absent": ["a"]},
            "config.toml has 2 [[runners]] named 'a', so that none can be told by its name; rename or remove all but"
            " one by hand, nothing was written",
            id="two of one name that is to go",
        ),
        pytest.param(
            "runners = 3\n",
            [],
            {},
            "config.toml has a key `runners` that is no [[runners]] table; correct it by hand, nothing was written",
            id="runners that are none",
        ),
        pytest.param(
            'runners = [{name = "a"}]\n',
            [{"name": "a", "limit": 1}],
            {},
            "config.toml cannot be changed as declared: `runners` is written as one array; write each runner under a"
            " [[runners]] of its own; nothing was written",
            id="runners in one array",
        ),
        pytest.param("", [{}], {}, "runners[0] has no name; give it one, [[runners]] entries are found by their names",
                     id="no name"),
        pytest.param("", [{"name": "a"}, {"name": "a"}], {},
                     "runners[1].name 'a' is declared twice; give each runner a name of its own", id="declared twice"),
        pytest.param("", [{"name": "a"}], {"absent": ["a"]},
                     "runners[0].name 'a' is declared as present and as absent; decide for one of them", id="both"),
        pytest.param("", [{"name": "a", "limit": 2**63}], {},
                     "config.toml cannot be changed as declared: a number too large for TOML; nothing was written",
                     id="a number that TOML does not have"),
        pytest.param("", [{"name": "a", "environment": ["A=b", None]}], {},
                     "config.toml cannot be changed as declared: a null, for which TOML has no form; nothing was"
                     " written",
                     id="a null in a list"),
        pytest.param("", [{"name": "a", "token": "hush\ud800"}], {},
                     "config.toml cannot be changed as declared: a value has no form in TOML; nothing was written",
                     id="a text that no file can hold"),
        pytest.param("", [{"name": "a", "url": object()}], {},
                     "config.toml cannot be changed as declared: a value of a kind that TOML does not have; nothing was"
                     " written", id="a value of no kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_and_nothing_is_changed(
    text: str, runners: list[dict[str, Any]], more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TomlProblem) as caught:
        apply(text, {}, runners, **more)
    assert str(caught.value) == sentence


def test_an_array_of_runners_that_needs_no_change_is_left_alone() -> None:
    text = 'runners = [{name = "a", limit = 1}]\n'
    assert apply(text, {}, [{"name": "a", "limit": 1}]) == text
    assert apply(text, {"concurrent": 2}, [{"name": "a"}]) == f"{text}concurrent = 2\n"


def test_runners_of_one_name_that_nobody_asks_for_are_left_alone() -> None:
    text = '[[runners]]\nname = "a"\n[[runners]]\nname = "a"\n[[runners]]\nlimit = 1\n'
    assert apply(text, {}, [{"name": "b"}]) == f'{text}\n[[runners]]\n  name = "b"\n'
    assert apply(text, {}, [{"name": "b"}], exclusive=True) == '[[runners]]\n  name = "b"\n'


def test_runners_among_the_settings_are_refused() -> None:
    with pytest.raises(TomlProblem, match="runners are not declared among the global settings"):
        apply("", {"runners": []}, [])
