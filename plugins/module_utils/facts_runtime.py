# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Everything runtime_facts returns, gathered in one go."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dpkg, facts_programs, maintenance
from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import SEARCH_PATH, Batch, find_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET, DEFAULT_TIMEOUT, Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_docker import (
    ENGINE_PACKAGES,
    EngineAnswers,
    ask_engine,
    daemon_config,
    default_variables,
    engine_facts,
    engine_package,
    package_fact,
    seccomp_workaround,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_host import group_members, host_facts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_registry import registry_facts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_runner import (
    RUNNER_PACKAGES,
    SHOW_SERVICE,
    runner_facts,
    service_facts,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.libseccomp import libseccomp_facts

# docker-ce's containerd.io brings runc as well.
CONTAINERD_PACKAGES = ("containerd.io", "containerd")
RUNC_PACKAGES = ("runc", "containerd.io")
LIBSECCOMP_PACKAGES = ("libseccomp2",)

PROGRAMS = ("docker", "containerd", "runc", "podman", "gitlab-runner")

# A version flag is answered in milliseconds; a loaded host is given some patience.
COMMAND_TIMEOUT = 3.0


def gather(
    socket_path: str = DEFAULT_SOCKET,
    timeout: float = DEFAULT_TIMEOUT,
    root: str = "/",
    search_path: str = SEARCH_PATH,
    command_timeout: float = COMMAND_TIMEOUT,
) -> dict[str, Any]:
    """The value of `ansible_facts.runnerkit`. `root` and `search_path` are other places to look at."""
    programs = {name: find_program(name, search_path) for name in PROGRAMS}
    batch = Batch(command_timeout, search_path)
    for name, path in programs.items():
        if path:
            batch.start(name, [path, "--version"])
    # While those run: the files, then the engine.
    names = (*ENGINE_PACKAGES, *CONTAINERD_PACKAGES, *RUNC_PACKAGES, *LIBSECCOMP_PACKAGES, *RUNNER_PACKAGES)
    packages = dpkg.read_packages(names, root)
    systemctl = find_program(SHOW_SERVICE[0], search_path)
    if systemctl and (programs["gitlab-runner"] or _first(packages, RUNNER_PACKAGES)):
        batch.start("service", [systemctl, *SHOW_SERVICE[1:]])
    dockerd = find_program("dockerd", search_path)
    package = engine_package(packages) or _unpackaged(dockerd, root)
    if dockerd and package and package["source"] == "static":
        batch.start("dockerd", [dockerd, "--version"])
    facts = host_facts(root)
    seccomp = libseccomp_facts()
    answers = ask_engine(Engine(socket_path, timeout), root)
    outputs = batch.collect()
    if package and package["source"] == "static":
        package["version"] = facts_programs.docker_version(outputs.get("dockerd"))
    facts["docker"] = _docker(answers, socket_path, package, dockerd, outputs.get("docker"), root)
    facts["containerd"] = _containerd(answers, programs["containerd"], outputs.get("containerd"), packages)
    facts["runc"] = _runc(programs["runc"], outputs.get("runc"), packages)
    facts["libseccomp"] = _libseccomp(seccomp, packages)
    facts["podman"] = _podman(programs["podman"], outputs.get("podman"))
    runner = facts_programs.gitlab_runner_version(outputs.get("gitlab-runner"))
    service = service_facts(outputs.get("service"))
    facts["gitlab_runner"] = runner_facts(
        programs["gitlab-runner"], runner, _first(packages, RUNNER_PACKAGES), service, root
    )
    facts["maintenance"] = maintenance.fact(os.path.join(root, maintenance.PATH.lstrip("/")))
    facts["registry_ca"] = registry_facts(root)
    return facts


def _unpackaged(dockerd: str | None, root: str) -> dict[str, Any] | None:
    """The package of a dockerd that none of the known packages brought; None without dpkg, which cannot tell."""
    if not dockerd or not dpkg.has_database(root):
        return None
    owner = dpkg.owner_of(dockerd, root)
    if owner is None:
        return {"name": None, "version": None, "held": False, "state": "installed", "source": "static"}
    fact = package_fact(dpkg.read_packages([owner], root).get(owner))
    return {**fact, "source": "other"} if fact else None


def _docker(
    answers: EngineAnswers,
    socket_path: str,
    package: dict[str, Any] | None,
    dockerd: str | None,
    client_output: str | None,
    root: str,
) -> dict[str, Any]:
    installed = bool(package or dockerd or answers.running)
    config, config_error = daemon_config(root)
    # Without an engine, a socket that is not there is no error.
    expected = not installed and not os.path.lexists(socket_path)
    return {
        "installed": installed,
        "running": answers.running,
        "error": None if expected else answers.error,
        "socket": socket_path,
        "client_version": facts_programs.docker_version(client_output),
        **engine_facts(answers),
        "daemon_config": config,
        "daemon_config_error": config_error,
        "defaults": default_variables(root),
        "seccomp_workaround": seccomp_workaround(root),
        "group_members": group_members("docker", root),
        "package": package,
    }


def _containerd(
    answers: EngineAnswers, path: str | None, output: str | None, packages: Mapping[str, dpkg.Package]
) -> dict[str, Any] | None:
    """The containerd that the daemon talks to, if there is a daemon to tell."""
    version = answers.component("containerd") or facts_programs.containerd_version(output)
    package = _first(packages, CONTAINERD_PACKAGES)
    if not (path or version or package):
        return None
    return {"version": version, "package": package}


def _runc(path: str | None, output: str | None, packages: Mapping[str, dpkg.Package]) -> dict[str, Any] | None:
    package = _first(packages, RUNC_PACKAGES)
    if not (path or package):
        return None
    return {**facts_programs.runc_versions(output), "package": package}


def _libseccomp(seccomp: dict[str, Any] | None, packages: Mapping[str, dpkg.Package]) -> dict[str, Any] | None:
    return {**seccomp, "package": _first(packages, LIBSECCOMP_PACKAGES)} if seccomp else None


def _podman(path: str | None, output: str | None) -> dict[str, Any] | None:
    return {"version": facts_programs.podman_version(output), "path": path} if path else None


def _first(packages: Mapping[str, dpkg.Package], names: tuple[str, ...]) -> dict[str, Any] | None:
    return next((package_fact(packages[name]) for name in names if name in packages), None)
