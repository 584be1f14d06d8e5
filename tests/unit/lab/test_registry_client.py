"""The client of the registry API, against a registry of a few lines."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.lab.registry_client import MANIFEST, Client, Image, RegistryError, digest

IMAGE = Image(b'{"os": "linux"}', b"a layer")
LOGIN = ("somebody", "a password: with a colon")


class _Registry(ThreadingHTTPServer):
    """Keeps blobs and manifests, and refuses what the real one refuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.uploads: list[str] = []
        self.login = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _handle(self) -> None:
        assert isinstance(self.server, _Registry)
        server, address = self.server, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wanted = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
        if server.login and self.headers.get("Authorization") != wanted:
            return self._answer(401, b"authentication required")
        name, _, rest = address.path.removeprefix("/v2/").partition("/blobs/")
        if rest == "uploads/" and self.command == "POST":
            location = f"http://registry.example/v2/{name}/blobs/uploads/7?_state=kept"
            return self._answer(202, Location=location)
        if rest.startswith("uploads/") and self.command == "PUT":
            query = parse_qs(address.query)
            if query != {"_state": ["kept"], "digest": [digest(body)]}:
                return self._answer(400, b"digest did not match")
            server.uploads.append(digest(body))
            server.blobs[digest(body)] = body
            return self._answer(201)
        if rest:
            return self._answer(200 if rest in server.blobs else 404)
        return self._other(server, address.path, body)

    def _other(self, server: _Registry, path: str, body: bytes) -> None:
        name, _, reference = path.removeprefix("/v2/").partition("/manifests/")
        if path == "/v2/":
            return self._answer(200)
        if path.endswith("/tags/list"):
            found = [tag for (owner, tag) in server.manifests if owner == name.removesuffix("/tags/list")]
            return self._answer(200 if found else 404, json.dumps({"tags": found}).encode())
        if self.command == "PUT":
            if self.headers["Content-Type"] != MANIFEST:
                return self._answer(400, b"manifest invalid")
            server.manifests[name, reference] = body
            return self._answer(201)
        if self.command == "DELETE":
            kept = {key: value for key, value in server.manifests.items() if digest(value) != reference}
            gone, server.manifests = kept != server.manifests, kept
            return self._answer(202 if gone else 404)
        content = server.manifests.get((name, reference))
        if content is None:
            return self._answer(404)
        return self._answer(200, content, Docker_Content_Digest=digest(content))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names are http.server's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """A test says what it has to say itself."""


@pytest.fixture(name="server")
def _server() -> Iterator[_Registry]:
    with _Registry() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="client")
def _client(server: _Registry) -> Iterator[Client]:
    with Client("127.0.0.1", server.server_port, None) as client:
        yield client


def test_an_image_is_pushed_with_its_parts_before_its_manifest(server: _Registry, client: Client) -> None:
    pushed = client.push("lab/hello", "1", IMAGE)
    assert set(server.blobs.values()) == {IMAGE.config, IMAGE.layer}
    assert client.digest("lab/hello", "1") == pushed
    manifest = client.manifest("lab/hello", "1")
    assert manifest["config"]["digest"] == digest(IMAGE.config)
    assert [layer["size"] for layer in manifest["layers"]] == [len(IMAGE.layer)]
    assert client.tags("lab/hello") == ["1"]


def test_what_the_registry_has_is_not_sent_again(server: _Registry, client: Client) -> None:
    for tag in ("1", "2"):
        client.push("lab/hello", tag, IMAGE)
    assert len(server.uploads) == 2
    assert client.tags("lab/hello") == ["1", "2"]


def test_what_is_not_there_is_no_error(client: Client) -> None:
    assert client.tags("lab/nothing") == []
    assert client.digest("lab/nothing", "1") is None
    client.delete("lab/nothing", digest(b""))


def test_an_image_is_taken_away(client: Client) -> None:
    client.delete("lab/hello", client.push("lab/hello", "1", IMAGE))
    assert client.digest("lab/hello", "1") is None


def test_a_refusal_is_told_in_the_registrys_words(server: _Registry, client: Client) -> None:
    server.login = "wanted"
    assert client.ping() == 401
    where = f"127.0.0.1:{server.server_port}"
    with pytest.raises(RegistryError, match=f"{where} answers GET /v2/x/tags/list with 401: authentication required"):
        client.tags("x")


def test_it_logs_in(server: _Registry) -> None:
    server.login = "wanted"
    with Client("127.0.0.1", server.server_port, None, LOGIN) as client:
        assert client.ping() == 200
