# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Servers in this process that a registry may turn out to be, and a folder that is a host with trust in them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, registry_probe

ADDRESS = "127.0.0.1"
REGISTRY = b"HTTP/1.1 200 OK\r\nDocker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 2\r\n\r\n{}"
LOGIN = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'


class Server:
    """Whoever listens on a port: `talk` is called with each connection, in a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket], None], address: str = ADDRESS) -> None:
        self.talk = talk
        self.connections = 0
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, 0), family=family)
        self.port: int = self.listener.getsockname()[1]
        self.host = f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        # What goes wrong here is what the test is about, and is seen on the other side.
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(5)
            self.talk(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@contextlib.contextmanager
def serving(talk: Callable[[socket.socket], None], address: str = ADDRESS) -> Iterator[Server]:
    """A server for the time of a test."""
    server = Server(talk, address)
    try:
        yield server
    finally:
        server.close()


def showing(chain_pem: str, key_pem: str) -> ssl.SSLContext:
    """The context of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(chain_pem + key_pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def tls(
    chain_pem: str,
    key_pem: str,
    *,
    client_ca: str | None = None,
    newest: ssl.TLSVersion | None = None,
    answer: bytes = REGISTRY,
    required: bool = True,
) -> Callable[[socket.socket], None]:
    """TLS with this certificate, and an answer; with CLIENT_CA it wants a certificate of the client."""
    context = showing(chain_pem, key_pem)
    if newest is not None:
        context.maximum_version = newest
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=client_ca)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            # A client that only looks sends nothing.
            if wrapped.recv(4096).startswith(b"GET /v2/ HTTP/1.1\r\n"):
                wrapped.sendall(answer)

    return talk


def saying(answer: bytes) -> Callable[[socket.socket], None]:
    """Without TLS: takes what comes and answers this, whatever it was."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return talk


def speaking_http(connection: socket.socket) -> None:
    """HTTP without TLS, by a server that hangs up when it does not understand."""
    if connection.recv(4096).startswith(b"GET "):
        connection.sendall(LOGIN)


def silent(connection: socket.socket) -> None:
    """Takes the connection and says nothing."""
    connection.recv(4096)
    time.sleep(3)


class Host:
    """A host made of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, content: str | bytes) -> str:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def trust(
        self, host: str, ca: str | bytes | None, cert: str | None = None, key: str | None = None, layer: str = "engine"
    ) -> None:
        """What a layer has for a registry."""
        folder = registry_paths.folder(layer, host)
        for name, content in (("ca.crt", ca), ("client.cert", cert), ("client.key", key)):
            if content is not None:
                self.file(f"{folder}/{name}", content)

    def store(self, bundle: str) -> None:
        """The way of Debian, with this in its bundle."""
        self.file("/usr/sbin/update-ca-certificates", "#!/bin/sh\n")
        self.file("/usr/share/ca-certificates/mozilla/of-the-world.crt", "")
        self.file(registry_paths.DEBIAN_BUNDLE, bundle)

    def check(self, host: str, source: str = registry_paths.ENGINE, timeout: float = 5.0) -> dict[str, Any]:
        return registry_probe.check(host, source, timeout, str(self.root))
