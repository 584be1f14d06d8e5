"""The Engine API over its socket: what the runner talks to instead of the docker command.

Nothing runs beside the runner, so a signal to the service's whole group reaches no job in a container.
"""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

_FRAME = 8  # stream, three zeros, four bytes of length


class EngineError(Exception):
    """The engine refused; `status` 0 when it does not answer at all."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=600)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _query(words: Mapping[str, Any]) -> str:
    return "?" + urllib.parse.urlencode({key: str(value) for key, value in words.items()}) if words else ""


class Engine:
    """One engine, by the path of its socket."""

    def __init__(self, host: str = "") -> None:
        self.path = (host or "unix:///var/run/docker.sock").partition("://")[2]

    def call(
        self, method: str, path: str, body: Any = None, extra: Mapping[str, str] | None = None, **query: Any
    ) -> Any:
        connection = _Connection(self.path)
        try:
            headers = {**({"Content-Type": "application/json"} if body is not None else {}), **(extra or {})}
            data = None if body is None else json.dumps(body)
            connection.request(method, path + _query(query), data, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                f"Cannot connect to the Docker daemon at unix://{self.path}. Is the docker daemon running? ({error})"
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            try:
                said = json.loads(content)["message"]
            except (ValueError, KeyError):
                said = content.decode(errors="replace").strip()
            raise EngineError(f"Error response from daemon: {said}", answer.status)
        if not content or "json" not in (answer.getheader("Content-Type") or ""):
            return content
        try:
            return json.loads(content)
        except ValueError:
            return [json.loads(line) for line in content.splitlines() if line.strip()]

    def image(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.call("GET", f"/images/{urllib.parse.quote(name, safe='/:@')}/json")
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        return found

    def pull(self, name: str, login: Mapping[str, str] | None = None) -> None:
        # An engine takes a digest where it takes a tag.
        repository, separator, tag = name.partition("@")
        if not separator and ":" in name.rpartition("/")[2]:
            repository, _, tag = name.rpartition(":")
        lines = self.call("POST", "/images/create", None, login, fromImage=repository, tag=tag or "latest")
        for line in lines if isinstance(lines, list) else [lines]:
            if isinstance(line, dict) and "error" in line:
                raise EngineError(f"Error response from daemon: {line['error']}", 500)

    def attach(self, container: str) -> Attached:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.connect(self.path)
        wanted = _query({"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1})
        stream.sendall(
            f"POST /containers/{container}/attach{wanted} HTTP/1.1\r\nHost: docker\r\n"
            "Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            more = stream.recv(4096)
            if not more:
                break
            head += more
        status, _, rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in status and b" 200 " not in status:
            stream.close()
            raise EngineError(f"the engine did not attach to the container: {status.decode(errors='replace')[:200]}")
        return Attached(stream, rest)


class Attached:
    """Standard input and output of a container."""

    def __init__(self, stream: socket.socket, begun: bytes) -> None:
        self._stream = stream
        self._buffer = begun

    def send(self, data: bytes) -> None:
        """Everything, and then the end."""
        self._stream.settimeout(60)
        self._stream.sendall(data)
        self._stream.shutdown(socket.SHUT_WR)

    def output(self, wait: float) -> Iterator[bytes]:
        """What was written so far; an empty piece whenever `wait` seconds brought nothing."""
        self._stream.settimeout(wait)
        while True:
            while len(self._buffer) >= _FRAME:
                size = int.from_bytes(self._buffer[4:_FRAME], "big")
                if len(self._buffer) < _FRAME + size:
                    break
                yield self._buffer[_FRAME : _FRAME + size]
                self._buffer = self._buffer[_FRAME + size :]
            try:
                data = self._stream.recv(65536)
            except socket.timeout:  # noqa: UP041 - another class before Python 3.10
                yield b""
                continue
            if not data:
                return
            self._buffer += data

    def close(self) -> None:
        self._stream.close()
