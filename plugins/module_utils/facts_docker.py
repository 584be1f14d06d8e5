# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Facts about Docker Engine: what its API says, what its configuration file holds, where it came from."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Mapping, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_record
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_host import read_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact, redact_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.socket_activation import would_start_service

DEFAULTS = "/etc/default/docker"
DAEMON_JSON = "/etc/docker/daemon.json"

# Packages that bring the engine, the one that is most often meant first; each is its own `source`.
ENGINE_PACKAGES = ("docker-ce", "docker.io", "moby-engine")


class EngineAnswers(NamedTuple):
    """What the socket gave: `running` is None where this user may not ask."""

    running: bool | None
    error: str | None
    version: Mapping[str, Any]
    info: Mapping[str, Any]

    def component(self, name: str) -> str | None:
        """The version of a part such as containerd that the daemon uses."""
        for part in _list(self.version.get("Components")):
            if isinstance(part, dict) and part.get("Name") == name and part.get("Version"):
                return printable(str(part["Version"]).lstrip("v"))
        return None


def ask_engine(engine: Engine, root: str = "/") -> EngineAnswers:
    """/version and /info; a daemon that already kept us waiting for the first is not asked the second."""
    try:
        refuse_to_wake(engine, root)
        version = json_object(engine.get("/version"), "/version")
    except EngineError as error:
        running = None if error.kind == "permission" else False
        return EngineAnswers(running, redact_text(error.message), {}, {})
    if _is_podman(version):
        message = f"{engine.socket_path} is answered by podman; remove its link to see Docker Engine"
        return EngineAnswers(False, message, {}, {})
    try:
        info = json_object(engine.get("/info"), "/info")
    except EngineError as error:
        return EngineAnswers(True, redact_text(error.message), version, {})
    return EngineAnswers(True, None, version, info)


def refuse_to_wake(engine: Engine, root: str = "/") -> None:
    """EngineError where a question would start an engine that somebody stopped; looking must not do that."""
    if would_start_service(engine.socket_path, os.path.join(root, "proc"), _daemon_pid(root)):
        where = engine.socket_path
        raise EngineError("refused", f"{where} is held by systemd, whose service for it does not run; start the engine")


def json_object(value: Any, path: str) -> Mapping[str, Any]:
    """What an engine answered to PATH, or EngineError where it is no object."""
    if not isinstance(value, dict):
        raise EngineError("protocol", f"the engine's answer to {path} is not an object")
    return value


def engine_facts(answers: EngineAnswers) -> dict[str, Any]:
    """The keys that only a running daemon can fill; null and empty lists without one."""
    version, info = answers.version, answers.info
    options = [printable(str(option)) for option in _list(info.get("SecurityOptions"))]
    registries = _mapping(info.get("RegistryConfig"))
    mirrors = _list(registries.get("Mirrors"))
    swarm = _mapping(info.get("Swarm")).get("LocalNodeState")
    return {
        "server_version": _plain(version.get("Version")),
        "api_version": _plain(version.get("ApiVersion")),
        "minimum_api_version": _plain(version.get("MinAPIVersion")),
        "storage_driver": _plain(info.get("Driver")),
        "cgroup_driver": _plain(info.get("CgroupDriver")),
        "cgroup_version": _whole_number(info.get("CgroupVersion")),
        "security_options": options,
        "seccomp_profile": seccomp_profile(options),
        "live_restore": info.get("LiveRestoreEnabled"),
        "rootless": _has_option(options, "rootless") if info else None,
        "swarm": swarm == "active" if info else None,
        "registry_mirrors": [printable(redact_text(str(mirror))) for mirror in mirrors],
        "insecure_registries": _insecure(registries),
        "https_proxy": _proxy(info.get("HttpsProxy")),
        "no_proxy": [each.strip() for each in (_plain(info.get("NoProxy")) or "").split(",") if each.strip()],
        "data_root": _plain(info.get("DockerRootDir")),
        "containers_running": info.get("ContainersRunning"),
    }


def _insecure(registries: Mapping[str, Any]) -> list[str]:
    """Networks, then names, whose certificates the engine does not look at."""
    named = _mapping(registries.get("IndexConfigs"))
    names = sorted(name for name, its in named.items() if isinstance(its, dict) and its.get("Secure") is False)
    return [printable(str(each)) for each in (*_list(registries.get("InsecureRegistryCIDRs")), *names)]


def _proxy(value: Any) -> str | None:
    """Engines mask a password in it themselves, but not all of them do."""
    plain = _plain(value)
    return redact_text(plain) if plain else None


def seccomp_profile(options: list[str]) -> str | None:
    """`default` (`builtin` since Engine 23), `unconfined` or a path; None where seccomp is not in force."""
    for option in options:
        pairs = dict(part.split("=", 1) for part in option.split(",") if "=" in part)
        if pairs.get("name") == "seccomp":
            # Engines before 17.06 say `seccomp` alone and know no other profile.
            return pairs.get("profile", "default")
    return "default" if "seccomp" in options else None


def _has_option(options: list[str], name: str) -> bool:
    return any(option.split(",")[0] in (name, f"name={name}") for option in options)


def daemon_config(root: str = "/") -> tuple[dict[str, Any] | None, str | None]:
    """daemon.json with its secrets masked, and what is wrong with it; both None where there is no such file."""
    try:
        text = read_text(os.path.join(root, DAEMON_JSON.lstrip("/")))
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"{DAEMON_JSON} cannot be read: {error.strerror or error}"
    # The daemon takes an empty file for an empty object.
    if not text.strip():
        return {}, None
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, f"{DAEMON_JSON} is not JSON ({error}); correct it, or remove it"
    if not isinstance(config, dict):
        return None, f"{DAEMON_JSON} holds a {type(config).__name__} where the daemon wants an object; correct it"
    return redact(config), None


def default_variables(root: str = "/") -> list[str]:
    """Names of the variables in /etc/default/docker, which only the distribution's unit reads."""
    try:
        text = read_text(os.path.join(root, DEFAULTS.lstrip("/")))
    except OSError:
        return []
    return sorted(set(re.findall(r"^\s*(?:export\s+)?([A-Za-z_]\w*)=[^\n]*\S", text, re.MULTILINE)))


def seccomp_workaround(root: str = "/") -> dict[str, Any] | None:
    """`{engine, path}` of the profile that role docker_engine's workaround derived; None without one."""
    record = profile_record.read(os.path.join(root, profile_record.PATH.lstrip("/")))
    return {"engine": record.engine, "path": record.path} if record else None


def package_fact(package: Package | None) -> dict[str, Any] | None:
    """`{name, version, held, state}`."""
    if package is None:
        return None
    return {"name": package.name, "version": package.version, "held": package.held, "state": package.state}


def engine_package(packages: Mapping[str, Package]) -> dict[str, Any] | None:
    """The package that brings the engine; of several, one that is completely installed."""
    candidates = [packages[name] for name in ENGINE_PACKAGES if name in packages]
    candidates.sort(key=lambda package: package.state != "installed")
    fact = package_fact(candidates[0]) if candidates else None
    return {**fact, "source": fact["name"]} if fact else None


def _daemon_pid(root: str) -> str | None:
    try:
        return read_text(os.path.join(root, "run/docker.pid")).strip()
    except OSError:
        return None


def _is_podman(version: Mapping[str, Any]) -> bool:
    names = [part.get("Name") for part in _list(version.get("Components")) if isinstance(part, dict)]
    return "Podman Engine" in names


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """Text without what would move a terminal's cursor; anything else as it is."""
    return printable(value) if isinstance(value, str) else value


def _whole_number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
