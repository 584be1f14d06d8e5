# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A runner's `environment`, a list of NAME=value in config.toml.

Declared as a list it is the whole of it. Declared as a dictionary its variables are set one by one, those that others
wrote stay, and a null takes one out; modes declare theirs that way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEY = "environment"


def listed(environment: Any) -> list[str]:
    """The variables as the file has them."""
    if isinstance(environment, Mapping):
        return [f"{name}={_text(value)}" for name, value in environment.items() if value is not None]
    if isinstance(environment, Sequence) and not isinstance(environment, str | bytes):
        return [str(each) for each in environment]
    return []


def table(environment: Any) -> dict[str, str]:
    """Name and value of each variable; of several assignments to one the last counts."""
    return dict(each.partition("=")[::2] for each in listed(environment))


def resolved(runner: Mapping[str, Any], there: Any = None) -> Mapping[str, Any]:
    """The runner with its `environment` as a list; THERE is what the file has."""
    declared = runner.get(KEY)
    if not isinstance(declared, Mapping):
        return runner
    left = {str(name): value for name, value in declared.items()}
    found = []
    for each in listed(there):
        name = each.partition("=")[0]
        if name not in declared:
            found.append(each)
        elif name in left and left[name] is not None:
            found.append(f"{name}={_text(left.pop(name))}")
    found += listed(left)
    return {**runner, KEY: found or None}


def _text(value: Any) -> str:
    """As YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
