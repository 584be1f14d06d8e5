# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The way to a registry, up to where TLS begins: its name, its addresses, a connection, all before one deadline."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable

HTTPS_PORT = 443
# What the engine connects to when an image says docker.io.
_SERVED_BY = {"docker.io": "registry-1.docker.io"}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\.?)(?::(?P<port>\d{1,5}))?")

# Of several addresses, the trouble that tells most: who refuses is there at least.
_TELLING = ("refused", "timeout", "unreachable")


class CheckError(Exception):
    """Why a registry cannot be used, as one of the kinds of registry_check, and in a sentence."""

    def __init__(self, kind: str, detail: str) -> None:
        detail = printable(detail)
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Deadline:
    """A moment at which everything has to be over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; `socket.timeout` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        return left


def split(host: str) -> tuple[str, int]:
    """Name and port of a registry as images name it; an IPv6 address without its brackets."""
    found = _HOST.fullmatch(host)
    port = int(found.group("port") or HTTPS_PORT) if found else 0
    if not found or not 1 <= port <= 65535:
        raise ValueError(f"{host!r} is no registry; give HOST or HOST:PORT, an IPv6 address in brackets")
    name = found.group("name")
    if name.startswith("["):
        return str(ipaddress.IPv6Address(name[1:-1])), port
    return _SERVED_BY.get(name.lower(), name), port


def shown(address: str, port: int) -> str:
    """An address with its port, as people write it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def connect(name: str, port: int, deadline: Deadline) -> tuple[socket.socket, str]:
    """A connection, and the address that it goes to; each address has its share of the time that is left."""
    addresses = _resolve(name, port, deadline)
    troubles: list[CheckError] = []
    for index, (family, address) in enumerate(addresses):
        where = shown(address[0], port)
        try:
            return _connected(family, address, deadline.left() / (len(addresses) - index)), where
        except OSError as error:
            troubles.append(_trouble(where, error, deadline))
    raise min(troubles, key=lambda trouble: _TELLING.index(trouble.kind))


def _connected(family: int, address: Any, seconds: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _trouble(where: str, error: OSError, deadline: Deadline) -> CheckError:
    if isinstance(error, ConnectionRefusedError):
        return CheckError("refused", f"nothing listens on {where}")
    # Python before 3.10 has two kinds of timeouts, and the system one of its own.
    if isinstance(error, (socket.timeout, TimeoutError)):
        return CheckError("timeout", f"{where} does not answer within {deadline.seconds:g} seconds")
    return CheckError("unreachable", f"{where} cannot be reached: {error.strerror or error}")


def _resolve(name: str, port: int, deadline: Deadline) -> list[tuple[int, Any]]:
    """Families and addresses of a name, in the system's order.

    The system's resolver cannot be told to hurry, so it is asked in a thread that is left behind when it is late.
    """
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        # UnicodeError: a label that is too long for a name.
        except (OSError, UnicodeError) as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if not answers:
        raise CheckError("dns", f"the name {name} is not answered within {deadline.seconds:g} seconds by name servers")
    if isinstance(answers[0], OSError):
        raise CheckError("dns", f"the name {name} has no address: {answers[0].strerror or answers[0]}")
    if isinstance(answers[0], UnicodeError):
        raise CheckError("dns", f"{name} cannot be a name of a host")
    return list(dict.fromkeys((family, address) for family, _kind, _protocol, _name, address in answers[0]))
