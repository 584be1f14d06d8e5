# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The facts behind the system call model, read from data/: calls, default profiles of engines, abilities of runc."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import syscalls as numbering
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_DATA = pathlib.Path(__file__).with_name("data")
_ARCHITECTURES = {
    "x86_64": ("amd64",),
    "aarch64": ("arm64",),
    "armhf": ("arm", "armv5l", "armv6l", "armv7", "armv7l", "armv8l"),
    "i386": ("i486", "i586", "i686", "x86", "386"),
    "ppc64le": ("powerpc64le",),
    "riscv64": (),
    "s390x": (),
}
_CANONICAL = {alias: name for name, aliases in _ARCHITECTURES.items() for alias in (name, *aliases)}
ARCHITECTURES = tuple(_ARCHITECTURES)

# From here on a new call has the same number on every architecture (statx, io_pgetevents and rseq came before that).
_SHARED_NUMBERS = 424


def load(name: str) -> dict[str, Any]:
    """One of the tables in data/."""
    content: dict[str, Any] = json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))
    return content


@dataclasses.dataclass(frozen=True)
class Learned:
    """The release of the kernel and of libseccomp that knew a call first."""

    kernel: EngineVersion
    libseccomp: EngineVersion


_TABLE = load("syscalls")
CALLS: Mapping[str, Learned] = {
    name: Learned(EngineVersion.parse(entry["kernel"]), EngineVersion.parse(entry["libseccomp"]))
    for name, entry in _TABLE["calls"].items()
}


def architecture(name: str) -> str:
    """The name used here for what `uname -m`, Debian or Docker call an architecture; ValueError when there is none."""
    try:
        return _CANONICAL[name.lower()]
    except KeyError:
        raise ValueError(
            f"architecture {name!r} is not in the table of system calls, which has {', '.join(ARCHITECTURES)}"
        ) from None


@functools.cache
def numbers(arch: str) -> Mapping[str, int]:
    """Number of each call that ARCH (as `architecture` names it) has."""
    if arch in ("x86_64", "aarch64"):
        return numbering.numbers(arch)
    shared = {name: number for name, number in numbering.numbers("x86_64").items() if number >= _SHARED_NUMBERS}
    time64 = _TABLE["time64"] if arch in ("armhf", "i386") else {}
    return {**_TABLE["numbers"][arch], **shared, **time64}


@dataclasses.dataclass(frozen=True)
class EngineRow:
    """What the default profile of a range of engine releases says about the calls of the table.

    A call of `capability` is allowed with the capability only. Without it the profile does not name the call, unless
    it is in `enosys` or `eperm` too: those are rules that give an answer of their own.
    """

    first: EngineVersion
    last: EngineVersion | None
    default: str
    allow: frozenset[str]
    enosys: frozenset[str]
    eperm: frozenset[str]
    capability: frozenset[str]


_SETS = ("allow", "enosys", "eperm", "capability")


def _rows(entries: list[dict[str, Any]], default: str) -> tuple[EngineRow, ...]:
    sets: dict[str, dict[str, frozenset[str]]] = {}
    rows = []
    for entry in entries:
        base = sets.get(entry.get("like", ""), {})
        # The row this one is like, without what was taken out, with what was added.
        names = {
            key: (base.get(key, frozenset()) - frozenset(entry.get(f"drop_{key}", ()))) | frozenset(entry.get(key, ()))
            for key in _SETS
        }
        sets[entry["first"]] = names
        last = EngineVersion.parse(entry["last"]) if "last" in entry else None
        rows.append(EngineRow(EngineVersion.parse(entry["first"]), last, default, **names))
    return tuple(rows)


_ENGINES = load("engines")
DOCKER = _rows(_ENGINES["docker"], default="EPERM")
PODMAN = _rows(_ENGINES["podman"]["rows"], default="ENOSYS")
CAPABILITIES: Mapping[str, str] = {
    call: capability for capability, calls in _ENGINES["capabilities"].items() for call in calls
}
RUNC_ERRNO = EngineVersion.parse(_ENGINES["runc"]["errno_since"])
RUNC_DEFAULT_ERRNO = EngineVersion.parse(_ENGINES["runc"]["default_errno_since"])
STUB_TRAPS: Mapping[str, str] = _ENGINES["runc"]["stub_traps"]
BUNDLED_STUB = EngineVersion.parse(_ENGINES["runc"]["bundled_with_stub_since"])


def stub_since(arch: str) -> tuple[EngineVersion, ...]:
    """The runc releases that brought the ENOSYS stub to ARCH, one for each release line, oldest first; () for never."""
    table = _ENGINES["runc"]["stub_since"]
    return tuple(EngineVersion.parse(text) for text in table.get(arch, table["default"]))


def has_stub(runc: EngineVersion, arch: str) -> bool:
    """Whether RUNC puts a stub before the filter that works on ARCH."""
    since = stub_since(arch)
    if not since:
        return False
    # A fix that was carried over to an older release line is in that line alone, not in pre-releases of the next one.
    return runc >= since[-1] or any(runc.release[:2] == fix.release[:2] and runc >= fix for fix in since)


def docker_row(engine: EngineVersion) -> tuple[EngineRow, str | None]:
    """The row for a Docker Engine, and a note when the table has no facts about that very release."""
    row = next((row for row in reversed(DOCKER) if row.first <= engine), None)
    if row is None:
        first = DOCKER[0]
        return first, f"Docker {engine} is older than the table; taken as {first.first}"
    if row.last is not None and engine > row.last:
        what = "newer than the table" if row is DOCKER[-1] else "not in the table"
        return row, f"Docker {engine} is {what}; taken as {row.last}"
    return row, None


def podman_row(engine: EngineVersion) -> EngineRow | None:
    """The row for a podman; None for one whose default profile is not known."""
    return next((row for row in reversed(PODMAN) if row.first <= engine), None)


def missing_capability(call: str, capabilities: Collection[str]) -> str | None:
    """The capability that a container needs for CALL and does not have."""
    needed = CAPABILITIES.get(call)
    if needed is None or needed in capabilities or needed.removeprefix("CAP_") in capabilities:
        return None
    return needed
