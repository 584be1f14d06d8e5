# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Random configurations of GitLab Runner, built from the schema itself, and random ways to write them as TOML."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import GLOBAL, RUNNER, Field, fields

# What has a meaning in TOML; hypothesis alone would seldom think of it.
_NASTY = (
    '"', "'", "\\", "#", "[", "]", "{", "}", "=", ",", ".", "\n", "\r\n", "\t", "\x00", "\x7f", "\u0085", "\u2028",
    '"""', "'''", "[[runners]]", "\\u0041", " ", "ä", "\U0001f600", "name = 'x'\n",
)  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(_NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)), max_size=4
).map("".join)
names = st.from_regex(r"[a-z][a-z0-9 ._-]{0,8}", fullmatch=True)
_WHOLE = st.one_of(st.integers(-1, 9), st.integers(-(2**63), 2**63 - 1))
_DURATIONS = st.one_of(st.sampled_from(["1h", "60m", "1h30m0s", "0s", "1.5h", "500ms", "-1s"]), st.integers(0, 10**13))
_TIMES = st.datetimes(timezones=st.just(datetime.UTC)).map(lambda time: time.replace(microsecond=0))
_FLOATS = st.one_of(st.floats(allow_nan=False), st.integers(0, 9))
_ANY: st.SearchStrategy[Any] = st.recursive(
    st.one_of(texts, _WHOLE, st.booleans(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
_PLAIN: Mapping[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "bool": st.booleans(),
    "int": _WHOLE,
    "float": _FLOATS,
    "duration": _DURATIONS,
    "datetime": _TIMES,
    "string or list": st.one_of(texts, st.lists(texts, max_size=3)),
    "any": _ANY,
}


def _of(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.enum:
        words = st.sampled_from(field.enum)
        return st.lists(words, max_size=2) if field.is_list else words
    if field.type in _PLAIN:
        return _PLAIN[field.type]
    if field.type == "table":
        return tables(str(field.table), depth - 1)
    if field.type == "tables":
        return st.lists(tables(str(field.table), depth - 1), max_size=3)
    member = _of(Field(field.name, str(field.item)), depth)
    return st.lists(member, max_size=3) if field.is_list else st.dictionaries(texts, member, max_size=3)


def tables(table: str, depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Tables of the data with some of their keys; below DEPTH they have no tables in them."""
    usable = [
        field
        for field in fields(table).by_name.values()
        if field.name not in ("runners", "name" if table == RUNNER else "") and (depth > 0 or not field.table)
    ]

    def some(chosen: list[Field]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({field.name: _of(field, depth) for field in chosen})

    if not usable:
        return st.just({})
    # Of the many keys of a runner, those of its tables are what matters most here.
    usable += [field for field in usable if field.name in ("docker", "cache", "feature_flags", "autoscaler")] * 5
    return st.lists(st.sampled_from(usable), max_size=5, unique_by=lambda field: field.name).flatmap(some)


settings = tables(GLOBAL)


def runners(most: int = 3) -> st.SearchStrategy[list[dict[str, Any]]]:
    """[[runners]] entries with different names."""
    one = st.builds(lambda name, rest: {"name": name, **rest}, names, tables(RUNNER))
    return st.lists(one, max_size=most, unique_by=lambda runner: runner["name"])


def without_zeros(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a declaration when what the runner would leave out is left out."""
    known = fields(table)
    left = {}
    for name, value in values.items():
        field = known.by_name[name]
        if isinstance(value, Mapping) and field.table:
            inner = without_zeros(field.table, value)
            if inner or not value:
                left[name] = inner
        elif not (field.zero == "absent" and value in ("", 0, [], {})):
            left[name] = value
    return left


class Writer:
    """Writes data as TOML in ways that are drawn at random, with comments that are counted."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.comments: list[str] = []  # on lines of their own
        self._foreigners = 0
        self.newline = draw(st.sampled_from(["\n", "\r\n"]))
        self.unit = draw(st.sampled_from(["  ", "", "\t"]))

    def text(self, data: Mapping[str, Any]) -> str:
        """The whole document."""
        top, rest = self._split(data)
        lines = [*self._pairs("", top, "")]
        for name, value in rest.items():
            for path, element, array in self._elements((name,), value):
                lines += self._foreign() + self._table(path, element, array, "")
        return "".join(f"{line}{self.newline}" for line in lines)

    def _foreign(self) -> list[str]:
        """A table that nobody declares, in the middle of what belongs together."""
        if self.draw(st.integers(0, 5)):
            return []
        self._foreigners += 1
        return [f"[foreign.t{self._foreigners}]", *self._comment(""), "x = 0x1_0 # sixteen"]

    def _comment(self, indent: str) -> list[str]:
        if not self.draw(st.booleans()):
            return []
        self.comments.append(f"# comment {len(self.comments)}.")
        return [
            *self.draw(st.sampled_from([[], [""]])),
            f"{indent}{self.comments[-1]}",
            *self.draw(st.sampled_from([[], [""]])),
        ]

    def _split(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is written as keys, and what is written below headers."""
        top: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, value in data.items():
            tables = isinstance(value, dict) or (
                isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
            )
            inline = tables and name != "runners" and self.draw(st.integers(0, 3)) == 0
            (rest if tables and not inline else top)[name] = value
        return top, rest

    def _elements(self, path: tuple[str, ...], value: Any) -> list[tuple[tuple[str, ...], Any, bool]]:
        return [(path, element, True) for element in value] if isinstance(value, list) else [(path, value, False)]

    def _table(self, path: tuple[str, ...], table: Mapping[str, Any], array: bool, indent: str) -> list[str]:
        top, rest = self._split(table)
        inner = indent + self.unit
        header = ".".join(map(self.key, path))
        lines: list[str] = []
        # A table may be begun by the headers of tables within it.
        if array or top or not rest or self.draw(st.booleans()):
            lines = [*self._comment(indent), f"{indent}[[{header}]]" if array else f"{indent}[{header}] # here"]
        lines += self._pairs("", top, inner)
        for name, value in rest.items():
            for deeper, element, is_array in self._elements((*path, name), value):
                lines += self._foreign() + self._table(deeper, element, is_array, inner)
        return lines

    def _pairs(self, prefix: str, pairs: Mapping[str, Any], indent: str) -> list[str]:
        lines: list[str] = []
        for name, value in pairs.items():
            key = f"{prefix}{self.key(name)}"
            if isinstance(value, dict) and value and self.draw(st.booleans()):
                lines += self._pairs(f"{key}.", value, indent)
            else:
                lines += [
                    *self._comment(indent),
                    f"{indent}{key} = {self.value(value)}{self.draw(st.sampled_from(['', ' # why']))}",
                ]
        return lines

    def key(self, name: str) -> str:
        """A key, in quotes where it has to be, and sometimes where not."""
        bare = bool(name) and all(sign.isascii() and (sign.isalnum() or sign in "_-") for sign in name)
        return name if bare and self.draw(st.integers(0, 4)) else self._string(name)

    def _string(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")

    def value(self, value: Any) -> str:
        """A value; arrays over several lines with comments, texts in all quotes that can hold them."""
        if isinstance(value, dict):
            return (
                "{ " + ", ".join(f"{self.key(key)} = {self._one_line(member)}" for key, member in value.items()) + " }"
            )
        if isinstance(value, list) and value and self.draw(st.booleans()):
            lines = "".join(f"    {self._one_line(member)}, # member{self.newline}" for member in value)
            return f"[{self.newline}{lines}  ]"
        if isinstance(value, str) and value.isprintable() and "'" not in value and self.draw(st.booleans()):
            return str(self.draw(st.sampled_from([f"'{value}'", f"'''{value}'''"])))
        return self._one_line(value)

    def _one_line(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{self.key(key)}={self._one_line(member)}" for key, member in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._one_line, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, datetime.datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, int):
            return f"{value:_}"
        return self._string(value) if isinstance(value, str) else repr(value)


@st.composite
def written(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, dict[str, Any], list[str]]:
    """A text, the data it was made from, and its comments that have lines of their own."""
    data = {**draw(settings), "foreign_key": draw(_ANY)}
    if entries := draw(runners()):
        data["runners"] = [{**entry, "foreign": draw(texts)} for entry in entries]
    writer = Writer(draw)
    return writer.text(data), data, writer.comments
