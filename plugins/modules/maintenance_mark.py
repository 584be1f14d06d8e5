#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance_mark
short_description: The part on the host of runnerkit.gitlab.runner_pause
version_added: 0.1.0
description:
  - Keeps the mark of a host that is out of service, C(/var/lib/runnerkit/maintenance.json), which is for root alone to
    read. It is not meant for playbooks, as a mark that is written over forgets which runners have to be unpaused;
    M(runnerkit.gitlab.runner_pause) calls it.
options:
  state:
    description:
      - V(read) tells the mark.
      - V(merge) adds to it, or makes it. The time it has, what it has in C(before), and the runners that it has, stay.
        The mark of somebody else is refused, and so is that of another O(run), other than O(instead_of).
      - V(write) has it be O(mark).
    type: str
    choices: [read, merge, write]
    default: read
  by:
    description: Who takes the host out of service; with O(state=merge).
    type: str
    choices: [upgrade, drain]
  reason:
    description: Why, for people; with O(state=merge).
    type: str
    default: ""
  paused:
    description: Runners that are about to be paused; with O(state=merge).
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The runner's number in GitLab.
        type: int
        required: true
      name:
        description: Its name.
        type: str
        required: true
      url:
        description: Its GitLab.
        type: str
        required: true
  before:
    description: What is wanted to be known again when the host is back; with O(state=merge).
    type: dict
    default: {}
  run:
    description: Which run of C(playbooks/upgrade.yml) works on the host from now on; with O(state=merge).
    type: str
    default: ""
  instead_of:
    description: A run that is over, whose mark may be taken over; with O(state=merge).
    type: str
    default: ""
  mark:
    description: The whole mark; none is removed. With O(state=write).
    type: dict
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: The caller has one.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Tell who took the host out of service
  runnerkit.gitlab.maintenance_mark:
"""

RETURN = r"""
maintenance:
  description: The mark, or what it would be in check mode. Empty when it failed.
  type: dict
  returned: always
  contains:
    was:
      description: The mark that was there; V(null) without one.
      type: dict
    mark:
      description: The mark that is there.
      type: dict
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RUNNER = {name: {"type": kind, "required": True} for name, kind in (("id", "int"), ("name", "str"), ("url", "str"))}
ARGUMENTS = {
    "state": {"type": "str", "choices": ["read", "merge", "write"], "default": "read"},
    "by": {"type": "str", "choices": ["upgrade", "drain"]},
    "reason": {"type": "str", "default": ""},
    "paused": {"type": "list", "elements": "dict", "default": [], "options": _RUNNER},
    "before": {"type": "dict", "default": {}},
    "run": {"type": "str", "default": ""},
    "instead_of": {"type": "str", "default": ""},
    "mark": {"type": "dict"},
}
_GIVEN = ("by", "reason", "paused", "before", "run")


def keep(module: AnsibleModule) -> dict[str, Any]:
    """The mark as it is wanted."""
    given = module.params
    looks = given["state"] == "read" or module.check_mode
    with contextlib.nullcontext() if looks else maintenance.alone(maintenance.PATH):
        was = maintenance.read(maintenance.PATH)
        mark = was
        if given["state"] == "merge":
            mark = maintenance.merged(was, {key: given[key] for key in _GIVEN}, instead_of=given["instead_of"])
        elif given["state"] == "write":
            mark = given["mark"]
        if mark != was and not looks:
            maintenance.write(mark, maintenance.PATH)
    return {"was": was, "mark": mark}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=[("state", "merge", ["by"])], supports_check_mode=True)
    try:
        told = keep(module)
    except maintenance.MarkError as error:
        problem = str(error)
    else:
        module.exit_json(changed=told["was"] != told["mark"], maintenance=told)
    # Outside of the handler, so that no traceback travels with the sentence.
    module.fail_json(msg=problem, maintenance={})


if __name__ == "__main__":
    main()
