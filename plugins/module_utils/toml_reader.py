# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Reading TOML 1.0 on any Python: by the standard library from 3.11 on, by a reader of our own before that.

What is wrong with a text is said by its place alone. Such texts hold secrets, and the standard library's messages quote
names from them.
"""

from __future__ import annotations

import re
from typing import Any, Callable

from ansible_collections.runnerkit.gitlab.plugins.module_utils import toml_values
from ansible_collections.runnerkit.gitlab.plugins.module_utils.toml_values import TomlError

__all__ = ["TomlError", "loads", "parse"]

_standard: Any
try:
    import tomllib as _standard  # novermin
except ImportError:  # Python < 3.11
    _standard = None

_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)\Z")
_BLANK = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\x00-\x08\x0a-\x1f\x7f]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

# How a table came to be decides who may still add to it.
_PATH, _HEADER, _DOTTED, _INLINE = "path", "header", "dotted", "inline"


def loads(text: str) -> dict[str, Any]:
    """A document as plain data; TomlError where it is none."""
    if _standard is None:
        return parse(text)
    try:
        document: dict[str, Any] = _standard.loads(text)
    except _standard.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        lines = text.replace("\r\n", "\n").split("\n")
        line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
        raise TomlError(line, column) from None
    except (ValueError, RecursionError):
        raise TomlError(1, 1) from None
    return document


def parse(text: str) -> dict[str, Any]:
    """The same by our own reader, whichever Python it is."""
    reader = _Reader(text.replace("\r\n", "\n"))
    try:
        reader.document()
        plain: dict[str, Any] = _plain(reader.root)
    except (ValueError, RecursionError) as error:
        if isinstance(error, TomlError):
            raise
        raise TomlError.at(reader.text, reader.position) from None
    return plain


class _Table(dict):  # type: ignore[type-arg]
    """A table and how it came to be."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.made = made


class _Tables(list):  # type: ignore[type-arg]
    """An array of tables, which headers add to; an array that is a value is an ordinary list."""


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


class _Reader:
    """One pass over a document."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.root = _Table(_HEADER)
        self.table = self.root

    def document(self) -> None:
        """Line by line: a header, a pair, or nothing."""
        while self.position < len(self.text):
            self._skip(_BLANK)
            if self._next() == "[":
                self._header()
            elif self._next() not in ("#", "\n", ""):
                self._pair(self.table)
            self._end_of_line()

    def _wrong(self) -> TomlError:
        return TomlError.at(self.text, self.position)

    def _next(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()

    def _take(self, wanted: str) -> bool:
        if not self.text.startswith(wanted, self.position):
            return False
        self.position += len(wanted)
        return True

    def _want(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self._wrong()

    def _end_of_line(self) -> None:
        self._skip(_BLANK)
        self._skip(_COMMENT)
        if self.position < len(self.text):
            self._want("\n")

    def _lines(self) -> None:
        """Blanks, comments and ends of lines, as they may stand within an array."""
        before = -1
        while before != self.position:
            before = self.position
            self._skip(_BLANK)
            self._skip(_COMMENT)
            self._take("\n")

    def _header(self) -> None:
        several = self._take("[[")
        if not several:
            self._want("[")
        path = self._key()
        self._want("]]" if several else "]")
        parent = self._walk(self.root, path[:-1])
        self.table = self._open_several(parent, path[-1]) if several else self._open(parent, path[-1])

    def _walk(self, table: _Table, path: list[str]) -> _Table:
        """The table that a header's path leads to; of an array of tables the last one."""
        for key in path:
            found = table.setdefault(key, _Table(_PATH))
            if isinstance(found, _Tables):
                found = found[-1]
            if not isinstance(found, _Table) or found.made == _INLINE:
                raise self._wrong()
            table = found
        return table

    def _open(self, parent: _Table, key: str) -> _Table:
        found = parent.setdefault(key, _Table(_PATH))
        # Only what stood in a path so far is not defined yet.
        if not isinstance(found, _Table) or found.made != _PATH:
            raise self._wrong()
        found.made = _HEADER
        return found

    def _open_several(self, parent: _Table, key: str) -> _Table:
        found = parent.setdefault(key, _Tables())
        if not isinstance(found, _Tables):
            raise self._wrong()
        found.append(_Table(_HEADER))
        opened: _Table = found[-1]
        return opened

    def _pair(self, table: _Table) -> None:
        path = self._key()
        self._want("=")
        self._skip(_BLANK)
        value = self._value()
        for key in path[:-1]:
            found = table.setdefault(key, _Table(_DOTTED))
            if not isinstance(found, _Table) or found.made != _DOTTED:
                raise self._wrong()
            table = found
        if path[-1] in table:
            raise self._wrong()
        table[path[-1]] = value

    def _key(self) -> list[str]:
        path = []
        while True:
            self._skip(_BLANK)
            path.append(self._part())
            self._skip(_BLANK)
            if not self._take("."):
                return path

    def _part(self) -> str:
        if self._next() in ("'", '"'):
            return str(self._by(toml_values.line_string))
        found = _BARE_KEY.match(self.text, self.position)
        if not found:
            raise self._wrong()
        self.position = found.end()
        return str(found[0])

    def _by(self, read: Callable[[str, int], tuple[Any, int]]) -> Any:
        value, self.position = read(self.text, self.position)
        return value

    def _value(self) -> Any:
        if self._next() == "[":
            return self._array()
        if self._next() == "{":
            return self._inline()
        return self._by(toml_values.scalar)

    def _array(self) -> list[Any]:
        self._want("[")
        found: list[Any] = []
        while True:
            self._lines()
            if self._take("]"):
                return found
            found.append(self._value())
            self._lines()
            if not self._take(","):
                self._want("]")
                return found

    def _inline(self) -> _Table:
        self._want("{")
        found = _Table(_DOTTED)
        self._skip(_BLANK)
        if not self._take("}"):
            while True:
                self._pair(found)
                self._skip(_BLANK)
                if not self._take(","):
                    break
            self._want("}")
        _close(found)
        return found


def _close(table: _Table) -> None:
    """Nothing may be added to an inline table, nor to what its dotted keys made."""
    table.made = _INLINE
    for value in table.values():
        if isinstance(value, _Table):
            _close(value)
