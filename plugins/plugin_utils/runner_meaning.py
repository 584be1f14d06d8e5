# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""When two values of config.toml mean the same to the runner, and what a file means once declared keys are set."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import Field, Fields

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_UNIT = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"([+-]?)((?:{_UNIT.pattern})+|0)")


def duration(value: Any) -> int | None:
    """Nanoseconds of a duration, which is a text such as 1h30m or a number of nanoseconds; None when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    total = 0
    for number, unit in _UNIT.findall(match[2]):
        whole, _, fraction = number.partition(".")
        scale = _UNITS[unit]
        total += int(whole or 0) * scale + int(fraction or 0) * scale // 10 ** len(fraction)
    return -total if match[1] == "-" else total


def plain(field: Field | None, value: Any, inside: Fields) -> Any:
    """A declared value as it is written: no nulls in tables, keys in the runner's spelling, 2 for a float as 2.0."""
    if isinstance(value, Mapping):
        return {
            inside.canonical(str(key)): plain(inside.get(key), member, inside.inside(key))
            for key, member in value.items()
            if member is not None
        }
    if isinstance(value, (list, tuple)):
        return [plain(_member(field), member, inside) for member in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return float(value) if _type(field) == "float" else int(value)
    # Ansible's texts and times are of classes of their own, which know where they came from.
    return _own_class(value)


def _own_class(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime.datetime):
        return datetime.datetime.combine(value.date(), value.timetz())
    return value


def _type(field: Field | None) -> str | None:
    return field.type if field else None


def _member(field: Field | None) -> Field | None:
    """What is known of the members of a list."""
    return Field(field.name, field.item) if field and field.is_list and field.item else None


def canonical(field: Field | None, value: Any, inside: Fields) -> Any:
    """A form of a value that is equal for values of the same meaning, and that can be a key of a dictionary."""
    kind = _type(field)
    if isinstance(value, Mapping):
        members = ((key, member) for key, member in value.items() if member is not None)
        return (
            "table",
            frozenset(
                (inside.canonical(str(key)), canonical(inside.get(key), member, inside.inside(key)))
                for key, member in members
                if not is_absent(inside.get(key), member)
            ),
        )
    if kind == "string or list" and isinstance(value, str):
        value = [value]
    if isinstance(value, (list, tuple)):
        return ("list", tuple(canonical(_member(field), member, inside) for member in value))
    if kind == "duration" and (nanoseconds := duration(value)) is not None:
        return ("duration", nanoseconds)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return _scalar(value)


def _scalar(value: Any) -> tuple[str, Any]:
    value = plain(None, value, Fields())
    if isinstance(value, float) and value != value:
        return ("float", "nan")
    # Of datetimes the point in time counts; one without a zone is never equal to one with a zone.
    return (type(value).__name__, value)


def same(field: Field | None, one: Any, other: Any, inside: Fields) -> bool:
    """Whether two values mean the same to the runner."""
    return bool(canonical(field, one, inside) == canonical(field, other, inside))


def is_absent(field: Field | None, value: Any) -> bool:
    """Whether a value means the same as no key at all: the runner leaves it out when it saves the file."""
    return field is not None and field.zero == "absent" and value in ("", 0, False, [], {})


def merged(before: Mapping[str, Any], wanted: Mapping[str, Any], known: Fields) -> dict[str, Any]:
    """What a table means once the wanted keys are set: tables key by key, null removes, the same in meaning stays."""
    after = dict(before)
    for key, value in wanted.items():
        present, field, inside = known.find(before, key), known.get(key), known.inside(key)
        if present is not None and removes(field, value, before[present]):
            after.pop(present, None)
        elif value is None:
            continue
        elif present is None:
            if (new := addition(field, value, inside)) is not None:
                after[known.canonical(str(key))] = new
        elif isinstance(value, Mapping) and isinstance(before[present], Mapping):
            after[present] = merged(before[present], value, inside)
        elif not same(field, before[present], value, inside):
            after[present] = plain(field, value, inside)
    return after


def removes(field: Field | None, value: Any, before: Any) -> bool:
    """Whether a wanted value takes a key out; an array of tables has no other way to be empty."""
    return value is None or (bool(before) and is_absent(field, value) and field is not None and field.type == "tables")


def addition(field: Field | None, value: Any, inside: Fields) -> Any:
    """What is written for a key that is not there yet; None when nothing has to be."""
    if is_absent(field, value):
        return None
    if isinstance(value, Mapping) and value:
        # A table that would be empty because nothing in it says anything is not begun.
        return merged({}, value, inside) or None
    return plain(field, value, inside)


def identical(one: Any, other: Any) -> bool:
    """Equality of parsed data that tells 1 from 1.0 and true, and order in tables not at all."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def entries(data: Mapping[str, Any], name: str, known: Fields) -> Sequence[Any]:
    """The members of an array of tables, whatever the case in which its key is written; none when it is none."""
    present = known.find(data, name)
    found = data[present] if present is not None else []
    return found if isinstance(found, list) else []
