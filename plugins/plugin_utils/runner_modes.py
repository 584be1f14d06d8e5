# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Modes: presets of a runner that expand to ordinary keys of its [[runners]] entry, each of which may be overridden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_mode
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import MODES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import runner_variables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_surroundings import NONE, Surroundings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

__all__ = ["MODES", "RISKS", "cli_image", "dind_image", "expand", "risks_of", "with_expanded_config"]

# What a mode gives to jobs, by the word that accepts it.
RISKS = {
    "socket": "the engine's socket makes a job root on the host",
    "privileged": "a privileged container can do on the host whatever root can",
    "docker_group": "the docker group makes a job of the shell executor root on the host",
}

# GitLab's floor for the host's engine and for dind images.
_LEAST = EngineVersion.parse("20.10.6")
# An engine of which nothing is known: new enough for every engine, and it speaks the API of old ones.
_UNKNOWN = EngineVersion.parse("28.5.2")
# Before that the image without a suffix was the command's; from 23.0 on it is that of the daemon.
_FIRST_CLI_TAG = EngineVersion.parse("20.10.17")
# Lines whose last releases have packages (Debian 13 has 26.1.5), and no images: the last one that has.
_LAST_IMAGES = {last.release[:2]: last for last in map(EngineVersion.parse, ("20.10.24", "23.0.6", "25.0.5", "26.1.4"))}

_TLS = {
    "DOCKER_HOST": "tcp://docker:2376",
    "DOCKER_TLS_CERTDIR": "/certs",
    "DOCKER_TLS_VERIFY": "1",
    "DOCKER_CERT_PATH": "/certs/client",
}
_PLAIN = {"DOCKER_HOST": "tcp://docker:2375", "DOCKER_TLS_CERTDIR": ""}
# What a job has to know of its daemon, by mode.
VARIABLES: Mapping[str, Mapping[str, str]] = {"dind": _TLS, "dind_insecure": _PLAIN}
# And what it must not be told: with these a client asks for TLS, whatever the port.
_UNTOLD: Mapping[str, tuple[str, ...]] = {"dind_insecure": ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")}


def _release(engine_version: str | None) -> EngineVersion:
    found = version(engine_version) if engine_version else None
    if not found:
        return _UNKNOWN
    return max(min(found, _LAST_IMAGES.get(found.release[:2], found)), _LEAST)


def cli_image(engine_version: str | None) -> str:
    """The image with the docker command for an engine."""
    release = _release(engine_version)
    return f"docker:{release}-cli" if release >= _FIRST_CLI_TAG else f"docker:{release}"


def dind_image(engine_version: str | None) -> str:
    """The image with the daemon of the same version."""
    return f"docker:{_release(engine_version)}-dind"


def preset(
    mode: str,
    engine_version: str | None = None,
    builds_dir: str | None = None,
    surroundings: Surroundings = NONE,
) -> dict[str, Any]:
    """The keys that a mode stands for; ValueError names a mode that there is not."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, which is none of {', '.join(MODES)}")
    if mode == "custom":
        return {}
    if mode == "shell":
        return {"executor": "shell"}
    docker: dict[str, Any] = {"image": cli_image(engine_version)}
    if mode == "socket":
        builds = builds_dir or runner_mode.DEFAULT_BUILDS_DIR
        socket = runner_mode.SOCKETS[0]
        volumes = [f"{builds}:{builds}", "/cache", f"{socket}:{socket}", *surroundings.volumes(dind=False)]
        docker |= {"privileged": False, "volumes": volumes}
        return {
            "executor": "docker",
            **({"environment": surroundings.variables} if surroundings.variables else {}),
            "docker": docker,
        }
    own = ["/certs/client", "/cache"] if mode == "dind" else ["/cache"]
    service = {"name": surroundings.dind_image or dind_image(engine_version), "alias": "docker"}
    docker |= {
        "privileged": True,
        "volumes": [*own, *surroundings.volumes(dind=True)],
        "services": [{**service, **surroundings.service}],
    }
    # One by one: what else is given to jobs stays.
    environment = {**VARIABLES[mode], **dict.fromkeys(_UNTOLD.get(mode, ())), **surroundings.variables}
    return {"executor": "docker", "environment": environment, "docker": docker}


def expand(
    declared: Mapping[str, Any],
    engine_version: str | None = None,
    *,
    url: str | None = None,
    before: Iterable[Any] = (),
    surroundings: Surroundings = NONE,
) -> dict[str, Any]:
    """The keys of the [[runners]] entry of a declared runner.

    What `config` declares wins over the preset, key by key, and a null stays, since it removes the key from the file.
    BEFORE are the runners that facts tell of: what a runner keeps from another mode is removed, and so is a login that
    an earlier run gave it.
    """
    name = declared.get("name")
    if declared.get("state") == "absent":
        return {"name": name, "state": "absent"}
    config = mapping(declared.get("config"))
    mode = str(declared.get("mode") or "custom")
    known = preset(mode, engine_version, text(config.get("builds_dir")), surroundings)
    left = _merged(surroundings.leftovers(name), _leftovers(name, mode, before))
    found = _merged(_merged(left, known), config)
    address = declared.get("url") or url
    head = {"name": name, **({"url": address} if address else {})}
    return {**head, **{key: value for key, value in found.items() if key not in ("name", "state")}}


def with_expanded_config(
    declared: Mapping[str, Any],
    engine_version: str | None = None,
    *,
    url: str | None = None,
    before: Iterable[Any] = (),
    surroundings: Surroundings = NONE,
) -> dict[str, Any]:
    """A declared runner with mode, state and url filled in, and with a `config` that says all that its mode means."""
    found = expand(declared, engine_version, url=url, before=before, surroundings=surroundings)
    given = {
        "mode": "custom",
        "state": "present",
        **{key: value for key, value in declared.items() if value is not None},
    }
    if "url" in found:
        given["url"] = found["url"]
    return {**given, "config": {key: value for key, value in found.items() if key not in ("name", "url", "state")}}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            found[key] = _merged(under, value)
        elif key == runner_variables.KEY and isinstance(value, list) and under:
            found[key] = _variables(runner_variables.listed(under), value)
        else:
            found[key] = value
    return found


def _variables(below: list[Any], above: list[Any]) -> list[Any]:
    """Variables are keys, too: one more does not do away with those of the mode."""
    declared = {str(each).partition("=")[0] for each in above}
    return [each for each in below if str(each).partition("=")[0] not in declared] + above


def _leftovers(name: Any, mode: str, before: Iterable[Any]) -> dict[str, Any]:
    """Keys of a dind mode that would mislead jobs of the mode that the runner has now, each to be removed."""
    if mode not in ("socket", "shell"):
        return {}
    old = next((one for one in map(mapping, before) if one.get("name") == name), {})
    if old.get("mode") not in VARIABLES:
        return {}
    found: dict[str, Any] = {}
    if set(mapping(old.get("environment"))) & set(_TLS):
        # Those of the mode; what else is given to jobs stays.
        found["environment"] = dict.fromkeys(_TLS)
    services = entries(mapping(old.get("docker")).get("services"))
    if mode == "socket" and runner_mode.dind_services(map(mapping, services)):
        found["docker"] = {"services": None}
    return found


def risks_of(flat: Mapping[str, Any], docker_group: bool = False) -> list[str]:
    """The words for what the jobs of an expanded runner can do to the host."""
    if flat.get("executor") == "shell":
        return ["docker_group"] if docker_group else []
    docker = mapping(flat.get("docker"))
    found = []
    if runner_mode.socket_volume(str(volume) for volume in entries(docker.get("volumes"))):
        found.append("socket")
    if docker.get("privileged") or docker.get("services_privileged"):
        found.append("privileged")
    return found
