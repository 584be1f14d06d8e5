# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What probes made on an engine, told from what others made, and removed.

A label alone does not tell: whoever builds an image from one that has it, or writes it for reasons of his own, gets
jobs whose containers have it, too. What is removed also has a name that only a probe gives.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_stuck import release

LABEL = "runnerkit.probe"
NAME = "runnerkit-probe-"

# Twelve digits of a UUID: the value of the label, and what follows in names.
_MARK = re.compile(r"[0-9a-f]{12}")
_CONTAINER = re.compile(rf"/{NAME}[0-9a-f]{{12}}")
_TAG = re.compile(rf"{NAME}[0-9a-f]{{12}}:[0-9a-f]+")
_UNTAGGED = "<none>:<none>"


class _Leftover(NamedTuple):
    """Something to remove: its path in the API, and how; `container` is its identifier if it is one."""

    path: str
    query: Mapping[str, bool]
    container: str | None


def remove_marked(engine: Engine, mark: str) -> int:
    """Remove the containers, then the images, of the run with this mark; how many there were."""
    return _remove(engine, _marked(engine, mark, None))


def remove_leftovers(engine: Engine, before: float) -> int:
    """The same for any run's that were made BEFORE."""
    return _remove(engine, _marked(engine, None, before))


def _remove(engine: Engine, found: Iterator[_Leftover]) -> int:
    count = 0
    for leftover in found:
        count += 1
        try:
            engine.delete(leftover.path, query=leftover.query)
        except EngineError:
            if leftover.container:
                release(leftover.container)
    return count


def _marked(engine: Engine, mark: str | None, before: float | None) -> Iterator[_Leftover]:
    label = LABEL if mark is None else f"{LABEL}={mark}"
    for kind, select in (("containers", _container), ("images", _image)):
        query = {"all": kind == "containers", "filters": {"label": [label]}}
        for found in _objects(engine.get(f"/{kind}/json", query=query)):
            if _MARK.fullmatch(_label(found)) and (before is None or _created(found) < before):
                yield from select(found, mark)


def _container(found: Mapping[str, Any], _mark: str | None) -> Iterator[_Leftover]:
    if any(_CONTAINER.fullmatch(name) for name in _texts(found.get("Names"))):
        # Of its volumes, only those without a name go with it.
        yield _Leftover(f"/containers/{found['Id']}", {"force": True, "v": True}, found["Id"])


def _image(found: Mapping[str, Any], mark: str | None) -> Iterator[_Leftover]:
    """By its names, so that an image that somebody gave another name stays under that."""
    tags = [tag for tag in _texts(found.get("RepoTags")) if tag != _UNTAGGED]
    for tag in tags:
        if _TAG.fullmatch(tag):
            # A stopped container that still needs an old image is somebody's: the probe's own went before.
            yield _Leftover(f"/images/{tag}", {"force": mark is not None}, None)
    if not tags and mark is not None:
        # An import that was cut short, or done twice. Nobody else knows the mark.
        yield _Leftover(f"/images/{found['Id']}", {"force": True}, None)


def _objects(answer: Any) -> list[dict[str, Any]]:
    entries = answer if isinstance(answer, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("Id"), str)]


def _label(entry: Mapping[str, Any]) -> str:
    labels = entry.get("Labels")
    return str(labels.get(LABEL)) if isinstance(labels, dict) else ""


def _texts(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _created(entry: Mapping[str, Any]) -> float:
    created = entry.get("Created")
    return float(created) if isinstance(created, (int, float)) else float("inf")
