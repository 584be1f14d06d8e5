# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The first request of the registry protocol, GET /v2/, and what its answer says."""

from __future__ import annotations

import re
import socket
from typing import Callable, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_connection import Deadline

_LIMIT = 32 * 1024
_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3})")
_END_OF_HEAD = b"\r\n\r\n"
# Of TLS records: change_cipher_spec, alert, handshake, application_data.
_RECORDS = (20, 21, 22, 23)

# How nginx, which does not speak of it in TLS, refuses clients.
_NGINX_WANTED = b"No required SSL certificate was sent"
_NGINX_REFUSED = b"The SSL certificate error"


class Answer(NamedTuple):
    """Status, headers by their names in small letters, and the beginning of the body."""

    status: int | None
    headers: dict[str, str]
    body: bytes


def request(host: str) -> bytes:
    """What is sent."""
    lines = ("GET /v2/ HTTP/1.1", f"Host: {host}", "User-Agent: runnerkit", "Accept: */*", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode("ascii")


def ask(send: Callable[[bytes, Callable[[bytes], bool], int], bytes], host: str) -> Answer:
    """The answer of a registry to which a TLS connection is open."""
    return _parse(send(request(host), _enough, _LIMIT))


def ask_plainly(connection: socket.socket, host: str, deadline: Deadline) -> bytes:
    """What is answered without TLS; nothing where the other side says nothing."""
    connection.settimeout(deadline.left())
    connection.sendall(request(host))
    return connection.recv(_LIMIT)


def _enough(answer: bytes) -> bool:
    """The head is enough, but of a refusal the words are wanted."""
    head, end, body = answer.partition(_END_OF_HEAD)
    if not end or not head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")):
        return bool(end)
    length = re.search(rb"(?i)\r\ncontent-length:[ \t]*(\d{1,9})", head)
    return length is not None and len(body) >= int(length.group(1))


def _parse(answer: bytes) -> Answer:
    head, _end, body = answer.partition(_END_OF_HEAD)
    status = _HEAD.match(head)
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    headers = {name.strip().lower(): value.strip() for name, _colon, value in lines}
    return Answer(int(status.group(1)) if status else None, headers, body)


def is_tls(raw: bytes) -> bool:
    """Whether bytes begin as a record of TLS."""
    return len(raw) >= 2 and raw[0] in _RECORDS and raw[1] == 3


def is_http(raw: bytes) -> bool:
    """Whether bytes begin as an answer in HTTP."""
    return _HEAD.match(raw) is not None


def verdict(answer: Answer, client: str | None) -> tuple[str, str]:
    """Kind and sentence; CLIENT is the file of the certificate that was shown."""
    if answer.status is None:
        return "not_a_registry", "it does not answer GET /v2/ in HTTP"
    if answer.status == 400 and _NGINX_WANTED in answer.body:
        return "client_wanted", "it wants a client certificate, and there is none for it"
    if answer.status == 400 and _NGINX_REFUSED in answer.body:
        return "client_refused", f"it refuses the client certificate {client or 'that was sent'}"
    if answer.status == 401:
        return "ok", "it is trusted, and wants a login"
    if answer.status != 200:
        where = f" to {redact_text(answer.headers['location'])[:200]}" if "location" in answer.headers else ""
        return "not_a_registry", f"it answers GET /v2/ with {answer.status}{where}, which registries do not"
    website = answer.headers.get("content-type", "").lower().startswith("text/html")
    if website and "docker-distribution-api-version" not in answer.headers:
        return "not_a_registry", "it answers GET /v2/ with a web page"
    return "ok", "it is trusted"
