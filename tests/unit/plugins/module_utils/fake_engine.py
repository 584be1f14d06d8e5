# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""An Engine API on a real unix socket, for tests: it answers with the bytes it is told, or hangs."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def answer(value: Any, status: str = "200 OK") -> bytes:
    """A complete response with VALUE as JSON; bytes go out as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nServer: Fake\r\n\r\n%s" % (status.encode(), len(body), body)


def chunked(value: Any, size: int = 7) -> bytes:
    """The same response in chunks, as real engines send what they have not counted."""
    body = json.dumps(value).encode()
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


class FakeEngine:
    """Serves `answers`, a table of path to response; `pause` seconds pass before every byte of it."""

    def __init__(self, path: str, answers: Mapping[str, bytes | None], pause: float = 0.0) -> None:
        self.path = path
        self.requests: list[tuple[str, str, bytes]] = []
        # Of each request, names in lower case.
        self.headers: list[dict[str, str]] = []
        self._answers = answers
        self._pause = pause
        self._stop = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(8)
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(socket.timeout):
                connection, _ = self._listener.accept()
                with connection, suppress(ConnectionError, BrokenPipeError, TimeoutError):
                    connection.settimeout(2)
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            line = stream.readline().decode()
            headers = {}
            while header := stream.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
        method, target, _ = line.split(" ", 2)
        self.headers.append(headers)
        self.requests.append((method, target, body))
        response = self._answers.get(target.split("?")[0], answer({"message": "page not found"}, "404 Not Found"))
        if response is None:
            # To hang is to hold the connection until the test is over.
            self._stop.wait(5)
            return
        if not self._pause:
            connection.sendall(response)
            return
        for byte in response:
            if self._stop.is_set():
                return
            connection.sendall(bytes([byte]))
            time.sleep(self._pause)


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket (107 bytes), which pytest's tmp_path may not be."""
    folder = Path(tempfile.mkdtemp(prefix="rk"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def fake_engine(answers: Mapping[str, bytes | None], pause: float = 0.0) -> Iterator[FakeEngine]:
    """A running FakeEngine on a socket of its own."""
    with socket_folder() as folder:
        engine = FakeEngine(str(folder / "docker.sock"), answers, pause)
        try:
            yield engine
        finally:
            engine.close()
