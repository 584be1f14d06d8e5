# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab Runner's systemd unit as it is now, and what can be asked of it."""

from __future__ import annotations

import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

UNIT = "gitlab-runner.service"
_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,MainPID,FragmentPath,ExecStart,ActiveExitTimestampMonotonic"


class ServiceError(Exception):
    """The service cannot be what it shall be; the text says why and what to do."""


class DrainingError(ServiceError):
    """Jobs still run."""


class RunnerUnit(Unit):
    """The unit, with what a runner needs beyond any other."""

    def __init__(self, run: Run) -> None:
        Unit.__init__(self, run, UNIT)

    def look(self) -> dict[str, str]:
        """Its properties."""
        out = self._systemctl("show", self.name, "--property", _PROPERTIES)
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def stop(self) -> None:
        """Ask for a stop; does not wait for it."""
        self._systemctl("--no-block", "stop", self.name)

    def start(self) -> None:
        """Ask for a start, also of a unit that systemd has given up on."""
        self._run(["systemctl", "reset-failed", self.name])
        self._systemctl("--no-block", "start", self.name)

    def abort(self) -> None:
        """Have the runner abort its jobs and end."""
        self._run(["systemctl", "kill", "--kill-who=main", "--signal=SIGTERM", self.name])

    def disable(self) -> None:
        """Do not start it at boot."""
        self._systemctl("disable", self.name)


class Look:
    """The unit as it is now."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self.properties = properties
        self.load = properties.get("LoadState", "not-found")
        self.active = properties.get("ActiveState", "inactive")
        # systemd calls a unit activating, too, while it waits to start it once more.
        self.crashed = properties.get("SubState", "").startswith("auto-restart")
        self.runs = self.active in ("active", "reloading", "activating") and not self.crashed
        self.draining = self.active == "deactivating"
        self.command = texts.shown_command("ExecStart=" + properties.get("ExecStart", ""))

    @property
    def exists(self) -> bool:
        """Whether there is such a unit; an empty one has drop-ins only."""
        return self.load not in ("not-found", "masked") and bool(self.properties.get("FragmentPath"))

    def drained_for(self) -> int:
        """Seconds since it was told to stop."""
        since = int(self.properties.get("ActiveExitTimestampMonotonic") or 0)
        return max(0, int(time.monotonic() - since / 1e6)) if since else 0
