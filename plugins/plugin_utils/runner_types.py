# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whether a value is of the type that the runner reads a key as, and how to say that it is not."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_fields import Field
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_meaning import duration
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_secrets import masked_value

_WORDS = {
    "string": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "duration": "a duration such as 1h30m",
    "datetime": "a time",
    "table": "a mapping",
    "tables": "a list of mappings",
    "string or list": "text or a list of texts",
    "any": "a value",
}
_MEMBERS = {"string": "texts", "int": "whole numbers", "float": "numbers", "bool": "true or false"}
_LARGEST = 2**63
_LONGEST = 60


def words(kind: str) -> str:
    """What a type is called in a sentence."""
    item = kind.partition("<")[2][:-1]
    if kind.startswith("list<"):
        return f"a list of {_MEMBERS.get(item, 'values')}"
    if kind.startswith("map<"):
        return "a mapping"
    return _WORDS.get(kind, kind)


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a type of the data; what lies within lists and mappings is not looked at."""
    if isinstance(value, Mapping):
        return kind in ("table", "any") or kind.startswith("map<")
    if isinstance(value, (list, tuple)):
        return kind in ("tables", "string or list", "any") or kind.startswith("list<")
    if isinstance(value, bool):
        return kind in ("bool", "any")
    if isinstance(value, (int, float)):
        return _is_number(kind, value)
    if isinstance(value, str):
        return kind in ("string", "string or list", "any") or (kind == "duration" and duration(value) is not None)
    return kind in ("datetime", "any") and isinstance(value, (datetime.datetime, datetime.date, datetime.time))


def _is_number(kind: str, value: float) -> bool:
    if kind in ("float", "any") or (kind in ("int", "duration") and isinstance(value, int)):
        return not isinstance(value, int) or -_LARGEST <= value < _LARGEST
    return False


def remedy(field: Field, value: Any) -> str:
    """How to write a value of the wrong type rightly, where that can be told."""
    kind = field.type
    if kind in ("string", "string or list") and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if kind in ("int", "bool", "float") and isinstance(value, str):
        return "; write it without quotes" if _unquoted(kind, value) else ""
    if field.is_list and isinstance(value, (str, int, float)):
        return "; write it as a list of one"
    if kind == "tables" and isinstance(value, Mapping):
        return "; write it as a list of one"
    return ""


def _unquoted(kind: str, value: str) -> bool:
    pattern = {"int": r"[+-]?\d+", "bool": r"true|false|yes|no", "float": r"[+-]?\d+(\.\d+)?"}[kind]
    return bool(re.fullmatch(pattern, value.strip(), re.IGNORECASE))


def shown(path: str, value: Any) -> str:
    """A value in a sentence: never a secret, never a page of it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(masked_value(path, value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
