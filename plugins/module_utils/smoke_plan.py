# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a smoke job is made of: a runner's settings, from its facts or from config.toml, read as the runner does."""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import (
    CUSTOM,
    DEFAULT_BUILDS_DIR,
    DIND,
    DIND_INSECURE,
    SHELL,
    SOCKET,
    SOCKETS,
    dind_services,
    is_listed,
)

DEFAULT_USER = "gitlab-runner"
# Beside `shell`, the executor whose jobs run on this host.
DOCKER = "docker"

# Jobs and services have these in common.
_BOTH = {"ExtraHosts": "extra_hosts", "Dns": "dns", "DnsSearch": "dns_search"}
_PRIVILEGED_IMAGES, _PRIVILEGED_SERVICES = "allowed_privileged_images", "allowed_privileged_services"
_PER_BUILD = "FF_NETWORK_PER_BUILD"
_TRUE = ("1", "t", "true")
# docker:28.5.2-cli, mirror.example.com/docker:28
_DOCKER_IMAGE = re.compile(r"^(?P<name>(?:\S+/)?docker:\d[\w.]*)(?:-cli)?$")
# The shapes of a volume: `/container`, `/host:/container`, `name:/container`, each but the first with `:mode`.
_VOLUME = re.compile(r"^(?:(?P<source>[^:]+):)?(?P<target>/[^:]*)(?::(?P<mode>[^:/]+))?$")


class UnfitError(Exception):
    """A runner of which no job can be tried here, and why, in a sentence; `fault` is False where that is no fault."""

    def __init__(self, message: str, fault: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.fault = fault


class Volume(NamedTuple):
    """`source` is a path or a name; None for a volume that the runner makes."""

    source: str | None
    target: str
    mode: str | None

    @property
    def on_host(self) -> bool:
        """Whether it is a path of the engine's host."""
        return self.source is not None and self.source.startswith("/")


class Service(NamedTuple):
    """A container beside the job's."""

    image: str
    aliases: tuple[str, ...]
    environment: tuple[str, ...]
    command: tuple[str, ...]
    entrypoint: tuple[str, ...]
    privileged: bool


class Plan(NamedTuple):
    """One smoke job."""

    name: str
    mode: str
    executor: str
    image: str | None
    services: tuple[Service, ...]
    environment: tuple[str, ...]
    volumes: tuple[Volume, ...]
    builds: str | None
    privileged: bool
    settings: Mapping[str, Any]
    services_settings: Mapping[str, Any]
    network_mode: str | None
    network_per_build: bool
    user: str | None
    socket: str
    docker: bool

    @property
    def daemon(self) -> tuple[str, int] | None:
        """Name and port of the daemon that the job's environment names; None for a socket."""
        return daemon_in(self.environment)

    @property
    def has_socket(self) -> bool:
        """Whether jobs get the socket of the engine that runs them."""
        return any(volume.target in SOCKETS for volume in self.volumes)


def read_plan(
    runner: Mapping[str, Any], image: str | None = None, dind_image: str | None = None, socket: str = DEFAULT_SOCKET
) -> Plan:
    """The smoke job of a runner; IMAGE and DIND_IMAGE replace its own. UnfitError where there is none."""
    # Facts, and config.toml, have the executor's settings in a table of their own.
    flat = {**runner, **(_mapping(runner.get("docker")))}
    executor = str(flat.get("executor") or (SHELL if flat.get("mode") == SHELL else DOCKER))
    environment = _environment(runner.get("environment"))
    mode = str(flat.get("mode") or CUSTOM)
    if executor not in (DOCKER, SHELL):
        raise UnfitError(f"jobs of the executor {executor} do not run on this host; nothing was tried", fault=False)
    services = tuple(_service(each, dind_image, flat) for each in _sequence(flat.get("services")))
    if not services and mode in (DIND, DIND_INSECURE):
        services = (_service_of_jobs(_text(flat.get("image")), dind_image, flat),)
    volumes = tuple(_volume(str(each)) for each in _sequence(flat.get("volumes")))
    if flat.get("disable_cache"):
        # Then the runner makes no volume but that of the builds folder.
        volumes = tuple(volume for volume in volumes if volume.source is not None)
    privileged = bool(flat.get("privileged")) and is_listed(
        _text(flat.get("image")), _sequence(flat.get(_PRIVILEGED_IMAGES))
    )
    plan = Plan(
        name=str(flat.get("name") or ""),
        mode=mode,
        executor=executor,
        image=image or _text(flat.get("image")),
        services=services if executor == DOCKER else (),
        environment=environment,
        volumes=volumes,
        builds=_text(runner.get("builds_dir")) or (DEFAULT_BUILDS_DIR if executor == DOCKER else None),
        privileged=privileged,
        settings=_settings(flat, _BOTH, {"SecurityOpt": "security_opt", "CapAdd": "cap_add", "CapDrop": "cap_drop"}),
        services_settings=_settings(flat, _BOTH, {"SecurityOpt": "services_security_opt"}),
        network_mode=_text(flat.get("network_mode")),
        network_per_build=_network_per_build(runner, environment),
        user=_text(flat.get("user")) or (DEFAULT_USER if executor == SHELL else None),
        socket=_socket(_text(flat.get("host")), socket),
        docker=True,
    )
    wanted = runner.get("docker_access")
    return plan._replace(docker=_reaches_docker(plan) if wanted is None else bool(wanted))


def aliases_of(image: str) -> tuple[str, ...]:
    """The names by which the runner makes a service known: its image's, with two spellings of the slash."""
    name = re.sub(r"@.*$", "", image)
    name = re.sub(r":[^/:]*$", "", name)
    # A registry's port is left out.
    name = re.sub(r":\d+/", "/", name)
    return tuple(dict.fromkeys((name.replace("/", "__"), name.replace("/", "-"))))


def daemon_in(environment: Sequence[str]) -> tuple[str, int] | None:
    """Name and port in DOCKER_HOST, where that is of the form tcp://NAME:PORT."""
    host = dict(entry.split("=", 1) for entry in environment if "=" in entry).get("DOCKER_HOST", "")
    found = re.match(r"^tcp://([^:/\s]+):(\d+)/?$", host)
    return (found.group(1), int(found.group(2))) if found else None


def _reaches_docker(plan: Plan) -> bool:
    """Whether jobs are meant to talk to an engine: by the socket, by a service, or wherever DOCKER_HOST says."""
    if plan.executor == SHELL or plan.mode in (SOCKET, DIND, DIND_INSECURE):
        return True
    named = any(entry.startswith("DOCKER_HOST=") for entry in plan.environment)
    services = [{"name": service.image, "alias": " ".join(service.aliases)} for service in plan.services]
    return named or plan.has_socket or bool(dind_services(services))


def _environment(value: Any) -> tuple[str, ...]:
    """A list of NAME=value, as in config.toml, or a table, as in facts; there a null is a variable that goes."""
    if isinstance(value, Mapping):
        return tuple(f"{name}={text}" for name, text in value.items() if text is not None)
    return tuple(str(entry) for entry in _sequence(value))


def _service_of_jobs(image: str | None, dind_image: str | None, flat: Mapping[str, Any]) -> Service:
    """What jobs have to bring themselves where the runner has the privileges for a daemon, and no service."""
    known = _DOCKER_IMAGE.match(image or "")
    if not dind_image and not known:
        raise UnfitError(
            "jobs bring a service with a Docker daemon themselves, and which is not known; give dind_image", fault=False
        )
    name = f"{known.group('name')}-dind" if known else str(dind_image)
    return Service(dind_image or name, ("docker",), (), (), (), _service_is_privileged(flat, name))


def _service(value: Any, dind_image: str | None, flat: Mapping[str, Any]) -> Service:
    entry = {"name": value} if isinstance(value, str) else _mapping(value)
    image = _text(entry.get("name"))
    if not image:
        raise UnfitError("a service has no name, which is its image; give services[].name")
    # The names come from what the runner has, whatever image stands in for it.
    names = (*re.split(r"[\s,]+", str(entry.get("alias") or "")), *aliases_of(image))
    return Service(
        image=dind_image if dind_image and dind_services([{**entry, "name": image}]) else image,
        aliases=tuple(dict.fromkeys(name for name in names if name)),
        environment=_environment(entry.get("environment")),
        command=tuple(str(word) for word in _sequence(entry.get("command"))),
        entrypoint=tuple(str(word) for word in _sequence(entry.get("entrypoint"))),
        privileged=_service_is_privileged(flat, image),
    )


def _service_is_privileged(flat: Mapping[str, Any], image: str) -> bool:
    own = flat.get("services_privileged")
    return bool(flat.get("privileged") if own is None else own) and is_listed(
        image, _sequence(flat.get(_PRIVILEGED_SERVICES))
    )


def _volume(text: str) -> Volume:
    found = _VOLUME.match(text)
    if not found:
        raise UnfitError(f"docker.volumes has {text!r}; write /container, /host:/container or name:/container")
    return Volume(found.group("source"), found.group("target"), found.group("mode"))


def _settings(flat: Mapping[str, Any], *names: Mapping[str, str]) -> Mapping[str, Any]:
    """What goes to the engine as it is, under the API's names."""
    keys = {api: key for each in names for api, key in each.items()}
    lists = {api: [str(each) for each in _sequence(flat.get(key))] for api, key in keys.items()}
    texts = {"Runtime": _text(flat.get("runtime")), "UsernsMode": _text(flat.get("userns_mode"))}
    return {name: value for name, value in {**lists, **texts}.items() if value}


def _network_per_build(runner: Mapping[str, Any], environment: Sequence[str]) -> bool:
    flag = _mapping(runner.get("feature_flags")).get(_PER_BUILD)
    named = [entry.split("=", 1)[1] for entry in environment if entry.startswith(f"{_PER_BUILD}=")]
    return str(flag if flag is not None else (named or [""])[-1]).lower() in _TRUE


def _socket(host: str | None, default: str) -> str:
    if not host:
        return default
    if host.startswith("unix://"):
        return host[len("unix://") :]
    raise UnfitError(f"docker.host is {host}, another machine's engine; nothing was tried on this host", fault=False)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value] if isinstance(value, str) and value else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
