# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The values of TOML that hold no others: text, numbers, moments, yes and no."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

# Everything but control characters; a tab is none of those.
_PRINTED = r"[^\x00-\x08\x0a-\x1f\x7f"
_LITERAL = re.compile(rf"{_PRINTED}']*")
_BASIC = re.compile(rf'{_PRINTED}"\\]*')
_LITERAL_LINES = re.compile(rf"(?:{_PRINTED}']|\n)*")
_BASIC_LINES = re.compile(rf'(?:{_PRINTED}"\\]|\n)*')
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_UNICODE = re.compile(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_FOLD = re.compile(r"[ \t]*\n[ \t\n]*")
_WORD = re.compile(r"true|false")
_WORDS = {"true": True, "false": False}
_DIGITS = r"[0-9](?:_?[0-9])*"
_FLOAT = re.compile(
    rf"[+-]?(?:inf|nan|(?:0|[1-9](?:_?[0-9])*)(?:\.{_DIGITS}(?:[eE][+-]?{_DIGITS})?|[eE][+-]?{_DIGITS}))"
)
_INTEGER = re.compile(
    r"0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*|[+-]?(?:0|[1-9](?:_?[0-9])*)"
)
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6})[0-9]*)?"
_MOMENT = re.compile(
    rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:[Tt ]{_TIME}(?:([Zz])|([+-][0-9]{{2}}):([0-9]{{2}}))?)?"
)
_CLOCK = re.compile(_TIME)
_LAST_CODE = 0x10FFFF


class TomlError(ValueError):
    """The place where a text stops being TOML; never what stands there."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}")
        self.line = line
        self.column = column

    @classmethod
    def at(cls, text: str, position: int) -> TomlError:
        """The place of a position."""
        return cls(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def scalar(text: str, position: int) -> tuple[Any, int]:
    """The value at POSITION and where it ends."""
    if text.startswith(('"', "'"), position):
        return string(text, position)
    for pattern, read in ((_WORD, _word), (_MOMENT, _moment), (_CLOCK, _clock), (_FLOAT, _float), (_INTEGER, _integer)):
        found = pattern.match(text, position)
        if found:
            try:
                return read(found), found.end()
            except ValueError:
                break
    raise TomlError.at(text, position)


def _word(found: re.Match[str]) -> bool:
    return _WORDS[found[0]]


def _float(found: re.Match[str]) -> float:
    return float(found[0].replace("_", ""))


def _integer(found: re.Match[str]) -> int:
    return int(found[0].replace("_", ""), 0)


def _time(parts: tuple[str | None, ...], zone: timezone | None = None) -> time:
    hour, minute, second = (int(part or 0) for part in parts[:3])
    return time(hour, minute, second, int((parts[3] or "0").ljust(6, "0")), zone)


def _clock(found: re.Match[str]) -> time:
    return _time(found.groups())


def _moment(found: re.Match[str]) -> date:
    parts = found.groups()
    day = date(int(parts[0]), int(parts[1]), int(parts[2]))
    if parts[3] is None:
        return day
    zone = timezone.utc if parts[7] else None
    if parts[8]:
        zone = timezone(_offset(parts[8], parts[9]))
    return datetime.combine(day, _time(parts[3:7], zone))


def _offset(hours: str, minutes: str) -> timedelta:
    if int(hours[1:]) > 23 or int(minutes) > 59:
        raise ValueError
    offset = timedelta(hours=int(hours[1:]), minutes=int(minutes))
    return -offset if hours[0] == "-" else offset


def string(text: str, position: int) -> tuple[str, int]:
    """Text in any of its four forms."""
    mark = text[position]
    if text.startswith(mark * 3, position):
        return _lines(text, position + 3, mark)
    return line_string(text, position)


def line_string(text: str, position: int) -> tuple[str, int]:
    """Text on one line, which is what a key may be as well."""
    mark, found = text[position], ""
    position += 1
    while True:
        part, position = _run(text, position, _BASIC if mark == '"' else _LITERAL)
        found += part
        if text.startswith(mark, position):
            return found, position + 1
        part, position = _escape(text, position, mark)
        found += part


def _lines(text: str, position: int, mark: str) -> tuple[str, int]:
    found = ""
    if text.startswith("\n", position):
        position += 1
    while True:
        part, position = _run(text, position, _BASIC_LINES if mark == '"' else _LITERAL_LINES)
        found += part
        if text.startswith(mark * 3, position):
            # One or two marks may stand right before the three that end it.
            more = 0
            while more < 2 and text.startswith(mark, position + 3 + more):
                more += 1
            return found + mark * more, position + 3 + more
        if text.startswith(mark, position):
            found, position = found + mark, position + 1
            continue
        fold = _FOLD.match(text, position + 1) if mark == '"' and text.startswith("\\", position) else None
        part, position = ("", fold.end()) if fold else _escape(text, position, mark)
        found += part


def _run(text: str, position: int, pattern: re.Pattern[str]) -> tuple[str, int]:
    match = pattern.match(text, position)
    return (match[0], match.end()) if match else ("", position)


def _escape(text: str, position: int, mark: str) -> tuple[str, int]:
    """What a backslash stands for; whatever else ends a run of plain characters is wrong."""
    if mark == "'" or not text.startswith("\\", position):
        raise TomlError.at(text, position)
    letter = text[position + 1 : position + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], position + 2
    found = _UNICODE.match(text, position + 1)
    code = int(found[1] or found[2], 16) if found else -1
    if not found or code > _LAST_CODE or 0xD800 <= code <= 0xDFFF:
        raise TomlError.at(text, position)
    return chr(code), found.end()
