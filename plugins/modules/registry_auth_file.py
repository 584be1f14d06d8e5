#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_auth_file
short_description: The part on the host of runnerkit.gitlab.registry_auth
version_added: 0.1.0
description:
  - Keeps logins to registries in C(~/.docker/config.json) of users. It is not meant for playbooks, as what it is given
    is full of passwords; M(runnerkit.gitlab.registry_auth) calls it with Ansible's logging off.
  - What it answers has names of registries in it, and no password.
  - Files are read and written as the user whose they are, so that links in a home directory lead nowhere else.
options:
  users:
    description: Users who are to have the logins.
    type: list
    elements: str
    default: []
  auths:
    description: User name and password in base64, by registry.
    type: dict
    default: {}
  helpers:
    description: Credential helpers by registry.
    type: dict
    default: {}
  runners:
    description: Names of the runners whose environment has these logins, to be remembered on the host.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: The caller has a diff without the passwords.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Take out every login that was written here
  runnerkit.gitlab.registry_auth_file:
  no_log: true
"""

RETURN = r"""
registry_auth:
  description: What was done, or would be in check mode. Empty when it failed.
  type: dict
  returned: always
  contains:
    changed:
      description: Whether anything was written.
      type: bool
    files:
      description: The files of the users that changed.
      type: list
      elements: dict
      contains:
        path:
          description: The file.
          type: str
        before:
          description: The logins of these registries that it had, without passwords.
          type: str
        after:
          description: Those that it has.
          type: str
    warnings:
      description: What keeps a login from being used.
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_record as records
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_auth_store as store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARGUMENTS = {
    "users": {"type": "list", "elements": "str", "default": []},
    "auths": {"type": "dict", "default": {}, "no_log": True},
    "helpers": {"type": "dict", "default": {}},
    "runners": {"type": "list", "elements": "str", "default": []},
}


def keep(module: AnsibleModule) -> dict[str, Any]:
    """The logins as they are wanted."""
    record = records.read(records.PATH)
    given = module.params
    wanted = store.Logins(given["auths"], given["helpers"])
    # A user may be one that the run itself brings, with a package that check mode does not install.
    absent = [name for name in given["users"] if store.account_of(name) is None] if module.check_mode else []
    changes = store.plan([name for name in given["users"] if name not in absent], wanted, record)
    if module.check_mode:
        changed = bool(absent) or any(each.changed for each in changes) or set(record.runners) != set(given["runners"])
    else:
        changed = store.apply(changes, given["runners"], record, records.PATH)
    warnings = [warning for change in changes for warning in change.warnings]
    return {
        "changed": changed,
        "files": [
            {"path": change.account.path, "before": change.before, "after": change.after}
            for change in changes
            if change.changed
        ],
        "warnings": [*store.missing_users(absent), *warnings, *store.missing_programs(given["helpers"])],
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        told = keep(module)
    except (store.AuthError, records.RecordError) as error:
        problem = str(error)
    else:
        module.exit_json(changed=told["changed"], registry_auth=told)
    # Outside of the handler, so that no traceback travels with the sentence.
    module.fail_json(msg=problem, registry_auth={})


if __name__ == "__main__":
    main()
