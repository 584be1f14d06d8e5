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
    state, holds, the
    versions on offer, and whether an earlier run was interrupted.
  - A repository that the host does not use yet can be looked into as well, with its signature checked by apt. That is
    how a wrong fingerprint, an
    unreachable mirror or an unknown version is found before the first change.
  - Never installs, removes or configures anything. A package index is read into a folder of its own, which is a
    temporary one in check mode.
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
interrupted:
  description: Whether dpkg was stopped half-way earlier and has to be healed.
  type: bool
  returned: success
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
          key_mismatch, index_unreachable,
        index_unsigned) and V(message).
      type: dict
complaints:
  description: What apt said about sources that could not be read. They do not stop the others.
  type: list
  elements: str
  returned: success
"""

import atexit
import os
import shutil
import tempfile
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import ENVIRONMENT, Apt, scratch_options
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import (
    ARGUMENTS,
    Repository,
    RepositoryError,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import has_database, interrupted, read_packages
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INDEX_DIRECTORY = "/var/cache/runnerkit/index"
SYSTEM_LISTS = "/var/lib/apt/lists"


def is_fresh(directory: str, seconds: int) -> bool:
    """Whether the index below a lists directory was read within the last `seconds`."""
    try:
        names = [name for name in os.listdir(directory) if name.endswith(("Release", "_Packages"))]
        # apt keeps the server's times on the files; the directory's own time is when it last wrote there.
        return bool(names) and time.time() - os.stat(os.path.join(directory, "partial")).st_mtime < seconds
    except OSError:
        return False


def touch(directory: str) -> None:
    """Note that the index was read now, also when apt found nothing new to write."""
    os.utime(os.path.join(directory, "partial"))


def scratch_directory() -> str:
    """A folder that goes when the module ends. Not the module's own: that one makes a folder in root's home."""
    directory = tempfile.mkdtemp(prefix="runnerkit-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def look_into(module: AnsibleModule, repository: Repository, names: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(state of the repository, versions on offer per name); the system's own sources stay out of it."""
    try:
        key = repository.installed_key() or repository.fetch_key(lambda url: bytes(open_url(url, timeout=20).read()))
    except RepositoryError as error:
        return {"current": False, "error": {"kind": error.kind, "message": str(error)}}, {}
    state: dict[str, Any] = {"current": not repository.changes(key), "error": None}
    if not module.params["index"]:
        return state, {}
    # Only a repository in use is worth a lasting index, and check mode leaves nothing behind at all.
    lasting = state["current"] and not module.check_mode
    directory = os.path.join(INDEX_DIRECTORY, repository.spec["name"]) if lasting else scratch_directory()
    os.makedirs(directory, mode=0o755, exist_ok=True)
    key_path = os.path.join(directory, "key" + os.path.splitext(repository.key_path(key))[1])
    source_path = os.path.join(directory, "repository.sources")
    write_atomically(key_path, key)
    write_atomically(source_path, repository.source_text(key_path).encode())
    apt = Apt(module.run_command, module.params["lock_timeout"], scratch_options(directory, source_path))
    lists = os.path.join(directory, "lists")
    if not is_fresh(lists, module.params["cache_valid_time"]):
        complaints = apt.update()
        if complaints:
            unsigned = any(
                word in text for text in complaints for word in ("signature", "NO_PUBKEY", "not signed", "GPG error")
            )
            kind = "index_unsigned" if unsigned else "index_unreachable"
            said = [" ".join(text[3:].split()) for text in complaints if "Some index files failed" not in text]
            state["error"] = {"kind": kind, "message": "; ".join(said[:3])}
            return state, {}
        touch(lists)
    return state, apt.available(names)


def look_around(module: AnsibleModule, names: list[str]) -> tuple[list[str], dict[str, Any]]:
    """(complaints, versions on offer) by the sources that the host uses already."""
    options: list[str] = []
    lists = SYSTEM_LISTS
    if is_fresh(lists, module.params["cache_valid_time"]):
        return [], Apt(module.run_command).available(names)
    if module.check_mode:
        directory = scratch_directory()
        options, lists = scratch_options(directory), os.path.join(directory, "lists")
    apt = Apt(module.run_command, module.params["lock_timeout"], options)
    complaints = apt.update()
    if not complaints:
        touch(lists)
    return complaints, apt.available(names)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "system_names": {"type": "list", "elements": "str", "default": []},
            "index": {"type": "bool", "default": True},
            "cache_valid_time": {"type": "int", "default": 3600},
            "lock_timeout": {"type": "int", "default": 300},
            "repository": {"type": "dict", "options": ARGUMENTS},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENVIRONMENT
    if not has_database():
        module.fail_json(msg="this host has no dpkg database; runnerkit knows only apt so far")
    params = module.params
    installed = read_packages([*params["names"], *params["system_names"], "dpkg"])
    result: dict[str, Any] = {"interrupted": interrupted(), "complaints": []}
    offer: dict[str, Any] = {}
    system_names = list(params["system_names"])
    if params["repository"]:
        repository = Repository(params["repository"], installed["dpkg"].architecture)
        result["repository"], offer = look_into(module, repository, params["names"])
    else:
        system_names += params["names"]
    if params["index"] and system_names:
        result["complaints"], found = look_around(module, system_names)
        offer.update(found)
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
        }
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
