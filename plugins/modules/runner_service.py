#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_service
short_description: Start, stop and restart GitLab Runner without aborting a job
version_added: 0.1.0
description:
  - Starts GitLab Runner and sees that it stays up, or stops it once the jobs that it runs are done. What is right
    already is left alone.
  - To drain, the runner gets C(SIGQUIT), takes no new jobs and ends with its last one. Nothing is killed when that
    takes longer than O(drain_timeout). The module fails then, the runner goes on draining, and the next call waits on.
    One that was to be up again is started by systemd when it is done, whether there is a next call or not.
  - Holds a runner that it stops, when O(hold) names who wants that, with the file
    C(/var/lib/runnerkit/gitlab-runner-hold). Until O(release) names the same one, nobody starts it, neither the scripts
    of its package nor a reboot, nor this module. That is no error, the module warns and RV(held) says who holds
    it.
  - Restarts a running runner only for a reason, namely O(state=restarted), a change of what the unit starts, a
    program that was replaced under it, or the mark C(/var/lib/runnerkit/gitlab-runner-restart) that whoever changes a
    setting leaves which the runner reads at its start only. The mark goes when the runner is up again, so that a run
    which was killed in between is made up for by the next one.
  - Has the unit made by the runner itself (C(gitlab-runner install)) where there is none.
  - What an older unit starts (user, configuration file, working directory, further arguments) stays when the program
    moves or a package writes the unit anew. It stands in the drop-in where it differs from what the unit says.
options:
  state:
    description:
      - V(started) and V(stopped) do nothing to a runner that is so already.
      - V(absent) stops it and removes its unit (one in C(/etc/systemd/system)) and the drop-in; the program stays.
    type: str
    choices: [started, stopped, restarted, absent]
    default: started
  hold:
    description:
      - With O(state=stopped), who keeps the runner down. A hold of somebody else stays theirs, but one of
        V(docker_engine), which ends with the restart of the engine that it is for, is taken over.
      - A reboot leaves the runner down where O(graceful) has its drop-in written, and starts it elsewhere.
    type: str
    choices: [upgrade, drain, docker_engine]
  release:
    description: With O(state=started) and O(state=restarted), whose hold ends; V(any) for everybody's.
    type: list
    elements: str
    choices: [upgrade, drain, docker_engine, any]
    default: []
  queue:
    description:
      - With O(state=started) and O(state=restarted), whether a runner that drains is not waited for. systemd starts it
        when its last job is done.
      - A later O(state=stopped), or C(systemctl stop), calls that off.
    type: bool
    default: false
  enabled:
    description: Whether it starts at boot; left alone without the option.
    type: bool
  drain:
    description: Whether a runner that is stopped or restarted is drained. If not, its jobs are aborted.
    type: bool
    default: true
  drain_timeout:
    description: Seconds that a drain may take.
    type: int
    default: 7200
  wait:
    description:
      - Seconds that one call waits for a drain at most, for callers that ask again until it is over. A connection that
        nothing goes over for an hour does not survive everywhere.
      - As long as O(drain_timeout) without the option.
    type: int
  graceful:
    description:
      - Whether a drop-in, C(/etc/systemd/system/gitlab-runner.service.d/runnerkit.conf), has everybody else's stops
        drain the runner as well, those of the package's scripts, of an administrator and of a reboot.
      - C(systemctl stop) sends C(SIGQUIT) then, to the runner alone and not to the programs of its jobs, and kills
        after O(drain_timeout).
      - At a reboot systemd itself waits for half an hour at most.
      - It has systemd mind a hold, too. And C(/etc/needrestart/conf.d/runnerkit-gitlab_runner.conf) keeps
        C(needrestart) from restarting the runner.
      - Without the option all that stays as it is, for callers whose business the runner's unit is not.
    type: bool
  program:
    description: The program that the unit has to start; the one that it does start without the option.
    type: path
  config:
    description:
      - The configuration file that the runner has to read; the one that it does read without the option.
      - A unit that reads another file with runners in it is refused, since they would be lost.
    type: path
  user:
    description: User of the shell executor's jobs, for a unit that is made anew; the one of a unit that is there stays.
    type: str
    default: gitlab-runner
  keep_command:
    description: With O(state=stopped), whether the package is about to be installed or upgraded, whose scripts write
      the unit anew. What it starts now is kept in the drop-in then, unless it is what the package has it start.
    type: bool
    default: false
  way_back:
    description: Name of the record of M(runnerkit.gitlab.package_set) that can go once the runner was seen to be up.
    type: str
attributes:
  check_mode:
    support: full
    description: Says what it would do.
  diff_mode:
    support: full
    description: Shows the drop-in, the file for C(needrestart) and the hold.
  platform:
    support: full
    platforms: linux
    description: Hosts with systemd.
seealso:
  - module: runnerkit.gitlab.package_set
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: See that GitLab Runner runs, and that every stop drains it
  runnerkit.gitlab.runner_service:
    state: started
    enabled: true
    graceful: true

- name: Wait for the last job, with a call a minute
  runnerkit.gitlab.runner_service:
    state: stopped
    drain_timeout: 7200
    wait: 60
  register: drain
  until: not drain.draining
  retries: 120
  delay: 1

- name: Keep it down, through reboots and upgrades of its package
  runnerkit.gitlab.runner_service:
    state: stopped
    hold: drain

- name: Have it up again
  runnerkit.gitlab.runner_service:
    state: started
    release: [drain]
"""

RETURN = r"""
action:
  description: What was done, or would be done.
  type: str
  choices: [none, make, start, queue, stop, restart, remove]
  returned: always, unless the service cannot be looked at
reasons:
  description: Why, one entry each.
  type: list
  elements: str
  returned: always, unless the service cannot be looked at
draining:
  description: Whether the runner still runs jobs that were waited for in vain. The module fails then.
  type: bool
  returned: always
held:
  description: Who holds the runner after this call; null for nobody.
  type: dict
  returned: always, unless the service cannot be looked at
  contains:
    by:
      description: V(upgrade), V(drain) or V(docker_engine); V(unknown) where the file cannot be read.
      type: str
    since:
      description: Since when, UTC; null where the file cannot be read.
      type: str
  sample: {by: drain, since: "2026-11-22T17:40:00Z"}
drained:
  description: Seconds that the runner's last stop took; null when it was not stopped since the host was started.
  type: float
  returned: success with O(state=stopped)
program:
  description: The program that the unit starts; null without a unit.
  type: str
  returned: success
config:
  description: The configuration file that it reads; null without a unit.
  type: str
  returned: success
user:
  description: User of the shell executor's jobs; null without a unit, empty for the runner's own.
  type: str
  returned: success
working_directory:
  description: Where those jobs have their folders; null without a unit, empty for the runner's own.
  type: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance, runner_hold, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_state as states
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service import Service
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_state import DrainingError, ServiceError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# There while systemd is the first process.
SYSTEMD = "/run/systemd/system"
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["started", "stopped", "restarted", "absent"], "default": "started"},
    "hold": {"type": "str", "choices": [*runner_hold.REMEDIES]},
    "release": {
        "type": "list",
        "elements": "str",
        "choices": [*runner_hold.REMEDIES, runner_hold.ANY],
        "default": [],
    },
    "queue": {"type": "bool", "default": False},
    "enabled": {"type": "bool"},
    "drain": {"type": "bool", "default": True},
    "drain_timeout": {"type": "int", "default": 7200},
    "wait": {"type": "int"},
    "graceful": {"type": "bool"},
    "program": {"type": "path"},
    "config": {"type": "path"},
    "user": {"type": "str", "default": "gitlab-runner"},
    "keep_command": {"type": "bool", "default": False},
    "way_back": {"type": "str"},
}


def command(service: Service) -> dict[str, Any]:
    """What the unit starts in the end."""
    found = service.command
    keys = ("program", "config", "user", "working_directory")
    return {key: getattr(found, key) if found else None for key in keys}


def difference(path: str, before: str, after: str) -> dict[str, str]:
    """One file of the diff."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def run(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Look, decide, act; RESULT has in it what is known when that fails."""
    if "upgrade" in (module.params["hold"], *module.params["release"]) and not module.check_mode:
        maintenance.touch()
    service = Service(module.run_command, module.params)
    action = service.decide()
    changed = action != "none" or service.changes
    # Of a runner that is not there yet the drop-in is written with its unit.
    written = service.look.exists or action != "none"
    result.update(action=action, reasons=service.reasons, changed=changed, held=service.hold_after)
    if service.bound and service.hold_after:
        state = "is left as it is" if service.look.runs else "stays stopped"
        module.warn(f"GitLab Runner {state}, {runner_hold.sentence(service.hold_after)}")
    if changed and not module.check_mode:
        service.carry_out(action)
    name = module.params["way_back"]
    if name and not module.check_mode and service.rises:
        # Nobody would call this a change of the host.
        way_back.forget(name)
    override = service.needrestart
    result["diff"] = [
        difference(states.DROP_IN, service.before, service.after if written else service.before),
        difference(override.path, override.before, override.after if written else override.before),
        difference(runner_hold.PATH, runner_hold.render(service.hold_before), runner_hold.render(service.hold_after)),
    ]
    if module.params["state"] == "stopped":
        result["drained"] = service.look.drained()
    result.update(command(service))


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    name = module.params["way_back"]
    if name and not way_back.is_name(name):
        module.fail_json(msg=f"way_back '{name}' is not a short name; use letters, digits, _ and -")
    for option in ("drain_timeout", "wait"):
        seconds = module.params[option]
        if seconds is not None and seconds < 0:
            module.fail_json(msg=f"{option} is {seconds}; give seconds, 0 or more")
    if not os.path.isdir(SYSTEMD):
        module.fail_json(
            msg="this host is not run by systemd, which runner_service needs; use a host that boots with it"
        )
    result: dict[str, Any] = {"changed": False, "draining": False}
    try:
        run(module, result)
    except DrainingError as error:
        module.fail_json(msg=str(error), **{**result, "draining": True})
    except ServiceError as error:
        module.fail_json(msg=str(error), **result)
    except (UnitError, OSError) as error:
        module.fail_json(msg=f"the service of GitLab Runner could not be changed: {error}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
