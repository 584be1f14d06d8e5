# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The reader for old Pythons reads what the standard library of new ones reads, and refuses what that refuses."""

from __future__ import annotations

import math
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import toml_reader
from ansible_collections.runnerkit.gitlab.plugins.module_utils.toml_reader import TomlError

READERS = [toml_reader.parse, toml_reader.loads]

CONFIG = """\
# hand-made
concurrent = 4
check_interval = 0

[session_server]
  session_timeout = 1800

[[runners]]
  name = "one" # with a comment
  id = 12
  token_obtained_at = 2026-05-04T03:02:01Z
  environment = ["A=b", 'C="d"',
    "E=f", # the last
  ]
  [runners.feature_flags]
    FF_A = true
  [runners.docker]
    image = "ruby:3.3"
    shm_size = 0
    [runners.docker.sysctls]
      "net.ipv4.ip_forward" = "1"
    [[runners.docker.services]]
      name = "docker:28.5.2-dind"
    [[runners.docker.services]]
      name = "redis"
[[runners]]
  name = "two"
"""


@pytest.mark.parametrize("read", READERS, ids=["our own", "whichever there is"])
def test_a_configuration_of_the_runner(read: Any) -> None:
    assert read(CONFIG) == {
        "concurrent": 4,
        "check_interval": 0,
        "session_server": {"session_timeout": 1800},
        "runners": [
            {
                "name": "one",
                "id": 12,
                "token_obtained_at": datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
                "environment": ["A=b", 'C="d"', "E=f"],
                "feature_flags": {"FF_A": True},
                "docker": {
                    "image": "ruby:3.3",
                    "shm_size": 0,
                    "sysctls": {"net.ipv4.ip_forward": "1"},
                    "services": [{"name": "docker:28.5.2-dind"}, {"name": "redis"}],
                },
            },
            {"name": "two"},
        ],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(r'"a\tb\u00e9\U0001F600\\\""', 'a\tb\u00e9\U0001f600\\"', id="escapes"),
        pytest.param(r"'C:\new'", r"C:\new", id="a literal string"),
        pytest.param('"""\na\n  b"""', "a\n  b", id="text of several lines without its first line end"),
        pytest.param('"""a \\\n\n   b"""', "a b", id="a folded line"),
        pytest.param('"""a""b"""""', 'a""b""', id="marks within and before the end"),
        pytest.param("'''it's'''", "it's", id="literal text of several lines"),
        pytest.param("1_000", 1000, id="digits in groups"),
        pytest.param("-0", 0, id="minus nought"),
        pytest.param("0xDEAD_beef", 0xDEADBEEF, id="hexadecimal"),
        pytest.param("0o755", 0o755, id="octal"),
        pytest.param("0b1010", 10, id="binary"),
        pytest.param("6.5e-2", 0.065, id="a float with an exponent"),
        pytest.param("1e3", 1000.0, id="an exponent alone makes a float"),
        pytest.param("-inf", -math.inf, id="infinity"),
        pytest.param("2026-01-02", date(2026, 1, 2), id="a day"),
        pytest.param("03:04:05.5", time(3, 4, 5, 500000), id="a time of day"),
        pytest.param("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5), id="a moment somewhere"),
        pytest.param(
            "0001-01-01t00:00:00-01:30",
            datetime(1, 1, 1, tzinfo=timezone(-timedelta(hours=1, minutes=30))),
            id="a moment with an offset",
        ),
        pytest.param("[1, [2, 'x'], {}]", [1, [2, "x"], {}], id="arrays within an array"),
        pytest.param("{ a.b = 1, c = { d = [] } }", {"a": {"b": 1}, "c": {"d": []}}, id="an inline table"),
    ],
)
def test_values(text: str, expected: Any) -> None:
    for read in READERS:
        assert read(f"key = {text}\r\n") == {"key": expected}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param('a = 1\ntoken "glrt-secret"\n', 2, 7, id="no equals sign"),
        pytest.param('a = "glrt-secret\n', 1, 17, id="text that does not end"),
        pytest.param("a = glrt-secret\n", 1, 5, id="text without marks"),
        pytest.param("a = 1 glrt-secret\n", 1, 7, id="something after the value"),
        pytest.param("a = [1, 2\nb = 1", 2, 1, id="an array that does not end"),
        pytest.param("a = 1\rb = 2", 1, 6, id="half a line end"),
        pytest.param('a = "\x00"', 1, 6, id="a control character"),
        pytest.param(r'a = "\q"', 1, 6, id="an unknown escape"),
        pytest.param(r'a = "\ud800"', 1, 6, id="half a pair"),
        pytest.param("a = {b = 1,}", 1, 12, id="a comma at the end of an inline table"),
        pytest.param("[a\n", 1, 3, id="a header that does not end"),
        pytest.param("[]\n", 1, 2, id="a header without a name"),
    ],
)
def test_a_place_that_is_wrong_is_named_and_nothing_of_what_stands_there(text: str, line: int, column: int) -> None:
    with pytest.raises(TomlError) as caught:
        toml_reader.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    with pytest.raises(TomlError) as caught:
        toml_reader.loads(text)
    assert caught.value.line in (1, line)
    assert "glrt" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = 1\na = 2", id="a key twice"),
        pytest.param("[a]\n[a]", id="a table twice"),
        pytest.param("a.b = 1\n[a]", id="a table that dotted keys made"),
        pytest.param("[a]\nb.c = 1\n[a.b]", id="a part that dotted keys made"),
        pytest.param("[a.b.c]\nz = 9\n[a]\nb.c.t = 1", id="dotted keys into a table of a header"),
        pytest.param("a = {b = 1}\n[a.c]", id="more for an inline table by a header"),
        pytest.param("a = {b = 1}\na.c = 1", id="more for an inline table by a key"),
        pytest.param("a = {b.c = 1, b = {d = 1}}", id="an inline table over a dotted key"),
        pytest.param("a = []\n[[a]]", id="a table for an array that is a value"),
        pytest.param("a = [{}]\n[a.b]", id="a table in an array that is a value"),
        pytest.param("[[a]]\n[a]", id="a table that is an array of tables"),
        pytest.param("[a]\n[[a]]", id="an array of tables that is a table"),
        pytest.param("a = 01", id="a nought in front"),
        pytest.param("a = 1__0", id="two underscores"),
        pytest.param("a = .5", id="a float without its first digit"),
        pytest.param("a = 2026-13-01", id="a thirteenth month"),
        pytest.param("a = 2026-01-01T25:00:00", id="a twenty-fifth hour"),
        pytest.param("a = +0x1", id="a sign before hexadecimal"),
        pytest.param("a = True", id="a capital letter"),
        pytest.param("a = " + "9" * 5000, id="a number without end"),
        pytest.param("a = " + "[" * 5000, id="arrays without end"),
    ],
)
def test_what_is_refused(text: str) -> None:
    for read in READERS:
        with pytest.raises(TomlError):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[a.b]\n[a]\nc = 1", id="a table after its part"),
        pytest.param("[a]\nb.c = 1\n[a.b.d]", id="a part of what dotted keys made"),
        pytest.param("[[a]]\n[a.b]\n[[a]]\n[a.b]", id="the same part of two members"),
        pytest.param("[[a.b]]\n[a]\nc = 1", id="a table after an array of tables in it"),
        pytest.param("", id="nothing"),
        pytest.param("# a comment", id="a comment without a line end"),
        pytest.param("\"\" = 1\n'x.y' = 2", id="keys in marks"),
    ],
)
def test_what_is_allowed(text: str) -> None:
    assert toml_reader.parse(text) == toml_reader.loads(text)


KEYS = st.sampled_from(["a", "b", "c", "tls-ca-file", '"x y"'])
VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.datetimes(timezones=st.none() | st.just(UTC)),
        st.dates(),
        st.times(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), VALUES, max_size=4))
def test_whatever_is_written_is_read(document: dict[str, Any]) -> None:
    text = tomlkit.dumps(document)
    assert toml_reader.parse(text) == toml_reader.loads(text)


PIECES = st.sampled_from(
    [
        "[a]", "[[a]]", "[a.b]", "[[a.b]]", "[c]", "a = 1", "b.c = 2", "a.b.c = 3", "d = {a = 1, b.c = 2}", "d.e = 1",
        "x = [1,", "2]", "s = '''", "'''", 't = """\\', '"""', "# note", " ", "e = 1e5", "f = 0b2", "g = 2026-02-30",
        "h = 07:30:00Z", "i = [[], {}]", "j = \"\\u0041\"", "'a b' . c = 1", "k = ",
    ]
)  # fmt: skip


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there is nothing to compare with before Python 3.11")
@given(st.lists(PIECES, max_size=7), st.sampled_from(["\n", "\r\n", " "]))
def test_both_readers_agree_on_what_is_toml(pieces: list[str], between: str) -> None:
    _agree(between.join(pieces))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there is nothing to compare with before Python 3.11")
@given(st.integers(0, len(CONFIG)), st.integers(0, 4), st.text("=\"[]{}#\n\\'.,a1 \r\t", max_size=3))
def test_both_readers_agree_on_a_configuration_that_somebody_slipped_in(at: int, cut: int, new: str) -> None:
    _agree(CONFIG[:at] + new + CONFIG[at + cut :])


def _agree(text: str) -> None:
    try:
        expected = toml_reader.loads(text)
    except TomlError:
        with pytest.raises(TomlError):
            toml_reader.parse(text)
    else:
        assert toml_reader.parse(text) == expected
