#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon
short_description: Configure the Docker daemon and see that it runs
version_added: 0.1.0
description:
  - Merges settings into C(/etc/docker/daemon.json) key by key, so that settings made by others stay.
  - Has the daemon itself check the new file, with the arguments of its own unit, before it replaces the old one.
  - Reloads the daemon when every changed setting can be reloaded, restarts it when one cannot, and restarts it when
    the program that runs is not the
    one that is installed.
  - Waits until the daemon answers on its socket. When it does not after a change, the old configuration comes back
    and the daemon is started with it.
  - A change that was written but not yet taken over, because the run was interrupted, is taken over by the next run.
options:
  config:
    description: Settings for daemon.json. Objects are merged key by key, lists and scalars are replaced, V(null)
      removes a key.
    type: dict
    default: {}
  environment:
    description:
      - Environment variables of the daemon, HTTP_PROXY and its kind, in a drop-in of the unit.
      - An empty dictionary removes the drop-in, leaving the option out leaves it alone.
    type: dict
  enabled:
    description: Whether the daemon starts at boot.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for the daemon to answer after a start or restart.
    type: int
    default: 60
  unit:
    description: Name of the systemd unit.
    type: str
    default: docker.service
  path:
    description: The daemon's configuration file.
    type: path
    default: /etc/docker/daemon.json
  socket:
    description: Where the daemon answers.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode:
    support: full
    description: The daemon checks the new configuration in check mode, too.
  diff_mode:
    support: full
    description: Passwords in proxy addresses are masked.
  platform:
    support: full
    platforms: linux
    description: Hosts with systemd.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Keep containers running while the daemon restarts
  runnerkit.gitlab.docker_daemon:
    config:
      live-restore: true

- name: Send pulls through a proxy, and forget a mirror
  runnerkit.gitlab.docker_daemon:
    config:
      registry-mirrors:
    environment:
      HTTPS_PROXY: http://proxy.example:3128
      NO_PROXY: registry.example
"""

RETURN = r"""
action:
  description: What was done to the daemon.
  type: str
  choices: [none, start, reload, restart]
  returned: success
reasons:
  description: Why, one entry each.
  type: list
  elements: str
  returned: success
keys:
  description: Top-level keys of daemon.json that changed.
  type: list
  elements: str
  returned: success
log:
  description: The daemon's last log lines.
  type: list
  elements: str
  returned: when the daemon did not come up
restored:
  description: Whether the configuration from before was put back.
  type: bool
  returned: when the daemon did not come up
"""

import os
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact, redact_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit, UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.unit = Unit(module.run_command, self.params["unit"])
        self.engine = Engine(self.params["socket"], timeout=5.0)
        self.drop_in = DROP_IN.format(self.params["unit"])
        self.text = read_text(self.params["path"])
        self.drop_in_text = read_text(self.drop_in) or ""

    def version(self) -> str | None:
        """What the running daemon says its version is; None when it does not answer."""
        try:
            return str(self.engine.get("/version")["Version"])
        except (EngineError, KeyError, TypeError):
            return None

    def installed_version(self) -> str | None:
        """The version of the program that the next start would run."""
        program = (self.unit.command_line() or ["dockerd"])[0]
        rc, out, _err = self.module.run_command([program, "--version"])
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
            _rc, usage, _err = self.module.run_command([command[0], "--help"])
            if "--validate" in usage:
                rc, out, err = self.module.run_command([*arguments, "--validate"])
                return None if rc == 0 else (err or out).strip() or "it gave no reason"
            # Before Engine 23.0 dockerd has no --validate. It reads its configuration before it looks at its pid
            # file, so with the
            # pid of a process that lives (this one) it either complains about the configuration or about the pid file.
            pidfile = os.path.join(folder, "pid")
            write_atomically(pidfile, str(os.getpid()).encode())
            _rc, out, err = self.module.run_command([*arguments, "--pidfile", pidfile])
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


def shown(settings: dict[str, Any], text: str | None) -> str:
    """daemon.json as a diff may show it."""
    return "" if text is None else daemon_json.render(redact(settings))


def difference(path: str, before: str, after: str) -> dict[str, str]:
    """One file of the diff."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def run(module: AnsibleModule) -> None:
    """Compare, check, write, act, wait."""
    daemon = Daemon(module)
    properties = daemon.unit.properties()
    missing = properties.get("LoadState") == "not-found"
    if missing and not module.check_mode:
        module.fail_json(msg="there is no unit {} on this host; install the engine first".format(module.params["unit"]))
    try:
        found = daemon_json.parse(daemon.text or "")
    except daemon_json.DaemonJsonError as error:
        module.fail_json(
            msg="{} on this host cannot be merged into: {}; mend it by hand or remove it".format(
                module.params["path"], error
            )
        )
    merged = daemon_json.merge(found, module.params["config"])
    keys = daemon_json.differing_keys(found, merged)
    text = daemon_json.render(merged) if keys else daemon.text
    environment = module.params["environment"]
    drop_in = daemon.drop_in_text if environment is None else render_drop_in(environment)
    if keys and text is not None:
        complaint = daemon.check(text)
        if complaint:
            module.fail_json(
                msg="dockerd refuses the new {}, nothing was changed: {}".format(module.params["path"], complaint)
            )
    action, reasons = ("start", ["the daemon is not installed yet"]) if missing else plan(daemon, drop_in, keys)
    enable = module.params["enabled"] and properties.get("UnitFileState") != "enabled"
    result = {
        "changed": action != "none" or enable,
        "action": action,
        "reasons": reasons,
        "keys": keys,
        "diff": [
            difference(module.params["path"], shown(found, daemon.text), shown(merged, text)),
            difference(daemon.drop_in, redact_text(daemon.drop_in_text), redact_text(drop_in)),
        ],
    }
    if not module.check_mode and result["changed"]:
        if action in ("reload", "restart"):
            write_atomically(PENDING, action.encode())
        daemon.write(text, drop_in)
        if enable:
            daemon.unit.enable()
        if not daemon.act(action):
            fail(module, daemon, bool(keys) or drop_in != daemon.drop_in_text, reasons)
        remove(PENDING)
    module.exit_json(**result)


def fail(module: AnsibleModule, daemon: Daemon, touched: bool, reasons: list[str]) -> None:
    """The daemon did not come up: say what it said, and put back what was changed."""
    log = [redact_text(line) for line in daemon.unit.log()]
    restored = False
    if touched:
        daemon.write(daemon.text, daemon.drop_in_text)
        restored = daemon.act("restart")
        remove(PENDING)
    sentence = "the daemon did not come up ({})".format("; ".join(reasons))
    if restored:
        sentence += "; the configuration from before is back and the daemon runs with it"
    module.fail_json(
        msg="{}. Its last words: {}".format(sentence, " | ".join(log[-4:]) or "none"), log=log, restored=restored
    )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "config": {"type": "dict", "default": {}},
            "environment": {"type": "dict", "no_log": True},
            "enabled": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
            "unit": {"type": "str", "default": "docker.service"},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except (UnitError, OSError) as error:
        module.fail_json(msg=f"the daemon's configuration could not be applied: {error}")


if __name__ == "__main__":
    main()
