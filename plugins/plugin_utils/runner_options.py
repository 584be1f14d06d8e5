# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Options of the runner's action plugins, checked so that no message quotes a value: any of them may be a token."""

from __future__ import annotations

import datetime
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import PATH

# What the actions that keep config.toml have in common; their modules' documentation describes it. `raw` is checked
# here, so that no value is quoted.
FILE: dict[str, Any] = {
    "path": {"type": "str", "default": PATH},
    "config": {"type": "raw"},
    "runners": {"type": "raw"},
    "exclusive": {"type": "bool", "default": False},
    "allow_unknown_keys": {"type": "bool", "default": False},
    "version": {"type": "str"},
    "backup": {"type": "bool", "default": False},
}

# Libraries whose packages have other names.
_PACKAGES = {"gitlab": "python-gitlab"}


class OptionError(ValueError):
    """An option is wrong; the text is a sentence without its value."""


def need(library: str) -> None:
    """OptionError when the controller lacks a library."""
    if importlib.util.find_spec(library) is None:
        package = _PACKAGES.get(library, library)
        raise OptionError(
            f"the controller's Python ({sys.executable}) has no {package}; install it there with "
            f"`{sys.executable} -m pip install {package}`"
        )


def checked(arguments: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """ARGUMENTS by the rules of an argument spec. Its validator quotes values, so dictionaries and lists of them, whose
    type is `raw` in SPEC, are for `settings` and `runners`.
    """
    found = ArgumentSpecValidator(dict(spec)).validate(dict(arguments))
    if found.error_messages:
        raise OptionError("; ".join(found.error_messages))
    validated: dict[str, Any] = found.validated_parameters
    return validated


def settings(value: Any, option: str) -> dict[str, Any]:
    """A dictionary as plain data; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise OptionError(f"{option} has to be a dictionary, it is {_kind(value)}")
    made: dict[str, Any] = plain(value)
    return made


def runners(value: Any, option: str = "runners") -> list[dict[str, Any]]:
    """A list of dictionaries, each with a name, as plain data; nothing is an empty one."""
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise OptionError(f"{option} has to be a list, it is {_kind(value)}")
    made = [settings(each, f"{option}[{index}]") for index, each in enumerate(value)]
    for index, each in enumerate(made):
        if not isinstance(each.get("name"), str) or not each["name"]:
            raise OptionError(
                f"{option}[{index}] has no name; give it the one that it has or shall have in config.toml"
            )
        if each.get("state", "present") not in ("present", "absent"):
            raise OptionError(f"{option}[{index}].state has to be present or absent")
    return made


def plain(value: Any) -> Any:
    """A copy in Python's own types: Ansible's carry tags, as where a value stood and what it was decrypted from."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return _moment(value)
    return str(value)


def _moment(value: datetime.datetime | datetime.date | datetime.time) -> Any:
    """YAML makes dates of some texts, and Ansible tags them."""
    for kind in (datetime.datetime, datetime.date, datetime.time):
        if isinstance(value, kind):
            return kind.fromisoformat(value.isoformat())
    return value


def _kind(value: Any) -> str:
    """A type in YAML's words."""
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Sequence):
        return "a list"
    return "a number" if isinstance(value, int | float) and not isinstance(value, bool) else "something else"
