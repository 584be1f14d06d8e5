# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""TLS to a registry with a trust that somebody chose, as Go's programs do it, and what goes over the line meanwhile.

The bytes pass through memory: so one deadline bounds all of them, and an answer that is no TLS can be looked at.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, Callable, Iterable, Iterator

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_connection import Deadline

_PART = 16 * 1024
# More of what a server says first is not kept.
_KEPT = 128 * 1024
_HANDSHAKE_RECORD = 22
_CERTIFICATE, _CERTIFICATE_REQUEST = 11, 13
# X509_V_FLAG_PARTIAL_CHAIN, which has a name since Python 3.10.
_PARTIAL_CHAIN = 0x80000


def verifying(ders: Iterable[bytes], store: str | None = None) -> ssl.SSLContext:
    """Trust in these certificates, and in a bundle's too where one is given ("" for the system's own place).

    As Go has it: each of them is trusted, whether it is a root or not, and a name has to be among the alternative ones.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _PARTIAL_CHAIN)
    context.hostname_checks_common_name = False
    # Distributions ask for longer keys than Go does. Of a system without such levels the default is taken.
    with contextlib.suppress(ssl.SSLError):
        context.set_ciphers("DEFAULT:@SECLEVEL=1")
    for der in dict.fromkeys(ders):
        # One that OpenSSL cannot read is passed over, as Go does it.
        with contextlib.suppress(ssl.SSLError):
            context.load_verify_locations(cadata=der)
    if store:
        context.load_verify_locations(cafile=store)
    elif store is not None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def looking() -> ssl.SSLContext:
    """No trust at all: to see what a server shows. Nothing is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLError):
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


class Channel:
    """One TLS connection over a socket that is connected."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, name: str, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name.rstrip("."))
        # What the server said first, as it came.
        self.raw = b""
        # Whether the handshake is done on this side; of TLS 1.3 a server may still refuse the client's certificate.
        self.open = False

    def handshake(self) -> None:
        """ssl.SSLError or OSError where it fails."""
        self._pump(self._tls.do_handshake)
        self.open = True

    def ask(self, request: bytes, enough: Callable[[bytes], bool], limit: int) -> bytes:
        """Send a request and take the answer until it is enough, the server ends it, or the limit is reached."""
        self._pump(lambda: self._tls.write(request))
        answer = b""
        while len(answer) < limit and not enough(answer):
            try:
                part = self._pump(lambda: self._tls.read(_PART))
            # A server that just hangs up ends its answer as well.
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
                if answer:
                    break
                raise
            if not part:
                break
            answer += part
        return answer

    @property
    def version(self) -> str | None:
        """`TLSv1.3`."""
        return self._tls.version()

    @property
    def certificate(self) -> bytes | None:
        """What the server shows, in DER; before TLS 1.3 that can be seen even where the handshake fails."""
        with contextlib.suppress(ValueError):
            return self._tls.getpeercert(binary_form=True)
        return next((_first_certificate(body) for kind, body in _messages(self.raw) if kind == _CERTIFICATE), None)

    @property
    def wants_certificate(self) -> bool:
        """Whether the server was seen to ask for the client's certificate; TLS 1.3 hides that."""
        return any(kind == _CERTIFICATE_REQUEST for kind, _body in _messages(self.raw))

    def _pump(self, step: Callable[[], Any]) -> Any:
        while True:
            waits, value = self._attempt(step)
            self._flush()
            if not waits:
                return value
            self._fetch()

    def _attempt(self, step: Callable[[], Any]) -> tuple[bool, Any]:
        """Whether the step waits for the server, and what it gave if it does not."""
        try:
            return False, step()
        except ssl.SSLWantReadError:
            return True, None
        except ssl.SSLError:
            # There may be an alert of ours to send; whether it arrives does not matter.
            with contextlib.suppress(OSError):
                self._flush()
            raise

    def _flush(self) -> None:
        data = self._outgoing.read()
        if not data:
            return
        self._connection.settimeout(self._deadline.left())
        try:
            self._connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            # The server hung up. What it said before that can still be read, and tells why.
            return

    def _fetch(self) -> None:
        self._connection.settimeout(self._deadline.left())
        data = self._connection.recv(_PART)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        self.raw += data[: max(0, _KEPT - len(self.raw))]


def _messages(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Kinds and bodies of the messages of a handshake, as far as they are in the clear (RFC 5246, 6.2.1 and 7.4)."""
    plain, at = b"", 0
    while raw[at : at + 1] == bytes([_HANDSHAKE_RECORD]) and len(raw) >= at + 5:
        length = int.from_bytes(raw[at + 3 : at + 5], "big")
        plain += raw[at + 5 : at + 5 + length]
        at += 5 + length
    at = 0
    while len(plain) >= at + 4:
        length = int.from_bytes(plain[at + 1 : at + 4], "big")
        yield plain[at], plain[at + 4 : at + 4 + length]
        at += 4 + length


def _first_certificate(body: bytes) -> bytes:
    length = int.from_bytes(body[3:6], "big")
    return body[6 : 6 + length]
