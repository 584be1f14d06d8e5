# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Whose image a reference names: an official one, a copy of one on a mirror, or somebody's own.

Anyone may call an image alpine. Only the way to it tells that it is the one of that distribution: its publisher's
registry, Docker Hub's directory of official images, or a directory that a mirror or a proxy keeps copies in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_reference import (
    DEFAULT_REGISTRY,
    OFFICIAL,
    ImageReference,
    names_registry,
)

_TABLE: Mapping[str, Any] = tables.load("images")["origins"]
_OFFICIAL = frozenset(_TABLE["official"])
_NAMED_BY_BASE = tuple(_TABLE["named_by_base"])
_COPIES_BELOW = frozenset(_TABLE["copies_below"])
_ARCHITECTURES: Mapping[str, str] = _TABLE["architectures"]
# Where podman files images that were built on the spot: nothing is fetched from there.
_BUILT_HERE = "localhost"


@dataclasses.dataclass(frozen=True)
class Origin:
    """`name`: the official image that it is, or is a copy of; None for anybody's own image."""

    name: str | None = None
    copy: bool = False
    named_by_base: bool = False
    architecture: str | None = None


def origin(image: ImageReference) -> Origin:
    """What the registry and the directories of IMAGE tell of it."""
    registry, path = _source(image)
    full = f"{registry}/{path}"
    directory, _, name = path.rpartition("/")
    copy = registry != image.registry
    if full.startswith(_NAMED_BY_BASE):
        return Origin(copy=copy, named_by_base=True)
    if full in _OFFICIAL or (registry == DEFAULT_REGISTRY and path == OFFICIAL + name):
        return Origin(name, copy)
    if registry == DEFAULT_REGISTRY and directory in _ARCHITECTURES:
        return Origin(name, copy, architecture=_ARCHITECTURES[directory])
    return Origin()


def _source(image: ImageReference) -> tuple[str, str]:
    """The registry and the path that IMAGE is a copy of, or its own where nothing says that it is a copy."""
    own = (image.registry, image.path)
    if image.registry == DEFAULT_REGISTRY or "/".join(own) in _OFFICIAL or "/".join(own).startswith(_NAMED_BY_BASE):
        return own
    parts = image.path.split("/")
    if len(parts) == 1:
        return own if image.registry == _BUILT_HERE else (DEFAULT_REGISTRY, OFFICIAL + image.path)
    for end in range(len(parts) - 1, 0, -1):
        if parts[end - 1] in _COPIES_BELOW or "/".join(parts[max(end - 2, 0) : end]) in _COPIES_BELOW:
            return _below(parts[end:])
    return own


def _below(parts: list[str]) -> tuple[str, str]:
    """What stands below a directory of copies: a path of Docker Hub, library or not, or of a registry that is named."""
    if len(parts) > 1 and names_registry(parts[0]):
        return parts[0], "/".join(parts[1:])
    return DEFAULT_REGISTRY, "/".join(parts) if len(parts) > 1 else OFFICIAL + parts[0]
