"""The server: connections, TLS, which call goes where, and trouble on the way."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import ssl
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import control, git_side, page, runner_side, user_side
from .faults import AFTER, BEFORE, Fault
from .state import Space, stamp
from .wire import Answer, Call, RefusalError, merged

API = "/api/v4"
LAB = "/lab"
GIT = ".git/"
IDLE_SECONDS = 75
SPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
Route = tuple[str, "re.Pattern[str]", Callable[..., Answer]]


def _table(prefix: str, *routes: tuple[tuple[str, str, Callable[..., Answer]], ...]) -> list[Route]:
    return [(method, re.compile(prefix + path), action) for group in routes for method, path, action in group]


ROUTES = [
    *_table(API, runner_side.ROUTES, user_side.ROUTES),
    *_table(LAB, control.ROUTES),
    *_table("", git_side.ROUTES),
]


def dispatch(space: Space, call: Call) -> Answer:
    """Do what a call asks for."""
    if call.path in ("", "/"):
        return page.instance(control.state(space).body)
    methods = []
    for method, pattern, action in ROUTES:
        match = pattern.fullmatch(call.path)
        if match and method == call.method:
            try:
                return action(space, call, *match.groups())
            except RefusalError as refusal:
                return refusal.answer
        if match:
            methods.append(method)
    if methods:
        return Answer(405, {"error": "405 Not Allowed"}, {"Allow": ", ".join(methods)})
    if call.path.startswith((API, LAB)):
        return Answer(404, {"error": "404 Not Found"})
    return Answer(404, "<html><body><h1>404</h1>Page not found</body></html>", content_type="text/html; charset=utf-8")


class Server(ThreadingHTTPServer):
    """A thread for each connection; `spaces` are the instances used so far."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.spaces: dict[str, Space] = {}
        self.stopping = threading.Event()
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Without asking the name service who this is."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def space(self, name: str) -> Space:
        """An instance; it comes into being by use."""
        with self._guard:
            return self.spaces.setdefault(name, Space(name))

    def finish_request(self, request: Any, client_address: Any) -> None:
        """One connection, from the TLS handshake to its end: in its own thread, so that nobody waits for another."""
        request.settimeout(IDLE_SECONDS)
        with self.context.wrap_socket(request, server_side=True) if self.context else request as connection:
            with self._guard:
                self._open.add(connection)
            try:
                Handler(connection, client_address, self)
            finally:
                with self._guard:
                    self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are no news here; anything else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()

    def stop(self) -> None:
        """End `serve_forever`, delays and connections."""
        self.stopping.set()
        self.shutdown()
        deadline = time.monotonic() + 3
        while self._open and time.monotonic() < deadline:
            with self._guard:
                for connection in self._open:
                    _cut(connection)
            time.sleep(0.005)
        self.server_close()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # the TLS layer's own would say goodbye first


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the state page shows the requests, without what is secret in them."""

    def _serve(self) -> None:
        begun = time.time()
        length = self.headers.get("Content-Length") or "0"
        if self.headers.get("Transfer-Encoding") or not length.isdigit():
            self.close_connection = True
            self._send(Answer(411, {"message": "411 Length Required"}))
            return
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        _, name, rest = (*path.split("/", 2), "", "")[:3]
        if not SPACE.fullmatch(name):
            self._send(page.overview(self.server.spaces) if not name else Answer(404, {"error": "404 Not Found"}))
            return
        space = self.server.space(name)
        rest = f"/{rest}" if rest or path.endswith("/") else ""
        fault = self._fault(space, rest)
        answer = self._answer(space, rest, query, body, fault)
        self._note(space, rest, query, answer, fault, begun)
        if answer is None:
            self.close_connection = True
            _cut(self.connection)
        else:
            self._send(answer)

    def _fault(self, space: Space, path: str) -> Fault | None:
        if not path.startswith(API):
            return None
        with space.lock:
            for fault in space.faults:
                if fault.matches(self.command, path):
                    return fault if fault.strike() else None
        return None

    def _answer(self, space: Space, path: str, query: str, body: bytes, fault: Fault | None) -> Answer | None:
        """The answer, or None when the connection is to be cut."""
        answer: Answer | None = None
        if fault is None:
            return self._act(space, path, query, body)
        if fault.acts:
            answer = self._act(space, path, query, body)
        if fault.delay:
            self.server.stopping.wait(fault.delay)
        if fault.drop in (BEFORE, AFTER):
            return None
        instead = fault.answer()
        if instead:
            return instead
        if answer:
            answer.headers.update(fault.headers)
        return answer

    def _act(self, space: Space, path: str, query: str, body: bytes) -> Answer:
        scheme = "https" if self.server.context else "http"
        base = f"{scheme}://{self.headers.get('Host') or 'localhost'}/{space.name}"
        try:
            found, params = merged(query, self.headers.get("Content-Type") or "", body)
            call = Call(
                self.command, path, found, params, self.headers, body, str(self.client_address[0]), base
            )  # fmt: skip
            with space.lock:
                return dispatch(space, call)
        except RefusalError as refusal:
            return refusal.answer
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            return Answer(500, {"message": "500 Internal Server Error"})

    def _note(
        self, space: Space, path: str, query: str, answer: Answer | None, fault: Fault | None, begun: float
    ) -> None:
        """Remember the request: what was asked for, never with what right."""
        if not (path.startswith(API) or GIT in path):
            return
        shown = "&".join(part for part in query.split("&") if part and "token" not in part.partition("=")[0])
        for token in space.issued:
            shown = shown.replace(token, "[MASKED]")
        with space.lock:
            space.request_count += 1
            space.requests.append(
                {
                    "at": stamp(begun),
                    "seconds": round(time.time() - begun, 3),
                    "method": self.command,
                    "path": path,
                    "query": shown,
                    "status": answer.status if answer else None,
                    "fault": fault is not None,
                    "client": str(self.client_address[0]),
                    "agent": self.headers.get("User-Agent"),
                }
            )

    def _send(self, answer: Answer) -> None:
        content = answer.content()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            if content or answer.body is not None:
                self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(content)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815


def tls(certificate: str, key: str) -> ssl.SSLContext:
    """What runners demand at least."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
