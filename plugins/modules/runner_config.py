#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_config
short_description: Keep the runner's config.toml by meaning
version_added: 0.1.0
description:
  - Sets the declared keys in the runner's C(config.toml) and leaves everything else as it is written, comments, order,
    keys that were added by hand and those that the runner itself owns (C(id), C(token) and their times).
  - One call for any number of runners. The file is read once and written at most once, as a whole, with mode 0600 and
    its owner kept. When somebody else, the runner included, wrote it in between, theirs is read and the change is made
    to that.
  - Whatever is wrong with the declaration is said before anything is written, all of it at once, with the paths of the
    keys.
  - The work is done on the controller, which needs the Python library tomlkit; hosts need Python alone.
  - Neither a token nor anything else of the file is logged on the way or left in temporary files.
options:
  path:
    description: The file on the host.
    type: path
    default: /etc/gitlab-runner/config.toml
  config:
    description:
      - Keys of the global section, in TOML's own names, tables as dictionaries.
      - V(null) removes a key. Tables are merged key by key, lists are replaced.
    type: dict
    default: {}
  runners:
    description:
      - Runners that are registered already, see M(runnerkit.gitlab.runner_registration). Each is a dictionary with the
        keys of its C([[runners]]) entry, of which C(name) finds it.
      - C(environment) may be a dictionary, too. Its variables are set one by one then, others stay, and a null takes
        one out.
      - With C(state=absent) the entry is removed, without telling GitLab.
    type: list
    elements: dict
    default: []
  exclusive:
    description: Whether runners that are not declared are removed from the file.
    type: bool
    default: false
  allow_unknown_keys:
    description: Whether keys are accepted that this collection does not know.
    type: bool
    default: false
  version:
    description: Version of the installed runner. With it, keys that it does not know yet are refused.
    type: str
  backup:
    description: Whether to keep a copy of the old file, which holds its tokens, beside it.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reads the file and says what would change.
  diff_mode:
    support: full
    description: Secrets are masked; one that changes is seen to change.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
notes:
  - E(ANSIBLE_KEEP_REMOTE_FILES), E(ANSIBLE_DEBUG) and pipelining that is switched off are not followed for the calls
    that carry the file. Where nothing but temporary files is left (become by C(su), C(requiretty) of sudo), a run that
    is killed can leave one behind, in the remote user's C(~/.ansible/tmp).
seealso:
  - module: runnerkit.gitlab.runner_registration
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Run four jobs at a time, and let those of one runner see the host's Docker
  runnerkit.gitlab.runner_config:
    config:
      concurrent: 4
    runners:
      - name: build
        limit: 2
        docker:
          volumes: ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"]

- name: Remove a key and a runner that was unregistered elsewhere
  runnerkit.gitlab.runner_config:
    config:
      log_level:
    runners:
      - name: old
        state: absent
"""

RETURN = r"""
restart_needed:
  description:
    - Changed keys that the runner reads only at its start. Everything else it takes over by itself within seconds.
    - The host remembers that a restart is due until the runner has been restarted.
  type: list
  elements: str
  returned: success
backup_file:
  description: The copy of the old file, V(null) without one.
  type: str
  returned: success
"""
