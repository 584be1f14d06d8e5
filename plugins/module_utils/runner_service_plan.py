# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What GitLab Runner's service is, compared with what was asked for: decided before anything is done."""

from __future__ import annotations

import contextlib
import os
import pwd

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_hold
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_state as states
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.needrestart import Override
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_state import (
    UNIT,
    Look,
    RunnerUnit,
    ServiceError,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_unit import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run
    from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_hold import Hold


class Plan:
    """The service as it is, and as it shall be."""

    def __init__(self, run: Run, params: Mapping[str, Any]) -> None:
        self._run = run
        self.params = params
        self.unit = RunnerUnit(run)
        self.look = Look(self.unit.look())
        self.before = read_text(states.DROP_IN) or ""
        self.hold_before = runner_hold.read()
        self.hold_after = self._wanted_hold()
        self.reasons: list[str] = []
        self.command = self._wanted_command()
        self.after = self._wanted_drop_in()
        # Whoever has every stop drain the runner does not want one in the middle of an upgrade of libraries, either.
        self.needrestart = Override("gitlab_runner", [UNIT] if texts.drain_timeout(self.after) is not None else [])

    # Who holds it.

    def _wanted_hold(self) -> Hold | None:
        state, found, by = self.params["state"], self.hold_before, self.params["hold"]
        if state == "absent":
            return None
        if state == "stopped" and by:
            return runner_hold.new(by) if found is None or runner_hold.yields(found, by) else found
        if state == "stopped":
            return found
        return None if found is None or runner_hold.releases(self.params["release"], found) else found

    @property
    def bound(self) -> bool:
        """Whether it shall run, and somebody holds it."""
        return self.params["state"] in ("started", "restarted") and self.hold_after is not None

    @property
    def queues(self) -> bool:
        """Whether it is to run when it has drained, and nobody is to wait for that."""
        return self.params["queue"] and self.look.draining and self.params["state"] in ("started", "restarted")

    @property
    def rises(self) -> bool:
        """Whether it is up at the end of this call."""
        return self.params["state"] in ("started", "restarted") and not self.bound and not self.queues

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
        graceful = self.params["graceful"]
        timeout = self.params["drain_timeout"] if graceful else None
        return texts.drop_in(texts.drain_timeout(self.before) if graceful is None else timeout, self._override())

    # What has to be done.

    def decide(self) -> str:
        """none, make, start, queue, stop, restart or remove; `reasons` says why."""
        state, look = self.params["state"], self.look
        if look.load == "masked":
            if state in ("stopped", "absent"):
                return "none"
            raise ServiceError(f"{UNIT} is masked on this host; run 'systemctl unmask {UNIT}'")
        if state == "absent":
            left = [self.before, self.needrestart.before, read_text(states.RESTART_MARK) is not None]
            return "remove" if look.exists or any(left) else "none"
        if state == "stopped":
            return "stop" if look.runs or look.draining or look.crashed else "none"
        if not look.exists:
            self.reasons.append("there is no unit yet")
            return "make"
        return "none" if self.bound else self._way_up()

    def _way_up(self) -> str:
        look = self.look
        if self.queues and self.unit.start_waits():
            return "none"
        if look.draining:
            self.reasons.append("it was stopped and drains")
            return "queue" if self.queues else "start"
        if not look.runs:
            self.reasons.append("it ended and waits to be started again" if look.crashed else "it does not run")
            return "start"
        self.reasons += self._restart_reasons()
        return "restart" if self.reasons else "none"

    def _restart_reasons(self) -> list[str]:
        reasons = ["a restart was asked for"] if self.params["state"] == "restarted" else []
        mark = read_text(states.RESTART_MARK)
        if mark is not None:
            # The mark is a list of keys, one in a line, or empty.
            said = ", ".join(mark.split())
            reasons.append(f"a changed setting needs it{': ' + said if said else ''}")
        if self.moves:
            reasons.append("what the unit starts changes")
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/{self.look.process}/exe")
            # Of a program in an interpreter's language this is the interpreter, which may be upgraded as it likes.
            if path.endswith(" (deleted)") and os.path.basename(path).startswith("gitlab-runner"):
                reasons.append("its program was replaced")
        return reasons

    @property
    def moves(self) -> bool:
        """Whether it is to start something else than it does."""
        return self.command is not None and not self.command.means(self.look.command)

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
        """Whether files beside the unit change; those for a unit that is yet to come are written with it."""
        changes = self.before != self.after or self.needrestart.changes
        return changes and (self.look.exists or bool(self.before))

    @property
    def wakes_up(self) -> bool:
        """Whether a drop-in of a drain that is over is still there."""
        return self.rises and os.path.exists(states.DRAIN_DROP_IN)

    @property
    def changes(self) -> bool:
        """Whether something is to be done beside the action."""
        return bool(self.enables or self.rewrites or self.wakes_up or self.hold_before != self.hold_after)
