"""The variables of a job: where they come from, who wins, and what `$NAME` in them means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .config import get

_REFERENCE = re.compile(r"\$\$|\$(\w+)|\$\{(\w+)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` by their values; what is not known becomes nothing, `$$` one dollar."""
    return _REFERENCE.sub(lambda found: "$" if found[0] == "$$" else values.get(found[1] or found[2], ""), text)


def of_runner(runner: Mapping[str, Any]) -> dict[str, str]:
    """The runner's `environment`; an entry without = is dropped."""
    pairs = (str(entry).partition("=") for entry in get(runner, "environment") or [])
    return {key: value for key, equals, value in pairs if equals}


class Variables:
    """All variables of one job; later sources win over earlier ones."""

    def __init__(self, runner: Mapping[str, Any], own: Mapping[str, str], sent: Sequence[Mapping[str, Any]]) -> None:
        raw: dict[str, str] = {**of_runner(runner), **own}
        self.files: set[str] = set()
        self.masked: list[str] = []
        untouched: set[str] = set()
        for entry in sent:
            key, value = str(entry["key"]), str(entry.get("value") or "")
            raw[key] = value
            if entry.get("file"):
                self.files.add(key)
            if entry.get("raw"):
                untouched.add(key)
            if entry.get("masked") and value:
                self.masked.append(value)
        self.values = {key: value if key in untouched else expand(value, raw) for key, value in raw.items()}

    def environment(self) -> list[str]:
        """For a container; files are not there yet, so their variables are left to the script."""
        return [f"{key}={value}" for key, value in self.values.items() if key not in self.files]

    def usable(self) -> dict[str, str]:
        """Those whose name a shell takes."""
        return {key: value for key, value in self.values.items() if _NAME.fullmatch(key)}


def flag(runner: Mapping[str, Any], values: Mapping[str, str], name: str) -> bool:
    """A feature flag: [runners.feature_flags] wins over a variable."""
    flags = get(runner, "feature_flags") or {}
    return bool(flags[name]) if name in flags else values.get(name, "").lower() in ("1", "true")
