# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A value changed in its own form: an array over several lines keeps its comments, an inline table its blanks."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import identical
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_render import value_text

try:
    import tomlkit
    import tomlkit.exceptions
except ImportError:
    # Without it the actions say so (runner_options.need); this file can still be loaded.
    pass


def changed_value(written: str, before: Any, value: Any, newline: str) -> str:
    """The text of the new value, as much like the written one as can be; NEWLINE ends the file's lines."""
    for attempt in (_edited(written, before, value, newline), _multi_line(written, value, newline)):
        if attempt is not None and _says(attempt, value):
            return attempt
    return value_text(value)


def _says(text: str, value: Any) -> bool:
    """Whether a text is this value; a library's edit is believed only then."""
    try:
        return identical(tomllib.loads(f"value = {text}\n"), {"value": value})
    except tomllib.TOMLDecodeError:
        return False


def _edited(written: str, before: Any, value: Any, newline: str) -> str | None:
    both_tables = isinstance(before, Mapping) and isinstance(value, Mapping)
    both_lists = isinstance(before, list) and isinstance(value, list) and "\n" in written
    if not both_tables and not both_lists:
        return None
    try:
        item = tomlkit.value(written.replace("\r\n", "\n"))
        if both_tables:
            _edit_table(item, before, value)
        else:
            _edit_array(item, before, value)
    except (tomlkit.exceptions.TOMLKitError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return str(item.as_string()).replace("\n", newline)


def _edit_table(item: Any, before: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    for key in before:
        if key not in value:
            item.remove(key)
    for key, member in value.items():
        if key in before and isinstance(member, Mapping) and isinstance(before[key], Mapping):
            _edit_table(item[key], before[key], member)
        elif key not in before or not identical(before[key], member):
            item[key] = member


def _edit_array(item: Any, before: Sequence[Any], value: Sequence[Any]) -> None:
    old, new = [repr(member) for member in before], [repr(member) for member in value]
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for how, low, high, new_low, new_high in reversed(changes):
        if how == "equal":
            continue
        for position in reversed(range(low, high)):
            del item[position]
        for position, member in enumerate(value[new_low:new_high]):
            item.insert(low + position, member)


def _multi_line(written: str, value: Any, newline: str) -> str | None:
    """A text that was written over several lines stays so."""
    if not isinstance(value, str) or "\n" not in value or not written.startswith(('"""', "'''")):
        return None
    body = tomlkit.string(value, multiline=True).as_string()[3:-3]
    if body.endswith('"'):
        body = f'{body[:-1]}\\"'  # older parsers take the first three of four quotes for the end
    return f'"""{newline}{body.replace(chr(10), newline)}"""'
