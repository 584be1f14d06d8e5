#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: seccomp_probe
short_description: Measure which system calls a container may make
version_added: 0.1.0
description:
  - Starts a container that lives for a moment and makes each system call that is newer than 2017 in it, with arguments
    that no kernel accepts. The answer tells whether the call is let through, and by whom it is refused if it is not.
  - Versions do not tell that. Distributions change the engine's default profile and the libraries it rests on.
  - Tries behaviour as well, an access check and the start of a thread, with the host's own interpreter and in images
    that are on the host already.
  - The container holds no file of its own. The host's Python and its libraries are mounted into it read-only, so no
    image and no registry is needed. It has no network, and the capabilities that a job has.
  - Everything that is made has the label C(runnerkit.probe) and is removed before the module ends. When the module is
    killed, another process removes it. What was left behind all the same, by a power cut, is removed by the next
    probe after an hour.
  - Never fails because of what it finds. A layer that cannot be measured has the state V(unknown) and a reason.
  - Takes less than a second and a half for the host's own engine.
author:
  - The runnerkit contributors (@runnerkit)
options:
  socket:
    description: The unix socket of the host's engine.
    type: path
    default: /var/run/docker.sock
  layers:
    description:
      - What to measure.
      - V(host) is the engine that listens on O(socket).
      - V(dind) is an engine inside a privileged container of that one.
      - V(podman) is podman as root, V(podman_rootless) is podman as each user of O(podman_users).
    type: list
    elements: str
    choices: [host, dind, podman, podman_rootless]
    default: [host]
  profiles:
    description:
      - The seccomp profiles to start containers with, each in turn and at every layer.
      - V(default) is whatever the engine gives to jobs, V(unconfined) is none. Anything else is the absolute path of a
        profile on the host.
    type: list
    elements: str
    default: [default]
  images:
    description:
      - Images in which behaviour is tried as well. They have to be on the host, nothing is pulled.
    type: list
    elements: str
    default: []
  dind_images:
    description:
      - Images for the layer V(dind), each of which is measured. They have to be on the host.
      - Without any, the nested engine is the host's own C(dockerd) in an empty container.
    type: list
    elements: str
    default: []
  podman_users:
    description: Users on whose behalf the layer V(podman_rootless) is measured.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for each layer with each profile, more than 0 and at most 600.
    type: float
    default: 30
attributes:
  check_mode:
    description: Can run in check mode and return what it would return otherwise. Measuring is looking.
    support: full
  diff_mode:
    description: Returns details on what has changed, or would change in check mode.
    support: none
  facts:
    description: Returns a dictionary C(ansible_facts) that is merged into the host's facts.
    support: full
  platform:
    description: Operating systems that the module works on.
    support: full
    platforms: linux
notes:
  - Run it as root. Members of the group C(docker) can measure, but not read what the engine handed to its runtime.
  - Needs ctypes in the Python that Ansible uses on the host, which is a part of the standard library.
  - An engine that was stopped is not started, even if systemd listens on its socket.
seealso:
  - module: runnerkit.gitlab.runtime_facts
"""

EXAMPLES = r"""
- name: Measure what jobs may do on this host
  runnerkit.gitlab.seccomp_probe:

- name: Refuse a host on which images from Alpine 3.14 on do not work
  ansible.builtin.assert:
    that:
      - item.state == 'measured'
      - item.calls.faccessat2.answer in ['allowed', 'ENOSYS']
  loop: "{{ ansible_facts['runnerkit_probe'].layers }}"
  loop_control:
    label: "{{ item.name }}"

- name: Measure the engine and what is nested in it, and try two images
  runnerkit.gitlab.seccomp_probe:
    layers: [host, dind]
    dind_images: ["docker:27-dind"]
    images: ["alpine:3.20", "debian:bookworm"]

- name: See what a profile of one's own would change
  runnerkit.gitlab.seccomp_probe:
    profiles: [default, /etc/docker/seccomp-ci.json]
"""

RETURN = r"""
ansible_facts:
  description: The measurement, all of it under the one key C(runnerkit_probe).
  returned: always
  type: dict
  contains:
    runnerkit_probe:
      description: What containers on this host may do.
      returned: always
      type: dict
      contains:
        architecture:
          description: The machine, as C(uname -m) prints it.
          returned: always
          type: str
          sample: x86_64
        kernel:
          description: What the kernel itself answers, without a container.
          returned: always
          type: dict
          contains:
            release:
              description: Its release, as C(uname -r) prints it.
              returned: always
              type: str
              sample: 6.1.0-37-amd64
            calls:
              description: V(present) or V(ENOSYS) for each call; V(null) where the kernel could not be asked.
              returned: always
              type: dict
              sample: {"faccessat2": present, "mseal": ENOSYS}
            reason:
              description: Why it could not be asked.
              returned: always
              type: str
              sample: this process is under a seccomp filter itself; run the module on the host, not in a container
        layers:
          description: One entry for each layer with each profile.
          returned: always
          type: list
          elements: dict
          contains:
            layer:
              description: V(host), V(dind) or V(podman).
              returned: always
              type: str
              sample: host
            name:
              description: The layer in the words of a report.
              returned: always
              type: str
              sample: dind (docker:27-dind)
            state:
              description: V(measured) or V(unknown).
              returned: always
              type: str
              sample: measured
            reason:
              description: Why the state is unknown, in one sentence; V(null) for a layer that was measured.
              returned: always
              type: str
              sample: /var/run/docker.sock exists but nothing listens on it; start the engine
            error:
              description:
                - The kind of the trouble, V(null) for a layer that was measured.
                - V(absent), V(refused), V(permission), V(timeout), V(http), V(protocol) and V(io) concern the engine,
                  V(missing) a file or a program, V(program) what was run in the container.
              returned: always
              type: str
              sample: refused
            engine:
              description: What runs the containers of this layer; V(null) where nobody answered.
              returned: always
              type: dict
              contains:
                name:
                  description: V(docker) or V(podman).
                  returned: always
                  type: str
                  sample: docker
                version:
                  description: Its version.
                  returned: always
                  type: str
                  sample: 20.10.24+dfsg1
                runc:
                  description: Version of the runc that it uses; V(null) where it does not tell.
                  returned: always
                  type: str
                  sample: 1.1.5+ds1
                runtime:
                  description: Name of the runtime that containers get.
                  returned: always
                  type: str
                  sample: runc
                seccomp_profile:
                  description: V(default), V(unconfined) or a path; V(null) where seccomp is not in force.
                  returned: always
                  type: str
                  sample: default
                rootless:
                  description: Whether it runs without root.
                  returned: always
                  type: bool
                  sample: false
            image:
              description: The image of a V(dind) layer; V(null) otherwise, and for the host's own dockerd.
              returned: always
              type: str
              sample: docker:27-dind
            user:
              description: The user of a rootless podman.
              returned: always
              type: str
              sample: alice
            profile:
              description: The entry of O(profiles).
              returned: always
              type: str
              sample: default
            calls:
              description: Each call that the architecture has; empty for a layer of state unknown.
              returned: always
              type: dict
              contains:
                answer:
                  description:
                    - V(allowed), V(EPERM), V(ENOSYS) or V(killed). This key and those beside it stand under the name of
                      each call.
                    - V(allowed) is whatever the kernel itself said but ENOSYS. V(EPERM) is a refusal by the profile.
                  returned: always
                  type: str
                  sample: EPERM
                by:
                  description:
                    - Who refused, V(profile), V(kernel) or V(unknown); V(null) for an allowed call.
                    - V(kernel) of an allowed one whose error is EPERM, the kernel's own.
                    - V(unknown) of an allowed one where something stands before the kernel, and the answer is the
                      kernel's own, as with a supervisor (C(SCMP_ACT_NOTIFY)) that lets the call go on.
                  returned: always
                  type: str
                  sample: profile
                errno:
                  description:
                    - The error by which an allowed call was answered, V(null) for none.
                    - Of a refused one, the error where the profile gives another than EPERM.
                  returned: always
                  type: str
                  sample: EINVAL
            filter:
              description:
                - The filter that the engine handed to its runtime for this very container, from the OCI configuration.
                - V(null) where it could not be read.
              returned: always
              type: dict
              contains:
                default:
                  description: What happens to calls that no rule names; V(null) for an unconfined container.
                  returned: always
                  type: str
                  sample: SCMP_ACT_ERRNO
                default_errno:
                  description: The error number for them; V(null) where the profile leaves it to the runtime, EPERM.
                  returned: always
                  type: int
                  sample: 1
                rules:
                  description:
                    - Action by name of the call, with the number after V(SCMP_ACT_ERRNO) and with V(conditional)
                      where it depends on arguments.
                  returned: always
                  type: dict
                  sample: {"clone3": "SCMP_ACT_ERRNO:38", "faccessat2": SCMP_ACT_ALLOW}
            behaviour:
              description: What programs can do, first the host's own interpreter, then each of O(images).
              returned: always
              type: list
              elements: dict
              contains:
                image:
                  description: The image; V(null) for the host's own interpreter and C library.
                  returned: always
                  type: str
                  sample: alpine:3.20
                access:
                  description: Whether a program is seen to be executable, as C(test -x) asks.
                  returned: always
                  type: dict
                  contains: &result
                    result:
                      description: V(works), V(fails) or V(untested).
                      returned: always
                      type: str
                      sample: works
                    detail:
                      description: What was tried, and what went wrong.
                      returned: always
                      type: str
                      sample: test -x /bin/sh
                threads:
                  description: Whether a thread can be started.
                  returned: always
                  type: dict
                  contains: *result
            seconds:
              description: How long it took.
              returned: always
              type: float
              sample: 0.71
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layers import LAYERS, probe

MAX_TIMEOUT = 600.0


def refusal(params: dict[str, object]) -> str | None:
    """What is wrong with the parameters."""
    timeout = params["timeout"]
    # Written so that NaN is refused as well.
    if not isinstance(timeout, float) or not 0 < timeout <= MAX_TIMEOUT:
        return f"timeout is {timeout}; give seconds above 0 and up to {MAX_TIMEOUT:g}"
    for name in ("layers", "profiles"):
        if not params[name]:
            return f"{name} is empty; leave it out, or name one"
    profiles = params["profiles"]
    for profile in profiles if isinstance(profiles, list) else []:
        if profile not in ("default", "unconfined") and not profile.startswith("/"):
            return f"profiles has {profile!r}; give default, unconfined or the absolute path of a file on the host"
    if "podman_rootless" in str(params["layers"]) and not params["podman_users"]:
        return "layers has podman_rootless and podman_users is empty; name the users there"
    return None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "socket": {"type": "path", "default": DEFAULT_SOCKET},
            "layers": {"type": "list", "elements": "str", "choices": list(LAYERS), "default": ["host"]},
            "profiles": {"type": "list", "elements": "str", "default": ["default"]},
            "images": {"type": "list", "elements": "str", "default": []},
            "dind_images": {"type": "list", "elements": "str", "default": []},
            "podman_users": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 30.0},
        },
        supports_check_mode=True,
    )
    complaint = refusal(module.params)
    if complaint:
        module.fail_json(msg=complaint)
    module.exit_json(changed=False, ansible_facts={"runnerkit_probe": probe(module.params)})


if __name__ == "__main__":
    main()
