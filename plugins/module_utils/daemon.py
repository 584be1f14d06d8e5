# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The Docker daemon of a host: its two files, its unit, its answers, and what brings it to what the files say."""

from __future__ import annotations

import os
import tempfile
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit, UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

# Lost at boot, as is the difference between the file and the running daemon.
PENDING = "/run/runnerkit/docker_daemon.pending"
DROP_IN = "/etc/systemd/system/{0}.d/runnerkit-environment.conf"
RANK = {"none": 0, "reload": 1, "restart": 2}


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
        self.text = read_text(self.params["path"])
        self.drop_in_text = read_text(self.drop_in) or ""

    def version(self) -> str | None:
        """What the running daemon says its version is; None when it is stopped or does not answer."""
        if self.unit.properties().get("ActiveState") not in ("active", "reloading", "activating"):
            return None  # asking would have systemd start it, by its socket
        try:
            return str(self.engine.get("/version")["Version"])
        except (EngineError, KeyError, TypeError):
            return None

    def installed_version(self) -> str | None:
        """The version of the program that the next start would run."""
        program = (self.unit.command_line() or ["dockerd"])[0]
        rc, out, _err = self._run([program, "--version"])
        words = out.replace(",", " ").split()
        return words[words.index("version") + 1] if rc == 0 and "version" in words[:-1] else None

    def check(self, text: str) -> str | None:
        """Have dockerd read the new configuration; its complaint, or None when it is content."""
        command = self.unit.command_line()
        if not command or not os.path.exists(command[0]):
            return None
        settings = daemon_json.parse(text)
        settings.pop("pidfile", None)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "daemon.json")
            write_atomically(path, daemon_json.render(settings).encode())
            arguments = [*command, "--config-file", path]
            _rc, usage, _err = self._run([command[0], "--help"])
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

    def wait(self) -> bool:
        """Whether the daemon answers within the time limit."""
        deadline = time.monotonic() + self.params["timeout"]
        while time.monotonic() < deadline:
            if self.version() is not None:
                return True
            if self.unit.properties().get("ActiveState") == "failed":
                return False
            time.sleep(0.3)
        return False

    def act(self, action: str) -> bool:
        """Do it to the daemon; whether it answers afterwards."""
        try:
            if action == "reload":
                self.unit.reload()
            elif action in ("restart", "start"):
                self.unit.restart()
        except UnitError:
            return False
        return self.wait()

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


def plan(daemon: Daemon, drop_in: str, keys: list[str]) -> tuple[str, list[str]]:
    """(action, reasons) that bring the running daemon to what the files say."""
    reasons = []
    action = "none"
    if keys:
        action = "restart" if daemon_json.needs_restart(keys) else "reload"
        reasons.append("daemon.json: {}".format(", ".join(keys)))
    if drop_in != daemon.drop_in_text:
        action = "restart"
        reasons.append("the daemon's environment")
    pending = (read_text(PENDING) or "").strip()
    if RANK.get(pending, 0) > 0:
        action = max(action, pending, key=lambda name: RANK[name])
        reasons.append("an earlier run was interrupted before the daemon had taken its configuration over")
    running = daemon.version()
    if running is None:
        return "start", [*reasons, "the daemon does not run"]
    installed = daemon.installed_version()
    if installed and installed != running:
        action = "restart"
        reasons.append(f"{running} runs, {installed} is installed")
    return action, reasons
