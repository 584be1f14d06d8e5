# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What an engine handed to runc for a container: the config.json of its OCI bundle, there while the container runs."""

from __future__ import annotations

import glob
import json
import os
from typing import Any, Collection, Iterator, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import NAMES

# A containerd of its own, one that dockerd started; shims of the second and of the first generation.
_STATES = ("run/containerd", "run/docker/containerd", "run/docker/containerd/daemon")
_RUNTIMES = ("io.containerd.runtime.v2.task", "io.containerd.runtime.v1.linux")

# What runc takes where a rule says SCMP_ACT_ERRNO without a number.
EPERM = 1


def find_config(container_id: str, root: str = "/", pid: int | None = None) -> dict[str, Any] | None:
    """The configuration of a running container; None where it cannot be found or read.

    `pid` is the container's first process as this process sees it: its parent, the shim, works in the bundle, wherever
    somebody has the engine keep that.
    """
    if not container_id.isalnum():
        return None
    for folder in _bundles(container_id, root, pid):
        try:
            with open(os.path.join(folder, "config.json"), encoding="utf-8", opener=_not_waiting) as stream:
                config = json.load(stream)
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(config, dict):
            return config
    return None


def _not_waiting(path: str, flags: int) -> int:
    """Open PATH, whose folder may be an image's, without waiting for anybody who would write to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _bundles(container_id: str, root: str, pid: int | None) -> Iterator[str]:
    if pid is not None:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
                parent = stream.read().rpartition(")")[2].split()[1]
            # The name is checked: between two looks the number may have become another process's.
            if os.path.basename(os.readlink(f"/proc/{parent}/cwd")) == container_id:
                yield f"/proc/{parent}/cwd"
        except (OSError, IndexError):
            pass
    for state in _STATES:
        for runtime in _RUNTIMES:
            # The folder between is containerd's name space: `moby` unless dockerd was told another.
            yield from glob.glob(os.path.join(glob.escape(root), state, runtime, "*", container_id))


def seccomp_section(config: Mapping[str, Any], names: Collection[str] = NAMES) -> dict[str, Any]:
    """`{default, default_errno, rules}`, rules for NAMES only; all empty where the container is unconfined."""
    section = _mapping(_mapping(config.get("linux")).get("seccomp"))
    default = section.get("defaultAction")
    number = section.get("defaultErrnoRet")
    rules: dict[str, str] = {}
    entries = section.get("syscalls")
    for entry in entries if isinstance(entries, list) else []:
        entry = _mapping(entry)
        action = _action(entry)
        called = entry.get("names")
        for name in called if isinstance(called, list) else []:
            if name in names and _goes_before(action, rules.get(name)):
                rules[name] = action
    return {
        "default": printable(default) if isinstance(default, str) else None,
        "default_errno": number if isinstance(number, int) else None,
        "rules": rules,
    }


def _action(entry: Mapping[str, Any]) -> str:
    """`SCMP_ACT_ALLOW`, `SCMP_ACT_ERRNO:38`, `SCMP_ACT_ALLOW conditional`."""
    action = printable(str(entry.get("action")))
    if action == "SCMP_ACT_ERRNO":
        number = entry.get("errnoRet")
        action += f":{number if isinstance(number, int) else EPERM}"
    return f"{action} conditional" if entry.get("args") else action


def _goes_before(action: str, known: str | None) -> bool:
    """A rule without conditions holds for every call, whatever others say of some."""
    return known is None or (known.endswith(" conditional") and not action.endswith(" conditional"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
