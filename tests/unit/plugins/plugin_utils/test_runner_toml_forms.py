# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Files as people write them: every form that TOML has for a thing, and those over which libraries stumble."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_edit import Editor
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_toml import TomlProblem, apply, parse


@pytest.mark.parametrize(
    ("text", "runner", "wanted"),
    [
        pytest.param(
            '[[runners]]\nname = "a"\ndocker = { image = "x", privileged = false } # one line\n',
            {"docker": {"image": "y", "dns": ["1"]}},
            '[[runners]]\nname = "a"\ndocker = { image = "y", privileged = false, dns = ["1"]} # one line\n',
            id="an inline table",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\ndocker = {image = "x", shm_size = 0x10}\n',
            {"docker": {"image": None}},
            '[[runners]]\nname = "a"\ndocker = { shm_size = 0x10}\n',
            id="a key leaves an inline table",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\nautoscaler = {plugin = "", max_instances = 0}\n',
            {"autoscaler": {"plugin": None}},
            '[[runners]]\nname = "a"\nautoscaler = { max_instances = 0}\n',
            id="a key without a value leaves an inline table",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\nmachine = {idlescalefactor = 2, IdleCount = 1}\n',
            {"machine": {"idlecount": 3}},
            '[[runners]]\nname = "a"\nmachine = {idlescalefactor = 2, IdleCount = 3}\n',
            id="what else is in an inline table is as it was",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\ncache = {s3 = {BucketName = "x", Insecure = true}}\n',
            {"cache": {"s3": {"BucketName": "y"}}},
            '[[runners]]\nname = "a"\ncache = {s3 = {BucketName = "y", Insecure = true}}\n',
            id="an inline table in an inline table",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  docker.image = "x"\n  docker.privileged = false\n  limit = 1\n',
            {"docker": {"image": "y", "dns": ["1"], "services": [{"name": "s"}]}},
            '[[runners]]\n  name = "a"\n  docker.image = "y"\n  docker.privileged = false\n  docker.dns = ["1"]\n'
            '  docker.services = [{name = "s"}]\n  limit = 1\n',
            id="keys with dots",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  cache.s3.BucketName = "x"\n',
            {"cache": {"Type": "s3", "s3": {"Insecure": True}}},
            '[[runners]]\n  name = "a"\n  cache.s3.BucketName = "x"\n  cache.s3.Insecure = true\n  cache.Type = "s3"\n',
            id="keys with two dots",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  docker.image = "x"\n  docker.dns = []\n',
            {"docker": None},
            '[[runners]]\n  name = "a"\n',
            id="a table made of keys with dots goes",
        ),
        pytest.param(
            '[["runners"]]\n  "name" = \'a\'\n  [runners . "docker"]\n    \'image\' = "x"\n',
            {"docker": {"image": "y", "runtime": "z"}},
            '[["runners"]]\n  "name" = \'a\'\n  [runners . "docker"]\n    \'image\' = "y"\n    runtime = "z"\n',
            id="keys in quotes",
        ),
        pytest.param(
            '[[Runners]]\n  NAME = "a"\n  Limit = 1\n  [Runners.Docker]\n    Image = "x"\n',
            {"limit": 2, "docker": {"image": "y"}, "cache": {"type": "s3"}},
            '[[Runners]]\n  NAME = "a"\n  Limit = 2\n  [Runners.Docker]\n    Image = "y"\n'
            '  [Runners.cache]\n    Type = "s3"\n',
            id="keys in another case",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  limit = 1_0\n  output_limit = 0x10\n  request_concurrency = 0b11\n',
            {"limit": 10, "output_limit": 16, "request_concurrency": 4},
            '[[runners]]\n  name = "a"\n  limit = 1_0\n  output_limit = 0x10\n  request_concurrency = 4\n',
            id="numbers in other forms",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  pre_build_script = """\necho 1\necho "2"""""\n  limit = 1\n',
            {"pre_build_script": 'echo 1\necho "3"'},
            '[[runners]]\n  name = "a"\n  pre_build_script = """\necho 1\necho "3\\""""\n  limit = 1\n',
            id="a text over several lines stays one",
        ),
        pytest.param(
            "[[runners]]\n  name = \"a\"\n  pre_build_script = '''\n[[runners]] # no header\n'''\n  limit = 1\n",
            {"limit": 2},
            "[[runners]]\n  name = \"a\"\n  pre_build_script = '''\n[[runners]] # no header\n'''\n  limit = 2\n",
            id="a text that looks like a header",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  environment = [\n    # proxies\n    "A=1", # one\n    "B=2",\n  ]\n',
            {"environment": ["A=1", "C=3", "B=2"]},
            '[[runners]]\n  name = "a"\n  environment = [\n    # proxies\n    "A=1", # one\n'
            '    "C=3",\n    "B=2",\n  ]\n',
            id="a list over several lines keeps its comments",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  environment = ["A=]", "B=#"] # end\n',
            {"environment": ["B=#"]},
            '[[runners]]\n  name = "a"\n  environment = ["B=#"] # end\n',
            id="brackets and signs of comments within texts",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  token_expires_at = 2026-01-02 03:04:05Z # soon\n  limit = 1\n',
            {"limit": 2},
            '[[runners]]\n  name = "a"\n  token_expires_at = 2026-01-02 03:04:05Z # soon\n  limit = 2\n',
            id="a time with a blank in it",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n\n[session_server]\n  session_timeout = 1\n\n[runners.docker]\n  image = "x"\n',
            {"docker": {"image": "y", "dns": ["1"]}},
            '[[runners]]\n  name = "a"\n\n[session_server]\n  session_timeout = 1\n\n[runners.docker]\n  image = "y"\n'
            '  dns = ["1"]\n',
            id="a runner's table behind another table",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n\n[session_server]\n  session_timeout = 1\n\n[[runners]]\n  name = "b"\n',
            {"limit": 2},
            '[[runners]]\n  name = "a"\n  limit = 2\n\n[session_server]\n  session_timeout = 1\n\n[[runners]]\n'
            '  name = "b"\n',
            id="runners with another table between",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [runners.cache.s3]\n    Insecure = true\n'
            '  [runners.docker]\n    image = "x"\n'
            '  [runners.cache]\n    Type = "s3"\n  [runners.cache.gcs]\n    AccessID = "i"\n',
            {"cache": {"Path": "p", "gcs": {"BucketName": "b"}}},
            '[[runners]]\n  name = "a"\n  [runners.cache.s3]\n    Insecure = true\n'
            '  [runners.docker]\n    image = "x"\n'
            '  [runners.cache]\n    Type = "s3"\n    Path = "p"\n  [runners.cache.gcs]\n    AccessID = "i"\n'
            '    BucketName = "b"\n',
            id="a table behind its own tables",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [runners.cache]\n    [runners.cache.s3]\n      Insecure = true\n',
            {"cache": {"Type": "s3"}},
            '[[runners]]\n  name = "a"\n  [runners.cache]\n    Type = "s3"\n    [runners.cache.s3]\n'
            "      Insecure = true\n",
            id="a table without keys of its own",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n    [runners.cache.s3]\n      Insecure = true\n',
            {"cache": {"Type": "s3"}},
            '[[runners]]\n  name = "a"\n  [runners.cache]\n    Type = "s3"\n    [runners.cache.s3]\n'
            "      Insecure = true\n",
            id="a table without a header of its own",
        ),
        pytest.param(
            '[[runners]]\nname = "a"\n[runners.docker]\nimage = "x"\n',
            {"docker": {"services": [{"name": "s"}]}, "cache": {"Type": "s3"}},
            '[[runners]]\nname = "a"\n[runners.docker]\nimage = "x"\n[[runners.docker.services]]\nname = "s"\n'
            '[runners.cache]\nType = "s3"\n',
            id="a file without indentation",
        ),
        pytest.param(
            '[[runners]]\n\tname = "a"\n\t[runners.docker]\n\t\timage = "x"\n',
            {"docker": {"services": [{"name": "s"}]}},
            '[[runners]]\n\tname = "a"\n\t[runners.docker]\n\t\timage = "x"\n\t\t[[runners.docker.services]]\n'
            '\t\t\tname = "s"\n',
            id="a file with tabs",
        ),
        pytest.param(
            '[[runners]]\r\n  name = "a"\r\n  environment = [\r\n    "A=1",\r\n  ]\r\n',
            {"limit": 1, "environment": ["A=1", "B=2"], "docker": {"image": "x"}},
            '[[runners]]\r\n  name = "a"\r\n  environment = [\r\n    "A=1",\r\n    "B=2",\r\n  ]\r\n  limit = 1\r\n'
            '  [runners.docker]\r\n    image = "x"\r\n',
            id="lines that end with a carriage return",
        ),
        pytest.param(
            '\ufeff[[runners]]\n  name = "a"\n',
            {"limit": 1},
            '\ufeff[[runners]]\n  name = "a"\n  limit = 1\n',
            id="a byte order mark",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"', {"limit": 1}, '[[runners]]\n  name = "a"\n  limit = 1\n', id="no end of line"
        ),
        pytest.param(
            '[[runners]]\n  name = "a"',
            {"docker": {"image": "x"}},
            '[[runners]]\n  name = "a"\n  [runners.docker]\n    image = "x"\n',
            id="no end of line before a header",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  # limit = 3\n\n  # docker:\n  [runners.docker]\n    image = "x"\n',
            {"limit": 1},
            '[[runners]]\n  name = "a"\n  limit = 1\n  # limit = 3\n\n  # docker:\n  [runners.docker]\n'
            '    image = "x"\n',
            id="comments behind the last key",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [runners.docker]\n    services = [{name = "s"}]\n',
            {"docker": {"services": [{"name": "t"}, {"name": "s"}]}},
            '[[runners]]\n  name = "a"\n  [runners.docker]\n    services = [{name = "t"}, {name = "s"}]\n',
            id="services in one line",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [[runners.docker.services]]\n    name = "s" # one\n    # still s\n'
            '  # t:\n  [[runners.docker.services]]\n    name = "t" # two\n',
            {"docker": {"services": [{"name": "n"}, {"name": "t"}]}},
            '[[runners]]\n  name = "a"\n  [[runners.docker.services]]\n    name = "n"\n'
            '  # t:\n  [[runners.docker.services]]\n    name = "t" # two\n',
            id="a service among others",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [[runners.docker.services]]\n    name = "s"\n  [runners.cache]\n',
            {"docker": {"services": []}},
            '[[runners]]\n  name = "a"\n  [runners.docker]\n  [runners.cache]\n',
            id="the last service goes",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  docker = "x"\n  limit = 1\n',
            {"docker": {"image": "y"}},
            '[[runners]]\n  name = "a"\n  docker = {image = "y"}\n  limit = 1\n',
            id="a text where a table belongs",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [runners.limit]\n    x = 1\n',
            {"limit": 1},
            '[[runners]]\n  name = "a"\n  limit = 1\n',
            id="a table where a number belongs",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n  [[runners.monitoring.job_queuing_durations]]\n    periods = ["* * * * *"]\n'
            '    threshold = "1m"\n',
            {"monitoring": {"job_queuing_durations": [{"periods": ["* * * * *"], "threshold": "60s"}]}},
            '[[runners]]\n  name = "a"\n  [[runners.monitoring.job_queuing_durations]]\n    periods = ["* * * * *"]\n'
            '    threshold = "1m"\n',
            id="a duration within an array of tables",
        ),
    ],
)
def test_every_form_is_kept(text: str, runner: dict[str, Any], wanted: str) -> None:
    changed = apply(text, {}, [{"name": "a", **runner}])
    assert changed == wanted
    assert apply(changed, {}, [{"name": "a", **runner}]) == changed


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("# Ours.\n", "# Ours.\n\nconcurrent = 2\n", id="a file of comments"),
        pytest.param("\n\n", "concurrent = 2\n\n\n", id="a file of blank lines"),
        pytest.param("\ufeff", "\ufeffconcurrent = 2\n", id="a byte order mark and nothing else"),
        pytest.param(
            '[[runners]]\n  name = "b"\n',
            'concurrent = 2\n\n[[runners]]\n  name = "b"\n',
            id="nothing before the header",
        ),
        pytest.param(
            '# Ours.\n\n# b:\n[[runners]]\n  name = "b"\n',
            '# Ours.\n\nconcurrent = 2\n\n# b:\n[[runners]]\n  name = "b"\n',
            id="comments before the header",
        ),
        pytest.param("[concurrent]\nx = 1\n", "concurrent = 2\n\n", id="a table where a number belongs"),
        pytest.param("concurrent = 1 # one", "concurrent = 2 # one", id="no end of line"),
    ],
)
def test_keys_of_the_top_come_before_the_first_header(text: str, wanted: str) -> None:
    assert apply(text, {"concurrent": 2}, []) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            '[[runners]]\n  name = "b"\n',
            '[session_server]\n  session_timeout = 1\n\n[[runners]]\n  name = "b"\n',
            id="before the runners",
        ),
        pytest.param(
            'concurrent = 1\n# b:\n[[runners]]\n  name = "b"\n',
            'concurrent = 1\n\n[session_server]\n  session_timeout = 1\n\n# b:\n[[runners]]\n  name = "b"\n',
            id="before a runner's comment",
        ),
        pytest.param("x = 1", "x = 1\n\n[session_server]\n  session_timeout = 1\n", id="at the end"),
        pytest.param("session_server = {}\n", "session_server = {session_timeout = 1}\n", id="an inline table"),
    ],
)
def test_tables_of_the_top_have_blank_lines_around_them(text: str, wanted: str) -> None:
    assert apply(text, {"session_server": {"session_timeout": 1}}, []) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            '# The runners of team A.\n[[runners]]\n  name = "a"\n\n[[runners]]\n  name = "b"\n',
            '# The runners of team A.\n\n[[runners]]\n  name = "b"\n',
            id="a comment at the very top speaks of the file",
        ),
        pytest.param(
            'x = 1\n\n# a:\n[[runners]]\n  name = "a"\n  # of a, too\n\n# about what follows\n\n'
            '[[runners]]\n  name = "b"\n',
            'x = 1\n\n# about what follows\n\n[[runners]]\n  name = "b"\n',
            id="comments that a blank line parts from it stay",
        ),
        pytest.param(
            '[[runners]]\n  name = "a"\n\n[foreign]\n  x = 1\n\n[runners.docker]\n  image = "x"\n\n[other]\n  y = 1\n',
            "[foreign]\n  x = 1\n\n[other]\n  y = 1\n",
            id="what lies apart goes, what lies between stays",
        ),
        pytest.param('x = 1\n\n[[runners]]\n  name = "a"\n\n\n', "x = 1\n\n\n", id="blank lines at the end"),
        pytest.param('x = 1\n[[runners]]\n  name = "a"', "x = 1\n", id="no end of line"),
    ],
)
def test_a_runner_goes_with_what_is_its_own(text: str, wanted: str) -> None:
    assert apply(text, {}, [], absent=["a"]) == wanted


def test_an_outcome_that_is_not_what_was_wanted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Editor, "result", lambda editor: editor.text.replace("hush", "rush"))
    with pytest.raises(TomlProblem) as caught:
        apply('foreign = "hush"\nconcurrent = 1\n', {"concurrent": 2}, [])
    assert str(caught.value) == (
        "config.toml is written in a form in which the declared keys cannot be set without touching others; write each"
        " table once, under a header of its own, nothing was written"
    )


def test_an_edit_that_breaks_the_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Editor, "result", lambda editor: f"{editor.text}= hush")
    with pytest.raises(
        TomlProblem, match=r"^config.toml cannot be changed as declared: .*; nothing was written$"
    ) as caught:
        apply("concurrent = 1\n", {"concurrent": 2}, [])
    assert "hush" not in str(caught.value)


def test_values_of_ansibles_own_classes_are_written_as_plain_ones() -> None:
    class Text(str):
        __slots__ = ()

        def __repr__(self) -> str:
            return "no TOML"

    class Number(int):
        __slots__ = ()

    text = apply("", {Text("concurrent"): Number(3)}, [{"name": Text("a"), "environment": [Text("A=1")]}])
    assert parse(text) == {"concurrent": 3, "runners": [{"name": "a", "environment": ["A=1"]}]}
