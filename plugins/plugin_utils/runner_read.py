# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The runners of a host, as facts tell of them, read once for all rules about them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text, texts

# The image of the command knows the daemon by this name, unless DOCKER_HOST says another one.
USUAL_NAME = "docker"
USUAL_CERTIFICATES = "/certs"
_TCP = re.compile(r"tcp://(?P<name>\[[^\]]*\]|[^:/]+)(?::(?P<port>\d+))?/?")
_HERE = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")


@dataclasses.dataclass(frozen=True)
class Runner:
    """One runner. What facts do not say of it is what the runner takes where nothing is said."""

    name: str
    executor: str
    mode: str
    url: str | None
    tls_ca_file: str | None
    builds_dir: str | None
    docker: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def here(self) -> bool:
        """Whether its jobs are containers of this host, and not of machines that come and go."""
        return self.executor == "docker" and self.engine is None

    @property
    def engine(self) -> str | None:
        """The engine that runs its jobs, if that is not the host's own."""
        named = text(self.docker.get("host"))
        return None if named in (None, *_HERE) else named

    @property
    def volumes(self) -> list[str]:
        return texts(self.docker.get("volumes"))

    @property
    def image(self) -> str | None:
        return text(self.docker.get("image"))

    @property
    def jobs_privileged(self) -> bool:
        return self.docker.get("privileged") is True

    @property
    def services_privileged(self) -> bool:
        said = self.docker.get("services_privileged")
        return said if isinstance(said, bool) else self.jobs_privileged

    @property
    def services(self) -> list[Mapping[str, Any]]:
        """The daemons among the services that it starts for each job."""
        return runner_mode.dind_services(map(mapping, entries(self.docker.get("services"))))

    @property
    def daemon(self) -> tuple[str, int | None] | None:
        """Name and port of the daemon that jobs are told of; None for a socket, and where nothing is said."""
        found = _TCP.fullmatch(self.environment.get("DOCKER_HOST", ""))
        return (found["name"], int(found["port"]) if found["port"] else None) if found else None


def runners_of(host: Host) -> list[Runner]:
    """The runners of a host."""
    return [_read(mapping(one)) for one in entries(mapping(host.facts.get("gitlab_runner")).get("runners"))]


def _read(given: Mapping[str, Any]) -> Runner:
    mode = text(given.get("mode"))
    variables = mapping(given.get("environment"))
    return Runner(
        name=text(given.get("name")) or "without a name",
        executor=text(given.get("executor")) or "",
        mode=mode if mode in runner_mode.MODES else "custom",
        url=text(given.get("url")),
        tls_ca_file=text(given.get("tls_ca_file")),
        builds_dir=text(given.get("builds_dir")),
        docker=mapping(given.get("docker")),
        # An empty value says something here.
        environment={str(name): text(value) or "" for name, value in variables.items()},
    )


def names_of(service: Mapping[str, Any]) -> set[str]:
    """The names under which jobs find a service: those of its image, and its aliases."""
    found = set(re.split(r"[\s,]+", text(service.get("alias")) or "")) - {""}
    image = text(service.get("name")) or ""
    # registry.example.com:5000/a/docker:28.5.2-dind
    path = re.sub(r"(?::[^/:]*)?(?:@.*)?$", "", image, count=1)
    path = re.sub(r":\d+/", "/", path)
    return found | {path.replace("/", "__"), path.replace("/", "-")}


def base_of(reference: str | None) -> images.ImageBase | None:
    """What an image's name tells; None where it is no reference, which is for the runner to say."""
    try:
        return images.image_base(reference) if reference else None
    except ValueError:
        return None
