#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: package_set
short_description: Bring a set of packages to exact versions in one transaction
version_added: 0.1.0
description:
  - Installs, upgrades, replaces and holds packages that belong together, all of them or, when apt refuses, none.
  - Heals a package database that an earlier run left half-way before it does anything else.
  - Looks at the transaction first, and refuses when it would remove or downgrade a package that was not named.
  - Downloads everything before the first package is touched.
  - Keeps the files of the versions it replaces in O(store), so that a failed upgrade can go back to them whatever the
    archives still offer. A version is taken from O(store) when its file lies there, and from the host's package sources
    otherwise.
  - A hold that is lifted for the transaction is put back afterwards, and stays whose it was.
options:
  install:
    description: Packages and their exact versions.
    type: dict
    default: {}
  optional:
    description: Packages of O(install) that are left out, with a warning, when apt cannot bring them in without
      removing something that was not named.
    type: list
    elements: str
    default: []
  remove:
    description: Packages that may be removed, and are. Configuration and data stay (nothing is purged).
    type: list
    elements: str
    default: []
  hold:
    description: Of the packages in O(install) or installed already, those that are held afterwards.
    type: list
    elements: str
    default: []
  release:
    description: Packages whose hold is lifted for good.
    type: list
    elements: str
    default: []
  lift_foreign_holds:
    description: Whether a hold that somebody else set may be lifted for a wanted change.
    type: bool
    default: false
  allow_downgrade:
    description: Whether packages of O(install) may go to an older version.
    type: bool
    default: false
  fetch_only:
    description:
      - Whether only to have on the host what the change needs, so that it can be made later fast, and without network.
        The files of the wanted versions lie in apt's own cache then, those of the present ones in O(store). No package
        is touched, no hold is lifted, and nothing counts as changed.
      - Does nothing on a host where an interrupted run has to be finished first, nor in check mode.
    type: bool
    default: false
  refresh:
    description: Whether to read the package indexes first.
    type: bool
    default: true
  save_previous:
    description: Whether to keep the files of the replaced versions.
    type: bool
    default: true
  way_back:
    description:
      - Short name (letters, digits, V(_) and V(-)) of a record in C(/var/lib/runnerkit/way_back) that has versions and
        holds of all packages named here as they were before.
      - It is written before anything is touched. One that is there already comes from a run that did not get to its
        end, so it stays as it is. Files of versions in a record are never dropped from O(store).
      - Nothing is recorded without a name. M(runnerkit.gitlab.package_info) reads the record.
    type: str
  keep_files:
    description: Configuration files whose text is kept with the record O(way_back) when it is written, those that are
      not there yet included.
    type: list
    elements: path
    default: []
  put_files_back:
    description: Whether the files that are kept with the record O(way_back) get the text that they had, or go where
      they were not there, before any package is touched.
    type: bool
    default: false
  forget_way_back:
    description: Whether to delete the record O(way_back) at the end, to be done once the packages were seen to work.
    type: bool
    default: false
  store:
    description: Folder for package files.
    type: path
    default: /var/cache/runnerkit/packages
  lock_timeout:
    description: Seconds to wait for another program that has the package database locked.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: apt is not asked then, since a source that is yet to be written cannot answer.
  diff_mode:
    support: full
    description: Shows versions and holds, and of files that are put back the names, as there may be passwords in them.
  platform:
    support: full
    platforms: debian
    description: Hosts that use apt.
seealso:
  - module: runnerkit.gitlab.package_info
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Replace Debian's engine by Docker's own, at one version
  runnerkit.gitlab.package_set:
    install:
      docker-ce: "5:28.5.2-1~debian.12~bookworm"
      docker-ce-cli: "5:28.5.2-1~debian.12~bookworm"
      containerd.io: "1.7.28-1~debian.12~bookworm"
    remove: [docker.io, containerd, runc]
    hold: [docker-ce, docker-ce-cli, containerd.io]
"""

RETURN = r"""
before:
  description: Versions before, null where the package was not installed, or only by halves.
  type: dict
  returned: success
after:
  description: Versions afterwards, in check mode those that would be there.
  type: dict
  returned: success
healed:
  description: Whether an interrupted run had to be finished first.
  type: bool
  returned: success
complaints:
  description: What apt said about sources that could not be read.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import ENVIRONMENT, AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import has_database
from ansible_collections.runnerkit.gitlab.plugins.module_utils.package_set import PackageSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "install": {"type": "dict", "default": {}},
            "optional": {"type": "list", "elements": "str", "default": []},
            "remove": {"type": "list", "elements": "str", "default": []},
            "hold": {"type": "list", "elements": "str", "default": []},
            "release": {"type": "list", "elements": "str", "default": []},
            "lift_foreign_holds": {"type": "bool", "default": False},
            "allow_downgrade": {"type": "bool", "default": False},
            "fetch_only": {"type": "bool", "default": False},
            "refresh": {"type": "bool", "default": True},
            "save_previous": {"type": "bool", "default": True},
            "way_back": {"type": "str"},
            "keep_files": {"type": "list", "elements": "path", "default": []},
            "put_files_back": {"type": "bool", "default": False},
            "forget_way_back": {"type": "bool", "default": False},
            "store": {"type": "path", "default": "/var/cache/runnerkit/packages"},
            "lock_timeout": {"type": "int", "default": 300},
        },
        required_if=[(name, True, ("way_back",)) for name in ("forget_way_back", "put_files_back")],
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENVIRONMENT
    if not has_database():
        module.fail_json(msg="this host has no dpkg database; runnerkit knows only apt so far")
    name = module.params["way_back"]
    if name and not way_back.is_name(name):
        module.fail_json(msg=f"way_back '{name}' is not a short name; use letters, digits, _ and -")
    packages = PackageSet(module)
    before, held, stale = packages.before, packages.holds(), packages.stale_files
    if module.params["fetch_only"]:
        _fetch(module, packages)
    after, held_after = packages.wanted, packages.wanted_holds
    changed, healed = packages.changed, packages.interrupted
    if changed and not module.check_mode:
        forgot = packages.forgets
        maintenance.touch()
        try:
            packages.apply()
        except (AptError, OSError) as error:
            module.fail_json(msg=str(error), before=before, complaints=packages.complaints)
        maintenance.touch()
        after, held_after = packages.before, packages.holds()
        # An optional package that was left out is no change.
        changed = healed or forgot or bool(stale) or (before, held) != (after, held_after)
    for warning in packages.warnings:
        module.warn(warning)
    result: dict[str, Any] = {
        "changed": changed,
        "healed": healed,
        "before": before,
        "after": after,
        "complaints": packages.complaints,
        "diff": {
            "before": packages.describe(before, held) + "".join(f"{path}\n" for path in stale),
            "after": packages.describe(after, held_after) + "".join(f"{path}, as it was\n" for path in stale),
        },
    }
    module.exit_json(**result)


def _fetch(module: AnsibleModule, packages: PackageSet) -> None:
    """Have the files here, and end the module."""
    try:
        if not module.check_mode:
            packages.fetch()
    except (AptError, OSError) as error:
        module.fail_json(msg=str(error), before=packages.before, complaints=packages.complaints)
    module.exit_json(
        changed=False, healed=False, before=packages.before, after=packages.before, complaints=packages.complaints
    )


if __name__ == "__main__":
    main()
