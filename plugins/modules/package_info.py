#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: package_info
short_description: Tell which versions of packages a host has and could have
version_added: 0.1.0
description:
  - Answers in one call what a plan needs to know before anything is touched, namely installed versions and their
    state, holds, the versions on offer, and whether an earlier run was interrupted.
  - A repository that the host does not use yet can be looked into as well, with its signature checked by apt. That is
    how a wrong fingerprint, an unreachable mirror or an unknown version is found before the first change.
  - When the index is not signed by the key that the host has, the key is fetched once more, since its owner may have
    prolonged it.
  - Never installs, removes or configures anything. A package index is read into a folder of its own, which is a
    temporary one in check mode, and without the hooks (C(APT::Update::Post-Invoke) and the like) of the host.
options:
  names:
    description: Packages to report the state of; their versions are looked up in O(repository), or in the host's own
      sources without one.
    type: list
    elements: str
    required: true
  system_names:
    description: Packages whose versions are looked up in the host's own sources even though there is a O(repository).
    type: list
    elements: str
    default: []
  index:
    description: Whether to look up the versions on offer at all. Not needed on a host that already has the wanted one.
    type: bool
    default: true
  cache_valid_time:
    description: Seconds for which a package index counts as fresh and is not fetched again.
    type: int
    default: 3600
  lock_timeout:
    description: Seconds to wait for another program that has the package database locked.
    type: int
    default: 300
  way_back:
    description: Name of a record that M(runnerkit.gitlab.package_set) may have left, to be returned as RV(way_back).
    type: str
  repository:
    description: The repository to look into. Its suboptions are those of M(runnerkit.gitlab.package_source).
    type: dict
    suboptions:
      name:
        description: Short name of the repository.
        type: str
        required: true
      uri:
        description: Address of the repository.
        type: str
        required: true
      suite:
        description: The suite.
        type: str
        required: true
      components:
        description: The components.
        type: list
        elements: str
        required: true
      key_url:
        description: Where the signing key can be read.
        type: str
        required: true
      key_fingerprint:
        description: Fingerprint of the signing key.
        type: str
        required: true
      replaces:
        description: Further addresses of the same repository.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    support: full
    description: Changes nothing outside check mode either; in check mode not even an index is kept.
  diff_mode:
    support: none
    description: There is nothing to compare.
  platform:
    support: full
    platforms: debian
    description: Hosts that use apt.
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Which engines could this host have?
  runnerkit.gitlab.package_info:
    names: [docker.io, containerd, runc]
  register: offer

- name: Show them, newest first
  ansible.builtin.debug:
    msg: "{{ offer.packages['docker.io'].available | map(attribute='version') }}"
"""

RETURN = r"""
packages:
  description: One entry for each name.
  type: dict
  returned: success
  sample:
    docker-ce:
      installed: "5:20.10.5~3-0~debian-bookworm"
      state: installed
      held: true
      held_by_us: true
      available:
        - version: "5:20.10.24~3-0~debian-bookworm"
          origin: "http://mirror.example/linux/debian bookworm/stable"
  contains:
    installed:
      description: Version that dpkg has, null without one, also while it is only half installed (see
        RV(packages.state)).
      type: str
    state:
      description: dpkg's word for it (V(installed), V(half-configured), V(unpacked), ...), null when the package is
        not there.
      type: str
    held:
      description: Whether it is held.
      type: bool
    held_by_us:
      description: Whether the hold was set by M(runnerkit.gitlab.package_set).
      type: bool
    available:
      description: Versions on offer, newest first, as dictionaries with V(version) and V(origin). Empty without
        O(index).
      type: list
      elements: dict
    candidate:
      description: The version that apt itself would choose, which is not one from backports, and pins count. Null
        without one, without O(index), and for packages that are looked up in O(repository).
      type: str
interrupted:
  description: Whether dpkg was stopped half-way earlier and has to be healed.
  type: bool
  returned: success
way_back:
  description: What the host had before a change that was not seen to be good yet, null without one.
  type: dict
  returned: success
  sample:
    before: {docker.io: 20.10.24+dfsg1-1+b3}
    absent: [docker-ce, docker-ce-cli]
    held: [docker.io]
    foreign: []
  contains:
    before:
      description: Versions of the packages that were there.
      type: dict
    absent:
      description: Packages that were not.
      type: list
      elements: str
    held:
      description: Packages that were held.
      type: list
      elements: str
    foreign:
      description: Packages that were held by somebody else.
      type: list
      elements: str
repository:
  description: What is known of O(repository).
  type: dict
  returned: when a repository was given
  contains:
    current:
      description: Whether the host's source files and key are as they should be.
      type: bool
    error:
      description: >-
        Why it cannot be used, null when it can; a dictionary with V(kind) (key_unreachable, key_invalid,
        key_mismatch, index_unreachable, index_unsigned) and V(message).
      type: dict
complaints:
  description: What apt said about sources that could not be read. They do not stop the others.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import ENVIRONMENT, AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_index import Offer, look_around, look_into
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import ARGUMENTS, Repository, read_url
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import has_database, interrupted, read_packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def look(module: AnsibleModule) -> dict[str, Any]:
    """All that the module returns."""
    params = module.params
    installed = read_packages([*params["names"], *params["system_names"], "dpkg"])
    result: dict[str, Any] = {
        "interrupted": interrupted(),
        "way_back": way_back.read(params["way_back"]) if params["way_back"] else None,
    }
    offer: dict[str, Any] = {}
    system_names = list(params["system_names"])
    if params["repository"]:
        repository = Repository(params["repository"], installed["dpkg"].architecture)
        result["repository"], offer = look_into(module, repository, params["names"], read_url)
    else:
        system_names += params["names"]
    found = Offer([], {}, {})
    if params["index"] and system_names:
        found = look_around(module, system_names)
    offer.update(found.available)
    result["complaints"] = found.complaints
    ours = holds.read()
    result["packages"] = {}
    for name in [*params["names"], *params["system_names"]]:
        package = installed.get(name)
        result["packages"][name] = {
            "installed": package.version if package else None,
            "state": package.state if package else None,
            "held": bool(package and package.held),
            "held_by_us": name in ours,
            "available": offer.get(name, []),
            "candidate": found.candidates.get(name),
        }
    return result


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "system_names": {"type": "list", "elements": "str", "default": []},
            "index": {"type": "bool", "default": True},
            "cache_valid_time": {"type": "int", "default": 3600},
            "lock_timeout": {"type": "int", "default": 300},
            "way_back": {"type": "str"},
            "repository": {"type": "dict", "options": ARGUMENTS},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENVIRONMENT
    if not has_database():
        module.fail_json(msg="this host has no dpkg database; runnerkit knows only apt so far")
    name = module.params["way_back"]
    if name and not way_back.is_name(name):
        module.fail_json(msg=f"way_back '{name}' is not a short name; use letters, digits, _ and -")
    try:
        module.exit_json(changed=False, **look(module))
    except (AptError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
