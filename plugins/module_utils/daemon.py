# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The Docker daemon of a host: its two files, its unit, its answers, and what brings it to what the files say."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json, daemon_reads
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit, UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

# Lost at boot, as is the difference between the file and the running daemon.
PENDING = "/run/runnerkit/docker_daemon.pending"
DROP_IN = "/etc/systemd/system/{0}.d/runnerkit-environment.conf"
_RUNNING = ("active", "reloading", "activating")
# A runner that was told to end still has jobs.
_AT_WORK = ("active", "reloading", "deactivating")
RANK = {"none": 0, "reload": 1, "restart": 2}


class DaemonError(Exception):
    """The daemon is in a state that a program should not end by force; the text says what to do."""


def quote(value: str) -> str:
    """A value for Environment= (systemd.exec(5)): in double quotes, on one line, with % doubled."""
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%"))


def render_drop_in(environment: dict[str, Any]) -> str:
    """The unit's drop-in; empty without variables."""
    environment = {name: value for name, value in environment.items() if value is not None}
    if not environment:
        return ""
    lines = ["Environment={}".format(quote(f"{name}={environment[name]}")) for name in sorted(environment)]
    return "# Ansible managed: role runnerkit.gitlab.docker_engine\n[Service]\n" + "\n".join(lines) + "\n"


class Daemon:
    """The daemon on this host: its files, its unit, its answers."""

    def __init__(self, run: Run, params: Mapping[str, Any]) -> None:
        self._run = run
        self.params = params
        self.unit = Unit(run, params["unit"])
        self.engine = Engine(self.params["socket"], timeout=5.0)
        self.drop_in = DROP_IN.format(self.params["unit"])
        self._read_at_start: list[str] = self.params.get("read_at_start") or []
        self.text = read_text(self.params["path"])
        self.drop_in_text = read_text(self.drop_in) or ""

    def runs(self) -> bool:
        """Whether there is a process; a unit is called activating while systemd waits to start it once more, too."""
        properties = self.unit.properties()
        again = properties.get("SubState", "").startswith("auto-restart")
        return properties.get("ActiveState") in _RUNNING and not again

    def disturbs(self, units: Iterable[str]) -> bool:
        """Whether one of these is at work, to whom a restart of the daemon would be a disturbance."""
        return any(Unit(self._run, name).properties().get("ActiveState") in _AT_WORK for name in units)

    def version(self) -> str | None:
        """What the running daemon says its version is; None when it is stopped or does not answer."""
        if not self.runs():
            return None  # asking would have systemd start it, by its socket
        try:
            return str(self.engine.get("/version")["Version"])
        except (EngineError, KeyError, TypeError):
            return None

    def _program(self) -> str | None:
        """The dockerd that the next start would run; None where the unit starts something else, a wrapper perhaps."""
        command = self.unit.command_line()
        found = bool(command) and os.path.basename(command[0]) == "dockerd" and os.path.exists(command[0])
        return command[0] if found else None

    def installed_version(self) -> str | None:
        """The version of the program that the next start would run."""
        program = self._program()
        rc, out, _err = self._run([program, "--version"]) if program else (1, "", "")
        words = out.replace(",", " ").split()
        return words[words.index("version") + 1] if rc == 0 and "version" in words[:-1] else None

    def check(self, text: str) -> str | None:
        """Have dockerd read the new configuration; its complaint, or None when it is content."""
        program = self._program()
        if program is None:
            return None
        settings = daemon_json.parse(text)
        settings.pop("pidfile", None)
        with tempfile.TemporaryDirectory() as folder:
            for key in ("data-root", "exec-root"):
                # dockerd makes these folders before it looks at its pid file.
                if isinstance(settings.get(key), str):
                    settings[key] = os.path.join(folder, key)
            path = os.path.join(folder, "daemon.json")
            write_atomically(path, daemon_json.render(settings).encode())
            arguments = [*self.unit.command_line(), "--config-file", path]
            _rc, usage, _err = self._run([program, "--help"])
            if "--validate" in usage:
                rc, out, err = self._run([*arguments, "--validate"])
                return None if rc == 0 else (err or out).strip() or "it gave no reason"
            # Before Engine 23.0 dockerd has no --validate. It reads its configuration before it looks at its pid file,
            # so with the pid of a process that lives (this one) it complains about the one or about the other.
            pidfile = os.path.join(folder, "pid")
            write_atomically(pidfile, str(os.getpid()).encode())
            _rc, out, err = self._run([*arguments, "--pidfile", pidfile])
            last = (err or out).strip().splitlines()[-1:]
            return None if "pid file found" in err + out else "".join(last) or "it gave no reason"

    def outdated(self) -> list[str]:
        """Files of `read_at_start` that are not what the process found."""
        paths = self._read_at_start
        properties = self.unit.properties() if paths else {}
        pid = int(properties.get("MainPID") or 0)
        return daemon_reads.changed(paths, pid, properties.get("InvocationID", "")) if pid else []

    def wait(self, seconds: float, other_than: str | None = None) -> bool:
        """Whether the daemon answers within the time, as another process than the one with that invocation id."""
        deadline = time.monotonic() + seconds
        while True:
            properties = self.unit.properties()
            state = properties.get("ActiveState")
            if other_than is None or properties.get("InvocationID") != other_than:
                if state == "failed":
                    return False
                if state == "active" and self.version() is not None:
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.3)

    def act(self, action: str) -> bool:
        """Do it to the daemon; whether it answers afterwards."""
        before = None
        try:
            if action == "reload":
                self.unit.reload()
            elif action in ("restart", "start"):
                before = self.unit.properties().get("InvocationID") or None
                self.unit.restart()
        except UnitError:
            return False
        return self.wait(self.params["timeout"], before)

    def keep_containers(self) -> bool:
        """Before a restart: have the daemon that runs take live-restore over by a reload, where it is not in force.

        True where containers run and the restart has to be made with live-restore in daemon.json.
        """
        try:
            # It counts containers and asks the storage driver, which takes its time on a busy host.
            info = self.engine.get("/info", timeout=self.params["timeout"])
        except EngineError as error:
            if error.kind in ("absent", "refused"):
                return False  # nothing runs any more that would stop its containers
            raise DaemonError(
                f"the daemon does not say whether a restart would stop containers: {error}; restart it by hand when "
                "they may be stopped"
            ) from error
        # The engine of a swarm cannot have live-restore.
        if not info.get("ContainersRunning") or (info.get("Swarm") or {}).get("LocalNodeState") == "active":
            return False
        found = daemon_json.parse(self.text or "")
        if info.get("LiveRestoreEnabled"):
            # By the file, or else by a flag of the unit, which must not stand in the file as well.
            return found.get("live-restore") is True
        settings = {**found, "live-restore": True}
        write_atomically(self.params["path"], daemon_json.render(settings).encode())
        if not self.act("reload") or not self._restores(self.params["timeout"]):
            self.write(self.text, self.drop_in_text)
            raise DaemonError(
                f"the daemon did not take live-restore over, so that a restart would stop {info['ContainersRunning']} "
                "containers; restart it by hand when they may be stopped"
            )
        return True

    def apply(self, text: str | None, drop_in: str, action: str, keep: bool) -> bool:
        """Write both files and act; whether the daemon answers afterwards.

        With KEEP it is restarted with live-restore in its file, since a daemon without stops at its start the
        containers it finds; a file that shall not have it is reloaded then.
        """
        through = _with_live_restore(text) if keep and action == "restart" else text
        self.write(through, drop_in)
        reads = daemon_reads.checksums(self._read_at_start) if action in ("restart", "start") else {}
        if not self.act(action):
            return False
        if reads:
            daemon_reads.note(self.unit.properties().get("InvocationID", ""), reads)
        if through == text:
            return True
        self.write(text, drop_in)
        return self.act("reload")

    def _restores(self, seconds: float) -> bool:
        """Whether live-restore comes into force; a reload is but a signal, and has an effect some time after it."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(EngineError):
                if self.engine.get("/info").get("LiveRestoreEnabled"):
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.3)

    def write(self, text: str | None, drop_in: str) -> None:
        """Both files as given; None and empty text remove them."""
        if text is None:
            remove(self.params["path"])
        elif text != read_text(self.params["path"]):
            write_atomically(self.params["path"], text.encode())
        if drop_in != (read_text(self.drop_in) or ""):
            if drop_in:
                # A proxy's password may be in it.
                write_atomically(self.drop_in, drop_in.encode(), 0o600)
            else:
                remove(self.drop_in)
            self.unit.daemon_reload()


def _with_live_restore(text: str | None) -> str | None:
    settings = daemon_json.parse(text or "")
    return text if settings.get("live-restore") is True else daemon_json.render({**settings, "live-restore": True})


def plan(daemon: Daemon, drop_in: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(action, reasons) that bring the running daemon to what the files say; DaemonError when it hangs."""
    reasons = []
    action = "none"
    keys = daemon_json.differing_keys(before, after)
    if keys:
        action = "restart" if daemon_json.needs_restart(before, after) else "reload"
        reasons.append("daemon.json: {}".format(", ".join(keys)))
    if drop_in != daemon.drop_in_text:
        action = "restart"
        reasons.append("the daemon's environment")
    pending = (read_text(PENDING) or "").strip()
    if RANK.get(pending, 0) > 0:
        action = max(action, pending, key=lambda name: RANK[name])
        reasons.append("an earlier run was interrupted before the daemon had taken its configuration over")
    answers = daemon.runs() and daemon.wait(daemon.params["timeout"])
    if not answers and not daemon.runs():
        return "start", [*reasons, "the daemon does not run"]
    if not answers:
        # It may be busy with what jobs asked of it, and a restart would cut them off.
        raise DaemonError(
            "the daemon runs but has not answered on {} for {} s; look at journalctl -u {}, and "
            "restart it by hand if it hangs".format(
                daemon.params["socket"], daemon.params["timeout"], daemon.params["unit"]
            )
        )
    for path in daemon.outdated():
        action = "restart"
        reasons.append(f"{path} was changed after the daemon had started, which reads it only then")
    running, installed = daemon.version(), daemon.installed_version()
    if installed and running and installed != running:
        action = "restart"
        reasons.append(f"{running} runs, {installed} is installed")
    return action, reasons
