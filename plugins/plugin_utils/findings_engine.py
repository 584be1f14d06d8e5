# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the host's own programs: the engine, its client, its API, its settings, the library, the runner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import engine_api_versions as api
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import remedies
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_SITE = "run playbooks/site.yml (role docker_engine)"
# GitLab Runner 19.2 and newer wants this of the engine.
_RUNNER_WANTS = EngineVersion.parse("19.2")
_RUNNER_WANTS_API = EngineVersion.parse("1.40")
_SPEAKS_IT = "19.03"
_LAST_OLD = ".".join(str(number) for number in api.LAST_OLD_RUNNER)


def find_engine(host: Host) -> Iterator[Finding]:
    """What is wrong with the programs of the host."""
    if host.podman_only:
        return
    if not host.facts:
        if all(layer.known for layer in host.judged):
            yield _unknown("there are no facts of this host", {"facts": None})
        return
    docker = host.docker
    if not docker.get("installed"):
        yield Finding(
            "engine_missing", "host", "broken", "Docker Engine is not installed",
            {"kind": host.kind, "docker.installed": False}, _SITE + _podman_alone(host),
        )  # fmt: skip
        return
    if not docker.get("running"):
        yield from _silent(host)
        return
    yield from _versions(host)
    yield from _api(host)
    trouble = text(docker.get("daemon_config_error"))
    if trouble:
        yield Finding(
            "daemon_config", "host", "degraded", f"daemon.json cannot be read: {trouble}",
            {"kind": host.kind, "docker.daemon_config_error": trouble},
            "mend /etc/docker/daemon.json by hand; the engine will not start with it again",
        )  # fmt: skip


def _podman_alone(host: Host) -> str:
    """Where podman is there, nobody may miss Docker Engine."""
    if not mapping(host.facts.get("podman")):
        return ""
    return "; where podman alone is meant to run jobs, readiness_layers: [podman] judges nothing else"


def _unknown(reason: str, evidence: dict[str, Any]) -> Finding:
    return Finding(
        "unknown", "host", "unknown", f"host: {reason}", {"kind": "unknown", **evidence},
        "run playbooks/audit.yml against it as root",
    )  # fmt: skip


def _silent(host: Host) -> Iterator[Finding]:
    docker = host.docker
    reason = text(docker.get("error")) or "no reason known"
    if docker.get("running") is None:
        # Nobody knows whether it runs: this user may not ask. That is no trouble of the host.
        if all(layer.known for layer in host.judged):
            yield _unknown(f"Docker Engine could not be asked: {reason}", {"docker.running": None})
        return
    yield Finding(
        "engine_down", "host", "broken", f"Docker Engine does not answer: {reason}",
        {"kind": host.kind, "docker.running": False},
        f"look at `journalctl -u docker`, then {_SITE}",
    )  # fmt: skip


def _versions(host: Host) -> Iterator[Finding]:
    docker = host.docker
    said, engine = text(docker.get("server_version")), version(docker.get("server_version"))
    if engine is None:
        # Without a probe the layer says it, since nothing can be predicted either.
        if all(layer.known for layer in host.judged):
            yield _unknown(
                f"the engine says that its version is {said!r}, which is no version, so whether it is at least "
                f"{host.minimum} cannot be said",
                {"docker.server_version": said},
            )
        return
    if engine < host.minimum:
        yield Finding(
            "floor", "host", "broken",
            f"Docker Engine {said} is {host.older_than_the_least}",
            {"kind": host.kind, "docker.server_version": said, "docker_engine_minimum_version": str(host.minimum)},
            remedies.upgrade_engine(str(host.minimum)),
        )  # fmt: skip
    client = version(docker.get("client_version"))
    if client and client.release[:2] != engine.release[:2]:
        yield Finding(
            "client_differs", "host", "note", f"the docker command is {docker['client_version']}, the engine {said}",
            {"kind": host.kind, "docker.client_version": docker["client_version"], "docker.server_version": said},
            "run playbooks/site.yml: role docker_engine installs both at one version",
        )  # fmt: skip


def _api(host: Host) -> Iterator[Finding]:
    docker = host.docker
    least = api.minimum_api(docker)
    client, runner = text(docker.get("client_version")), runner_version(host)
    parsed = version(client)
    if least and api.refuses_old_clients(least) and parsed and parsed < api.FIRST_CLIENT:
        yield api_too_new(
            host, "host", f"the docker command on the host is {client}", {"docker.client_version": client},
            "run playbooks/site.yml: role docker_engine installs engine and client at one version",
        )  # fmt: skip
    if not runner or (found := version(runner)) is None:
        return
    if least and api.refuses_old_clients(least) and found.release[:2] <= api.LAST_OLD_RUNNER:
        yield api_too_new(
            host, "runner", f"GitLab Runner is {runner}", {"gitlab_runner.version": runner}, "upgrade GitLab Runner"
        )
    if least and api.refuses_old_clients(least) and found.release[:2] > api.LAST_OLD_RUNNER and found < _RUNNER_WANTS:
        yield Finding(
            "api_too_new", "runner", "note",
            f"the engine refuses clients that do not speak API {least}: GitLab Runner up to {_LAST_OLD} does not, "
            f"and of {runner} nothing is known",
            {"kind": host.kind, "docker.minimum_api_version": least, "gitlab_runner.version": runner},
            "see that a job runs; if the runner is refused, upgrade GitLab Runner",
        )  # fmt: skip
    newest = version(docker.get("api_version"))
    if newest and newest < _RUNNER_WANTS_API and found >= _RUNNER_WANTS:
        yield Finding(
            "runner_api", "runner", "broken",
            f"GitLab Runner {runner} needs an engine that speaks API {_RUNNER_WANTS_API}, this one ends at "
            f"{docker['api_version']}",
            {"kind": host.kind, "gitlab_runner.version": runner, "docker.api_version": docker["api_version"]},
            remedies.upgrade_engine(remedies.not_below_the_floor(host, _SPEAKS_IT)),
        )  # fmt: skip


def runner_version(host: Host) -> str | None:
    return text(mapping(host.facts.get("gitlab_runner")).get("version"))


def api_too_new(
    host: Host, layer: str, who: str, evidence: dict[str, Any], remedy: str, severity: str = "broken"
) -> Finding:
    """A client that the engine refuses."""
    least = api.minimum_api(host.docker)
    return Finding(
        "api_too_new", layer, severity,
        f"the engine refuses clients that do not speak API {least}, which came with Docker 25.0: {who}",
        {"kind": host.kind, "docker.minimum_api_version": least, **evidence},
        f"{remedy}; until then docker_engine_daemon_config: {{min-api-version: '1.24'}} lets older clients in",
    )  # fmt: skip


def find_library(host: Host) -> Iterator[Finding]:
    """A library on the host that does not know the call this project began with."""
    library = mapping(host.facts.get("libseccomp"))
    if library.get("faccessat2") != -1:
        return
    said = text(library.get("version"))
    measured = [layer for layer in host.judged if layer.kind == "measured" and layer.of_the_host]
    # With docker's packages runc has a library of its own, and the host's does not matter.
    harmless = bool(measured) and not any(
        answer.blocks for layer in measured if (answer := layer.answer("faccessat2")) is not None
    )
    yield Finding(
        "libseccomp_old", "host", "note" if harmless else "degraded",
        f"libseccomp {said} does not know faccessat2, which Alpine 3.14 and newer need"
        + ("; containers of this engine can use it or fall back all the same" if harmless else ""),
        {"kind": "measured", "libseccomp.faccessat2": -1, "libseccomp.version": said},
        "run playbooks/site.yml: role docker_engine upgrades libseccomp when a package source has a newer one",
    )  # fmt: skip
