"""A small client of the registry API: as much as it takes to push an image and to see what is there."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# What engines push: one image, or a list of them for several architectures, in docker's form and in OCI's.
ACCEPTED = (
    MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
Answer = tuple[int, http.client.HTTPMessage, bytes]


class RegistryError(Exception):
    """The registry refused, in its own words."""


@dataclass(frozen=True)
class Image:
    """An image of one layer."""

    config: bytes
    layer: bytes

    def manifest(self) -> bytes:
        """What names the parts by their digests."""
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(CONFIG, self.config),
                "layers": [_descriptor(LAYER, self.layer)],
            }
        ).encode()


def digest(content: bytes) -> str:
    """The name of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(content), "digest": digest(content)}


class Client:
    """One connection to a registry: `with Client("10.213.0.4", 5000, context) as registry: ...`.

    Without a context it speaks plain HTTP. It goes straight to the address: a proxy of the machine cannot know it.
    """

    def __init__(
        self, address: str, port: int, context: ssl.SSLContext | None, login: tuple[str, str] | None = None,
        timeout: float = 20,
    ) -> None:  # fmt: skip
        self._where = f"{address}:{port}"
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
            if context
            else http.client.HTTPConnection(address, port, timeout=timeout)
        )
        self._headers: dict[str, str] = {}
        if login:
            self._headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Any call: status, headers, content."""
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        with self._connection.getresponse() as response:
            return response.status, response.headers, response.read()

    def _expect(
        self,
        expected: Sequence[int],
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = self.call(method, path, body, headers)
        if answer[0] not in expected:
            said = answer[2].decode(errors="replace").strip()
            raise RegistryError(f"The registry {self._where} answers {method} {path} with {answer[0]}: {said}")
        return answer

    def ping(self) -> int:
        """The status of /v2/: 200, or 401 where one has to log in."""
        return self.call("GET", "/v2/")[0]

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, none where there is no such repository."""
        status, _headers, content = self._expect((200, 404), "GET", f"/v2/{repository}/tags/list")
        return sorted(json.loads(content)["tags"] or []) if status == 200 else []

    def digest(self, repository: str, reference: str) -> str | None:
        """The digest of an image's manifest, None where there is no such image."""
        headers = {"Accept": ", ".join(ACCEPTED)}
        status, found, _ = self._expect((200, 404), "HEAD", f"/v2/{repository}/manifests/{reference}", headers=headers)
        return found["Docker-Content-Digest"] if status == 200 else None

    def manifest(self, repository: str, reference: str) -> dict[str, Any]:
        """The manifest of an image, or the list of those of its architectures."""
        headers = {"Accept": ", ".join(ACCEPTED)}
        answer = self._expect((200,), "GET", f"/v2/{repository}/manifests/{reference}", headers=headers)
        found: dict[str, Any] = json.loads(answer[2])
        return found

    def delete(self, repository: str, digest: str) -> None:
        """Take an image away; its layers stay, as nobody collects them."""
        self._expect((202, 404), "DELETE", f"/v2/{repository}/manifests/{digest}")

    def push(self, repository: str, tag: str, image: Image) -> str:
        """Put an image there; its digest."""
        for blob in (image.layer, image.config):
            self._upload(repository, blob)
        manifest = image.manifest()
        self._expect((201,), "PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST})
        return digest(manifest)

    def _upload(self, repository: str, blob: bytes) -> None:
        name = digest(blob)
        if self.call("HEAD", f"/v2/{repository}/blobs/{name}")[0] == 200:
            return
        _status, headers, _ = self._expect((202,), "POST", f"/v2/{repository}/blobs/uploads/")
        # The registry names a whole address; what counts is the way below it, and the state that it carries.
        path = "/" + headers["Location"].split("://", 1)[-1].split("/", 1)[1]
        joined = f"{path}{'&' if '?' in path else '?'}digest={name}"
        self._expect((201,), "PUT", joined, blob, {"Content-Type": "application/octet-stream"})
