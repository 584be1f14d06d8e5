#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_config_file
short_description: The part on the host of runnerkit.gitlab.runner_config
version_added: 0.1.0
description:
  - Reads the runner's C(config.toml), or replaces it as a whole. It is not meant for playbooks, as what it answers is
    full of tokens; M(runnerkit.gitlab.runner_config) calls it with Ansible's logging off.
  - A write is all or nothing. It is done beside the file and renamed, with mode 0600; the owner stays, and where the
    path is a link its target is replaced. A missing folder is made with mode 0700.
  - Nothing is written when the file is not what was read.
options:
  path:
    description: The file.
    type: path
    default: /etc/gitlab-runner/config.toml
  state:
    description: Whether to read or to write.
    type: str
    choices: [read, write]
    default: read
  content:
    description: What the file shall hold, in base64.
    type: str
  expected:
    description: SHA-256 of what was read, empty when there was no file.
    type: str
    default: ""
  backup:
    description: Whether to keep a copy of the old file beside it.
    type: bool
    default: false
  restart_needed:
    description: Whether the runner has to be restarted for this. It is noted on the host before the file is written.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: The caller has a diff with the secrets masked.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: See whether there is a configuration, without printing it
  runnerkit.gitlab.runner_config_file:
    state: read
  no_log: true
  register: found
"""

RETURN = r"""
runner_file:
  description: What was found or done. Empty when it failed.
  type: dict
  returned: always
  contains:
    exists:
      description: Whether there is a file.
      type: bool
      returned: O(state=read)
    content:
      description: What it holds, in base64.
      type: str
      returned: O(state=read)
    mode:
      description: Its mode in octal, V(null) when there is none.
      type: str
      returned: O(state=read)
    uid:
      description: Its owner.
      type: int
      returned: O(state=read)
    gid:
      description: Its group.
      type: int
      returned: O(state=read)
    system_id:
      description: By what GitLab knows this machine, V(null) when the runner will make up something at its start.
      type: str
      returned: O(state=read)
    sha256:
      description: Of the file that is there now, empty without one.
      type: str
      returned: success
    conflict:
      description: Whether the file was not what was expected, so that nothing was written.
      type: bool
      returned: O(state=write)
    backup_file:
      description: Where the copy is.
      type: str
      returned: O(state=write)
"""

import base64

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_system_id import system_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARGUMENTS = {
    "path": {"type": "path", "default": "/etc/gitlab-runner/config.toml"},
    "state": {"type": "str", "choices": ["read", "write"], "default": "read"},
    "content": {"type": "str", "no_log": True},
    "expected": {"type": "str", "default": ""},
    "backup": {"type": "bool", "default": False},
    "restart_needed": {"type": "bool", "default": False},
}


def read(module: AnsibleModule) -> dict[str, Any]:
    """The file and what belongs to it."""
    path = module.params["path"]
    if not module.check_mode:
        store.tidy(path)
    found = store.read(path)
    return {
        "exists": found.content is not None,
        "content": base64.b64encode(found.content or b"").decode("ascii"),
        "sha256": found.sha256,
        "mode": None if found.mode is None else f"{found.mode:04o}",
        "uid": found.uid,
        "gid": found.gid,
        "system_id": system_id(path),
    }


def write(module: AnsibleModule) -> dict[str, Any]:
    """Replace the file."""
    if module.check_mode:
        return {"conflict": False, "sha256": module.params["expected"], "backup_file": None}
    done = store.write(
        module.params["path"],
        base64.b64decode(module.params["content"]),
        module.params["expected"],
        backup=module.params["backup"],
        restart_needed=module.params["restart_needed"],
    )
    return done._asdict()


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "write", ("content",))], supports_check_mode=True
    )
    writing = module.params["state"] == "write"
    try:
        told = (write if writing else read)(module)
    except store.StoreError as error:
        problem = str(error)
    else:
        module.exit_json(changed=writing and not told["conflict"] and not module.check_mode, runner_file=told)
    # Outside of the handler, so that no traceback travels with the sentence.
    module.fail_json(msg=problem, runner_file={})


if __name__ == "__main__":
    main()
