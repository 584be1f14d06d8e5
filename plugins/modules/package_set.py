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
    archives still offer. A version is taken
    from O(store) when its file lies there, and from the host's package sources otherwise.
options:
  install:
    description: Packages and their exact versions.
    type: dict
    default: {}
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
  refresh:
    description: Whether to read the package indexes first.
    type: bool
    default: true
  save_previous:
    description: Whether to keep the files of the replaced versions.
    type: bool
    default: true
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
    description: Shows versions and holds.
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
  description: Versions before, null where the package was not installed.
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

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import ENVIRONMENT, Apt, AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import DebStore, index
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import (
    Package,
    has_database,
    interrupted,
    read_packages,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def version_of(package: Package | None) -> str | None:
    """The version when the package is there and whole."""
    return package.version if package and package.state == "installed" else None


class PackageSet:
    """The wanted state of a set of packages, compared with what is there."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.names = sorted(
            {*self.params["install"], *self.params["remove"], *self.params["hold"], *self.params["release"]}
        )
        self.packages = read_packages(self.names)
        self.foreign = self._holds() - holds.read()
        self.interrupted = interrupted()
        self.apt = Apt(module.run_command, self.params["lock_timeout"])
        self.install = self._with_epochs()
        self.complaints: list[str] = []

    def _with_epochs(self) -> dict[str, str]:
        """The wanted versions in full: names of package files have no epoch, so a version read from one has none."""
        wanted = {name: str(version) for name, version in self.params["install"].items()}
        files = index(self.module.run_command, self.params["store"])
        known = [*files, *((name, package.version or "") for name, package in self.packages.items())]
        for name, full in known:
            if name in wanted and full.partition(":")[2] == wanted[name]:
                wanted[name] = full
        return wanted

    @property
    def before(self) -> dict[str, str | None]:
        """Versions as they are now."""
        return {name: version_of(self.packages.get(name)) for name in self.names}

    @property
    def wanted(self) -> dict[str, str | None]:
        """Versions as they shall be."""
        gone: dict[str, str | None] = dict.fromkeys(self.params["remove"], None)
        return {**self.before, **gone, **self.install}

    @property
    def moving(self) -> list[str]:
        """Packages whose version changes."""
        return [name for name in self.names if self.before[name] != self.wanted[name]]

    def _holds(self) -> set[str]:
        return {name for name, package in self.packages.items() if package.held}

    @property
    def wanted_holds(self) -> set[str]:
        """Packages of the set that shall be held."""
        return {name for name in self.params["hold"] if self.wanted[name]} | (
            self._holds() - set(self.params["release"])
        )

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.interrupted or self.moving or self.wanted_holds != self._holds())

    def refuse_foreign_holds(self) -> None:
        """A hold of somebody else is an order not to touch that package."""
        foreign = sorted(self.foreign & set(self.moving))
        if foreign and not self.params["lift_foreign_holds"]:
            raise AptError(
                "{0} is held by somebody else; run 'apt-mark unhold {0}' or set lift_foreign_holds".format(
                    " ".join(foreign)
                )
            )

    def _arguments(self, store: DebStore) -> list[str]:
        """What apt-get install is told: files where we have them, versions otherwise, and a minus for what shall go."""
        arguments = []
        for name in self.moving:
            version = self.wanted[name]
            if version is None:
                arguments.append(name + "-")
            else:
                arguments.append(store.files.get((name, version), f"{name}={version}"))
        if self.params["allow_downgrade"]:
            arguments.append("--allow-downgrades")
        return arguments

    def _refuse_surprises(self, arguments: list[str]) -> list[str]:
        """Names of all packages that will be replaced or removed; refuses to remove what nobody named."""
        changes = self.apt.simulate(arguments)
        unexpected = [
            change.name for change in changes if change.after is None and change.name not in self.params["remove"]
        ]
        if unexpected:
            raise AptError("this would also remove {}, which nobody asked for".format(", ".join(sorted(unexpected))))
        return [change.name for change in changes if change.before]

    def apply(self) -> None:
        """Heal, look, keep, download, do, hold."""
        if self.interrupted:
            self.apt.heal()
            self.packages = read_packages(self.names)
        if self.moving:
            self.refuse_foreign_holds()
            if self.params["refresh"]:
                self.complaints = self.apt.update()
            self._transaction()
        self._hold()
        missing = [name for name in self.names if self.before[name] != self.wanted[name]]
        if missing:
            raise AptError("{} did not end at the wanted version".format(", ".join(missing)))

    def _transaction(self) -> None:
        store = DebStore(self.module.run_command, self.apt, self.params["store"])
        lifted = sorted(self._holds() & set(self.moving))
        self.apt.mark("unhold", lifted)
        try:
            arguments = self._arguments(store)
            replaced = self._refuse_surprises(arguments)
            if self.params["save_previous"]:
                previous = read_packages(replaced)
                for name, package in previous.items():
                    if package.version and package.state == "installed":
                        store.save(name, package.version, package.architecture)
                kept = [(name, package.version or "") for name, package in previous.items()]
                store.keep_only([*kept, *((name, str(version)) for name, version in self.wanted.items())])
            self.apt.install(arguments)
        except (AptError, OSError):
            # Nobody may find a package unprotected because of us.
            still = read_packages(lifted)
            self.apt.mark("hold", [name for name in lifted if name in still])
            raise
        self.packages = read_packages(self.names)

    def _hold(self) -> None:
        new = {name for name in self.wanted_holds if name in self.packages} - self._holds()
        self.apt.mark("unhold", sorted(set(self.params["release"]) & self._holds()))
        self.apt.mark("hold", sorted(new))
        ours = holds.read()
        # A hold that somebody else set stays theirs, also when it was lifted for a while.
        gone = set(self.names) - set(self.packages)
        remembered = (ours | (new - self.foreign)) - gone - set(self.params["release"])
        if remembered != ours:
            holds.write(remembered)
        self.packages = read_packages(self.names)

    def describe(self, versions: dict[str, str | None], held: set[str]) -> str:
        """The set as text, for the diff."""
        return "".join(
            f"{name} {versions[name]}{' (held)' if name in held else ''}\n" for name in self.names if versions[name]
        )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "install": {"type": "dict", "default": {}},
            "remove": {"type": "list", "elements": "str", "default": []},
            "hold": {"type": "list", "elements": "str", "default": []},
            "release": {"type": "list", "elements": "str", "default": []},
            "lift_foreign_holds": {"type": "bool", "default": False},
            "allow_downgrade": {"type": "bool", "default": False},
            "refresh": {"type": "bool", "default": True},
            "save_previous": {"type": "bool", "default": True},
            "store": {"type": "path", "default": "/var/cache/runnerkit/packages"},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = ENVIRONMENT
    if not has_database():
        module.fail_json(msg="this host has no dpkg database; runnerkit knows only apt so far")
    packages = PackageSet(module)
    before, wanted, held = packages.before, packages.wanted, packages._holds()
    result: dict[str, Any] = {
        "changed": packages.changed,
        "healed": packages.interrupted,
        "before": before,
        "after": wanted,
        "diff": {
            "before": packages.describe(before, held),
            "after": packages.describe(wanted, packages.wanted_holds),
        },
    }
    if packages.changed and not module.check_mode:
        try:
            packages.apply()
        except (AptError, OSError) as error:
            module.fail_json(msg=str(error), before=before, complaints=packages.complaints)
    module.exit_json(complaints=packages.complaints, **result)


if __name__ == "__main__":
    main()
