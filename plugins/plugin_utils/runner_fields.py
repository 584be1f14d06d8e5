# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The keys of GitLab Runner's config.toml with their types, read from data/runner_schema.json."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

_DATA = pathlib.Path(__file__).with_name("data") / "runner_schema.json"
GLOBAL = "global"
RUNNER = "runner"
RUNNERS = "runners"


@dataclasses.dataclass(frozen=True)
class Field:
    """What the runner knows of one key."""

    name: str
    type: str
    table: str | None = None  # the table that a key of the type `table` or `tables` holds
    since: str | None = None
    removed: str | None = None
    now: str | None = None  # what to use instead of a removed key
    enum: tuple[str, ...] = ()
    zero: str | None = None  # `absent`: an empty, false or 0 value means the same as no key
    owned: bool = False  # the runner itself writes it
    restart: bool = False  # the runner reads it only when it starts
    executors: tuple[str, ...] = ()  # the only ones that read it; none: all of them

    @property
    def item(self) -> str | None:
        """The type of the members of a list or a map."""
        return self.type.partition("<")[2][:-1] or None

    @property
    def is_map(self) -> bool:
        """Whether it is a table with keys of the user's own."""
        return self.type.startswith("map<")

    @property
    def is_list(self) -> bool:
        return self.type.startswith("list<")


class Fields:
    """The keys of one table. Without keys it stands for a table of which nothing is known, such as a map's."""

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        self.by_name = {field.name: field for field in fields}
        self._folded: dict[str, Field] = {}
        for field in self.by_name.values():
            self._folded.setdefault(field.name.casefold(), field)
        self._order = {name: position for position, name in enumerate(self.by_name)}

    def get(self, name: str) -> Field | None:
        """The key of this name as the runner finds it: exactly, else whatever the case of its letters."""
        return self.by_name.get(name) or self._folded.get(name.casefold())

    def canonical(self, name: str) -> str:
        """The runner's own spelling of a key."""
        field = self.get(name)
        return field.name if field else name

    def place(self, name: str) -> int:
        """Where the runner writes the key; unknown ones come last."""
        return self._order.get(self.canonical(name), len(self._order))

    def inside(self, name: str) -> Fields:
        """The keys of the table, or of the array of tables, that a key holds."""
        field = self.get(name)
        return fields(field.table) if field and field.table else NONE

    def find(self, present: Mapping[str, Any], name: str) -> str | None:
        """How a key is spelt in a table of the file, when it is there."""
        if name in present:
            return name
        field = self.get(name)
        if field is None:
            return None
        if field.name in present:
            return field.name
        folded = field.name.casefold()
        return next((key for key in present if key.casefold() == folded), None)


NONE = Fields()


@functools.cache
def _data() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return content


@functools.cache
def fields(table: str) -> Fields:
    """The keys of a table by its name in the data: `global`, `runner`, `runner.docker`, ..."""
    return Fields(_field(name, entry) for name, entry in _data()["tables"][table].items())


def _field(name: str, entry: Mapping[str, Any]) -> Field:
    facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Field(name, **facts)


def removed_executors() -> tuple[str, ...]:
    """Executors of older runners."""
    return tuple(_data()["removed_executors"])


def feature_flags() -> tuple[str, ...]:
    """The feature flags that the runner has."""
    return tuple(_data()["feature_flags"])


@functools.cache
def key_names() -> frozenset[str]:
    """Every key of the runner's, whatever its table."""
    return frozenset(name for table in _data()["tables"].values() for name in table)
