# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What has to happen to a host's packages so that it has the wanted engine: pure decisions, before anything is touched.

In go the role's settings, the host's facts (runtime_facts) and what packages it has and could have (package_info); out
comes a `Plan` with exact versions, or with errors that each name the variable, the value and the remedy.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan, Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion, compare_debian

# The first libseccomp that knows faccessat2 (data table of system calls).
LIBSECCOMP_FLOOR = EngineVersion.parse("2.4.4")
SHOWN_VERSIONS = 8

_REMEDIES = {
    "key_mismatch": "compare docker_engine_repository_key_fingerprint with what the repository's owner publishes",
    "key_invalid": "check docker_engine_repository_key_url",
    "key_unreachable": "check docker_engine_repository_key_url, the network and the proxy",
    "index_unsigned": "check docker_engine_repository_url and docker_engine_repository_key_fingerprint, "
    "since another key signs there",
    "index_unreachable": "check docker_engine_repository_url, docker_engine_repository_channels, the network and the "
    "proxy",
}


def newest_first(versions: Sequence[str]) -> list[str]:
    """Package versions in the package manager's order."""
    return sorted(versions, key=functools.cmp_to_key(_compare), reverse=True)


def _compare(left: str, right: str) -> int:
    """The package manager's order; a version read from a file's name may lack its epoch, and then neither has one."""
    if (":" in left) != (":" in right):
        left, right = left.rpartition(":")[2], right.rpartition(":")[2]
    return compare_debian(left, right)


def needs_index(settings: Settings, facts: Mapping[str, Any]) -> bool:
    """Whether versions on offer have to be looked up: not where a pinned engine and a knowing libseccomp are there."""
    if settings.version == "latest" or (facts.get("libseccomp") or {}).get("faccessat2") == -1:
        return True
    package = (facts.get("docker") or {}).get("package") or {}
    # An interrupted run can leave a package without a version.
    if package.get("name") != settings.packages.engine or not package.get("version"):
        return True
    whole = package.get("state", "installed") == "installed"
    return not whole or EngineVersion.parse(package["version"]) != EngineVersion.parse(settings.version)


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
        self.plan = Plan(heal=bool(info.get("interrupted")))
        # How the errors call the two settings that nearly all of them are about.
        self.source = f"docker_engine_source '{settings.source}'"
        self.version = f"docker_engine_version '{settings.version}'"

    def run(self) -> Plan:
        self._note_present()
        self._check_host()
        self._check_repository()
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
        self._replace_others()
        self._upgrade_libseccomp()
        self._plan_holds()
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

    def _note_present(self) -> None:
        for name in [*self.parts.all, *self.parts.replaces]:
            version = self._installed(name)
            if version:
                self.plan.before[name] = version
                if self.packages[name].get("held"):
                    self.plan.held.append(name)
        package = self.docker.get("package") or {}
        version = self._installed(self.parts.engine) or package.get("version") or self.docker.get("server_version")
        self.plan.current = str(EngineVersion.parse(version)) if version else None

    # What makes the host or the source unusable.

    def _check_host(self) -> None:
        if self.facts.get("service_manager") != "systemd":
            self.plan.errors.append(
                "docker_engine needs systemd, which is not what manages services on this host; "
                "use a host that boots with systemd"
            )
        if (self.docker.get("package") or {}).get("source") == "static":
            self.plan.errors.append(
                f"dockerd on this host does not come from a package, and {self.source} would put a second one beside "
                "it; remove the binary first (images and volumes in /var/lib/docker stay)"
            )
        if self.docker.get("swarm") and self.settings.live_restore:
            self.plan.errors.append(
                "docker_engine_live_restore is true, but this host is part of a swarm and an engine has either; "
                "set docker_engine_live_restore: false"
            )

    def _check_repository(self) -> None:
        error = self.repository.get("error")
        if error:
            message = str(error["message"]).rstrip(".")
            self.plan.errors.append(f"{self.source} cannot be used: {message}; {_REMEDIES[error['kind']]}")

    # What to end on.

    def _choose_engine(self) -> str | None:
        """The package version of the engine to end on; None (and an error) when there is none."""
        name = self.parts.engine
        installed = self._installed(name)
        candidates = self._known(name)
        if self.settings.version != "latest":
            wanted = EngineVersion.parse(self.settings.version)
            candidates = [version for version in candidates if EngineVersion.parse(version) == wanted]
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
        same = [version for version in self._known(client) if _compare(version, engine) == 0] if client else []
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
            versions = self._known(name)
            if versions:
                self._move(name, versions[0])
            elif name in self.parts.runtime:
                self._refuse_missing(name)

    def _replace_others(self) -> None:
        self.plan.remove = [
            name
            for name in self.parts.replaces
            if self.packages.get(name, {}).get("state") not in (None, "config-files")
        ]
        if self.plan.remove:
            self.plan.notes.append(f"{', '.join(self.plan.remove)} will be replaced; /var/lib/docker stays as it is")

    def _upgrade_libseccomp(self) -> None:
        """Upgrade the host's libseccomp when it does not know faccessat2 and a source has one that does."""
        if (self.facts.get("libseccomp") or {}).get("faccessat2") != -1:
            return
        name = self.settings.libseccomp
        installed = self._installed(name)
        better = [
            entry["version"]
            for entry in self.packages.get(name, {}).get("available", [])
            if EngineVersion.parse(entry["version"]) >= LIBSECCOMP_FLOOR
            and (installed is None or compare_debian(entry["version"], installed) > 0)
        ]
        unknowing = f"{name} {installed} does not know faccessat2"
        if better and self._is_foreign(name) and not self.settings.lift_foreign_holds:
            # Worth a word, but no reason to refuse the engine.
            self.plan.notes.append(
                f"{unknowing}, but somebody else holds it on this host; run 'apt-mark unhold {name}'"
            )
        elif better:
            self.plan.install[name] = newest_first(better)[0]
            self.plan.notes.append(f"{unknowing} and goes to {self.plan.install[name]}")
        else:
            self.plan.notes.append(f"{unknowing}, and no package source of this host has one that does")

    # Holds, downgrades, containers.

    def _plan_holds(self) -> None:
        held = {name for name, package in self.packages.items() if package.get("held")}
        present = {name for name in self.parts.all if self._installed(name) or name in self.plan.install}
        if self.settings.hold:
            # A hold is lifted for a move only, so it has to be asked for again.
            self.plan.hold = sorted((present - held) | (held & set(self.plan.install)))
        else:
            self.plan.release = sorted(name for name in present & held if self.packages[name].get("held_by_us"))

    def _is_foreign(self, name: str) -> bool:
        package = self.packages.get(name, {})
        return bool(package.get("held") and not package.get("held_by_us"))

    def _refuse_foreign_holds(self) -> None:
        foreign = [name for name in [*self.plan.install, *self.plan.remove] if self._is_foreign(name)]
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
            if installed and _compare(version, installed) < 0:
                self.plan.errors.append(
                    f"{self.source} with {self.version} would take {name} back from {installed} to {version}; {remedy}"
                )

    def _warn_of_stopped_containers(self) -> None:
        running = self.docker.get("containers_running") or 0
        if self.plan.engine_moves and running and not self.settings.live_restore:
            self.plan.notes.append(
                f"{running} running containers will be stopped, since docker_engine_live_restore is false"
            )
