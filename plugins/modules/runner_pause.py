#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_pause
short_description: Pause the runners of a host in GitLab, and resume those that were paused
version_added: 0.1.0
description:
  - A runner that is paused gets no new jobs; those that it has go on. What is paused is remembered on the host, in the
    mark C(/var/lib/runnerkit/maintenance.json), before it is paused, and only that is unpaused again. So a run that is
    interrupted leaves no runner paused and forgotten, and a runner that somebody else paused stays paused.
  - The mark also says that the host is out of service, without an API token too. M(runnerkit.gitlab.runtime_facts)
    tells of it.
  - GitLab is asked from the controller, which needs the Python library python-gitlab and a way to GitLab.
options:
  state:
    description:
      - V(paused) asks GitLab for each runner, then has the host write the mark, then pauses. Where GitLab fails, those
        that were paused are unpaused again, the mark is what it was, and the task fails.
      - V(resumed) unpauses the runners of the mark, and removes it. Where GitLab fails, the mark keeps those that stay
        paused, and the task fails.
      - V(left) leaves all as it is, but notes in the mark that this run of C(playbooks/upgrade.yml) no longer works on
        the host, so that any other may go on with it. GitLab is not asked.
    type: str
    choices: [paused, resumed, left]
    required: true
  by:
    description:
      - Who takes the host out of service, needed with O(state=paused). A host that is out of service by somebody else
        is refused.
      - With O(state=resumed) that is so where this is set; without it whoever's mark is removed.
    type: str
    choices: [upgrade, drain]
  reason:
    description: Why, for people. It is in the mark.
    type: str
    default: ""
  before:
    description:
      - What is wanted to be known again when the host is back. It is kept in the mark as it is, and a later run does
        not overwrite it.
    type: dict
    default: {}
  runners:
    description:
      - The runners of the host, as M(runnerkit.gitlab.runtime_facts) has them in C(gitlab_runner.runners).
      - "Left alone, with a word in RV(left), are runners that are paused already, that GitLab does not know, that are
        of another GitLab than O(url) or have no C(id) in C(config.toml), and those that several machines share (as far
        as GitLab tells): those others would get no jobs either. For them it has to do that the runner on this host
        stops."
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
      id:
        description: Its number in GitLab.
        type: int
      url:
        description: Its GitLab.
        type: str
  instead_of:
    description:
      - The C(run) in the mark of a run of C(playbooks/upgrade.yml) that is over, which
        P(runnerkit.gitlab.upgrade_plan#filter) finds out, and that this one takes the host over from.
      - With O(by=upgrade) the mark of any other run is refused, so that two of them do not work on one host.
    type: str
    default: ""
  url:
    description: The GitLab that O(api_token) belongs to, and the only one that it is sent to.
    type: str
  api_token:
    description:
      - An access token with the scope C(manage_runner), or C(api), of a user who may change the runners.
      - Without one nothing is paused, and the mark names no runners.
    type: str
  ca:
    description:
      - The CA of GitLab's certificate, as the text of a PEM file or the path of one on the controller, as in
        M(runnerkit.gitlab.runner_registration).
    type: str
  proxy:
    description: Address of the proxy for GitLab's API, C(http://[USER:PASSWORD@]HOST:PORT), as there.
    type: str
  timeout:
    description: Seconds to wait for each answer of GitLab.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: GitLab is asked with C(GET) alone, and no mark is written.
  diff_mode:
    support: full
    description: What changes in GitLab, and the mark.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
notes:
  - "What is sent, below O(url)C(/api/v4) and with O(api_token) in the header C(PRIVATE-TOKEN): C(GET /runners/ID),
    C(GET /runners/ID/managers), and C(PUT /runners/ID) with C(paused) alone. Requests are repeated as
    M(runnerkit.gitlab.runner_registration) does it."
  - The API token does not go to the host.
seealso:
  - module: runnerkit.gitlab.runner_service
  - module: runnerkit.gitlab.runtime_facts
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Gather what runners the host has
  runnerkit.gitlab.runtime_facts:

- name: Give this host no new jobs
  runnerkit.gitlab.runner_pause:
    state: paused
    by: drain
    reason: new memory modules
    runners: "{{ ansible_facts['runnerkit'].gitlab_runner.runners }}"
    url: https://gitlab.example.com
    api_token: "{{ vault_gitlab_api_token }}"

- name: Give it jobs again
  runnerkit.gitlab.runner_pause:
    state: resumed
    url: https://gitlab.example.com
    api_token: "{{ vault_gitlab_api_token }}"
"""

RETURN = r"""
paused:
  description: The runners that the mark remembers as paused by this module.
  type: list
  elements: dict
  returned: success
  contains: &runner
    id:
      description: Its number in GitLab.
      type: int
      sample: 42
    name:
      description: Its name.
      type: str
      sample: build
left:
  description: Runners that were left as they are.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
      sample: shared
    why:
      description: Why.
      type: str
      sample: it is paused already
resumed:
  description: The runners that were unpaused.
  type: list
  elements: dict
  returned: success
  contains: *runner
mark:
  description:
    - The mark on the host, V(null) without one, with who (C(by)) and since when (C(since), in UTC).
    - C(run) is which run of C(playbooks/upgrade.yml) works on the host, as C(HOSTNAME:PID:START) of its process on the
      controller; empty with C(by=drain).
  type: dict
  returned: success
  sample:
    by: drain
    since: "2026-11-22T17:40:00Z"
    reason: new memory modules
    paused: [{"id": 42, "name": "build", "url": "https://gitlab.example.com"}]
    before: {}
    run: ""
"""
