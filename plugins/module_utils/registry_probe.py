# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Whether a registry can be used from this host, by exactly the trust that lies here for it.

What an engine does before a pull is done here in its place: the name, the connection, TLS with the certificates of the
registry's folder and the client's certificate from there, and the first request of the registry protocol. No login.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from typing import Any, Iterable, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_check_trust as trusts
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_http as http
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_tls, registry_verdict
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_connection import (
    CheckError,
    Deadline,
    connect,
    split,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate, CertificateError, certificate

WORKERS = 16

# Verdicts that another trust can change.
_CURABLE = ("other_ca", "ca_expired", "ca_not_yet_valid")


def check_all(hosts: Iterable[str], source: str, timeout: float, root: str = "/") -> list[dict[str, Any]]:
    """The result of each registry, in the order of HOSTS; several are asked at a time."""
    wanted = list(dict.fromkeys(hosts))
    waiting: queue.Queue[str] = queue.Queue()
    for host in wanted:
        waiting.put(host)
    results: dict[str, dict[str, Any]] = {}

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                host = waiting.get_nowait()
                results[host] = check(host, source, timeout, root)

    threads = [threading.Thread(target=work, daemon=True) for _each in range(min(WORKERS, len(wanted)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[host] for host in wanted]


def check(host: str, source: str, timeout: float, root: str = "/") -> dict[str, Any]:
    """The result of one registry; never raises for what the registry or the host's files do."""
    started = time.monotonic()
    attempt = _Attempt(host, source, timeout, root)
    try:
        attempt.run()
    except CheckError as error:
        attempt.result.update(kind=error.kind, detail=error.detail)
    except (ssl.SSLError, OSError, ValueError) as error:
        # Whatever this is, it is about this registry, and the others want their answer.
        attempt.result.update(kind="protocol", detail=f"TLS with it fails: {_words(error)}")
    result = attempt.result
    result.update(ok=result["kind"] == "ok", seconds=round(time.monotonic() - started, 3))
    return result


class _Attempt:
    """One look at one registry."""

    def __init__(self, host: str, source: str, timeout: float, root: str) -> None:
        self.host, self.source, self.timeout, self.root = host, source, timeout, root
        self.name, self.port = split(host)
        self.result: dict[str, Any] = {
            "host": host, "address": None, "ok": False, "kind": "protocol", "detail": "", "seconds": 0.0, "trust": None,
            "tls_version": None, "subject": None, "issuer": None, "not_after": None, "names": [], "status": None,
        }  # fmt: skip

    def run(self) -> None:
        """Fill the result; what goes wrong is a CheckError."""
        trust = trusts.load(self.host, self.source, self.root)
        self.result["trust"] = "store" if trust.by_store else "folder"
        if trust.problem is not None:
            raise CheckError("trust_unreadable", trust.problem)
        try:
            self._ask_as_clients(trust)
        except CheckError as error:
            other = trust.with_store()
            if error.kind not in _CURABLE:
                raise
            if trust.passed_over is not None:
                raise CheckError("trust_unreadable", trust.passed_over) from None
            if other is None:
                raise
            self._ask_the_store(other, error)

    def _ask_the_store(self, trust: trusts.Trust, error: CheckError) -> None:
        """The engine takes the host's own store as well as the folder, so what only the store trusts works."""
        try:
            self._ask_as_clients(trust)
        except CheckError as second:
            # The trouble behind the trust, as with the client's certificate, is another than that of the folder.
            raise error if second.kind in _CURABLE else second from None
        detail = f"the host's own store trusts it, though {trust.folder} does not: {error.detail}"
        self.result.update(trust="store", detail=detail)

    def _ask_as_clients(self, trust: trusts.Trust) -> None:
        """The engine shows a certificate of which the registry takes the signer, and otherwise none."""
        try:
            self._ask(trust)
        except CheckError as error:
            if error.kind != "client_refused":
                raise
            for other in trust.with_other_clients():
                with contextlib.suppress(CheckError):
                    return self._ask(other)
            raise

    def _ask(self, trust: trusts.Trust) -> None:
        deadline = Deadline(self.timeout)
        connection, self.result["address"] = connect(self.name, self.port, deadline)
        with contextlib.closing(connection):
            channel = registry_tls.Channel(connection, trust.context(), self.name, deadline)
            try:
                channel.handshake()
                self._describe(channel)
                answer = http.ask(channel.ask, self.host)
            except (ssl.SSLError, OSError) as error:
                self._describe(channel)
                raise self._failed(error, channel, trust) from error
        self.result.update(status=answer.status)
        kind, detail = http.verdict(answer, trust.shows)
        if kind != "ok":
            raise CheckError(kind, detail)
        self.result.update(kind=kind, detail=detail)

    def _describe(self, channel: registry_tls.Channel) -> None:
        """Keep what the server showed."""
        shown = _parsed(channel.certificate)
        self.result["tls_version"] = channel.version or self.result["tls_version"]
        if shown is not None:
            said = {"subject": shown.subject, "issuer": shown.issuer, "not_after": shown.not_after}
            self.result.update(said, names=list(shown.names))

    def _failed(self, error: Exception, channel: registry_tls.Channel, trust: trusts.Trust) -> CheckError:
        """Why it failed between the connection and the answer."""
        if isinstance(error, ssl.SSLCertVerificationError):
            seen = _parsed(channel.certificate) or self._look()
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            shown = registry_verdict.Shown(self.name, trust.words, trust.certificates, seen, now)
            return CheckError(*registry_verdict.mistrust(error, shown))
        if isinstance(error, (socket.timeout, TimeoutError)):
            what = "TLS" if not channel.open else "GET /v2/"
            return CheckError(
                "timeout", f"it takes the connection, but does not answer {what} within {self.timeout:g} seconds"
            )
        if isinstance(error, ssl.SSLError):
            refused = registry_verdict.refusal(error, trust.shows, channel.wants_certificate, channel.open)
            if refused is not None:
                return CheckError(*refused)
        if not channel.open and not http.is_tls(channel.raw) and self._speaks_http(channel.raw):
            return CheckError("plain_http", "it speaks HTTP without TLS there")
        what = "during TLS" if not channel.open else "after TLS"
        return CheckError("protocol", f"the connection fails {what}: {_words(error)}")

    def _look(self) -> Certificate | None:
        """What the server shows, by a second handshake that verifies and sends nothing."""
        deadline = Deadline(self.timeout)
        try:
            connection, _address = connect(self.name, self.port, deadline)
        except (CheckError, OSError):
            return None
        with contextlib.closing(connection):
            channel = registry_tls.Channel(connection, registry_tls.looking(), self.name, deadline)
            # In TLS 1.2 its certificate is seen even where the handshake fails.
            with contextlib.suppress(OSError):
                channel.handshake()
            self._describe(channel)
            return _parsed(channel.certificate)

    def _speaks_http(self, raw: bytes) -> bool:
        """Whether there is HTTP without TLS: told by what came, or asked for where TLS only made the server hang up."""
        if http.is_http(raw):
            return True
        deadline = Deadline(self.timeout)
        try:
            connection, _address = connect(self.name, self.port, deadline)
            with contextlib.closing(connection):
                return http.is_http(http.ask_plainly(connection, self.host, deadline))
        except (CheckError, OSError):
            return False


def _parsed(der: bytes | None) -> Certificate | None:
    try:
        return certificate(der) if der else None
    except CertificateError:
        return None


def _words(error: Exception) -> str:
    """What an error says, without the place in OpenSSL's source."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return str(reason).replace("_", " ").lower()


def summary(results: Iterable[Mapping[str, Any]]) -> str:
    """One line for the task's message."""
    listed = list(results)
    bad = [f"{each['host']} ({each['kind']})" for each in listed if not each["ok"]]
    return f"{len(listed) - len(bad)} of {len(listed)} registries can be used" + (
        f"; not {', '.join(bad)}" if bad else ""
    )
