# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab Runner's systemd unit: what it is, what it shall be, and how jobs survive the way there."""

from __future__ import annotations

import contextlib
import os
import pwd
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_state import (
    UNIT,
    DrainingError,
    Look,
    RunnerUnit,
    ServiceError,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_unit import Command
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

# Written before config.toml is, by whoever changes a key that the runner reads only at its start.
RESTART_MARK = "/var/lib/runnerkit/gitlab-runner-restart"
DROP_IN = "/etc/systemd/system/gitlab-runner.service.d/runnerkit.conf"
# Lost at boot, as is the drain. Its name has to sort after all others.
DRAIN_DROP_IN = "/run/systemd/system/gitlab-runner.service.d/zz-runnerkit-drain.conf"
UNIT_FILE = "/etc/systemd/system/gitlab-runner.service"
# A runner that cannot work with its configuration ends within this time, one that can does not.
SETTLED = 1.5
START_TIMEOUT = 30.0
# After SIGTERM the runner gives jobs 30 s to be aborted (shutdown_timeout).
ABORT_TIMEOUT = 90.0


class Service:
    """What is there, compared with what was asked for; decides first, then acts."""

    def __init__(self, run: Run, params: Mapping[str, Any]) -> None:
        self._run = run
        self.params = params
        self.unit = RunnerUnit(run)
        self.look = Look(self.unit.look())
        self.before = read_text(DROP_IN) or ""
        self.reasons: list[str] = []
        self.command = self._wanted_command()
        self.after = self._wanted_drop_in()

    # What the unit starts.

    def _wanted_command(self) -> Command | None:
        found = self.look.command
        if found is None:
            return None
        config = self.params["config"]
        if config and found.config != config:
            self._refuse_other_config(found.config, config)
        return found.changed(self.params["program"], config)

    def _refuse_other_config(self, found: str, wanted: str) -> None:
        """Runners of a file that would not be read any more would be lost."""
        text = read_text(found) or ""
        if os.path.realpath(found) != os.path.realpath(wanted) and any(
            line.strip().replace(" ", "").startswith("[[runners") for line in text.splitlines()
        ):
            raise ServiceError(
                f"the service on this host reads {found}, which has runners in it, and config is {wanted}; "
                "set it (in role gitlab_runner: gitlab_runner_config_path) to the former, or move that file"
            )

    def standard(self) -> Command:
        """What a unit made by `gitlab-runner install`, or by the package's scripts, starts."""
        user = self.params["user"]
        try:
            home = pwd.getpwnam(user).pw_dir
        except KeyError:
            home = f"/home/{user}"
        program = self.params["program"] or (self.look.command.program if self.look.command else "")
        return texts.standard(program, user, home, self.params["config"] or texts.DEFAULT_CONFIG)

    def _override(self) -> Command | None:
        """What the drop-in has to say about the command; None where the unit itself will say it."""
        wanted, found = self.command, self.look.command
        if wanted is None or found is None:
            return None
        written = texts.written_command(read_text(self.look.properties.get("FragmentPath") or ""))
        ours = texts.written_command(self.before)
        if ours is None and not found.means(written):
            base: Command | None = found  # some other drop-in says it, and goes on to do so
        elif self.params["keep_command"]:
            # The package is about to write the unit anew. It does not know of another configuration file.
            standard = self.standard()
            base = standard.changed(None, texts.DEFAULT_CONFIG)
        else:
            base = written
        return None if wanted.means(base) else wanted

    def _wanted_drop_in(self) -> str:
        if self.params["state"] == "absent":
            return ""
        timeout = self.params["drain_timeout"] if self.params["graceful"] else None
        return texts.drop_in(timeout, self._override())

    # What has to be done.

    def decide(self) -> str:
        """none, make, start, stop, restart or remove; `reasons` says why."""
        state, look = self.params["state"], self.look
        if look.load == "masked":
            if state in ("stopped", "absent"):
                return "none"
            raise ServiceError(f"{UNIT} is masked on this host; run 'systemctl unmask {UNIT}'")
        if state == "absent":
            return "remove" if look.exists or self.before or read_text(RESTART_MARK) is not None else "none"
        if state == "stopped":
            return "stop" if look.runs or look.draining or look.crashed else "none"
        if not look.exists:
            self.reasons.append("there is no unit yet")
            return "make"
        if look.draining:
            self.reasons.append("it was stopped and drains")
            return "start"
        if not look.runs:
            self.reasons.append("it ended and waits to be started again" if look.crashed else "it does not run")
            return "start"
        self.reasons += self._restart_reasons()
        return "restart" if self.reasons else "none"

    def _restart_reasons(self) -> list[str]:
        reasons = ["a restart was asked for"] if self.params["state"] == "restarted" else []
        mark = read_text(RESTART_MARK)
        if mark is not None:
            # The mark is a list of keys, one in a line, or empty.
            said = ", ".join(mark.split())
            reasons.append(f"a changed setting needs it{': ' + said if said else ''}")
        if self.command is not None and not self.command.means(self.look.command):
            reasons.append("what the unit starts changes")
        with contextlib.suppress(OSError):
            path = os.readlink("/proc/{}/exe".format(self.look.properties.get("MainPID", "0")))
            # Of a program in an interpreter's language this is the interpreter, which may be upgraded as it likes.
            if path.endswith(" (deleted)") and os.path.basename(path).startswith("gitlab-runner"):
                reasons.append("its program was replaced")
        return reasons

    @property
    def enables(self) -> str:
        """enable, disable, or nothing; other states, as static or linked, are somebody's decision."""
        wanted, state = self.params["enabled"], self.look.properties.get("UnitFileState")
        if wanted is None or not self.look.exists or self.params["state"] == "absent":
            return ""
        if wanted and state == "disabled":
            return "enable"
        return "disable" if not wanted and state == "enabled" else ""

    @property
    def rewrites(self) -> bool:
        """Whether the drop-in changes; one for a unit that is yet to come is written with it."""
        return self.before != self.after and (self.look.exists or bool(self.before))

    @property
    def wakes_up(self) -> bool:
        """Whether a drop-in of a drain that is over is still there."""
        return self.params["state"] in ("started", "restarted") and os.path.exists(DRAIN_DROP_IN)

    # Doing it.

    def carry_out(self, action: str) -> None:
        """All of it, in an order in which the next run finds what this one left undone."""
        if action == "make":
            self._make()
            action = "start"
        self._ready(action)
        if action in ("stop", "restart", "remove") or self.look.draining:
            self.stop()
        if action == "remove":
            self._remove()
        if action in ("start", "restart"):
            self._start()
        if self.enables == "enable":
            self.unit.enable()
        elif self.enables == "disable":
            self.unit.disable()
        if self.params["state"] in ("started", "restarted"):
            if remove(DRAIN_DROP_IN):
                self.unit.daemon_reload()
            remove(RESTART_MARK)

    def _ready(self, action: str) -> None:
        """Write the drop-in."""
        if not self.rewrites or action == "remove":
            return
        if action == "restart" and read_text(RESTART_MARK) is None:
            # Once the drop-in is there nobody could tell that the process is an older one.
            write_atomically(RESTART_MARK, b"")
        if self.after:
            write_atomically(DROP_IN, self.after.encode())
        else:
            remove(DROP_IN)
        self.unit.daemon_reload()

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

    def stop(self) -> None:
        """Stop it, by default without a job noticing; DrainingError while jobs still run."""
        drain = self.params["drain"]
        if not self.look.crashed and read_text(DRAIN_DROP_IN) != texts.DRAIN:
            write_atomically(DRAIN_DROP_IN, texts.DRAIN.encode())
            self.unit.daemon_reload()
        if not self.look.draining:
            self.unit.stop()
        if not drain:
            self.unit.abort()
        seconds = self.params["wait"] if self.params["wait"] is not None else self.params["drain_timeout"]
        deadline = time.monotonic() + (min(seconds, self.params["drain_timeout"]) if drain else ABORT_TIMEOUT)
        pause = 0.1
        while True:
            look = Look(self.unit.look())
            if look.active in ("inactive", "failed"):
                return
            if time.monotonic() >= deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)
        if not drain:
            raise ServiceError(
                f"{UNIT} did not end although it was told to abort its jobs; look at journalctl -u {UNIT}"
            )
        raise DrainingError(
            f"gitlab-runner takes no new jobs, but {look.drained_for()} s after it was told so some still run; nothing "
            "was killed, and it goes on draining. Run this again when they are done, or with a longer drain_timeout "
            f"than {self.params['drain_timeout']} s (in role gitlab_runner: gitlab_runner_drain_timeout); on the host "
            "'systemctl kill --signal=SIGTERM gitlab-runner' aborts them"
        )

    def _start(self) -> None:
        self.unit.start()
        deadline = time.monotonic() + START_TIMEOUT
        process, since = "", 0.0
        while time.monotonic() < deadline:
            look = Look(self.unit.look())
            main = look.properties.get("MainPID", "0")
            if look.crashed or look.active == "failed":
                break
            if look.active != "active" or main == "0":
                process = ""
            elif main != process:
                process, since = main, time.monotonic()
            elif time.monotonic() - since >= SETTLED:
                return
            time.sleep(0.2)
        said = " | ".join(self.unit.log()[-3:]) or "none"
        raise ServiceError(f"gitlab-runner did not come up. Its last words: {said}")

    def _remove(self) -> None:
        """The unit and all that we put beside it."""
        with contextlib.suppress(UnitError):
            self.unit.disable()
        for path in (DROP_IN, DRAIN_DROP_IN, RESTART_MARK):
            remove(path)
        for path in (DROP_IN, DRAIN_DROP_IN):
            # Drop-ins of others stay, and their folder with them.
            with contextlib.suppress(OSError):
                os.rmdir(os.path.dirname(path))
        # A unit of a package lies elsewhere, and goes with it.
        if self.look.properties.get("FragmentPath") == UNIT_FILE:
            remove(UNIT_FILE)
        self.unit.daemon_reload()
        self._run(["systemctl", "reset-failed", UNIT])
