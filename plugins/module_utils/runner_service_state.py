# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab Runner's systemd unit as it is now, where its files lie, and what can be asked of it."""

from __future__ import annotations

import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

UNIT = "gitlab-runner.service"
UNIT_FILE = "/etc/systemd/system/gitlab-runner.service"
DROP_IN = "/etc/systemd/system/gitlab-runner.service.d/runnerkit.conf"
# Lost at boot, as is the drain. Its name has to sort after all others.
DRAIN_DROP_IN = "/run/systemd/system/gitlab-runner.service.d/zz-runnerkit-drain.conf"
# Written before config.toml is, by whoever changes a key that the runner reads only at its start.
RESTART_MARK = "/var/lib/runnerkit/gitlab-runner-restart"
_PROPERTIES = (
    "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID,FragmentPath,ExecStart,"
    "ActiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic"
)


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
        """Ask for a start, also of a unit that systemd has given up on; one that ends is started when it has ended."""
        self._run(["systemctl", "reset-failed", self.name])
        self._systemctl("--no-block", "start", self.name)

    def start_waits(self) -> bool:
        """Whether systemd is to start it when it has ended."""
        # Columns: number, unit, what is to be done, and whether it is being done.
        words = self._systemctl("list-jobs", "--no-legend", self.name).split()
        return words[2:3] == ["start"]

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
        self.ended = self.active in ("inactive", "failed")
        # Whether files were changed that systemd has not read again.
        self.stale = properties.get("NeedDaemonReload") == "yes"
        self.process = properties.get("MainPID", "0")
        self.command = texts.shown_command("ExecStart=" + properties.get("ExecStart", ""))

    @property
    def exists(self) -> bool:
        """Whether there is such a unit; an empty one has drop-ins only."""
        return self.load not in ("not-found", "masked") and bool(self.properties.get("FragmentPath"))

    def _moment(self, name: str) -> float:
        return int(self.properties.get(f"{name}TimestampMonotonic") or 0) / 1e6

    def drained_for(self) -> int:
        """Seconds since it was told to stop."""
        since = self._moment("ActiveExit")
        return max(0, int(time.monotonic() - since)) if since else 0

    def drained(self) -> float | None:
        """Seconds that its last stop took; None when there was none since the host was started."""
        since, until = self._moment("ActiveExit"), self._moment("InactiveEnter")
        return round(until - since, 1) if self.ended and 0 < since <= until else None
