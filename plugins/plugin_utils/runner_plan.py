# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What has to happen to a host so that it has the wanted GitLab Runner: pure decisions, before anything is touched.

In go the role's settings, the host's facts (runtime_facts) and what packages it has and could have (package_info); out
comes a `Plan` with exact versions, or with errors that each name the variable, the value and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.package_plan import (
    is_foreign,
    is_present,
    note_before,
    note_holds,
    note_newcomers,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_settings import Plan, Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import (
    EngineVersion,
    compare_packages,
    newest_first,
)

# From here on the runner's package depends on the helper images of its very version.
HELPER_IMAGES_SINCE = EngineVersion.parse("17.7.0")
SHOWN_VERSIONS = 8
REMEDIES = {
    "key_mismatch": "compare gitlab_runner_repository_key_fingerprint with what the repository's owner publishes",
    "key_invalid": "check gitlab_runner_repository_key_url",
    "key_unreachable": "check gitlab_runner_repository_key_url, the network and the proxy",
    "index_unsigned": "check gitlab_runner_repository_url and gitlab_runner_repository_key_fingerprint, since another "
    "key signs there",
    "index_unreachable": "check gitlab_runner_repository_url, the network and the proxy",
}


def needs_index(settings: Settings, facts: Mapping[str, Any]) -> bool:
    """Whether versions on offer have to be looked up: not where the program already is the pinned version."""
    if settings.source != "gitlab":
        return False
    if settings.version == "latest":
        return True
    version = (facts.get("gitlab_runner") or {}).get("version")
    package = (facts.get("gitlab_runner") or {}).get("package") or {}
    wanted = EngineVersion.parse(settings.version)
    # An interrupted run can leave a package with a version, but not whole.
    return package.get("state", "installed") != "installed" or _release(version) != wanted


def _release(version: Any) -> EngineVersion | None:
    """The release behind a version; None without one, and for somebody's own build that says `development version`."""
    try:
        return EngineVersion.parse(version) if version else None
    except ValueError:
        return None


def make_plan(settings: Settings, facts: Mapping[str, Any], info: Mapping[str, Any]) -> Plan:
    """The plan for one host."""
    return _Planner(settings, facts, info).run()


class _Planner:
    def __init__(self, settings: Settings, facts: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        self.settings = settings
        self.facts = facts
        self.found: Mapping[str, Any] = facts.get("gitlab_runner") or {}
        self.packages: Mapping[str, Mapping[str, Any]] = info.get("packages") or {}
        self.repository: Mapping[str, Any] = info.get("repository") or {}
        self.record: Mapping[str, Any] | None = info.get("way_back")
        self.checksum: str = info.get("checksum") or ""  # of the program that is there
        self.plan = Plan(heal=bool(info.get("interrupted")))
        # How the errors call the two settings that nearly all of them are about.
        self.source = f"gitlab_runner_source '{settings.source}'"
        self.version = f"gitlab_runner_version '{settings.version}'"

    @property
    def _managed(self) -> list[str]:
        """Every package that the plan may move and a rollback takes back."""
        return list(dict.fromkeys([*self.settings.packages, *self.settings.replaces, *self.settings.files]))

    def run(self) -> Plan:
        note_before(self.plan, self._managed, self.packages, self.record)
        self._note_present()
        self._refuse_host()
        if not self.plan.errors:
            if self.settings.source == "binary":
                self._plan_binary()
            else:
                self._plan_packages()
        return self.plan.without_actions() if self.plan.errors else self.plan

    # What is there, and what could be.

    def _installed(self, name: str) -> str | None:
        package = self.packages.get(name, {})
        return package.get("installed") if package.get("state") == "installed" else None

    def _offered(self, name: str) -> list[str]:
        if self.settings.source == "files":
            return [self.settings.files[name]] if name in self.settings.files else []
        return [entry["version"] for entry in self.packages.get(name, {}).get("available", [])]

    def _known(self, name: str) -> list[str]:
        """Versions on offer and the one that dpkg has, newest first; one that is half configured can be finished."""
        present = self.packages.get(name, {}).get("installed")
        return newest_first(list(dict.fromkeys([*self._offered(name), *([present] if present else [])])))

    def _is_packaged(self, path: str) -> bool:
        """Whether the program at PATH is the package's, be it by halves."""
        return path == self.settings.program and is_present(self.packages.get(self.settings.runner, {}))

    def _note_present(self) -> None:
        version = self._installed(self.settings.runner) or self.found.get("version")
        self.plan.current = str(release) if (release := _release(version)) else None
        self.plan.back_to = self.plan.current
        if self.plan.unfinished:
            before = [self.plan.before[name] for name in self._managed[:1] if name in self.plan.before]
            self.plan.back_to = str(EngineVersion.parse(before[0])) if before else None

    def _refuse_host(self) -> None:
        if self.facts.get("service_manager") != "systemd":
            self.plan.errors.append(
                "gitlab_runner needs systemd, which is not what manages services on this host; "
                "use a host that boots with systemd"
            )
        error = self.repository.get("error")
        if error:
            message = str(error["message"]).rstrip(".")
            self.plan.errors.append(f"{self.source} cannot be used: {message}; {REMEDIES[error['kind']]}")

    # A program from a package.

    def _plan_packages(self) -> None:
        name = self.settings.runner
        version = self._choose()
        if version is None:
            return
        self._move(name, version)
        self._follow_with_helper_images(version)
        for other in self.settings.files:
            # Whatever else was given as a file is there because something needs it; a newer one does as well.
            if other not in self.settings.packages:
                self._move(other, self._known(other)[0])
        self.plan.remove = [other for other in self.settings.replaces if is_present(self.packages.get(other, {}))]
        if self.plan.remove:
            self.plan.notes.append(f"{', '.join(self.plan.remove)} will be replaced; /etc/gitlab-runner stays as it is")
        self._take_over()
        self.plan.runner_moves = bool(name in self.plan.install or self.plan.remove or self.plan.set_aside)
        note_newcomers(self.plan, self._managed, self.packages)
        note_holds(self.plan, self.settings.packages, self.packages, self.settings.hold)
        self._refuse_foreign_holds()
        self._refuse_downgrades()

    def _move(self, name: str, version: str) -> None:
        if self._installed(name) != version:
            self.plan.install[name] = version

    def _choose(self) -> str | None:
        """The package version of the runner to end on; None (and an error) when there is none."""
        name = self.settings.runner
        candidates = self._known(name)
        if self.settings.version != "latest":
            wanted = EngineVersion.parse(self.settings.version)
            candidates = [version for version in candidates if EngineVersion.parse(version) == wanted]
            if self._installed(name) in candidates:
                candidates = [str(self._installed(name))]  # another build of the same release is no reason to move
        if not candidates:
            self._refuse_unknown_version(name)
            return None
        self.plan.target = str(EngineVersion.parse(candidates[0]))
        return candidates[0]

    def _refuse_unknown_version(self, name: str) -> None:
        offered = list(dict.fromkeys(str(EngineVersion.parse(version)) for version in self._offered(name)))
        if self.settings.version == "latest" or not offered:
            self.plan.errors.append(
                f"{self.source} has no package {name} for this host; use another gitlab_runner_source"
            )
            return
        shown = ", ".join(offered[:SHOWN_VERSIONS])
        more = f" and {len(offered) - SHOWN_VERSIONS} older" if len(offered) > SHOWN_VERSIONS else ""
        self.plan.errors.append(
            f"{self.version} is not to be had from {self.source}, which offers {shown}{more}; "
            "choose one of these or 'latest'"
        )

    def _follow_with_helper_images(self, runner: str) -> None:
        """The helper images at the runner's version, on which its package depends."""
        name = self.settings.helper_images
        wanted = self.settings.want_helper_images or is_present(self.packages.get(name, {}))
        if not wanted or EngineVersion.parse(runner) < HELPER_IMAGES_SINCE:
            return
        same = [version for version in self._known(name) if compare_packages(version, runner) == 0]
        if same:
            self._move(name, same[0])
        elif self.settings.runner in self.plan.install or self._offered(name):
            # (A runner that stays is whole with what is there, and then nobody has asked what is on offer.)
            among = self.settings.source == "files"
            remedy = "add it to gitlab_runner_files" if among else "use another gitlab_runner_version"
            self.plan.errors.append(
                f"{self.source} has {self.settings.runner} {runner} but no {name} of that version; {remedy}, "
                "or set gitlab_runner_helper_images: false for a package that does not depend on it"
            )

    def _take_over(self) -> None:
        """A program that belongs to no package: one that would be found first, or lies where the package's goes."""
        path = self.found.get("path")
        version = self._installed(self.settings.runner)
        same = version is not None and _release(self.found.get("version")) == EngineVersion.parse(version)
        if not path or same or self._is_packaged(path):
            return
        self.plan.set_aside = [path]
        self.plan.notes.append(
            f"{path} belongs to no package and is set aside as {path}.runnerkit.save; /etc/gitlab-runner stays as it is"
        )

    # A program without a package.

    def _plan_binary(self) -> None:
        self.plan.binary = self.checksum != self.settings.checksum
        self.plan.target = self.plan.current
        if self.settings.version != "latest":
            self.plan.target = str(EngineVersion.parse(self.settings.version))
            self._refuse_other_program()
        elif self.plan.binary:
            self.plan.target = None  # nobody knows before it is there
        self.plan.remove = [name for name in self._managed if is_present(self.packages.get(name, {}))]
        if self.plan.remove:
            self.plan.notes.append(f"{', '.join(self.plan.remove)} will be replaced by {self.settings.program}")
        self.plan.runner_moves = bool(self.plan.binary or self.plan.remove)
        self._refuse_foreign_holds()
        self._refuse_downgrades()

    def _refuse_other_program(self) -> None:
        found = _release(self.found.get("version"))
        same_file = not self.plan.binary and self.found.get("path") == self.settings.program
        if same_file and found != EngineVersion.parse(self.settings.version):
            self.plan.errors.append(
                f"the program with gitlab_runner_binary_checksum '{self.settings.checksum}' says that it is "
                f"{self.found.get('version')}, not {self.version}; correct one of the two"
            )

    # Holds and downgrades.

    def _refuse_foreign_holds(self) -> None:
        foreign = [name for name in [*self.plan.install, *self.plan.remove] if is_foreign(name, self.packages)]
        if foreign and not self.settings.lift_foreign_holds:
            self.plan.errors.append(
                f"{', '.join(foreign)} is held on this host by somebody else, and {self.version} would change it; "
                f"run 'apt-mark unhold {' '.join(foreign)}' there or set gitlab_runner_lift_foreign_holds: true"
            )

    def _refuse_downgrades(self) -> None:
        current, target = _release(self.plan.current), _release(self.plan.target)
        if self.settings.allow_downgrade or not self.plan.runner_moves:
            return
        if current is not None and target is not None and target < current:
            self.plan.errors.append(
                f"{self.source} with {self.version} would take GitLab Runner back from {current} to {target}; "
                "set gitlab_runner_allow_downgrade: true if that is what you want"
            )
