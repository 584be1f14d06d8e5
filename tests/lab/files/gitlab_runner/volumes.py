"""Where a job in a container works, and what is mounted there."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from typing import NamedTuple


class Volume(NamedTuple):
    """One entry of `volumes`: `source` is a folder of the host, the name of a volume, or nothing."""

    source: str
    path: str
    mode: str = ""

    def bind(self) -> str:
        return ":".join(part for part in self if part)


def parse(text: str) -> Volume:
    parts = text.split(":")
    if len(parts) == 1:
        return Volume("", parts[0])
    return Volume(parts[0], parts[1], ":".join(parts[2:]))


def is_mounted(path: str, volumes: Sequence[Volume]) -> bool:
    """Whether a folder of the container lies in something from outside, so that jobs share it."""
    return any(volume.source and posixpath.commonpath([volume.path, path]) == volume.path for volume in volumes)


def project_folder(builds: str, short_token: str, slot: int, project: str, shared: bool) -> str:
    """The checkout; where jobs of several runners share a folder, each has a place of its own in it."""
    return posixpath.join(builds, *([short_token, str(slot)] if shared else []), project)


def cache_name(prefix: str, path: str) -> str:
    return f"{prefix}-cache-{hashlib.md5(path.encode()).hexdigest()}"


def layout(volumes: Sequence[Volume], builds: str, prefix: str, cache_dir: str, disable_cache: bool) -> list[Volume]:
    """Everything to mount: entries without a source get a volume that is kept for the slot, and the builds one, too."""
    wanted = list(volumes)
    if not is_mounted(builds, volumes):
        wanted.append(Volume("", builds))
    found = []
    for volume in wanted:
        if volume.source:
            found.append(volume)
        elif volume.path == builds or not disable_cache:
            name = cache_name(prefix, volume.path)
            source = posixpath.join(cache_dir, name) if cache_dir else name
            found.append(Volume(source, volume.path))
    return found
