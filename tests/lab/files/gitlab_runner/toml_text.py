"""TOML as the runner writes it: two blanks per level, no comments, every table under its full name."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def _text(value: str) -> str:
    # JSON escapes as TOML does, but for the one character that TOML forbids and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return _text(str(value))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    indent = "  " * len(path)
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _is_tables(value):
            yield f"{indent}{_key(key)} = {_value(value)}"
    for key, value in table.items():
        name = ".".join(_key(part) for part in (*path, key))
        if isinstance(value, Mapping):
            if not path:
                yield ""
            yield f"{indent}[{name}]"
            yield from _lines(value, (*path, key))
        elif _is_tables(value):
            for item in value:
                if not path:
                    yield ""
                yield f"{indent}[[{name}]]"
                yield from _lines(item, (*path, key))


def dumps(data: Mapping[str, Any]) -> str:
    """The text of a file."""
    return "\n".join(_lines(data, ())) + "\n"
