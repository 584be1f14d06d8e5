#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_registration
short_description: Register runners in GitLab and keep config.toml
version_added: 0.1.0
description:
  - Brings the declared runners of one host into GitLab and into the runner's C(config.toml), and both in step
    afterwards. A second run changes nothing.
  - A runner comes to its token in one of three ways. It is made in GitLab with an API token (O(runners[].scope)), its
    token is given (O(runners[].token)), or it is registered with a registration token of older servers
    (O(runners[].registration_token)). A runner without any of them has to be in C(config.toml) with a token already.
  - The work is done on the controller, which needs the Python libraries python-gitlab and tomlkit and a way to GitLab;
    hosts need Python alone, and no way to GitLab for this.
  - C(config.toml) is read once and, after all runners are settled, written at most once, tokens and declared keys
    together, as M(runnerkit.gitlab.runner_config) does it. When a runner fails, those before it are written, then the
    task fails.
  - Whatever is wrong with the declaration, or with C(config.toml), is said before anything is touched.
  - A GitLab that cannot be asked (no connection, 5xx, 429) does not keep C(config.toml) from being changed. A runner
    that has its token there already is written as declared, with a warning that it was not compared. What needs
    GitLab's answer, as a new runner, another token, O(rotate), or O(runners[].state=absent), fails.
options:
  path:
    description: The file on the host.
    type: path
    default: /etc/gitlab-runner/config.toml
  config:
    description: Keys of the global section, as in M(runnerkit.gitlab.runner_config).
    type: dict
    default: {}
  runners:
    description: The runners of this host.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Finds the entry in C(config.toml); unique.
        type: str
        required: true
      state:
        description: Whether the runner is there.
        type: str
        choices: [present, absent]
        default: present
      url:
        description: The GitLab of this runner, O(url) unless it is set.
        type: str
      scope:
        description:
          - Who may use the runner, which is made in GitLab with O(api_token), one for each host.
          - It is found again by the id in C(config.toml), made anew when it was deleted in GitLab, and gets another
            token when the one in C(config.toml) is not valid and the mark says that it was made for this host.
          - GitLab cannot move a runner, so one that belongs elsewhere is an error.
        type: str
        choices: [instance, group, project]
      group:
        description: The group's id or full path; with O(runners[].scope=group) alone, and needed then.
        type: raw
      project:
        description: The project's id or full path; with O(runners[].scope=project) alone, and needed then.
        type: raw
      token:
        description:
          - An authentication token (C(glrt-...) or an older one). It is written once GitLab knows it.
          - When GitLab does not know it, but the one in C(config.toml), that one stays, with a warning, since runners
            renew tokens that expire by themselves.
        type: str
      registration_token:
        description: A registration token. GitLab switches them off by default since 16.0 and removes them in 20.0.
        type: str
      description:
        description:
          - What the runner is called in GitLab.
          - C(NAME on HOST) when it is made and this is not set.
        type: str
      maintenance_note:
        description: Text for administrators. A last line with the mark of runnerkit is kept below it.
        type: str
      tags:
        description: Tags, in any order.
        type: list
        elements: str
      run_untagged:
        description: Whether jobs without tags are taken.
        type: bool
      locked:
        description: Whether other projects are kept from using it.
        type: bool
      paused:
        description: Whether it gets no new jobs.
        type: bool
      access_level:
        description: V(ref_protected) for jobs of protected branches and tags only.
        type: str
        choices: [not_protected, ref_protected]
      maximum_timeout:
        description: Seconds after which a job ends at the latest, at least 600; V(0) for no limit of the runner's own.
        type: int
      config:
        description:
          - Keys of the [[runners]] entry, as in M(runnerkit.gitlab.runner_config). Keys that the runner owns (C(id),
            C(token), C(token_obtained_at), C(token_expires_at)) do not belong here.
        type: dict
        default: {}
  url:
    description: The GitLab of runners that do not name one, and the only one that O(api_token) is sent to.
    type: str
  api_token:
    description:
      - An access token for the way O(runners[].scope), with the scopes C(create_runner) and C(manage_runner), or
        C(api). With C(api) (or C(read_api) beside the two) what an interrupted run left behind can be found, and groups
        and projects can be given by their path.
      - Its user has to be administrator for instance runners, owner of the group, or maintainer of the project.
    type: str
  ca:
    description:
      - The CA of GitLab's certificate, as the text of a PEM file or the path of one on the controller. It is trusted
        beside the controller's own store, the bundle of the library requests, and what E(REQUESTS_CA_BUNDLE) and
        E(CURL_CA_BUNDLE) name.
      - Certificates are always verified; there is no switch.
    type: str
  proxy:
    description:
      - Address of the proxy for GitLab's API, C(http://[USER:PASSWORD@]HOST:PORT).
      - E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) of the controller count when this is not set.
    type: str
  timeout:
    description: Seconds to wait for each answer of GitLab.
    type: int
    default: 30
  verify:
    description:
      - Whether GitLab is asked if the tokens are valid. V(false) is for controllers that have no way to GitLab; then
        given tokens are written as they are.
      - GitLab notes a contact of this host when it is asked. Nothing is asked in check mode.
    type: bool
    default: true
  rotate:
    description:
      - Whether each runner gets another token, except for runners that got one just now, whose token is given, or whose
        token other machines use too (as far as O(api_token) lets that be seen).
      - The old token is invalid at once. See the notes for what happens to a run that is interrupted.
    type: bool
    default: false
  unregister:
    description:
      - Whether GitLab is told of runners with O(runners[].state=absent) before their entry goes. With a C(glrt-) token
        this host is taken away from the runner, and the runner itself is deleted when it was made for this host and no
        other one shares it. With an older token the runner itself is deleted.
    type: bool
    default: true
  exclusive:
    description:
      - Whether runners that are not declared are removed from the file. They are unregistered like those with
        O(runners[].state=absent), except for those with an older token, which may be in use elsewhere; what fails is a
        warning.
    type: bool
    default: false
  allow_unknown_keys:
    description: Whether keys of C(config.toml) are accepted that this collection does not know.
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
    description:
      - Nothing is changed in GitLab; it is asked with C(GET) alone. Whether a token is valid is not asked, as GitLab
        would note a contact, so a token that is not valid is not seen.
  diff_mode:
    support: full
    description: The file's, with secrets masked, and what changes in GitLab.
  platform:
    support: full
    platforms: linux
    description: Any Linux.
notes:
  - "What is sent where, all of it below O(url)C(/api/v4) and from the controller. With O(api_token) in the header
    C(PRIVATE-TOKEN): C(POST /user/runners) (scope, description, note with mark, declared attributes), C(GET),
    C(PUT) (differing attributes alone, in one request) and C(DELETE) of C(/runners/ID), C(GET /runners/ID/managers),
    C(POST /runners/ID/reset_authentication_token), C(GET /groups/PATH) and C(GET /projects/PATH), and the lists
    C(GET /runners/all), C(GET /groups/ID/runners) and C(GET /projects/ID/runners)."
  - "Without O(api_token), and with the runner's own token and this host's system id in the body:
    C(POST /runners/verify), C(DELETE /runners/managers); with the token alone: C(DELETE /runners),
    C(POST /runners/reset_authentication_token); with the registration token, the attributes and the mark:
    C(POST /runners)."
  - The API token and registration tokens never go to a host, and authentication tokens go into C(config.toml) alone.
    Redirects are not followed and C(~/.netrc) is not read. No token is in a message, a warning or a result, whatever
    the verbosity.
  - "Each runner that is made bears a mark in the last line of its maintenance note, C(runnerkit: HOST/NAME SYSTEM_ID
    NONCE). What a run left behind that was interrupted between making a runner and writing C(config.toml), or whose
    answer got lost, is found by it and deleted before another one is made: runners of the same scope and description
    that bear the mark of this host and machine, are in no entry of C(config.toml), and never were in contact. One that
    was in contact is never deleted."
  - When C(config.toml) cannot be written, runners that were made for it are deleted in GitLab again.
  - Requests are repeated as a runner does it, after 408, 429, 500, 502, 503, 504 and from 512 on, five attempts in all,
    waiting as RateLimit-ResetTime or Retry-After say, at most a minute each. A lost answer is asked for again where
    nothing is done twice by it. A runner is created again only after looking for what the failed attempt made.
  - With O(rotate), a run that is interrupted after GitLab gave another token and before C(config.toml) was written
    costs nothing for runners with O(runners[].scope), as the next run gives them another one. The token of any other
    runner is lost then; reset it in GitLab and give it as O(runners[].token).
seealso:
  - module: runnerkit.gitlab.runner_config
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: A runner for a group, made in GitLab
  runnerkit.gitlab.runner_registration:
    url: https://gitlab.example.com
    api_token: "{{ vault_gitlab_api_token }}"
    runners:
      - name: build
        scope: group
        group: tools/images
        tags: [docker]
        maximum_timeout: 7200
        config:
          executor: docker
          docker:
            image: alpine:3.21

- name: A runner that was made in GitLab's pages, for a GitLab with a CA of its own
  runnerkit.gitlab.runner_registration:
    url: https://gitlab.example.com
    ca: files/ca.pem
    runners:
      - name: shared
        token: "{{ vault_runner_token }}"
        config:
          executor: shell

- name: Remove a runner, here and in GitLab
  runnerkit.gitlab.runner_registration:
    url: https://gitlab.example.com
    api_token: "{{ vault_gitlab_api_token }}"
    runners:
      - name: build
        state: absent

- name: Give all runners of this host other tokens
  runnerkit.gitlab.runner_registration:
    url: https://gitlab.example.com
    api_token: "{{ vault_gitlab_api_token }}"
    runners: "{{ my_runners }}"
    rotate: true
"""

RETURN = r"""
runners:
  description: What became of the runners, in the order of their declaration, as far as the run got.
  type: list
  elements: dict
  returned: success or failure after the first runner
  contains:
    name:
      description: The runner's name.
      type: str
    id:
      description: Its id in GitLab, V(null) if that is not known.
      type: int
    outcome:
      description:
        - V(unchanged), V(updated) when its attributes in GitLab were.
        - V(created) in GitLab, V(recreated) since it was gone there, V(registered) with a registration token.
        - V(verified) and written, for a given token.
        - V(adopted), when it was found in GitLab and its id or another token had to be written.
        - V(rotated).
        - V(unregistered), V(absent) when GitLab knew nothing of it or was not told.
      type: str
    changed:
      description: Whether something changed in GitLab, or in the keys that the runner owns.
      type: bool
    server_changes:
      description: What was done in GitLab, or would be in check mode, one sentence each.
      type: list
      elements: str
restart_needed:
  description: Changed keys that the runner reads only at its start, as in M(runnerkit.gitlab.runner_config).
  type: list
  elements: str
  returned: success
backup_file:
  description: The copy of the old file, V(null) without one.
  type: str
  returned: success
"""
