# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Facts and measurements of hosts to judge, as the modules return them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import numbers
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import predict_all

WORKAROUND = "/etc/docker/runnerkit-seccomp-trace.json"


def facts(
    engine: str | None = "20.10.24",
    *,
    runc: str | None = "1.1.5",
    library: str | None = "2.5.4",
    kernel: Any = "6.1.0-37-amd64",
    architecture: Any = "x86_64",
    runner: str | None = None,
    source: str = "docker.io",
    **docker: Any,
) -> dict[str, Any]:
    """What runtime_facts returns of a host with such an engine."""
    return {
        "docker": {
            "installed": True, "running": True, "error": None, "server_version": engine, "client_version": engine,
            "api_version": "1.41", "minimum_api_version": "1.12", "seccomp_profile": "default",
            "security_options": ["name=seccomp,profile=default"], "daemon_config": {}, "daemon_config_error": None,
            "package": {"name": "docker", "version": engine, "source": source, "held": True}, **docker,
        },
        "runc": {"version": runc, "libseccomp": library} if runc else None,
        "libseccomp": {"version": library, "faccessat2": 439} if library else None,
        "containerd": {"version": "1.6.20"}, "kernel": {"release": kernel}, "architecture": architecture,
        "os": {"id": "debian", "pretty_name": "Debian GNU/Linux 12 (bookworm)"}, "podman": None,
        "gitlab_runner": {"version": runner} if runner else None,
    }  # fmt: skip


@functools.cache
def _usual() -> dict[str, str]:
    return {call: predicted.answer for call, predicted in predict_all(facts()).items()}


def answers(**changed: str) -> dict[str, Any]:
    """What each call is answered by an ordinary 20.10.24, unless CHANGED says allowed, EPERM, ENOSYS or killed."""
    return {
        call: {"answer": answer, "by": None if answer == "allowed" else "profile", "errno": None}
        for call, answer in {**_usual(), **changed}.items()
    }


def layer(
    name: str = "host", *, kind: str | None = None, calls: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """One layer that was measured, of the host's engine unless it is said otherwise."""
    return {
        "layer": kind or name.partition(" ")[0], "name": name, "state": "measured", "reason": None, "error": None,
        "engine": {
            "name": "docker", "version": "20.10.24", "runc": "1.1.5", "runtime": "runc", "seccomp_profile": "default",
            "rootless": False,
        },
        "image": None, "user": None, "profile": "default", "calls": answers() if calls is None else calls,
        "filter": None, "behaviour": [], "seconds": 0.61, **more,
    }  # fmt: skip


def dind(version: str = "20.10.24", *, calls: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A layer of a dind image."""
    image = f"docker:{version}-dind"
    engine = {"name": "docker", "version": version, "runc": None, "runtime": "runc", "seccomp_profile": "default"}
    return layer(f"dind ({image})", calls=calls, image=image, engine=engine, **more)


def podman(version: str = "4.3.1", *, calls: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A layer of root's podman."""
    engine = {"name": "podman", "version": version, "runc": None, "runtime": "crun", "seccomp_profile": "default"}
    return layer("podman (root)", calls=calls, engine=engine, **more)


def unknown(
    name: str = "host", reason: str | None = "it did not answer in time", error: str | None = "timeout"
) -> dict[str, Any]:
    """A layer that could not be measured."""
    return layer(name, calls={}) | {
        "state": "unknown",
        "reason": reason,
        "error": error,
        "engine": None,
        "seconds": 30.0,
    }


def probe(*layers: Any) -> dict[str, Any]:
    """What seccomp_probe returns."""
    return {
        "architecture": "x86_64",
        "kernel": {"release": "6.1.0-37-amd64", "calls": dict.fromkeys(numbers("x86_64"), "present"), "reason": None},
        "layers": list(layers),
    }
