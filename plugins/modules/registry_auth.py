#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_auth
short_description: Keep logins to registries in config.json of users
version_added: 0.1.0
description:
  - Sets logins in C(~/.docker/config.json) of users of a host, where the docker command looks for them, and GitLab
    Runner for its own pulls in that of the user whom it runs as.
  - The file is merged entry by entry. Other logins and all other keys stay; mode 0600, owned by the user; a file that
    cannot be read is refused.
  - What the module added goes when it is not declared any more, and only that. The host remembers the names of the
    registries for it (C(/var/lib/runnerkit/registry-auth.json)), never a password. A login that was there already as
    it is declared is not counted among them. One that was replaced does not come back.
  - Neither a password nor anything else of the files is logged on the way or left in temporary files.
options:
  logins:
    description: One for each registry, with either C(username) and C(password), or C(helper).
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description: As in front of an image's name, with its port; V(docker.io) for Docker Hub.
        type: str
        required: true
      username:
        description: Who logs in.
        type: str
      password:
        description: The password or token.
        type: str
      helper:
        description: A credential helper, C(docker-credential-HELPER) on the host, which is asked at each pull.
        type: str
  users:
    description: Users of the host who are to have the logins. Others lose those that they have by this module.
    type: list
    elements: str
    default: [root]
  runners:
    description:
      - Names of the runners that have these logins in their C(environment) as C(DOCKER_AUTH_CONFIG).
      - They are noted on the host, so that the role gitlab_runner knows which it may take out again.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says what would change.
  diff_mode:
    support: full
    description: Shows which registries have a login, and no password.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
notes:
  - Docker keeps passwords in base64, which is no encryption; root and the user can read them.
  - E(ANSIBLE_KEEP_REMOTE_FILES), E(ANSIBLE_DEBUG) and pipelining that is switched off are not followed for the call
    that carries passwords.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Have root log in to two registries
  runnerkit.gitlab.registry_auth:
    logins:
      - registry: registry.example.com:5000
        username: runner
        password: "{{ vault_registry_password }}"
      - registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com
        helper: ecr-login

- name: Take out every login that was written by this module
  runnerkit.gitlab.registry_auth:
"""

RETURN = r"""
files:
  description: The files that changed.
  type: list
  elements: str
  returned: success
"""
