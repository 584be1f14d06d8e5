# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A set of packages that belong together, brought to exact versions in one transaction, or left as it is."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Apt, AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import DebStore, index
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package, interrupted, read_packages

NOTHING_KEPT: dict[str, Any] = {"before": {}, "absent": [], "held": [], "foreign": []}


def version_of(package: Package | None) -> str | None:
    """The version when the package is there and whole."""
    return package.version if package and package.state == "installed" else None


class Transaction(NamedTuple):
    """What apt-get install is told, and the packages that it would replace or remove."""

    arguments: list[str]
    replaced: list[str]


class PackageSet:
    """The wanted state of a set of packages, compared with what is there."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.names = sorted(
            {*self.params["install"], *self.params["remove"], *self.params["hold"], *self.params["release"]}
        )
        self.packages = read_packages(self.names)
        self.interrupted = interrupted()
        self.apt = Apt(module.run_command, self.params["lock_timeout"])
        self.install = self._with_epochs()
        self.complaints: list[str] = []
        self.warnings: list[str] = []
        name = self.params["way_back"]
        self.record = (way_back.read(name) if name else None) or NOTHING_KEPT
        # Holds are lifted for a while, and a run may be killed in that while: what counts is how they were.
        self.held = self.holds() | {each for each in self.record["held"] if each in self.names}
        self.foreign = (self.holds() - holds.read()) | set(self.record["foreign"])
        self._touched = False

    def _with_epochs(self) -> dict[str, str]:
        """The wanted versions in full: names of package files have no epoch, so a version read from one has none."""
        wanted = {name: str(version) for name, version in self.params["install"].items()}
        files = index(self.module.run_command, self.params["store"])
        known = [*files, *((name, package.version or "") for name, package in self.packages.items())]
        for name, full in known:
            if name in wanted and full.partition(":")[2] == wanted[name]:
                wanted[name] = full
        return wanted

    # What there is, and what there shall be.

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
        """Packages whose version changes, those included that are there by halves."""
        before, wanted = self.before, self.wanted
        return [
            name
            for name in self.names
            if before[name] != wanted[name] or (name in self.params["remove"] and name in self.packages)
        ]

    def holds(self) -> set[str]:
        """Packages of the set that are held now."""
        return {name for name, package in self.packages.items() if package.held}

    @property
    def wanted_holds(self) -> set[str]:
        """Packages of the set that shall be held."""
        there = (set(self.packages) - set(self.params["remove"])) | set(self.install)
        return there & (set(self.params["hold"]) | (self.held - set(self.params["release"])))

    @property
    def forgets(self) -> bool:
        """Whether there is a way back that is no longer needed."""
        return bool(self.params["forget_way_back"] and self.record is not NOTHING_KEPT)

    @property
    def stale_files(self) -> list[str]:
        """Configuration files that are to be what they were, and are not."""
        return way_back.stale(self.params["way_back"]) if self.params["put_files_back"] else []

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        holds_differ = self.wanted_holds != self.holds()
        return bool(self.interrupted or self.moving or holds_differ or self.stale_files or self.forgets)

    def describe(self, versions: dict[str, str | None], held: set[str]) -> str:
        """The set as text, for the diff."""
        return "".join(
            f"{name} {versions[name]}{' (held)' if name in held else ''}\n" for name in self.names if versions[name]
        )

    # Getting there.

    def fetch(self) -> None:
        """Have the files that the change needs on the host; no package and no hold is touched."""
        if self.interrupted or not self.moving:
            return
        self._refuse_foreign_holds()
        self._refresh()
        self._download()

    def apply(self) -> None:
        """Note the way back, heal, look, keep, download, do, hold."""
        noted = bool((self.moving or self.interrupted) and self._note_way_back())
        try:
            # Before the packages, whose scripts start what reads them.
            if self.params["put_files_back"]:
                way_back.put_back(self.params["way_back"])
            if self.interrupted:
                self._heal()
            if self.moving:
                self._refuse_foreign_holds()
                self._change()
            self._hold()
        except (AptError, OSError):
            if noted and not self._touched:
                way_back.forget(self.params["way_back"])
            raise
        if self.moving:
            missing = ", ".join(self.moving)
            raise AptError(f"{missing} did not end at the wanted version; look at /var/log/dpkg.log and run this again")
        if self.params["forget_way_back"]:
            way_back.forget(self.params["way_back"])

    def _note_way_back(self) -> bool:
        """Write down how things are, unless an interrupted run did so; whether that was done now."""
        if not self.params["way_back"]:
            return False
        there = {name: package.version for name, package in self.packages.items() if package.version}
        absent = [name for name in self.names if name not in there]
        mine = {"before": there, "absent": absent, "held": sorted(self.holds())}
        # First, as the record says that all of this was done.
        if self.record is NOTHING_KEPT:
            way_back.keep_files(self.params["way_back"], self.params["keep_files"])
        return way_back.keep(self.params["way_back"], {**mine, "foreign": sorted(self.holds() - holds.read())})

    def _heal(self) -> None:
        self._touched = True
        self.apt.heal()
        self.packages = read_packages(self.names)
        broken = [package for package in self.packages.values() if package.state != "installed"]
        if not broken:
            return
        store = self._store()
        mended = [self._mend(store, package) for package in broken]
        if any(mended):
            self.apt.configure()
            self.packages = read_packages(self.names)

    def _mend(self, store: DebStore, package: Package) -> bool:
        """What apt does not do: it leaves a package alone that is there at the wanted version but cannot be configured,
        and does nothing at all while one is half installed and no source has that version any more.
        """
        halves = package.state == "half-installed"
        if package.name in self.params["remove"]:
            if halves:
                self.apt.tear_out(package.name)
            return halves
        path = None
        version = self.install.get(package.name, package.version)
        if version and (halves or version == package.version):
            path = store.fetch(package.name, version, package.architecture)
        if path:
            self.apt.unpack(path)
        return bool(path)

    def _refuse_foreign_holds(self) -> None:
        """A hold of somebody else is an order not to touch that package."""
        foreign = sorted(self.foreign & self.holds() & set(self.moving))
        if foreign and not self.params["lift_foreign_holds"]:
            raise AptError(
                "{0} is held by somebody else; run 'apt-mark unhold {0}' or set lift_foreign_holds".format(
                    " ".join(foreign)
                )
            )

    def _change(self) -> None:
        self._refresh()
        lifted = sorted(self.holds() & set(self.moving))
        self.apt.mark("unhold", lifted)
        try:
            transaction = self._download()
            if self.moving:
                self._touched = True
                self.apt.install(transaction.arguments)
        except (AptError, OSError):
            # Nobody may find a package unprotected because of us.
            still = read_packages(lifted)
            self.apt.mark("hold", [name for name in lifted if name in still])
            raise
        self.packages = read_packages(self.names)

    def _refresh(self) -> None:
        if self.params["refresh"]:
            self.complaints = self.apt.update()

    def _download(self) -> Transaction:
        """What is to be done, with everything that it takes on the host."""
        store = self._store()
        try:
            transaction = self._choose(store)
            if self.params["save_previous"]:
                self._save(store, transaction.replaced)
            if self.moving:
                self.apt.fetch(transaction.arguments)
        except AptError as error:
            if error.is_about_offers:
                raise self._explained(error) from error
            raise
        return transaction

    def _explained(self, error: AptError) -> AptError:
        """What is not on offer is often a source that could not be read, which stops nothing by itself."""
        said = "".join("; 'apt-get update' said: " + text[3:] for text in self.complaints[:3])
        remedy = f"see that the package sources have it and can be reached, or put its file into {self.params['store']}"
        return AptError(f"{error}{said}; {remedy}")

    def _store(self) -> DebStore:
        return DebStore(self.module.run_command, self.apt, self.params["store"])

    def _choose(self, store: DebStore) -> Transaction:
        """The transaction with all that is wanted, else one without the optional packages that are in its way."""
        try:
            return self._look(store)
        except AptError:
            moving = set(self.moving) & set(self.install)
            optional = {name: self.install[name] for name in self.params["optional"] if name in moving}
            if not optional:
                raise
        for name in optional:
            del self.install[name]
        transaction = self._look(store)
        for name, version in optional.items():
            self.install[name] = version
            try:
                transaction = self._look(store)
            except AptError as error:
                del self.install[name]
                self.warnings.append(f"{name} {version} is left out: {error}")
        return transaction

    def _look(self, store: DebStore) -> Transaction:
        """The transaction as apt would carry it out."""
        arguments, moving = self._arguments(store), self.moving
        try:
            return self._simulate(arguments)
        except AptError as error:
            staying = [f"{name}={version}" for name, version in self.install.items() if name not in moving]
            if not staying or not error.is_about_dependencies:
                raise
        # One of the set has moved, in a run that did not get further. With a file for it in hand apt goes on only when
        # it is told that the others are where they shall be.
        return self._simulate([*staying, *arguments])

    def _simulate(self, arguments: list[str]) -> Transaction:
        """Ask apt; refuses a transaction that removes what nobody named."""
        changes = self.apt.simulate(arguments) if self.moving else []
        unexpected = [
            change.name for change in changes if change.after is None and change.name not in self.params["remove"]
        ]
        if unexpected:
            names = ", ".join(sorted(unexpected))
            raise AptError(
                f"this would also remove {names}, which nobody asked for; remove it first, or keep the present version"
            )
        return Transaction(arguments, [change.name for change in changes if change.before])

    def _arguments(self, store: DebStore) -> list[str]:
        """Files where we have them, versions otherwise, and a minus for what shall go."""
        arguments = []
        for name in self.moving:
            version = self.wanted[name]
            if version is None:
                arguments.append(name + "-")
            elif name in self.packages and self.packages[name].version == version:
                # It is there and has to be configured; with a file in hand apt would stumble over it.
                arguments.append(f"{name}={version}")
            else:
                arguments.append(store.files.get((name, version), f"{name}={version}"))
        if self.params["allow_downgrade"]:
            arguments.append("--allow-downgrades")
        if self.params["fetch_only"]:
            arguments.append("--allow-change-held-packages")
        if self.interrupted:
            arguments.append("--fix-broken")
        return arguments

    def _save(self, store: DebStore, replaced: list[str]) -> None:
        """Keep the files of what is replaced, and forget those that nobody would go back to any more."""
        previous = [package for package in read_packages(replaced).values() if package.version]
        for package in previous:
            if package.state == "installed":
                store.save(package.name, str(package.version), package.architecture)
            elif package.state != "half-installed":
                # It did not work, so it may not be worth much; better than nothing.
                with contextlib.suppress(AptError):
                    store.save(package.name, str(package.version), package.architecture)
        kept = [(package.name, str(package.version)) for package in previous]
        wanted = [(name, version) for name, version in self.wanted.items() if version]
        store.keep_only([*kept, *wanted, *way_back.versions()], [*self.names, *replaced])

    def _hold(self) -> None:
        now = self.holds()
        self.apt.mark("unhold", sorted(now - self.wanted_holds))
        new = {name for name in self.wanted_holds if name in self.packages} - now
        self.apt.mark("hold", sorted(new))
        # A hold that somebody else set stays theirs, also when it was lifted for a while.
        ours = holds.read()
        remembered = (ours | (new - self.foreign)) - set(self.params["release"])
        held = {name for name, package in read_packages(remembered).items() if package.held}
        if held != ours:
            holds.write(held)
        self.packages = read_packages(self.names)
