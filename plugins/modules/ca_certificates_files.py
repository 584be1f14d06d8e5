#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_certificates_files
short_description: The part on the host of runnerkit.gitlab.ca_certificates
version_added: 0.1.0
description:
  - Compares files of certificates and keys with a plan, and writes, removes and brings back what the plan and its own
    record say. It is not meant for playbooks, as its argument holds private keys; M(runnerkit.gitlab.ca_certificates)
    makes the plan and calls it with Ansible's logging off.
  - What it wrote and what had been there before is recorded in C(/var/lib/runnerkit/registry-ca.json) before anything
    else is written. A run that is killed is completed by the next one.
  - All or nothing. When a file cannot be written, or the update program of the trust store fails, everything is put
    back.
options:
  plan:
    description: The files and the certificates of the trust store, as JSON in base64.
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: full
    description: Of a private key it is said that it is one.
  platform:
    support: full
    platforms: linux
    description: Debian, the RedHat family, and those like them; any Linux as long as the trust store is not asked for.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Remove all that was written for private registries
  runnerkit.gitlab.ca_certificates_files:
    plan: "{{ {'files': [], 'anchors': []} | to_json | b64encode }}"
"""

RETURN = r"""
ca_certificates:
  description: What was found and done. Empty when it failed.
  type: dict
  returned: always
  contains:
    changed:
      description: Whether something was not as it shall be.
      type: bool
    files:
      description: Paths by what became of them.
      type: dict
      contains:
        written:
          description: They were missing, or held something else.
          type: list
          elements: str
        removed:
          description: They are not wanted any more.
          type: list
          elements: str
        restored:
          description: They are not wanted any more, and hold again what they held before.
          type: list
          elements: str
        kept:
          description: They are not wanted any more, and stay, as somebody changed them since.
          type: list
          elements: str
    store_updated:
      description: Whether the bundle of the host's trust store was made anew.
      type: bool
    store_path:
      description: That bundle, V(null) where the store is not asked for.
      type: str
    distrusted:
      description: Whether daemons that read that store at their start may trust what it does not have any more.
      type: bool
    warnings:
      description: What people should know about.
      type: list
      elements: str
    diff:
      description: What changed, in diff mode.
      type: list
      elements: dict
"""

import base64
import contextlib
import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_host import Declared, keep, told
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARGUMENTS = {"plan": {"type": "str", "required": True, "no_log": True}}


def declared(text: str) -> Declared:
    """The plan."""
    plan = None
    # An error of base64 is one of values, too.
    with contextlib.suppress(ValueError):
        plan = json.loads(base64.b64decode(text, validate=True))
    return Declared.read(plan)


def run(module: AnsibleModule) -> dict[str, Any]:
    """All of it."""
    view, complaints = keep(declared(module.params["plan"]), ca_program.run, module.check_mode)
    return told(view, complaints, module._diff)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        answer = run(module)
    except CaError as error:
        problem = str(error)
    else:
        module.exit_json(changed=answer["changed"], ca_certificates=answer)
    # Outside of the handler, so that no traceback travels with the sentence.
    module.fail_json(msg=problem, ca_certificates={})


if __name__ == "__main__":
    main()
