# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The Engine API over a unix socket, with nothing but the standard library.

One request is one connection with one deadline: the timeout bounds the whole exchange, so a daemon that
accepts and then says nothing, or says it one byte at a time, costs no more than that.

    engine = Engine("/var/run/docker.sock", timeout=2.0)
    engine.get("/version")["Version"]
    engine.post("/containers/create", {"Image": "probe"}, query={"name": "probe"})
    engine.delete("/containers/probe", query={"force": True})

Everything that can go wrong is an `EngineError`; its `kind` says what, its text is a sentence for people.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import time
from typing import Any, BinaryIO, Mapping, NamedTuple
from urllib.parse import urlencode

DEFAULT_SOCKET = "/var/run/docker.sock"
DEFAULT_TIMEOUT = 2.0

# Far above any answer these modules ask for; a peer that sends more is not an engine.
MAX_BODY_BYTES = 32 * 1024 * 1024

PART_BYTES = 64 * 1024

# An engine quotes what its runtime said, which may be long; a report and a terminal have to take it.
LONGEST_ERROR = 2000
LONGEST_DETAIL = 200


class EngineError(Exception):
    """A call that got no usable answer.

    `kind` is one of absent, refused, permission, timeout, http, protocol, io; `status` is set for http only.
    The message is fit for a terminal, whatever a peer's words in it are.
    """

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        message = printable(message)
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status


class EngineResponse(NamedTuple):
    """An answer with a status below 400; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None for an empty one."""
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body.decode("utf-8"))
        except ValueError as error:
            raise EngineError("protocol", f"the engine's answer is not JSON: {error}") from error

    def messages(self) -> list[dict[str, Any]]:
        """The messages of an answer that is a stream of them, as of a pull or a push. What fails half-way says so in
        its stream, with status 200: that is an EngineError of the kind io.
        """
        found = []
        for line in self.body.decode("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    found.append(message)
        wrong = next((message["error"] for message in found if message.get("error")), None)
        if wrong is not None:
            raise EngineError("io", str(wrong))
        return found


class _DeadlineSocket(socket.socket):
    """A socket whose time limit covers all its operations together, not each of them."""

    deadline = 0.0

    def arm(self) -> None:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise socket.timeout("timed out")
        self.settimeout(remaining)

    # socket.makefile() reads through recv_into, so headers and body both pass here.
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.arm()
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.arm()
        super().sendall(*args, **kwargs)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost")
        self._path = path
        self._deadline = time.monotonic() + timeout

    def connect(self) -> None:
        sock = _DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.deadline = self._deadline
        try:
            sock.arm()
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


class Engine:
    """An engine that listens on a unix socket."""

    def __init__(self, socket_path: str = DEFAULT_SOCKET, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.socket_path = socket_path
        self.timeout = timeout

    def get(self, path: str, query: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        """The JSON that PATH answers."""
        return self.request("GET", path, query=query, timeout=timeout).json()

    def post(
        self,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send BODY as JSON (bytes as they are, a tar archive say); the JSON of the answer, or None."""
        return self.request("POST", path, query=query, body=body, timeout=timeout).json()

    def delete(self, path: str, query: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        """Delete what PATH names; the JSON of the answer, or None."""
        return self.request("DELETE", path, query=query, timeout=timeout).json()

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        sink: BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> EngineResponse:
        """One exchange. PATH is quoted already and may start with an API version such as `/v1.41`; HEADERS go along.

        What does not fit into memory, an image say, is a file: BODY is sent from where it stands, and an answer below
        400 is written to SINK, whatever its size.
        """
        limit = self.timeout if timeout is None else timeout
        payload, kind = _encode_body(body)
        connection = _UnixConnection(self.socket_path, limit)
        try:
            connection.request(method, path + _encode_query(query), body=payload, headers={**kind, **(headers or {})})
            answer = connection.getresponse()
            content = _read(answer) if sink is None or answer.status >= 400 else _pour(answer, sink)
            # read(n) does not complain about a body that ends early.
            if answer.length and len(content) <= MAX_BODY_BYTES:
                raise http.client.IncompleteRead(content, answer.length)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._explain(error, limit) from error
        finally:
            connection.close()
        if len(content) > MAX_BODY_BYTES:
            raise EngineError("protocol", f"{self.socket_path}: the answer to {path} exceeds {MAX_BODY_BYTES} bytes")
        if answer.status >= 400:
            reason = _error_text(content) or answer.reason
            raise EngineError(
                "http", f"{self.socket_path}: {method} {path} was answered {answer.status}: {reason}", answer.status
            )
        return EngineResponse(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)

    def _explain(self, error: Exception, limit: float) -> EngineError:
        where = self.socket_path
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return EngineError("absent", f"{where} does not exist; start the engine, or name its socket")
        if isinstance(error, ConnectionRefusedError):
            return EngineError("refused", f"{where} exists but nothing listens on it; start the engine")
        if isinstance(error, PermissionError):
            return EngineError("permission", f"{where} may not be opened by this user; become root")
        # A unix socket whose queue is full answers EAGAIN at once: the daemon does not accept any more.
        if isinstance(error, (socket.timeout, BlockingIOError)):
            return EngineError("timeout", f"{where} gave no answer within {limit:g} s; look at the engine's log")
        if isinstance(error, (http.client.HTTPException, ConnectionError, ValueError)):
            detail = str(error)[:LONGEST_DETAIL] or type(error).__name__
            return EngineError("protocol", f"{where} does not speak the Engine API: {detail}")
        return EngineError("io", f"{where}: {error}")


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body, up to a byte more than it may have. In parts: Python 3.9 fills a buffer of the size asked for first."""
    parts, size = [], 0
    while size <= MAX_BODY_BYTES:
        part = answer.read(min(PART_BYTES, MAX_BODY_BYTES + 1 - size))
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _pour(answer: http.client.HTTPResponse, sink: BinaryIO) -> bytes:
    """The body, written to SINK; nothing of it is left to return."""
    while True:
        part = answer.read(PART_BYTES)
        if not part:
            return b""
        sink.write(part)


def _encode_query(query: Mapping[str, Any] | None) -> str:
    """Booleans and structures as the API reads them: true/false, and JSON for filters."""
    if not query:
        return ""
    plain = {k: v if isinstance(v, (str, int)) and not isinstance(v, bool) else json.dumps(v) for k, v in query.items()}
    return "?" + urlencode(plain)


def _encode_body(body: Any) -> tuple[bytes | BinaryIO | None, dict[str, str]]:
    if body is None:
        return None, {}
    if hasattr(body, "fileno"):
        length = os.fstat(body.fileno()).st_size - body.tell()
        return body, {"Content-Type": "application/x-tar", "Content-Length": str(length)}
    if isinstance(body, bytes):
        return body, {"Content-Type": "application/x-tar"}
    return json.dumps(body).encode("utf-8"), {"Content-Type": "application/json"}


def _error_text(content: bytes) -> str:
    """The engine's own words, `{"message": ...}`, or the start of whatever came instead."""
    text = content.decode("utf-8", "replace").strip()
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return text.split("\n", 1)[0][:LONGEST_DETAIL]
    # An engine writes on several lines what one sentence is made of here.
    return " ".join(str(message).split())[:LONGEST_ERROR]


def printable(text: str) -> str:
    """TEXT, fit for a terminal whatever a peer sent."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
