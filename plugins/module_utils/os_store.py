# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Which way of keeping authorities a host has: the same answer for those who look, who connect and who write."""

from __future__ import annotations

import os

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths

_PROGRAM_FOLDERS = ("usr/sbin", "usr/bin", "sbin", "bin")
# openSUSE has the program of Debian's name with folders of its own, and not this one.
_DEBIAN_FOLDER = "usr/share/ca-certificates"


def store_kind(root: str = "/") -> str | None:
    """Whose way of keeping authorities the host has: `debian`, `redhat` or None, told by the program that does it."""

    def has(program: str) -> bool:
        return any(os.path.exists(os.path.join(root, folder, program)) for folder in _PROGRAM_FOLDERS)

    if has(paths.REDHAT_UPDATE) and os.path.isdir(os.path.join(root, os.path.dirname(paths.REDHAT_ANCHORS)[1:])):
        return "redhat"
    if has(paths.DEBIAN_UPDATE) and os.path.isdir(os.path.join(root, _DEBIAN_FOLDER)):
        return "debian"
    return None
