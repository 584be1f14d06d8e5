# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Facts about the host itself, all from files; `root` is another place to read them from."""

from __future__ import annotations

import os
import shlex
import stat
from typing import Any

# No file read here comes near this; a larger one is not what it should be.
MAX_FILE_BYTES = 4 * 1024 * 1024


def read_text(path: str) -> str:
    """A regular file's text. Opening a pipe or a device could block, so those raise OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("not a regular file")
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read(MAX_FILE_BYTES)


def host_facts(root: str = "/") -> dict[str, Any]:
    """The keys kernel, os, architecture, cgroup_version and service_manager."""
    uname = os.uname()
    return {
        "kernel": {"release": uname.release},
        "os": os_release(root),
        "architecture": uname.machine,
        "cgroup_version": cgroup_version(root),
        "service_manager": service_manager(root),
    }


def os_release(root: str = "/") -> dict[str, Any]:
    """`{id, id_like, version_id, codename, pretty_name}` from os-release(5)."""
    fields: dict[str, str] = {}
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            fields = parse_os_release(read_text(os.path.join(root, name)))
        except OSError:
            continue
        break
    return {
        "id": fields.get("ID"),
        "id_like": fields.get("ID_LIKE", "").split(),
        "version_id": fields.get("VERSION_ID"),
        "codename": fields.get("VERSION_CODENAME"),
        "pretty_name": fields.get("PRETTY_NAME"),
    }


def parse_os_release(text: str) -> dict[str, str]:
    """Shell-like assignments; a line that is none is skipped, as the manual page asks for."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        fields[key] = words[0] if words else ""
    return fields


def cgroup_version(root: str = "/") -> int | None:
    """2 where /sys/fs/cgroup is the unified hierarchy, 1 for the old and the hybrid layout, None without either."""
    folder = os.path.join(root, "sys/fs/cgroup")
    # The file exists in a cgroup2 file system alone; hybrid hosts have theirs in a folder below.
    if os.path.exists(os.path.join(folder, "cgroup.controllers")):
        return 2
    try:
        return 1 if os.listdir(folder) else None
    except OSError:
        return None


def service_manager(root: str = "/") -> str:
    """`systemd` where it runs as PID 1 (the test of sd_booted), else `other`."""
    return "systemd" if os.path.isdir(os.path.join(root, "run/systemd/system")) else "other"


def group_members(group: str, root: str = "/") -> list[str]:
    """Sorted users of a local group, those included whose primary group it is.

    Read from the files, because a directory service that does not answer must not stop the facts.
    """
    members: set[str] = set()
    identifier = ""
    for fields in _colon_lines(os.path.join(root, "etc/group"), 4):
        if fields[0] == group:
            identifier = fields[2]
            members.update(name for name in fields[3].split(",") if name)
    if identifier:
        for fields in _colon_lines(os.path.join(root, "etc/passwd"), 7):
            if fields[3] == identifier:
                members.add(fields[0])
    return sorted(members)


def _colon_lines(path: str, width: int) -> list[list[str]]:
    try:
        lines = read_text(path).splitlines()
    except OSError:
        return []
    return [fields for fields in (line.split(":") for line in lines) if len(fields) == width]
