#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: runner_smoke
short_description: Do on a runner host what the first real job would do
version_added: 0.1.0
description:
  - For each runner, starts a job as the runner would, in a container beside its services or in the user's login shell,
    with the runner's volumes, environment, privileges and builds folder. GitLab and the runner's own program are not
    needed for it.
  - The job asks C(docker version), does C(docker build), and C(docker run -v $PWD/data:/app/data) with a look at
    whether the container sees the checkout's file. These break when a host, or its C(config.toml), is wrong.
  - Services are reached as the runner has it, by links on the default bridge, or in a network of their own where
    C(FF_NETWORK_PER_BUILD) is set in the runner's environment or feature flags.
  - In Docker-in-Docker the nested engine has no image, so the job loads a copy of its own one.
  - A runner by which jobs do not reach an engine is tried with the steps V(image) and V(job).
  - Leaves nothing behind but images that were pulled. Containers, networks, volumes, what was built or loaded from
    O(archive), and files in the builds folder are removed, by another process when the module is killed.
  - Never fails because of what it finds. Look at RV(smoke), which the filter P(runnerkit.gitlab.smoke_report#filter)
    explains.
author:
  - The runnerkit contributors (@runnerkit)
options:
  runners:
    description:
      - The runners, as M(runnerkit.gitlab.runtime_facts) returns them, or their C([[runners]]) tables.
      - These keys are looked at, those of the executor beside the others or in a table C(docker). C(name), C(mode),
        C(executor), C(environment) (a list of C(NAME=value), or a table), C(builds_dir), C(feature_flags), C(image),
        C(services), C(volumes), C(privileged), C(services_privileged), C(security_opt), C(runtime), C(network_mode),
        C(user), C(host), C(cap_add), C(cap_drop), C(extra_hosts), C(dns), C(dns_search), C(userns_mode),
        C(services_security_opt), C(disable_cache), C(allowed_privileged_images), C(allowed_privileged_services).
      - C(docker_access), a boolean, says whether jobs are meant to reach an engine, where that shall not be guessed.
        A shell runner without it is tried with the step V(job) alone.
      - For the executor V(shell), C(user) is the user on the host, V(gitlab-runner) by default.
      - What is given is shown by Ansible at C(-vvv). Hand over facts, which hold no secret.
    type: list
    elements: dict
    required: true
  image:
    description:
      - An image for the jobs, in place of the runners' own. It needs C(sh) and the C(docker) command.
      - For the executor V(shell) it is what is built from and run, with C(sh) in it. Without one that is an empty image
        into which the host's programs are mounted.
    type: str
  dind_image:
    description: An image for Docker-in-Docker services, in place of the runners' own.
    type: str
  archive:
    description:
      - A file on the host, made by C(docker save). It is loaded where it holds an image that is missing, and the image
        is removed afterwards. It may be compressed with gzip.
      - All images in it have to be missing, so that none of the host's is replaced.
    type: path
  pull:
    description:
      - Whether an image that is missing is pulled. Pulled images stay.
      - The login is the runner's, C(DOCKER_AUTH_CONFIG) of its C(environment) or C(config.json) of root. Credential
        helpers are not asked.
    type: bool
    default: true
  socket:
    description: The unix socket of the engine that runs the jobs, for runners without a C(host) of their own.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds for each runner, more than 0 and at most 1800. Pulling counts.
    type: float
    default: 300
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying the target.
    support: full
    details: In check mode no job is run; RV(smoke) is empty, and a message says so.
  diff_mode:
    description: Returns details on what has changed, or would change in check mode.
    support: none
  platform:
    description: Operating systems that the module works on.
    support: full
    platforms: linux
notes:
  - Run it as root.
  - Jobs of executors that run them elsewhere, and of runners with an engine on another machine, are not tried.
seealso:
  - module: runnerkit.gitlab.runtime_facts
  - module: runnerkit.gitlab.seccomp_probe
  - plugin: runnerkit.gitlab.smoke_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather facts
  runnerkit.gitlab.runtime_facts:

- name: Run a smoke job for each runner of this host
  runnerkit.gitlab.runner_smoke:
    runners: "{{ ansible_facts['runnerkit'].gitlab_runner.runners }}"
  register: smoked

- name: Refuse a host on which a job would fail
  ansible.builtin.assert:
    that: smoked.smoke | selectattr('ok', 'eq', false) | list | length == 0
    fail_msg: "{{ smoked.smoke | runnerkit.gitlab.smoke_report(ansible_facts['runnerkit']) }}"

- name: Try settings on a host without a registry, before there is a runner
  runnerkit.gitlab.runner_smoke:
    pull: false
    archive: /srv/images/docker-cli.tar
    runners:
      - name: new
        mode: socket
        executor: docker
        image: docker:28.5.2-cli
        volumes: ["/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"]
"""

RETURN = r"""
smoke:
  description: One entry for each of O(runners), in that order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The runner's name.
      returned: always
      type: str
      sample: build-1
    mode:
      description: The runner's mode.
      returned: always
      type: str
      sample: socket
    ok:
      description: Whether all went well; V(null) where nothing could be tried here, for a reason that is no fault.
      returned: always
      type: bool
      sample: true
    error:
      description: The first step that failed, and how; V(null) where none did.
      returned: always
      type: str
      sample: "bind_mount: docker run -v $PWD/data:/app/data: the container sees an empty directory"
    steps:
      description: What was done, up to what failed. What follows V(docker_build) is tried even if that fails.
      returned: always
      type: list
      elements: dict
      contains:
        step:
          description:
            - V(image), the images are on the host; V(services), they answer; V(job), the job starts and can write its
              checkout; V(docker_version), V(docker_build) and V(bind_mount).
          returned: always
          type: str
          sample: docker_build
        ok:
          description: Whether it went well.
          returned: always
          type: bool
          sample: true
        seconds:
          description: How long it took.
          returned: always
          type: float
          sample: 0.61
        detail:
          description: How it went, with the words of whoever complained.
          returned: always
          type: str
          sample: client 28.5.2, engine 28.5.2
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_run import smoke

MAX_TIMEOUT = 1800.0


def refusal(params: dict[str, object]) -> str | None:
    """What is wrong with the parameters."""
    timeout = params["timeout"]
    # Written so that NaN is refused as well.
    if not isinstance(timeout, float) or not 0 < timeout <= MAX_TIMEOUT:
        return f"timeout is {timeout}; give seconds above 0 and up to {MAX_TIMEOUT:g}"
    return None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "runners": {"type": "list", "elements": "dict", "required": True},
            "image": {"type": "str"},
            "dind_image": {"type": "str"},
            "archive": {"type": "path"},
            "pull": {"type": "bool", "default": True},
            "socket": {"type": "path", "default": DEFAULT_SOCKET},
            "timeout": {"type": "float", "default": 300.0},
        },
        supports_check_mode=True,
    )
    complaint = refusal(module.params)
    if complaint:
        module.fail_json(msg=complaint)
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="no smoke job is run in check mode", smoke=[])
    module.exit_json(changed=False, smoke=smoke(module.params))


if __name__ == "__main__":
    main()
