# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""An engine in memory on which images for Docker-in-Docker are built and pushed, and a registry beside it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_build, dind_image_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import File, pack
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError, EngineResponse
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome
from tests.unit.plugins.module_utils.probe_world import FakeJanitor

BASE = "docker:28.5.2-dind"
NAME = "registry.example:5000/ci/dind:28.5.2"
CONFIG: dict[str, Any] = {
    "User": "",
    "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "DOCKER_TLS_CERTDIR=/certs"],
    "Entrypoint": ["dockerd-entrypoint.sh"],
    "Cmd": [],
    "Volumes": {"/var/lib/docker": {}},
    "ExposedPorts": {"2376/tcp": {}},
    "Labels": {"own": "label"},
    "StopSignal": "SIGINT",
}
VERSIONS = (
    "Docker version 28.5.2, build deadbee\ncontainerd containerd.io v1.7.28 abc\n"
    "runc version 1.3.3\ncommit: v1.3.3\nlibseccomp: 2.5.6"
)


def identifier(*parts: Any) -> str:
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()


def stat_header(target: str) -> str:
    """How the engine tells where a link leads to."""
    return base64.b64encode(json.dumps({"name": "x", "linkTarget": target}).encode()).decode()


class QuietJanitor(FakeJanitor):
    """One that starts no process as a context, either."""

    def __enter__(self) -> QuietJanitor:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class EngineInMemory:
    """What the builder asks of an engine. `files` are those of every base; a link is a text with its target."""

    socket_path = "/run/engine.sock"

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.files: dict[str, File | str] = {}
        self.folders = {"/etc", "/usr", "/usr/local", "/usr/local/share"}
        self.containers: dict[str, dict[str, File | str]] = {}
        self.registry: dict[str, str] = {}
        self.pullable: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.auths: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[tuple[str, Any]] = []
        self.troubles: dict[str, EngineError] = {}
        self.left_behind: list[dict[str, Any]] = []
        self.content: dict[str, dict[str, File | str]] = {}

    # What Engine has.
    def get(self, path: str, query: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        return self.request("GET", path, query, timeout=timeout).json()

    def post(
        self, path: str, body: Any = None, query: Mapping[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        return self.request("POST", path, query, body, timeout).json()

    def delete(self, path: str, query: Mapping[str, Any] | None = None, timeout: float | None = None) -> Any:
        return self.request("DELETE", path, query, timeout=timeout).json()

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        sink: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> EngineResponse:
        assert timeout is None or timeout > 0
        call = f"{method} {path}"
        self.asked.append(call)
        if headers and "X-Registry-Auth" in headers:
            self.auths.append((call, json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"]))))
        if body is not None:
            self.bodies.append((call, body))
        for start, trouble in self.troubles.items():
            if call.startswith(start):
                raise trouble
        parts = unquote(path).strip("/").split("/")
        verb = {
            ("containers", "create"): self._create,
            ("containers", "json"): self._list,
        }.get((parts[0], parts[-1]))
        if verb:
            return verb(query or {}, body)
        if parts[0] == "containers":
            return self._container(method, parts, query or {}, body)
        if parts[0] == "commit":
            return self._commit(query or {}, body)
        if parts[0] == "distribution":
            return self._distribution("/".join(parts[1:-1]))
        return self._image(method, parts, query or {})

    def calls(self, *starts: str) -> list[str]:
        """Those that were made, of some kinds."""
        return [call for call in self.asked if call.startswith(starts)]

    def changes(self) -> list[str]:
        """What a check mode must not do."""
        return self.calls("POST /commit", "POST /images", "PUT", "POST /containers")

    def _image(self, method: str, parts: list[str], query: Mapping[str, Any]) -> EngineResponse:
        if parts[-1] == "create":
            name = f"{query['fromImage']}:{query['tag']}"
            if name not in self.pullable:
                return stream({"status": "Pulling"}, {"error": f"manifest for {name} not found: manifest unknown"})
            self.images[name] = self.pullable[name]
            return stream({"status": "Pulling"}, {"status": "done"})
        if parts[-1] == "push":
            return self._push(f"{'/'.join(parts[1:-1])}:{query['tag']}")
        name = "/".join(parts[1:] if method == "DELETE" else parts[1:-1])
        found = self.images.get(name) or next((each for each in self.images.values() if each["Id"] == name), None)
        if found is None:
            raise EngineError("http", f"was answered 404: No such image: {name}", 404)
        if method == "DELETE":
            self.images = {key: each for key, each in self.images.items() if each is not found}
            return answer([])
        tags = [key for key, each in self.images.items() if each is found and not key.startswith("sha256:")]
        return answer({**found, "RepoTags": tags})

    def _push(self, name: str) -> EngineResponse:
        digest = identifier("pushed", self.images[name]["Id"])
        self.registry[name] = digest
        self.images[name].setdefault("RepoDigests", []).append(f"{name.rpartition(':')[0]}@{digest}")
        return stream({"status": "Pushing"}, {"aux": {"Tag": name.rpartition(":")[2], "Digest": digest, "Size": 1}})

    def _distribution(self, name: str) -> EngineResponse:
        if name not in self.registry:
            raise EngineError("http", "was answered 404: manifest unknown", 404)
        return answer({"Descriptor": {"digest": self.registry[name]}})

    def _create(self, query: Mapping[str, Any], body: Any) -> EngineResponse:
        assert any(each["Id"] == body["Image"] for each in self.images.values())
        self.containers[query["name"]] = dict(self.files)
        return answer({"Id": "c0ffee"})

    def _list(self, _query: Mapping[str, Any], _body: Any) -> EngineResponse:
        return answer(self.left_behind)

    def _container(self, method: str, parts: list[str], query: Mapping[str, Any], body: Any) -> EngineResponse:
        name = parts[1]
        if method == "DELETE":
            self.containers.pop(name, None)
            return answer(None)
        if method == "PUT":
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                for entry in archive.getmembers():
                    stream_ = archive.extractfile(entry)
                    if stream_ is not None:
                        file = File(stream_.read(), entry.mode, entry.uid, entry.gid)
                        self.containers[name]["/" + entry.name] = file
            return answer(None)
        path = query["path"]
        found = self.containers[name].get(path)
        if isinstance(found, str):
            return EngineResponse(200, {"x-docker-container-path-stat": stat_header(found)}, link_archive(path, found))
        if found is None:
            above = any(each.startswith(path + "/") for each in self.containers[name])
            if path in self.folders or above:
                return EngineResponse(200, {}, pack([path], {}))
            raise EngineError("http", f"was answered 404: Could not find the file {path} in container", 404)
        return EngineResponse(200, {"x-docker-container-path-stat": stat_header("")}, pack([], {path: found}))

    def _commit(self, query: Mapping[str, Any], body: Any) -> EngineResponse:
        name = f"{query['repo']}:{query['tag']}"
        files = self.containers[query["container"]]
        made = {"Id": identifier(name, body, sorted(files)), "Config": body, "Architecture": "amd64", "Os": "linux"}
        before = self.images.pop(name, None)
        if before is not None and before not in self.images.values():
            self.images[before["Id"]] = before
        self.images[name] = made
        self.content[name] = files
        return answer({"Id": made["Id"]})


def link_archive(path: str, target: str) -> bytes:
    """A link as the engine sends one."""
    stream_ = io.BytesIO()
    with tarfile.open(fileobj=stream_, mode="w") as archive:
        entry = tarfile.TarInfo(path.rpartition("/")[2])
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        archive.addfile(entry)
    return stream_.getvalue()


def answer(value: Any) -> EngineResponse:
    return EngineResponse(200, {}, b"" if value is None else json.dumps(value).encode())


def stream(*messages: dict[str, Any]) -> EngineResponse:
    return EngineResponse(200, {}, b"\r\n".join(json.dumps(each).encode() for each in messages))


def image(seed: str, **config: Any) -> dict[str, Any]:
    """What the engine tells of an image for Docker-in-Docker."""
    return {
        "Id": identifier(seed),
        "Config": {**CONFIG, **config},
        "Architecture": "amd64",
        "Os": "linux",
        "RepoDigests": [],
    }


class World:
    """An engine with a base, and the builder that uses it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = EngineInMemory()
        self.engine.images[BASE] = image("base")
        self.said = VERSIONS
        self.looked: list[tuple[dict[str, Any], dict[str, Any]]] = []
        monkeypatch.setattr(dind_image_build, "Janitor", QuietJanitor)
        monkeypatch.setattr(dind_image_build, "Engine", lambda _socket: self.engine)
        monkeypatch.setattr(dind_image_program, "run_container", self._run)

    def _run(self, _engine: Any, _janitor: Any, config: Any, host_config: Any, _deadline: float) -> Outcome:
        self.looked.append((config, host_config))
        return Outcome([(time.time(), line) for line in self.said.splitlines()], 0, time.time())

    def build(self, ca: str, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        """One run for registry.example:5000 with this CA."""
        given: dict[str, Any] = {
            "name": NAME, "base": BASE, "registries": [{"host": "registry.example:5000", "ca": ca}], "os_store": True,
            "mirrors": [], "minimum_version": "20.10.6", "push": True, "auth": None, "pull": "missing",
            "socket": "/run/engine.sock", "timeout": 60.0, **params,
        }  # fmt: skip
        self.engine.asked.clear()
        return dind_image_build.build(given, check_mode)

    @property
    def files(self) -> dict[str, File | str]:
        """What the image has."""
        return self.engine.content[NAME]
