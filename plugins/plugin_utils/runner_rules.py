# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the runner demands of single values beyond their types; it ends, or ignores the entry, where it is not met."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_types import shown

_LABEL = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{2,64}")
_LABEL_VALUE = re.compile(r"[a-zA-Z0-9._-]{1,256}")
_MOST_LABELS = 32
_SIZE = re.compile(r"\d+(?:\.\d+)? ?(?:[kmgtp]?i?b?)", re.IGNORECASE)
_CPUS = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_LOG_OPTIONS = ("env", "labels")

# A rule gets a value of the right type. It says where in the value something is wrong
# (what follows the path), and what.
Rule = Callable[[Any], Iterator[tuple[str, str]]]


def _at_least_one(value: Any) -> Iterator[tuple[str, str]]:
    if value < 1:
        yield "", f"is {value}, with which the runner ends; it has to be 1 or more"


def _labels(value: Any) -> Iterator[tuple[str, str]]:
    if len(value) > _MOST_LABELS:
        yield "", f"has {len(value)} labels; the runner takes {_MOST_LABELS} at most"
    signs = "letters, digits, dots, hyphens or underscores"
    for key, label in value.items():
        if not _LABEL.fullmatch(str(key)):
            yield "", f"has the label {str(key)!r}; a name has to be 3 to 65 {signs}, the first no dot and no hyphen"
        if isinstance(label, str) and not _LABEL_VALUE.fullmatch(label):
            yield f".{key}", f"has to be 1 to 256 {signs}, not {shown('', label)}"


def _variables(value: Any) -> Iterator[tuple[str, str]]:
    for index, entry in enumerate(value):
        if isinstance(entry, str) and not entry.partition("=")[1]:
            yield f"[{index}]", "has no `=`, so that the runner drops it; write it as NAME=value"


def _size(value: Any) -> Iterator[tuple[str, str]]:
    if value and not _SIZE.fullmatch(value):
        yield "", f"has to be a size such as 512m or 2g, not {shown('', value)}"


def _cpus(value: Any) -> Iterator[tuple[str, str]]:
    if value and not _CPUS.fullmatch(value):
        yield "", f"has to be a number in quotes such as '1.5', not {shown('', value)}"


def _url(value: Any) -> Iterator[tuple[str, str]]:
    if value and "$" not in value and not re.match(r"https?://[^/\s]", value, re.IGNORECASE):
        yield "", f"has to begin with https:// or http://, not {shown('', value)}"


def _machine_name(value: Any) -> Iterator[tuple[str, str]]:
    if "%s" not in value:
        yield "", f"has to contain %s, where the runner puts a name of its own, not {shown('', value)}"


def _machine_options(value: Any) -> Iterator[tuple[str, str]]:
    for index, entry in enumerate(value):
        if isinstance(entry, str) and "%s" not in entry:
            yield f"[{index}]", "has to contain %s, where the runner puts the machine's name"


def _log_options(value: Any) -> Iterator[tuple[str, str]]:
    for key in value:
        if key not in _LOG_OPTIONS:
            yield f".{key}", f"is an option that the runner refuses; it takes {' and '.join(_LOG_OPTIONS)} only"


# By the name of the table in the data and the key.
RULES: Mapping[tuple[str, str], Rule] = {
    ("global", "concurrent"): _at_least_one,
    ("global", "labels"): _labels,
    ("runner", "labels"): _labels,
    ("runner", "environment"): _variables,
    ("runner", "url"): _url,
    ("runner.docker.services", "environment"): _variables,
    ("runner.docker", "log_options"): _log_options,
    **{
        ("runner.docker", f"{prefix}{key}"): rule
        for prefix in ("", "service_")
        for key, rule in (("memory", _size), ("memory_swap", _size), ("memory_reservation", _size), ("cpus", _cpus))
    },
    ("runner.machine", "MachineName"): _machine_name,
    ("runner.machine", "MachineOptionsWithName"): _machine_options,
}
