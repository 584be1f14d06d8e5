"""The services of a job: containers that it reaches by a name."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .config import get
from .engine import EngineError
from .variables import expand

if TYPE_CHECKING:
    from .docker import Docker

WAIT = 30


def aliases(name: str, given: str) -> list[str]:
    """The names that a job may call a service by."""
    if given:
        return given.replace(",", " ").split()
    path = name.partition("@")[0]
    head, slash, tail = path.rpartition("/")
    bare = head + slash + tail.partition(":")[0]
    return list(dict.fromkeys([bare.replace("/", "__"), bare.replace("/", "-")]))


class Services:
    """All of one job. Without a network of their own they are linked, which works on the default bridge only."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self.network = ""
        self.links: list[str] = []
        self._taken: set[str] = set()

    def _wanted(self) -> Iterator[dict[str, Any]]:
        """Those of the runner, which it always allows, and then those of the job."""
        for service in get(self.docker.settings, "services") or []:
            yield {**service, "own": True, "pairs": list(get(service, "environment") or [])}
        for service in self.docker.job.payload.get("services") or []:
            sent = service.get("variables") or []
            yield {**service, "own": False, "pairs": [f"{entry['key']}={entry.get('value', '')}" for entry in sent]}

    def start(self, own_network: bool) -> None:
        mode = str(get(self.docker.settings, "network_mode") or "")
        if own_network and not mode:
            self.network = f"{self.docker.name}-network"
            body = {"Name": self.network, "CheckDuplicate": True, "Labels": self.docker.labels("network")}
            self.docker.engine.call("POST", "/networks/create", body)
        elif mode and mode not in ("bridge", "default", "none", "host") and not mode.startswith("container:"):
            self.network = mode
        started = [self._start(index, service) for index, service in enumerate(self._wanted())]
        limit = get(self.docker.settings, "wait_for_services_timeout")
        for container, image in started:
            self._await(container, image, float(WAIT if limit in (None, 0) else limit))

    def _start(self, index: int, service: Mapping[str, Any]) -> tuple[str, str]:
        docker = self.docker
        values = docker.job.variables.values
        name = expand(str(service.get("name") or ""), values)
        docker.allowed(name, "allowed_services", [name] if service["own"] else [])
        docker.job.trace.line(f"Starting service {name} ...")
        docker.fetch(name)
        names = [alias for alias in aliases(name, str(service.get("alias") or "")) if alias not in self._taken]
        self._taken.update(names)
        privileged = get(docker.settings, "services_privileged")
        host: dict[str, Any] = {
            **docker.host_config(),
            "Privileged": docker.privileged(name, "allowed_privileged_services")
            if privileged is None
            else bool(privileged),
            "SecurityOpt": list(get(docker.settings, "services_security_opt") or []),
        }
        body: dict[str, Any] = {
            "Image": name,
            "Env": [*docker.job.variables.environment(), *service["pairs"]],
            "Labels": {**docker.labels("service"), "com.gitlab.gitlab-runner.service": name},
            "HostConfig": host,
        }
        if service.get("entrypoint"):
            body["Entrypoint"] = list(service["entrypoint"])
        if service.get("command"):
            body["Cmd"] = list(service["command"])
        if self.network:
            host["NetworkMode"] = self.network
            body["NetworkingConfig"] = {"EndpointsConfig": {self.network: {"Aliases": names}}}
        suffix = re.sub(r"[.:\[\]]", "-", aliases(name, "")[-1])
        container = docker.create(f"{docker.name}-{suffix}-{index}", body)
        self.links += [f"{container}:{alias}" for alias in names]
        docker.engine.call("POST", f"/containers/{container}/start")
        return container, name

    def _await(self, container: str, image: str, limit: float) -> None:
        """Until it takes a connection; a service that does not is worth a warning and no more."""
        if limit < 0:
            return
        docker = self.docker
        found = docker.engine.call("GET", f"/containers/{container}/json")
        ports = sorted(int(port.partition("/")[0]) for port in found["Config"].get("ExposedPorts") or {})
        networks = found["NetworkSettings"].get("Networks") or {}
        address = next((each["IPAddress"] for each in networks.values() if each.get("IPAddress")), "")
        if not ports or not address:
            return
        docker.job.trace.line(f"Waiting for service {image} to be up and running (timeout {limit:.0f} seconds)...")
        begun = time.monotonic()
        while time.monotonic() - begun < limit:
            docker.job.check()
            if not docker.engine.call("GET", f"/containers/{container}/json")["State"]["Running"]:
                break
            for port in ports:
                try:
                    socket.create_connection((address, port), timeout=1).close()
                except OSError:
                    continue
                return
            time.sleep(0.2)
        log = docker.engine.call("GET", f"/containers/{container}/logs", stdout=1, stderr=1, tail=20)
        docker.job.trace.line(f"*** WARNING: Service {image} probably didn't start properly.")
        docker.job.trace.line(bytes(log or b"").decode(errors="replace"))

    def host_config(self) -> dict[str, Any]:
        """How the job's own container comes to its services."""
        if self.network:
            return {"NetworkMode": self.network}
        mode = get(self.docker.settings, "network_mode")
        return {"Links": self.links, **({"NetworkMode": mode} if mode else {})}

    def remove_network(self) -> None:
        if self.network and self.network != get(self.docker.settings, "network_mode"):
            try:
                self.docker.engine.call("DELETE", f"/networks/{self.network}")
            except EngineError as error:
                self.docker.job.trace.line(f"WARNING: cannot remove a network: {error}")
