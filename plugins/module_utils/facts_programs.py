# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What programs print about their versions. A text that is none of theirs gives None."""

from __future__ import annotations

import re
from typing import Any

# The `v` of a tag is no part of the version: containerd prints it in some releases and not in others.
_DOCKER = re.compile(r"^Docker version v?([^\s,]+)", re.MULTILINE)
_CONTAINERD = re.compile(r"^containerd \S+ v?(\d\S*)", re.MULTILINE)
_RUNC = re.compile(r"^runc version v?(\S+)", re.MULTILINE)
_RUNC_LIBSECCOMP = re.compile(r"^libseccomp:\s*(\S+)", re.MULTILINE)
_PODMAN = re.compile(r"^podman version v?(\S+)", re.MULTILINE | re.IGNORECASE)
_GITLAB_RUNNER = re.compile(r"^Version:\s*v?(\S+)", re.MULTILINE)


def _first(pattern: re.Pattern[str], text: str | None) -> str | None:
    found = pattern.search(text or "")
    return found.group(1) if found else None


def docker_version(text: str | None) -> str | None:
    """Of `docker --version` and `dockerd --version`: `20.10.5+dfsg1`. Podman's stand-in for docker gives None."""
    return _first(_DOCKER, text)


def containerd_version(text: str | None) -> str | None:
    """Of `containerd --version`: `1.4.13~ds1`, `1.7.27`."""
    return _first(_CONTAINERD, text)


def runc_versions(text: str | None) -> dict[str, Any]:
    """Of `runc --version`: `{version, libseccomp}`; runc tells its libseccomp since 1.0.0-rc93."""
    return {"version": _first(_RUNC, text), "libseccomp": _first(_RUNC_LIBSECCOMP, text)}


def podman_version(text: str | None) -> str | None:
    """Of `podman --version`: `4.3.1`."""
    return _first(_PODMAN, text)


def gitlab_runner_version(text: str | None) -> str | None:
    """Of `gitlab-runner --version`: `17.5.0`."""
    return _first(_GITLAB_RUNNER, text)
