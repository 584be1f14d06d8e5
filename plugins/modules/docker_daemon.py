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
    the program that runs is not the one that is installed.
  - Restarts the daemon when one of the files that it reads only at its start was changed since, see
    O(read_at_start).
  - While containers run, restarts it with live-restore in force, so that they outlive the restart. Where live-restore
    is not wanted it is switched on by a reload before the restart, and off by one after it. The engine of a swarm
    cannot have it.
  - Never restarts a daemon that runs but is slow to answer.
  - Leaves a restart to the caller while somebody is at work who would feel it, see O(defer_for).
  - Keeps needrestart from restarting the daemon and containerd, see O(needrestart).
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
  validate:
    description:
      - Whether dockerd checks the new file. Worth switching off in check mode when another dockerd is about to be
        installed, which
        may know other settings.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for the daemon to answer, after a start or restart and when it is slow.
    type: int
    default: 60
  read_at_start:
    description:
      - Files that the daemon reads at its start alone. It is restarted when one of them was changed after its process
        had started, by whomever; of a file that is missing it is not asked.
      - The engine reads the host's bundle of certificate authorities so, C(/etc/ssl/certs/ca-certificates.crt) or
        C(/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem). What lies below C(/etc/docker/certs.d) is read at each
        connection and needs no restart.
    type: list
    elements: path
    default: []
  defer_for:
    description:
      - Units whose work a restart of the daemon would spoil. While one of them is at work, be it that it only ends what
        it has begun, a daemon that runs is not restarted, nothing else is changed, and the result says so.
      - Jobs of GitLab Runner do not outlive one, not even with live-restore, since the runner loses sight of their
        containers.
      - A daemon that is down is started, and settings that can be reloaded are reloaded, all the same.
    type: list
    elements: str
    default: []
  needrestart:
    description: Whether needrestart is told to leave the daemon's unit, docker.socket and containerd.service alone, by
      C(/etc/needrestart/conf.d/runnerkit-docker_engine.conf). The file is written whether needrestart is there or not,
      as whoever installs it later does not think of this.
    type: bool
    default: true
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
deferred:
  description: Whether the daemon has to be restarted and was not, for the sake of O(defer_for). Never so in check mode.
  type: bool
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon as daemons
from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.needrestart import Override
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact, redact_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


# Units beside the daemon's own whose restart would take it down, or away from its clients.
COMPANIONS = ("containerd.service", "docker.socket")


class DaemonModule(AnsibleModule):
    """A module that does not write its options to the host's journal: settings of log drivers can hold tokens."""

    def __init__(self, **options: Any) -> None:
        AnsibleModule.__init__(self, **options)

    def _log_invocation(self) -> None:
        pass


def shown(settings: dict[str, Any], text: str | None) -> str:
    """daemon.json as a diff may show it."""
    return "" if text is None else daemon_json.render(redact(settings))


def difference(path: str, before: str, after: str) -> dict[str, str]:
    """One file of the diff."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def invocation(module: AnsibleModule) -> dict[str, Any]:
    """The options as `-vvv` may show them."""
    return {"invocation": {"module_args": redact(dict(module.params))}}


def run(module: AnsibleModule) -> None:
    """Compare, check, write, act, wait."""
    daemon = daemons.Daemon(module.run_command, module.params)
    properties = daemon.unit.properties()
    missing = properties.get("LoadState") == "not-found"
    refuse_unit(module, properties, missing)
    found, merged, text = compare(module, daemon)
    environment = module.params["environment"]
    drop_in = daemon.drop_in_text if environment is None else daemons.render_drop_in(environment)
    action, reasons = "start", ["the daemon is not installed yet"]
    if not missing:
        action, reasons = daemons.plan(daemon, drop_in, found, merged)
    if action == "restart" and not module.check_mode and daemon.disturbs(module.params["defer_for"]):
        module.exit_json(changed=False, action="none", deferred=True, reasons=reasons, keys=[], **invocation(module))
    alone = Override("docker_engine", {module.params["unit"], *COMPANIONS})
    spare = module.params["needrestart"] and alone.changes
    # Other states, as static or linked, are somebody's decision.
    enable = module.params["enabled"] and properties.get("UnitFileState") == "disabled"
    changed = action != "none" or enable
    if spare and not module.check_mode:
        alone.apply()
    if changed and not module.check_mode:
        keep = action == "restart" and daemon.keep_containers()
        if action in ("reload", "restart"):
            write_atomically(daemons.PENDING, action.encode())
        if enable:
            daemon.unit.enable()
        if not daemon.apply(text, drop_in, action, keep):
            fail(module, daemon, action, found != merged or drop_in != daemon.drop_in_text, reasons, keep)
        remove(daemons.PENDING)
    module.exit_json(
        changed=changed or spare,
        action=action,
        deferred=False,
        reasons=reasons,
        keys=daemon_json.differing_keys(found, merged),
        diff=[
            difference(module.params["path"], shown(found, daemon.text), shown(merged, text)),
            difference(daemon.drop_in, redact_text(daemon.drop_in_text), redact_text(drop_in)),
            difference(alone.path, alone.before, alone.after if spare else alone.before),
        ],
        **invocation(module),
    )


def refuse_unit(module: AnsibleModule, properties: dict[str, str], missing: bool) -> None:
    """There has to be a unit that may be started."""
    unit = module.params["unit"]
    if properties.get("LoadState") == "masked":
        raise daemons.DaemonError(f"{unit} is masked on this host; run 'systemctl unmask {unit}'")
    if missing and not module.check_mode:
        raise daemons.DaemonError(f"there is no unit {unit} on this host; install the engine first")


def compare(module: AnsibleModule, daemon: daemons.Daemon) -> tuple[dict[str, Any], dict[str, Any], str | None]:
    """(settings found, settings wanted, text wanted), which dockerd has checked."""
    path = module.params["path"]
    try:
        found = daemon_json.parse(daemon.text or "")
    except daemon_json.DaemonJsonError as error:
        raise daemons.DaemonError(
            f"{path} on this host cannot be merged into: {error}; mend it by hand or remove it"
        ) from error
    merged = daemon_json.merge(found, module.params["config"])
    if merged == found:
        return found, merged, daemon.text
    text = daemon_json.render(merged)
    complaint = daemon.check(text) if module.params["validate"] else None
    if complaint:
        raise daemons.DaemonError(f"dockerd refuses the new {path}, nothing was changed: {complaint}")
    return found, merged, text


def fail(
    module: AnsibleModule, daemon: daemons.Daemon, action: str, touched: bool, reasons: list[str], keep: bool
) -> None:
    """The daemon did not come up: say what it said, and put back what was changed."""
    log = [redact_text(line) for line in daemon.unit.log()]
    restored = False
    if touched:
        # One that runs and is slow after a reload is not restarted for it.
        back = "reload" if action == "reload" and daemon.runs() else "restart"
        restored = daemon.apply(daemon.text, daemon.drop_in_text, back, keep)
        remove(daemons.PENDING)
    sentence = "the daemon did not come up ({})".format("; ".join(reasons))
    if restored:
        sentence += "; the configuration from before is back and the daemon runs with it"
    telling = [line for line in log if "level=info" not in line and "level=debug" not in line] or log
    said = " | ".join(list(dict.fromkeys(telling))[-3:]) or "none"
    module.fail_json(msg=f"{sentence}. Its last words: {said}", log=log, restored=restored, **invocation(module))


def main() -> None:
    """Entry point."""
    module = DaemonModule(
        argument_spec={
            "config": {"type": "dict", "default": {}},
            "environment": {"type": "dict", "no_log": True},
            "enabled": {"type": "bool", "default": True},
            "validate": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
            "read_at_start": {"type": "list", "elements": "path", "default": []},
            "defer_for": {"type": "list", "elements": "str", "default": []},
            "needrestart": {"type": "bool", "default": True},
            "unit": {"type": "str", "default": "docker.service"},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "socket": {"type": "path", "default": "/var/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except daemons.DaemonError as error:
        module.fail_json(msg=str(error), **invocation(module))
    except (UnitError, OSError) as error:
        module.fail_json(msg=f"the daemon's configuration could not be applied: {error}", **invocation(module))


if __name__ == "__main__":
    main()
