# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab Runner's systemd unit on the way to what it shall be, and how jobs survive that."""

from __future__ import annotations

import contextlib
import os
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_hold
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_state as states
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_plan import Plan
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_state import (
    UNIT,
    DrainingError,
    Look,
    ServiceError,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

# A runner that cannot work with its configuration ends within this time, one that can does not.
SETTLED = 1.5
START_TIMEOUT = 30.0
# After SIGTERM the runner gives jobs 30 s to be aborted (shutdown_timeout).
ABORT_TIMEOUT = 90.0


class Service(Plan):
    """The plan, and carrying it out."""

    def carry_out(self, action: str) -> None:
        """All of it, in an order in which the next run finds what this one left undone."""
        if action == "make":
            self._make()
            action = "none" if self.bound else "start"
        self._ready(action)
        if action in ("stop", "restart", "remove") or (action == "start" and self.look.draining):
            self._end(action)
        if action == "remove":
            self._remove()
        elif action in ("start", "restart"):
            self._start()
        elif action == "queue":
            self._be_patient()
            self._queue()
        self._release()
        self._tidy()

    def _tidy(self) -> None:
        if self.enables == "enable":
            self.unit.enable()
        elif self.enables == "disable":
            self.unit.disable()
        if self.rises:
            if remove(states.DRAIN_DROP_IN):
                self.unit.daemon_reload()
            remove(states.RESTART_MARK)

    def _ready(self, action: str) -> None:
        """Write the files beside the unit, have systemd know them before it stops or starts anything, and hold it."""
        if action == "remove":
            return
        if self.rewrites:
            if self.look.runs and self.moves and read_text(states.RESTART_MARK) is None:
                # Once the drop-in is there nobody could tell that the process is an older one.
                write_atomically(states.RESTART_MARK, b"")
            if self.after:
                write_atomically(states.DROP_IN, self.after.encode())
            else:
                remove(states.DROP_IN)
            self.needrestart.apply()
        # Also after a run that was killed between the file and the call.
        if self.rewrites or self.look.stale:
            self.unit.daemon_reload()
        if self.hold_after and self.hold_after != self.hold_before:
            runner_hold.write(self.hold_after)

    def _release(self) -> None:
        if self.hold_before and not self.hold_after:
            runner_hold.forget()

    def _make(self) -> None:
        """Have the runner make its unit."""
        program = self.params["program"]
        if not program or not os.access(program, os.X_OK):
            raise ServiceError(f"there is no unit {UNIT} on this host and no program '{program}'; install it first")
        options = self.standard().options()
        flags = [f"--{name}={options[name]}" for name in ("user", "working-directory", "config", "service")]
        rc, out, err = self._run([program, "install", *flags])
        if rc != 0:
            raise ServiceError(f"'{program} install' made no unit: {(err or out).strip()[-300:]}")
        self.unit.daemon_reload()
        self.look = Look(self.unit.look())
        self.command = self._wanted_command()
        self.after = self._wanted_drop_in()

    def _be_patient(self) -> None:
        """Have systemd wait for the last job, however long that takes."""
        if read_text(states.DRAIN_DROP_IN) != texts.DRAIN:
            write_atomically(states.DRAIN_DROP_IN, texts.DRAIN.encode())
            self.unit.daemon_reload()

    def _queue(self) -> None:
        """Have systemd start it when it has ended. What starts then reads everything that was written up to now."""
        self._release()
        self.unit.start()
        remove(states.RESTART_MARK)

    def _end(self, action: str) -> None:
        """Have it end, by default without a job noticing; DrainingError while jobs still run."""
        drain, old = self.params["drain"], self.look.process
        if not self.look.crashed:
            self._be_patient()
        if action != "start":
            # One that drains already gets no second signal, but a start that waits for its end is called off.
            self.unit.stop()
        if not drain:
            self.unit.abort()
        seconds = self.params["wait"] if self.params["wait"] is not None else self.params["drain_timeout"]
        deadline = time.monotonic() + (min(seconds, self.params["drain_timeout"]) if drain else ABORT_TIMEOUT)
        pause = 0.1
        while True:
            look = Look(self.unit.look())
            # One that is wanted again may be up already, by a start that waited.
            if look.ended or (action == "start" and look.runs and look.process != old):
                self.look = look
                return
            if time.monotonic() >= deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)
        if not drain:
            raise ServiceError(
                f"{UNIT} did not end although it was told to abort its jobs; look at journalctl -u {UNIT}"
            )
        if self.rises:
            self._queue()
        after = "it starts anew after the last of them" if self.rises else "it goes on draining"
        raise DrainingError(
            f"gitlab-runner takes no new jobs, but {look.drained_for()} s after it was told so some still run; nothing "
            f"was killed, and {after}. Run this again when they are done, or with a longer drain_timeout "
            f"than {self.params['drain_timeout']} s (in role gitlab_runner: gitlab_runner_drain_timeout); on the host "
            "'systemctl kill --signal=SIGTERM gitlab-runner' aborts them"
        )

    def _start(self) -> None:
        """Start it, and see that it stays."""
        self._release()
        self.unit.start()
        deadline = time.monotonic() + START_TIMEOUT
        process, since = "", 0.0
        while time.monotonic() < deadline:
            look = Look(self.unit.look())
            if look.crashed or look.active == "failed":
                break
            if look.active != "active" or look.process == "0":
                process = ""
            elif look.process != process:
                process, since = look.process, time.monotonic()
            elif time.monotonic() - since >= SETTLED:
                return
            time.sleep(0.2)
        said = " | ".join(self.unit.log()[-3:]) or "none"
        raise ServiceError(f"gitlab-runner did not come up. Its last words: {said}")

    def _remove(self) -> None:
        """The unit and all that we put beside it."""
        with contextlib.suppress(UnitError):
            self.unit.disable()
        for path in (states.DROP_IN, states.DRAIN_DROP_IN, states.RESTART_MARK, self.needrestart.path):
            remove(path)
        for path in (states.DROP_IN, states.DRAIN_DROP_IN):
            # Drop-ins of others stay, and their folder with them.
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))
        # A unit of a package lies elsewhere, and goes with it.
        if self.look.properties.get("FragmentPath") == states.UNIT_FILE:
            remove(states.UNIT_FILE)
        self.unit.daemon_reload()
        self._run(["systemctl", "reset-failed", UNIT])
