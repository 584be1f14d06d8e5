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
    type: bool
    default: true
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
    description: Shows the drop-in.
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

- name: Wait for the last job, with a call a minute
  runnerkit.gitlab.runner_service:
    state: stopped
    drain_timeout: 7200
    wait: 60
  register: drain
  until: not drain.draining
  retries: 120
  delay: 1
"""

RETURN = r"""
action:
  description: What was done, or would be done.
  type: str
  choices: [none, make, start, stop, restart, remove]
  returned: always, unless the service cannot be looked at
reasons:
  description: Why, one entry each.
  type: list
  elements: str
  returned: always, unless the service cannot be looked at
draining:
  description: Whether the runner was told to end and still runs jobs. The module fails then.
  type: bool
  returned: always
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

from ansible_collections.runnerkit.gitlab.plugins.module_utils import way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service import DROP_IN, Service
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_state import DrainingError, ServiceError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# There while systemd is the first process.
SYSTEMD = "/run/systemd/system"
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["started", "stopped", "restarted", "absent"], "default": "started"},
    "enabled": {"type": "bool"},
    "drain": {"type": "bool", "default": True},
    "drain_timeout": {"type": "int", "default": 7200},
    "wait": {"type": "int"},
    "graceful": {"type": "bool", "default": True},
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


def run(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Look, decide, act; RESULT has in it what is known when that fails."""
    service = Service(module.run_command, module.params)
    action = service.decide()
    drop_in = service.after if service.look.exists or action != "none" else service.before
    changed = bool(action != "none" or service.enables or service.rewrites or service.wakes_up)
    result.update(action=action, reasons=service.reasons, changed=changed)
    if changed and not module.check_mode:
        service.carry_out(action)
        drop_in = service.after if action != "remove" else ""
    name = module.params["way_back"]
    if name and not module.check_mode and module.params["state"] in ("started", "restarted"):
        # Nobody would call this a change of the host.
        way_back.forget(name)
    header = {"before_header": DROP_IN, "after_header": DROP_IN}
    result["diff"] = {**header, "before": service.before, "after": drop_in}
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
