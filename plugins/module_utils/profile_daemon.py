# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which seccomp profile a host's daemon has, which it was told to have, and whether it can be asked for its default."""

from __future__ import annotations

import contextlib
from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json
from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon import PENDING, Daemon, DaemonError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import read_packages
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_docker import (
    ENGINE_PACKAGES,
    engine_package,
    seccomp_profile,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text

KEY = "seccomp-profile"
# What engines call their own profile; the second since 23.0.
DEFAULTS = ("default", "builtin")


class ProfileDaemon:
    """The daemon on this host, seen from its seccomp profile."""

    def __init__(self, daemon: Daemon, path: str) -> None:
        self._daemon = daemon
        self._path = path
        try:
            self.named = daemon_json.parse(daemon.text or "").get(KEY)
        except daemon_json.DaemonJsonError as error:
            raise DaemonError(
                "{} on this host cannot be read: {}; mend it by hand or remove it".format(daemon.params["path"], error)
            ) from error

    def installed(self) -> tuple[str | None, str | None]:
        """(version, `package=version`) of the engine that the next start would run."""
        fact = engine_package(read_packages(ENGINE_PACKAGES))
        package = "{name}={version}".format(**fact) if fact else None
        return self._daemon.installed_version() or self._daemon.version(), package

    def foreign(self) -> str | None:
        """Why the workaround must not be set up: somebody chose another profile. One sentence, or None."""
        if self.named not in (None, self._path):
            return (
                f"{self._daemon.params['path']} on this host has {KEY} '{self.named}', and an engine has one profile; "
                "remove that key, or do without the workaround"
            )
        given = self._argument()
        if given:
            return (
                f"{self._daemon.params['unit']} starts dockerd with --{KEY} {given} on this host, and an engine has "
                "one profile; remove that argument, or do without the workaround"
            )
        return None

    def _argument(self) -> str | None:
        words = self._daemon.unit.command_line()
        for place, word in enumerate(words):
            name, _, value = word.partition("=")
            if name == f"--{KEY}":
                return value or "".join(words[place + 1 : place + 2])
        return None

    def in_force(self) -> str | None:
        """The profile that the running daemon says it has; None when it does not run."""
        if not self._daemon.runs():
            return None  # asking would have systemd start it, by its socket
        info: Mapping[str, Any] = self._daemon.engine.get("/info", timeout=self._daemon.params["timeout"]) or {}
        return seccomp_profile([str(option) for option in info.get("SecurityOptions") or []]) or "none"

    def taken_over(self) -> bool:
        """Whether the file is named, and the daemon runs with it."""
        if self.named != self._path or (read_text(PENDING) or "").strip():
            return False
        with contextlib.suppress(EngineError):
            return self.in_force() == self._path
        return False

    def cannot_be_asked(self) -> str | None:
        """Why the daemon would not tell its default profile now: a sentence, or None."""
        profile = self.in_force()
        if profile is None:
            return "the engine does not run"
        if self.named is not None or profile not in DEFAULTS:
            return f"the engine runs with the seccomp profile {self.named or profile}, not with its own"
        running, installed = self._daemon.version(), self._daemon.installed_version()
        if running and installed and running != installed:
            return f"{running} runs, {installed} is installed"
        return None


def bounding_status(pid_file: str = "/run/docker.pid") -> str:
    """The engine's /proc/PID/status, or this process's own where that is not to be had."""
    with contextlib.suppress(OSError):
        pid = (read_text(pid_file) or "").strip()
        text = read_text(f"/proc/{pid}/status") if pid.isdigit() else None
        if text:
            return text
    return read_text("/proc/self/status") or ""
