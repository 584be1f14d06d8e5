# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""One systemd unit: its state, starting and stopping it, and what it last said."""

from __future__ import annotations

import contextlib
import re
import shlex

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text

_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID,InvocationID"
# The journal of a unit has systemd's messages about it among those of its processes, and a process that ends at once is
# not always told apart by its fields.
_SYSTEMD_SAYS = re.compile(
    r"\S+\.(service|socket): "
    r"|(Starting|Started|Stopping|Stopped|Failed to start|Reloading|Reloaded|Dependency failed) .*"
)


class UnitError(Exception):
    """systemctl said no."""


class Unit:
    """A unit by its name."""

    def __init__(self, run: Run, name: str) -> None:
        self.name = name
        self._run = run

    def _systemctl(self, *arguments: str) -> str:
        rc, out, err = self._run(["systemctl", *arguments])
        if rc != 0:
            raise UnitError((err or out).strip() or "systemctl {} ended with {}".format(" ".join(arguments), rc))
        return out

    def properties(self) -> dict[str, str]:
        """The unit's properties; LoadState is not-found for a unit that is not there."""
        out = self._systemctl("show", self.name, "--property", _PROPERTIES)
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def command_line(self) -> list[str]:
        """The program of ExecStart= and its arguments, which a check of the configuration has to use as well."""
        out = self._systemctl("show", self.name, "--property", "ExecStart,Environment,EnvironmentFiles")
        match = re.search(r"^ExecStart=.*argv\[\]=(.*?) ;", out, re.MULTILINE)
        variables = _environment(out)
        arguments: list[str] = []
        for word in match[1].split() if match else []:
            # Debian's unit ends in $DOCKER_OPTS from /etc/default/docker; an unset variable is no argument.
            name = word[1:].strip("{}") if word.startswith("$") else None
            arguments += shlex.split(variables.get(name, "")) if name else [word]
        return arguments

    def enable(self) -> None:
        """Start it at boot."""
        self._systemctl("enable", self.name)

    def daemon_reload(self) -> None:
        """Read unit files again."""
        self._systemctl("daemon-reload")

    def reload(self) -> None:
        """Have it read its configuration again."""
        self._systemctl("reload", self.name)

    def restart(self) -> None:
        """Ask for a restart, also when systemd has given up on it after too many attempts; does not wait for it."""
        self._run(["systemctl", "reset-failed", self.name])
        # The engine's unit has no time limit for its start, so systemctl might wait for ever.
        self._systemctl("--no-block", "restart", self.name)

    def log(self, lines: int = 15) -> list[str]:
        """The last lines that the unit's own processes wrote, without what systemd says about it."""
        command = ["journalctl", "--no-pager", "-q", "-o", "cat", "-n", str(lines * 4), "-u", self.name]
        _rc, out, _err = self._run(command)
        said = [line for line in out.splitlines() if line.strip() and not _SYSTEMD_SAYS.match(line)]
        return said[-lines:]


def _environment(properties: str) -> dict[str, str]:
    """The variables that a unit's command line can use, by Environment= and the files of EnvironmentFile=."""
    pairs: list[str] = []
    for line in properties.splitlines():
        key, _, value = line.partition("=")
        if key == "Environment":
            pairs += shlex.split(value)
        elif key == "EnvironmentFiles":
            text = read_text(value.partition(" (")[0]) or ""
            for row in text.replace("\\\n", " ").splitlines():
                # A line that the shell's rules cannot read is one that systemd passes over, too.
                with contextlib.suppress(ValueError):
                    pairs += [] if row.lstrip().startswith(("#", ";")) else shlex.split(row)
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
