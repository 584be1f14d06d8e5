# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Services of a smoke job: started as the runner starts them, and waited for."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any, Mapping, NamedTuple, Sequence
from urllib.parse import quote

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import Container, throw_away, unframe
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_place import Place
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import Plan, Service
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import last_lines, telling

# The runner waits half a minute and then goes on; a slow machine that makes certificates may need more.
PATIENCE = 60.0
# When a daemon listens on one of its ports, the other one will not follow later than this.
GRACE = 3.0
# What it takes to ask what a service said.
RESERVE = 1.0
KNOCK = 0.3
PAUSE = 0.1


class Running(NamedTuple):
    """A service that answers; `links` makes it known to the job's container."""

    container: Container
    image: str
    links: tuple[str, ...]
    detail: str

    def end(self, engine: Engine) -> str:
        """How it ended meanwhile; nothing for one that still runs."""
        try:
            state = engine.get(f"/containers/{self.container.id}/json").get("State") or {}
        except EngineError:
            return ""
        return "" if state.get("Running") else _ended(engine, self.container, self.image, state)


def start_service(
    engine: Engine,
    janitor: Janitor,
    stack: contextlib.ExitStack,
    plan: Plan,
    place: Place,
    service: Service,
    deadline: float,
) -> Running:
    """Start it, to be removed with the stack; EngineError where it does not answer, with its last words."""
    daemon = plan.daemon
    wanted = daemon[1] if daemon and daemon[0] in service.aliases else None
    exposed = _exposed(engine, service.image, deadline)
    config: dict[str, Any] = {
        "Image": service.image,
        "Env": [*plan.environment, *service.environment],
        **place.known_as(service),
    }
    if service.command:
        config["Cmd"] = list(service.command)
    if service.entrypoint:
        config["Entrypoint"] = list(service.entrypoint)
    host_config = {**plan.services_settings, **place.host_config, "Privileged": service.privileged}
    begin = time.monotonic()
    try:
        container = stack.enter_context(throw_away(engine, janitor, config, host_config, deadline))
    except EngineError as error:
        raise EngineError(error.kind, f"the service {service.image}: {error.message}", error.status) from error
    port = _wait(engine, container, service, wanted, exposed, deadline)
    where = f"answers on port {port}" if port else "runs"
    detail = f"{service.image} ({service.aliases[0]}) {where} after {time.monotonic() - begin:.1f} s"
    links = tuple(f"{container.name}:{alias}" for alias in service.aliases) if place.links else ()
    return Running(container, service.image, links, detail)


def _exposed(engine: Engine, image: str, deadline: float) -> list[int]:
    known = engine.get(
        f"/images/{quote(image, safe='/:@')}/json", timeout=remaining(deadline, "an image was looked at")
    )
    ports = (known.get("Config") or {}).get("ExposedPorts") or {} if isinstance(known, dict) else {}
    return sorted(int(port.split("/")[0]) for port in ports if port.endswith("/tcp") and port.split("/")[0].isdigit())


def _wait(
    engine: Engine,
    container: Container,
    service: Service,
    wanted: int | None,
    exposed: Sequence[int],
    deadline: float,
) -> int | None:
    """The port that answers; None for a service that has none, and for one that this host does not reach."""
    limit = min(deadline - RESERVE, time.monotonic() + PATIENCE)
    begin = time.monotonic()
    other_since: float | None = None
    while True:
        found = engine.get(f"/containers/{container.id}/json", timeout=remaining(deadline, "a service was looked at"))
        state = found.get("State") or {}
        if not state.get("Running"):
            raise EngineError("program", _ended(engine, container, service.image, state))
        address = _address(found)
        ports = list(dict.fromkeys([*([wanted] if wanted else []), *exposed]))
        if not ports or not address:
            return None
        open_ports = [port for port in ports if _answers(address, port)]
        if wanted in open_ports or (open_ports and wanted is None):
            return wanted or open_ports[0]
        now = time.monotonic()
        other_since = (other_since or now) if open_ports else None
        if other_since is not None and now - other_since >= GRACE:
            raise EngineError(
                "program",
                f"the service {service.image} answers on port {open_ports[0]}"
                f"{' (TLS)' if open_ports[0] == 2376 else ''}, and DOCKER_HOST of the runner's environment names port "
                f"{wanted}, where nothing listens",
            )
        if now >= limit:
            expected = " or ".join(str(port) for port in ([wanted] if wanted else ports))
            raise EngineError(
                "timeout",
                f"the service {service.image} did not answer on port {expected} within {now - begin:.0f} s; "
                f"its last lines: {last_lines(_log(engine, container))}",
            )
        time.sleep(PAUSE)


def _address(found: Mapping[str, Any]) -> str:
    """Where this host reaches it; nothing where the network is the engine's secret."""
    if (found.get("HostConfig") or {}).get("NetworkMode") == "host":
        return "127.0.0.1"
    settings = found.get("NetworkSettings") or {}
    networks = settings.get("Networks") or {}
    addresses = [str(each.get("IPAddress") or "") for each in networks.values() if isinstance(each, dict)]
    return next((address for address in [*addresses, str(settings.get("IPAddress") or "")] if address), "")


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=KNOCK):
            return True
    except OSError:
        return False


def _ended(engine: Engine, container: Container, image: str, state: Mapping[str, Any]) -> str:
    words = telling(_log(engine, container).splitlines())
    return f"the service {image} ended with {state.get('ExitCode')}; what it said last: {words}"


def _log(engine: Engine, container: Container) -> str:
    query = {"stdout": True, "stderr": True, "tail": 20}
    try:
        answer = engine.request("GET", f"/containers/{container.id}/logs", query=query)
    except EngineError as error:
        return f"(its log could not be read: {error.message})"
    return unframe(answer.body).decode("utf-8", "replace")
