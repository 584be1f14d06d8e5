# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What building and pushing an image asks of an engine: images, a container that is never started, its files."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import time
from typing import Any, Iterator, Mapping
from urllib.parse import quote

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_content
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import ContentError, File
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_image import registry_of, split

NAME = "runnerkit-dind-image-"
# A container that was never started and is this old was left by a host that lost its power.
LEFT_BEHIND_AFTER = 3600.0
REMOVAL_TIMEOUT = 20.0

_CONTAINER = re.compile(rf"/{NAME}[0-9a-f]+")
_PATH_STAT = "x-docker-container-path-stat"

_REMEDIES = (
    (
        re.compile(r"x509|certificate"),
        "this host's engine does not trust the registry; declare it in registry_ca_registries for the layer engine",
    ),
    (
        re.compile(r"server gave HTTP response to HTTPS client"),
        "the registry speaks plain HTTP; give it a certificate, or name it in the engine's insecure-registries",
    ),
    (
        re.compile(r"no such host|dial tcp|connection refused|i/o timeout|network is unreachable|Client\.Timeout"),
        "this host's engine does not reach the registry; look at its address, and at what stands between them",
    ),
    (re.compile(r"toomanyrequests|rate limit", re.IGNORECASE), "the registry allows no more for now; try again later"),
    (
        re.compile(r"denied|unauthorized|no basic auth|authentication required|incorrect username", re.IGNORECASE),
        "give auth, with a user who may do this",
    ),
    (re.compile(r"not found|manifest unknown|does not exist"), "look at the name"),
    (re.compile(r"no space left"), "make room on the engine's disk"),
)


class Workshop:
    """An engine on which an image is made, until the deadline."""

    def __init__(
        self, engine: Engine, janitor: Janitor, deadline: float, auth: Mapping[str, str] | None = None
    ) -> None:
        self.engine = engine
        self.janitor = janitor
        self.deadline = deadline
        self._auth = dict(auth or {})

    def image(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of an image; None where it has none of this name."""
        try:
            found = self.engine.get(_image(name), timeout=self._left(f"{name} was looked for"))
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(found, dict) or not isinstance(found.get("Id"), str):
            raise EngineError("protocol", f"the engine's answer about the image {name} has no Id")
        return found

    def pull(self, name: str) -> None:
        """Have the engine get an image."""
        repository, tag = split(name)
        limit = self._left(f"{name} was pulled")
        with _explained(f"the image {name} could not be pulled", limit):
            query = {"fromImage": repository, "tag": tag}
            self._request("POST", "/images/create", query, limit, name).messages()

    def push(self, name: str) -> str | None:
        """Have the engine put an image into its registry; the digest that it has there."""
        repository, tag = split(name)
        limit = self._left(f"{name} was pushed")
        with _explained(f"the image {name} could not be pushed", limit):
            path = f"/images/{quote(repository, safe='/:')}/push"
            messages = self._request("POST", path, {"tag": tag}, limit, name).messages()
        said = [each["aux"].get("Digest") for each in messages if isinstance(each.get("aux"), dict)]
        return next((str(each) for each in reversed(said) if each), None)

    def digest_in_registry(self, name: str) -> str | None:
        """What the registry has under this name; None where that cannot be said, for any reason."""
        limit = self._left(f"the registry was asked for {name}")
        try:
            found = self._request("GET", f"/distribution/{quote(name, safe='/:@')}/json", {}, limit, name).json()
        except EngineError:
            return None
        descriptor = found.get("Descriptor") if isinstance(found, dict) else None
        digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
        return digest if isinstance(digest, str) else None

    def _request(self, method: str, path: str, query: Mapping[str, Any], limit: float, name: str) -> Any:
        # Engines want the header even where there is nothing to say.
        return self.engine.request(method, path, query=query, timeout=limit, headers=self._credentials(name))

    def _credentials(self, name: str) -> dict[str, str]:
        """The login, for the registry that it is for and for no other."""
        mine = self._auth and registry_of(name) == self._auth.get("registry")
        content = (
            {
                "username": self._auth["username"],
                "password": self._auth["password"],
                "serveraddress": self._auth["registry"],
            }
            if mine
            else {}
        )
        return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(content).encode()).decode("ascii")}

    @contextlib.contextmanager
    def container(self, image: str) -> Iterator[Draft]:
        """A container of an image that is never started, for as long as the block lasts.

        It has no label of its own: what is made from it would have that, too.
        """
        remove_left_behind(self.engine)
        name = f"{NAME}{self.janitor.mark}"
        path = f"/containers/{name}"
        query = {"force": True, "v": True}
        self.janitor.request(self.engine.socket_path, path, query)
        limit = self._left("a container was made")
        try:
            with _explained(f"no container can be made of the image {image}", limit), self.janitor.making(limit):
                body = {"Image": image, "HostConfig": {"NetworkMode": "none"}}
                self.engine.post("/containers/create", body, query={"name": name}, timeout=limit)
            yield Draft(self, name)
        finally:
            try:
                self.engine.delete(path, query=query, timeout=REMOVAL_TIMEOUT)
            except EngineError as error:
                if error.status != 404:
                    self.janitor.keep()

    def remove_unnamed(self, identifier: str, label: str) -> None:
        """Remove an image of ours that has lost its name to a newer one; one that is used stays."""
        with contextlib.suppress(EngineError):
            found = self.image(identifier)
            if found and not found.get("RepoTags") and label in labels(found):
                self.engine.delete(f"/images/{identifier}", timeout=REMOVAL_TIMEOUT)

    def _left(self, what: str) -> float:
        return remaining(self.deadline, what)


class Draft:
    """A container that becomes an image."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._workshop = workshop
        self._engine = workshop.engine
        self._name = name

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return self._get("HEAD", path) is not None

    def read(self, path: str) -> tuple[str, File] | None:
        """A file, and where it really is: a store is a link in some images. None where there is none."""
        answer = self._get("GET", path)
        if answer is None:
            return None
        target = _link_target(answer.headers.get(_PATH_STAT, ""))
        if target and target != path:
            answer = self._get("GET", target)
            path = target
        found = dind_image_content.unpack(answer.body) if answer is not None else None
        if answer is not None and found is None:
            raise ContentError(f"{path} in the base is no file; give another base")
        return (path, found) if found is not None else None

    def write(self, archive: bytes) -> None:
        """Unpack an archive at the root."""
        limit = self._time("files were written")
        with _explained("files cannot be put into the image", limit):
            path = f"/containers/{self._name}/archive"
            self._engine.request("PUT", path, query={"path": "/"}, body=archive, timeout=limit)

    def commit(self, name: str, config: Mapping[str, Any], comment: str) -> str:
        """Make it an image with these settings, under this name; its Id."""
        repository, tag = split(name)
        limit = self._time("the image was made")
        query = {"container": self._name, "repo": repository, "tag": tag, "comment": comment, "pause": "false"}
        with _explained(f"the image {name} cannot be made", limit):
            made = self._engine.post("/commit", dict(config), query=query, timeout=limit)
        identifier = made.get("Id") if isinstance(made, dict) else None
        if not isinstance(identifier, str):
            raise EngineError("protocol", "the engine's answer to the making of an image names none")
        return identifier

    def _get(self, method: str, path: str) -> Any:
        limit = self._time(f"{path} was read")
        try:
            with _explained(f"{path} cannot be read in the base", limit):
                where = f"/containers/{self._name}/archive"
                return self._engine.request(method, where, query={"path": path}, timeout=limit)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def _time(self, what: str) -> float:
        return remaining(self._workshop.deadline, what)


def remove_left_behind(engine: Engine) -> None:
    """Remove containers of runs that were cut short in a way that not even a janitor outlives."""
    query = {"all": True, "filters": {"name": [f"^/?{NAME}"], "status": ["created"]}}
    with contextlib.suppress(EngineError):
        found = engine.get("/containers/json", query=query)
        for each in found if isinstance(found, list) else []:
            old = each.get("Created", time.time()) < time.time() - LEFT_BEHIND_AFTER
            if old and any(_CONTAINER.fullmatch(str(name)) for name in each.get("Names") or ()):
                engine.delete(f"/containers/{each['Id']}", query={"force": True, "v": True})


def labels(image: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of an image."""
    found = (image.get("Config") or {}).get("Labels")
    return found if isinstance(found, dict) else {}


def repository_digests(image: Mapping[str, Any], name: str) -> list[str]:
    """The digests that an image is known by in the repository of NAME."""
    repository = _familiar(split(name)[0])
    known = [str(each).partition("@") for each in image.get("RepoDigests") or ()]
    return [digest for found, at, digest in known if at and _familiar(found) == repository]


def _familiar(repository: str) -> str:
    return re.sub(r"^(?:docker\.io/)?(?:library/)?", "", repository)


def _image(name: str) -> str:
    return f"/images/{quote(name, safe='/:@')}/json"


def _link_target(stat: str) -> str | None:
    """Where a link in a container leads to, followed to its end by the engine."""
    try:
        found = json.loads(base64.b64decode(stat)) if stat else {}
    except (ValueError, binascii.Error):
        return None
    target = found.get("linkTarget") if isinstance(found, dict) else None
    return target if isinstance(target, str) and target else None


@contextlib.contextmanager
def _explained(what: str, limit: float) -> Iterator[None]:
    """Errors as sentences about what was meant to be done, with the remedy where it is known."""
    try:
        yield
    except EngineError as error:
        if error.kind == "timeout":
            raise EngineError("timeout", f"{what} within {limit:g} s; give a longer timeout") from error
        if error.kind not in ("http", "io"):
            raise
        words = " ".join(error.message.split(f" was answered {error.status}: ", 1)[-1].split())
        remedy = next((f"; {each}" for pattern, each in _REMEDIES if pattern.search(words)), "")
        raise EngineError(error.kind, f"{what}: {words}{remedy}", error.status) from error
