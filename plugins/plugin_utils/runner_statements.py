# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A TOML text cut into statements, each with its place, so that one can be changed without touching another.

Libraries that keep a document's form move what stands in an unusual place (a table's parts that lie apart, comments
before a header). Cutting and replacing pieces of the text moves nothing. The text has to be valid TOML; the caller has
read it with tomllib before.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from typing import Literal

_BASIC = r'"(?:[^"\\\n]++|\\.)*+"'
_LITERAL = r"'[^'\n]*+'"
_PART = rf"(?:[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL})"
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*+"
_PARTS = re.compile(_PART)
_BLANK = re.compile(r"[ \t]*(?:\r?\n|$)")
_COMMENT = re.compile(r"[ \t]*#[^\n]*(?:\n|$)")
_HEADER = re.compile(rf"[ \t]*(?P<open>\[\[?)[ \t]*(?P<key>{_KEY})[ \t]*\]\]?")
_PAIR = re.compile(rf"[ \t]*(?P<key>{_KEY})[ \t]*=[ \t]*")
_REST = re.compile(r"[^\n]*(?:\n|$)")
_MEMBER = re.compile(rf"(?P<key>{_KEY})[ \t]*=[ \t]*")
_FILL = re.compile(r"(?:[ \t\r\n,]++|#[^\n]*+)*+")
# A multi-line text may end in one or two quotes of its own before the three that close it.
_TEXT = re.compile(
    r'"{3}(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*+"{3,5}'
    r"|'{3}(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    rf"|{_BASIC}|{_LITERAL}"
)
# A date may be parted from its time by a blank.
_PLAIN = re.compile(r"[^\s,\]}#]+(?:[ ]\d\d:[^\s,\]}#]+)?")

Key = tuple[str, ...]


@dataclasses.dataclass(slots=True)
class Value:
    """A value's place in the text; arrays and inline tables have members, those of tables with their keys."""

    start: int
    end: int
    kind: Literal["text", "plain", "array", "table"]
    members: list[tuple[Key, Value]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Statement:
    """Whole lines of the text: a blank line, a comment, a header ([table] or [[tables]]), or a key with its value."""

    start: int
    end: int
    kind: Literal["blank", "comment", "table", "tables", "pair"]
    key: Key = ()
    written_key: str = ""
    value: Value | None = None


def _key(written: str) -> Key:
    parts = []
    for part in _PARTS.findall(written):
        if part[0] in "\"'":
            part = str(tomllib.loads(f"key = {part}")["key"]) if "\\" in part else part[1:-1]
        parts.append(part)
    return tuple(parts)


def _value(text: str, start: int) -> Value:
    opening = text[start]
    if opening in "\"'":
        match = _TEXT.match(text, start)
        if match is None:
            raise ValueError("a text without its end")
        return Value(start, match.end(), "text")
    if opening not in "[{":
        match = _PLAIN.match(text, start)
        if match is None:
            raise ValueError("a key without its value")
        return Value(start, match.end(), "plain")
    table = opening == "{"
    found = Value(start, start, "table" if table else "array")
    position = _skip(text, start + 1)
    while text[position] not in "]}":
        key: Key = ()
        if table:
            match = _MEMBER.match(text, position)
            if match is None:
                raise ValueError("an inline table without a key")
            key, position = _key(match["key"]), match.end()
        member = _value(text, position)
        found.members.append((key, member))
        position = _skip(text, member.end)
    found.end = position + 1
    return found


def _skip(text: str, position: int) -> int:
    match = _FILL.match(text, position)
    return match.end() if match else position


def _line_end(text: str, position: int) -> int:
    match = _REST.match(text, position)
    return match.end() if match else len(text)


def statements(text: str) -> Iterator[Statement]:
    """The statements of a valid TOML text in their order; together they are the whole text."""
    position = 0
    while position < len(text):
        if match := _BLANK.match(text, position):
            yield Statement(position, match.end(), "blank")
            position = match.end()
        elif match := _COMMENT.match(text, position):
            yield Statement(position, match.end(), "comment")
            position = match.end()
        elif match := _HEADER.match(text, position):
            end = _line_end(text, match.end())
            kind: Literal["table", "tables"] = "tables" if match["open"] == "[[" else "table"
            yield Statement(position, end, kind, _key(match["key"]), match["key"])
            position = end
        elif match := _PAIR.match(text, position):
            value = _value(text, match.end())
            end = _line_end(text, value.end)
            yield Statement(position, end, "pair", _key(match["key"]), match["key"], value)
            position = end
        else:
            raise ValueError("a line that is no statement")
