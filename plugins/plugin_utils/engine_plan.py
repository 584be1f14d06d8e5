# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What has to happen to a host's packages so that it has the wanted engine: pure decisions, before anything is touched.

In go the role's settings, the host's facts (runtime_facts) and what packages it has and could have (package_info); out
comes a `Plan` with exact versions, or with errors that each name the variable, the value and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_before import note_engine
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_checks import host_errors, repository_errors
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan, Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.package_plan import (
    is_foreign,
    is_present,
    note_before,
    note_holds,
    note_newcomers,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import (
    EngineVersion,
    compare_packages,
    newest_first,
)

# The first libseccomp that knows faccessat2 (data table of system calls).
LIBSECCOMP_FLOOR = EngineVersion.parse("2.4.4")
SHOWN_VERSIONS = 8


def needs_index(settings: Settings, facts: Mapping[str, Any]) -> bool:
    """Whether versions on offer have to be looked up.

    They have not where engine and client are at the pinned version and libseccomp knows what it has to.
    """
    if settings.version == "latest" or (facts.get("libseccomp") or {}).get("faccessat2") == -1:
        return True
    docker = facts.get("docker") or {}
    package = docker.get("package") or {}
    # An interrupted run can leave a package without a version.
    if package.get("name") != settings.packages.engine or package.get("state", "installed") != "installed":
        return True
    wanted = EngineVersion.parse(settings.version)
    return not all(_is_release(version, wanted) for version in (package.get("version"), docker.get("client_version")))


def _is_release(version: str | None, wanted: EngineVersion) -> bool:
    try:
        return bool(version) and EngineVersion.parse(str(version)) == wanted
    except ValueError:  # somebody's own build says `dev`
        return False


def make_plan(settings: Settings, facts: Mapping[str, Any], info: Mapping[str, Any]) -> Plan:
    """The plan for one host."""
    return _Planner(settings, facts, info).run()


class _Planner:
    def __init__(self, settings: Settings, facts: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        self.settings = settings
        self.parts = settings.packages
        self.docker: Mapping[str, Any] = facts.get("docker") or {}
        self.facts = facts
        self.packages: Mapping[str, Mapping[str, Any]] = info["packages"]
        self.repository: Mapping[str, Any] = info.get("repository") or {}
        self.record: Mapping[str, Any] | None = info.get("way_back")
        self.plan = Plan(heal=bool(info.get("interrupted")))
        # How the errors call the two settings that nearly all of them are about.
        self.source = f"docker_engine_source '{settings.source}'"
        self.version = f"docker_engine_version '{settings.version}'"

    @property
    def _managed(self) -> list[str]:
        """Every package that the plan may move and a rollback takes back; libseccomp is the host's own business."""
        names = [*self.parts.all, *self.parts.replaces, *self._given]
        return list(dict.fromkeys(name for name in names if name != self.settings.libseccomp))

    @property
    def _given(self) -> list[str]:
        """Packages that were given as files."""
        return list(self.settings.files) if self.settings.source == "files" else []

    def run(self) -> Plan:
        self._note_present()
        self.plan.errors += [
            *host_errors(self.settings, self.facts),
            *repository_errors(self.settings, self.repository),
        ]
        if not self.plan.errors:
            self._plan_moves()
        return self.plan.without_actions() if self.plan.errors else self.plan

    def _plan_moves(self) -> None:
        engine = self._choose_engine()
        if engine is None:
            return
        self._move(self.parts.engine, engine)
        self.plan.engine_moves = self.parts.engine in self.plan.install
        self._follow_with_client(engine)
        self._follow_with_runtime()
        self._follow_with_files()
        self._replace_others()
        self._upgrade_libseccomp()
        self.plan.optional = [name for name in self.parts.optional if name in self.plan.install]
        note_newcomers(self.plan, self._managed, self.packages)
        note_holds(self.plan, self.parts.all, self.packages, self.settings.hold)
        self._refuse_foreign_holds()
        self._refuse_downgrades()
        self._warn_of_stopped_containers()

    # What is there, and what could be.

    def _installed(self, name: str) -> str | None:
        package = self.packages.get(name, {})
        return package.get("installed") if package.get("state") == "installed" else None

    def _offered(self, name: str) -> list[str]:
        if self.settings.source == "files":
            version = self.settings.files.get(name)
            installed = self._installed(name)
            # File names have no epoch: 20.10.24~3-0 is the 5:20.10.24~3-0 that is installed.
            same = installed is not None and version is not None and installed.partition(":")[2] == version
            return [installed if same else version] if version else []  # type: ignore[list-item]
        return [entry["version"] for entry in self.packages.get(name, {}).get("available", [])]

    def _known(self, name: str) -> list[str]:
        """Versions on offer and the one that dpkg has, newest first; one that is half configured can be finished."""
        present = self.packages.get(name, {}).get("installed")
        return newest_first(list(dict.fromkeys([*self._offered(name), *([present] if present else [])])))

    def _newest(self, name: str) -> list[str]:
        """As above, but of the host's own sources what apt would choose: not backports, unless nothing else has it."""
        candidate = self.packages.get(name, {}).get("candidate") if self.settings.source == "distribution" else None
        present = self.packages.get(name, {}).get("installed")
        if not candidate:
            return self._known(name)
        return newest_first([candidate, *([present] if present else [])])

    def _note_present(self) -> None:
        aside = self.settings.libseccomp
        record = self.record
        if record is not None:
            record = {
                **{key: [name for name in record[key] if name != aside] for key in ("absent", "held")},
                "before": {name: version for name, version in record["before"].items() if name != aside},
            }
        note_before(self.plan, self._managed, self.packages, record)
        package = self.docker.get("package") or {}
        version = self._installed(self.parts.engine) or package.get("version") or self.docker.get("server_version")
        self.plan.current = str(EngineVersion.parse(version)) if version else None
        note_engine(self.plan, self.parts.engine)

    # What to end on.

    def _choose_engine(self) -> str | None:
        """The package version of the engine to end on; None (and an error) when there is none."""
        name = self.parts.engine
        installed = self._installed(name)
        candidates = self._newest(name)
        if self.settings.version != "latest":
            wanted = EngineVersion.parse(self.settings.version)
            candidates = [version for version in self._known(name) if EngineVersion.parse(version) == wanted]
            if installed in candidates:
                candidates = [installed]  # another build of the same release is no reason to move
        if not candidates:
            self._refuse_unknown_version(name)
            return None
        self.plan.target = str(EngineVersion.parse(candidates[0]))
        if EngineVersion.parse(self.plan.target) < EngineVersion.parse(self.settings.minimum_version):
            self.plan.below_floor = True
            self.plan.errors.append(
                f"{self.source} with {self.version} would end on {self.plan.target}, below "
                f"docker_engine_minimum_version {self.settings.minimum_version}"
            )
            return None
        return candidates[0]

    def _refuse_unknown_version(self, name: str) -> None:
        offered = list(dict.fromkeys(str(EngineVersion.parse(version)) for version in self._offered(name)))
        if self.settings.version == "latest" or not offered:
            self._refuse_missing(name)
            return
        shown = ", ".join(offered[:SHOWN_VERSIONS])
        more = f" and {len(offered) - SHOWN_VERSIONS} older" if len(offered) > SHOWN_VERSIONS else ""
        self.plan.errors.append(
            f"{self.version} is not to be had from {self.source}, which offers {shown}{more}; "
            "choose one of these or 'latest'"
        )

    def _refuse_missing(self, name: str) -> None:
        self.plan.errors.append(f"{self.source} has no package {name} for this host; use another docker_engine_source")

    def _move(self, name: str, version: str) -> None:
        if self._installed(name) != version:
            self.plan.install[name] = version

    def _follow_with_client(self, engine: str) -> None:
        """The client at the engine's version; where a source has no such package, the engine's has the command."""
        client = self.parts.client
        same = [version for version in self._known(client) if compare_packages(version, engine) == 0] if client else []
        if client and same:
            self._move(client, same[0])
        elif client and (self._offered(client) or self._installed(client)):
            remedy = (
                "add it to docker_engine_files"
                if self.settings.source == "files"
                else "use another docker_engine_version"
            )
            self.plan.errors.append(
                f"{self.source} has {self.parts.engine} {engine} but no {client} of that version; {remedy}"
            )

    def _follow_with_runtime(self) -> None:
        """containerd, runc and plugins at their newest; with a pinned engine that stays they stay as well."""
        for name in [*self.parts.runtime, *self.parts.optional]:
            if self._installed(name) and not self.plan.engine_moves and self.settings.version != "latest":
                continue
            versions = self._newest(name)
            rivals = [rival for rival in self.parts.rivals.get(name, []) if is_present(self.packages.get(rival, {}))]
            if versions and rivals:
                self.plan.notes.append(f"{name} is left out, since {', '.join(rivals)} is on this host")
            elif versions:
                self._move(name, versions[0])
            elif name in self.parts.runtime:
                self._refuse_missing(name)

    def _follow_with_files(self) -> None:
        """Whatever else was given as a file is there because something needs it; a newer one does as well."""
        for name in self._given:
            if name not in self.parts.all and name != self.settings.libseccomp:
                self._move(name, self._known(name)[0])

    def _replace_others(self) -> None:
        self.plan.remove = [
            name for name in self.parts.replaces if is_present(self.packages.get(name, {})) and name not in self._given
        ]
        if self.plan.remove:
            self.plan.notes.append(f"{', '.join(self.plan.remove)} will be replaced; /var/lib/docker stays as it is")

    def _upgrade_libseccomp(self) -> None:
        """Upgrade the host's libseccomp when it does not know faccessat2 and a source, or a file, has one that does."""
        name = self.settings.libseccomp
        installed = self._installed(name)
        given = [self.settings.files[name]] if name in self._given else []
        if (self.facts.get("libseccomp") or {}).get("faccessat2") != -1:
            # A file of it is there because a package among the files needs it.
            if given and self._is_newer(given[0], installed):
                self.plan.install[name] = given[0]
            return
        better = [
            version
            for version in [*given, *self._libseccomp_on_offer()]
            if EngineVersion.parse(version) >= LIBSECCOMP_FLOOR and self._is_newer(version, installed)
        ]
        unknowing = f"{name} {installed} does not know faccessat2"
        if better and is_foreign(name, self.packages) and not self.settings.lift_foreign_holds:
            # Worth a word, but no reason to refuse the engine.
            self.plan.notes.append(
                f"{unknowing}, but somebody else holds it on this host; run 'apt-mark unhold {name}'"
            )
        elif better:
            self.plan.install[name] = better[0]
            self.plan.notes.append(f"{unknowing} and goes to {self.plan.install[name]}")
        else:
            self.plan.notes.append(f"{unknowing}, and no package source of this host has one that does")

    def _libseccomp_on_offer(self) -> list[str]:
        """First what apt would choose, then the rest, newest first."""
        package = self.packages.get(self.settings.libseccomp, {})
        rest = newest_first([entry["version"] for entry in package.get("available", [])])
        return [*([package["candidate"]] if package.get("candidate") else []), *rest]

    @staticmethod
    def _is_newer(version: str, installed: str | None) -> bool:
        return installed is None or compare_packages(version, installed) > 0

    # Holds, downgrades, containers.

    def _refuse_foreign_holds(self) -> None:
        foreign = [name for name in [*self.plan.install, *self.plan.remove] if is_foreign(name, self.packages)]
        if foreign and not self.settings.lift_foreign_holds:
            self.plan.errors.append(
                f"{', '.join(foreign)} is held on this host by somebody else, and {self.version} would change it; "
                f"run 'apt-mark unhold {' '.join(foreign)}' there or set docker_engine_lift_foreign_holds: true"
            )

    def _refuse_downgrades(self) -> None:
        if self.settings.allow_downgrade:
            return
        remedy = "set docker_engine_allow_downgrade: true if that is what you want"
        if self.plan.current and self.plan.target:
            current, target = EngineVersion.parse(self.plan.current), EngineVersion.parse(self.plan.target)
            if target < current:
                self.plan.errors.append(
                    f"{self.source} with {self.version} would take the engine back from {current} to {target}; {remedy}"
                )
                return
        for name, version in self.plan.install.items():
            installed = self._installed(name)
            if installed and compare_packages(version, installed) < 0:
                self.plan.errors.append(
                    f"{self.source} with {self.version} would take {name} back from {installed} to {version}; {remedy}"
                )

    def _warn_of_stopped_containers(self) -> None:
        running = self.docker.get("containers_running") or 0
        if self.plan.engine_moves and running and not self.settings.live_restore:
            self.plan.notes.append(
                f"{running} running containers will be stopped, since docker_engine_live_restore is false"
            )
