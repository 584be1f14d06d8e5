# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Keys, values and tables as the runner writes them: two blanks a level, keys in its own order, tables last."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import Fields
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_statements import Key

try:
    import tomlkit
    import tomlkit.exceptions
except ImportError:
    # Without it the actions say so (runner_options.need); this file can still be loaded.
    pass

_BARE = re.compile(r"[A-Za-z0-9_-]+")
LEVEL = "  "
_LARGEST = 2**63


def key_text(name: str) -> str:
    """One part of a key."""
    return name if _BARE.fullmatch(name) else value_text(name)


def path_text(path: Key) -> str:
    """A key with its tables, as a header has it."""
    return ".".join(map(key_text, path))


def value_text(value: Any) -> str:
    """A value on one line; ValueError when TOML has no form for it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(key)} = {value_text(member)}" for key, member in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        raise ValueError("a number too large for TOML")
    if isinstance(value, str) and not value.isascii():
        value.encode()  # half a surrogate pair has no form in any file
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if value is None:
        raise ValueError("a null, for which TOML has no form")
    try:
        return str(tomlkit.item(value).as_string())
    except tomlkit.exceptions.TOMLKitError as error:
        raise ValueError("a value of a kind that TOML does not have") from error


def is_tables(value: Any) -> bool:
    """Whether a value is written as an array of tables."""
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(member, Mapping) for member in value)


def in_order(table: Mapping[str, Any], known: Fields) -> list[str]:
    """The keys in the order in which the runner writes them."""
    return sorted(table, key=known.place)


def pair_lines(table: Mapping[str, Any], known: Fields, indent: str, prefix: str = "") -> list[str]:
    """The lines of a table's own keys, those of its tables left out."""
    return [
        f"{indent}{prefix}{key_text(name)} = {value_text(table[name])}"
        for name in in_order(table, known)
        if not isinstance(table[name], Mapping) and not is_tables(table[name])
    ]


def table_lines(path: Key, table: Mapping[str, Any], known: Fields, indent: str, unit: str, array: bool) -> list[str]:
    """The lines of a table with everything in it."""
    opening, closing = ("[[", "]]") if array else ("[", "]")
    inner = indent + unit
    return [
        f"{indent}{opening}{path_text(path)}{closing}",
        *pair_lines(table, known, inner),
        *inner_lines(path, table, known, inner, unit),
    ]


def inner_lines(path: Key, table: Mapping[str, Any], known: Fields, indent: str, unit: str) -> list[str]:
    """The lines of the tables within a table."""
    lines = []
    for name in in_order(table, known):
        value, inside = table[name], known.inside(name)
        elements: Sequence[Any] = [value] if isinstance(value, Mapping) else value if is_tables(value) else []
        for element in elements:
            lines += table_lines((*path, name), element, inside, indent, unit, array=not isinstance(value, Mapping))
    return lines
