#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: dind_image_build
short_description: The part on the host of runnerkit.gitlab.dind_image
version_added: 0.1.0
description:
  - Builds and pushes an image by the Engine API. It is not meant for playbooks; M(runnerkit.gitlab.dind_image) checks
    the options, reads files on the controller, and calls it with Ansible's logging off, as there may be a password.
options:
  name:
    description: The image to make, with its registry and tag.
    type: str
    required: true
  base:
    description: The image to make it from.
    type: str
    required: true
  registries:
    description: Registries, and the certificates that vouch for them.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The registry as images name it.
        type: str
        required: true
      ca:
        description: Certificates in PEM.
        type: str
        required: true
  os_store:
    description: Whether the certificates go into the image's system-wide store, too.
    type: bool
    default: true
  mirrors:
    description: Addresses of pull-through caches, for C(/etc/docker/daemon.json) in the image.
    type: list
    elements: str
    default: []
  minimum_version:
    description: The least version of the Docker Engine in the image.
    type: str
    default: 20.10.6
  push:
    description: Whether the image is put into its registry.
    type: bool
    default: true
  auth:
    description: The login at the image's registry.
    type: dict
    suboptions:
      username:
        description: The user.
        type: str
        required: true
      password:
        description: The password, or a token.
        type: str
        required: true
  pull:
    description: When the base is pulled.
    type: str
    choices: [missing, always, never]
    default: missing
  socket:
    description: The engine's unix socket.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds for all of it.
    type: float
    default: 900
attributes:
  check_mode:
    support: full
    description: Starts a container to look into the base, and makes, pulls and pushes nothing.
  diff_mode:
    support: full
    description: What the image was made from, and what it is made from now.
  platform:
    support: full
    platforms: linux
    description: Any Linux with an engine.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Build an image that trusts a registry, and keep it on this host
  runnerkit.gitlab.dind_image_build:
    name: local/dind:28.5.2
    base: docker:28.5.2-dind
    registries:
      - host: registry.example:5000
        ca: "{{ lookup('ansible.builtin.file', 'registry-ca.crt') }}"
    push: false
"""

RETURN = r"""
dind_image:
  description: What M(runnerkit.gitlab.dind_image) returns. Empty when it failed.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_build import build
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import ContentError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET, EngineError

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "base": {"type": "str", "required": True},
    "registries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"host": {"type": "str", "required": True}, "ca": {"type": "str", "required": True}},
    },
    "os_store": {"type": "bool", "default": True},
    "mirrors": {"type": "list", "elements": "str", "default": []},
    "minimum_version": {"type": "str", "default": "20.10.6"},
    "push": {"type": "bool", "default": True},
    "auth": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "socket": {"type": "path", "default": DEFAULT_SOCKET},
    "timeout": {"type": "float", "default": 900.0},
}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        told = build(module.params, module.check_mode)
    except (EngineError, ContentError) as error:
        problem = str(error)
    else:
        module.exit_json(changed=told["changed"], dind_image=told)
    # Outside of the handler, so that no traceback travels with the sentence.
    module.fail_json(msg=problem, dind_image={})


if __name__ == "__main__":
    main()
