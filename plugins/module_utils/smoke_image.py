# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The images of smoke jobs: those on the host, those that a pull brings, those in an archive."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import tarfile
from typing import Iterator, Mapping
from urllib.parse import quote

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining

# Not memory (/run): an image may be large. Not /tmp either, which is memory on some systems. What is made there has a
# name that nobody guesses, and is made by nobody else.
FOLDER = "/var/tmp"  # noqa: S108
REMOVAL_TIMEOUT = 20.0
LOAD_AFTERMATH = 5.0

_REMEDIES = (
    (
        re.compile(r"x509|certificate"),
        "the engine does not trust the registry; give its CA to the engine in /etc/docker/certs.d",
    ),
    (
        re.compile(r"no such host|dial tcp|connection refused|i/o timeout|network is unreachable|Client\.Timeout"),
        "the engine does not reach the registry; give a mirror's image, or an archive, or load the image beforehand",
    ),
    (
        re.compile(r"toomanyrequests|rate limit", re.IGNORECASE),
        "the registry allows no more pulls for now; give a mirror's image, or an archive",
    ),
    (
        re.compile(
            r"denied|unauthorized|no basic auth|authentication required|not found|manifest unknown|does not exist"
        ),
        "look at the name, and at the login (gitlab_runner_registry_auth); where that is a helper, pull the image",
    ),
    (re.compile(r"no space left"), "make room on the engine's disk"),
)


# Name and password, by registry.
Logins = Mapping[str, "tuple[str, str]"]
NO_LOGINS: Logins = {}


class Images:
    """Images on one host; what was loaded goes when the stack does."""

    def __init__(self, janitor: Janitor, stack: contextlib.ExitStack, archive: str | None, pull: bool) -> None:
        self._janitor = janitor
        self._stack = stack
        self._archive = archive
        self._pull = pull

    def bring(self, engine: Engine, image: str, deadline: float, logins: Logins = NO_LOGINS) -> str:
        """Make sure that the engine has it; how that was."""
        if self._known(engine, image, deadline):
            return f"{image} is on the host"
        if self._archive:
            self._load(engine, image, self._archive, deadline)
            return f"{image} was loaded from {self._archive}"
        if self._pull:
            self._fetch(engine, image, deadline, logins)
            return f"{image} was pulled"
        raise EngineError(
            "missing", f"the image {image} is not on this host and pull is false; set pull, give archive, or load it"
        )

    def _known(self, engine: Engine, image: str, deadline: float) -> bool:
        try:
            engine.get(_path(image), timeout=remaining(deadline, "an image was looked for"))
        except EngineError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _fetch(self, engine: Engine, image: str, deadline: float, logins: Logins) -> None:
        name, tag = split(image)
        query = {"fromImage": name, "tag": tag}
        limit = remaining(deadline, f"{image} was pulled")
        try:
            headers = _credentials(logins.get(registry_of(image)))
            answer = engine.request("POST", "/images/create", query=query, timeout=limit, headers=headers)
            answer.messages()
        except EngineError as error:
            if error.kind == "timeout":
                raise EngineError(
                    "timeout",
                    f"the image {image} could not be pulled within {limit:g} s; give a longer timeout",
                ) from error
            words = error.message.split(f" was answered {error.status}: ", 1)[-1]
            raise EngineError(error.kind, f"the image {image} could not be pulled: {advised(words)}") from error

    def _load(self, engine: Engine, image: str, archive: str, deadline: float) -> None:
        new = self._new_names(engine, image, archive, deadline)
        for name in new:
            path = f"/images/{quote(name, safe='/:@')}"
            self._janitor.request(engine.socket_path, path)
            self._stack.callback(_forget, engine, self._janitor, path)
        limit = remaining(deadline, f"{archive} was loaded")
        try:
            # An engine whose client is gone does not go on with it for long.
            with open(archive, "rb") as stream, self._janitor.making(min(limit, LOAD_AFTERMATH)):
                answer = engine.request("POST", "/images/load", query={"quiet": 1}, body=stream, timeout=limit)
            answer.messages()
        except EngineError as error:
            words = error.message.split(f" was answered {error.status}: ", 1)[-1]
            raise EngineError(error.kind, f"the archive {archive} could not be loaded: {advised(words)}") from error
        if not self._known(engine, image, deadline):
            raise EngineError("missing", f"the archive {archive} was loaded, and the engine still has no {image}")

    def _new_names(self, engine: Engine, image: str, archive: str, deadline: float) -> list[str]:
        """The names that loading brings; EngineError where it would take a name from an image of the host."""
        names = names_in(archive)
        if _full(image) not in [_full(name) for name in names]:
            held = ", ".join(names) or "no image with a name"
            raise EngineError(
                "missing", f"the archive {archive} does not hold {image} but {held}; give image, or save it"
            )
        taken = [name for name in names if self._known(engine, name, deadline)]
        if taken:
            raise EngineError(
                "missing",
                f"the archive {archive} holds {', '.join(taken)} as well, which this host has; "
                f"save {image} alone, so that nothing of the host's is replaced",
            )
        return names


@contextlib.contextmanager
def saved(engine: Engine, janitor: Janitor, image: str, deadline: float) -> Iterator[str]:
    """A folder with IMAGE in a file `image.tar`, for a nested engine, which has none; as long as the block lasts."""
    folder = os.path.join(FOLDER, f"runnerkit-smoke-{janitor.mark}-{os.urandom(4).hex()}")
    janitor.folder(folder)
    try:
        # Root of a container may be nobody of note on the host: the name is what nobody guesses.
        os.mkdir(folder, 0o711)
        limit = remaining(deadline, f"{image} was saved for the nested engine")
        path = os.path.join(folder, "image.tar")
        with open(path, "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            engine.request("GET", f"/images/{quote(image, safe='/:@')}/get", timeout=limit, sink=stream)
        yield folder
    except OSError as error:
        raise EngineError(
            "io", f"{folder}, for a copy of {image}: {error.strerror}; make room, or become root"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            janitor.keep()


def split(image: str) -> tuple[str, str]:
    """Name, and tag or digest: without one the engine would pull every tag there is."""
    name, at, digest = image.partition("@")
    if at:
        return re.sub(r":[^/:]*$", "", name), digest
    found = re.match(r"^(.*):([^/:]+)$", image)
    return (found.group(1), found.group(2)) if found else (image, "latest")


def names_in(archive: str) -> list[str]:
    """The names of the images in an archive of `docker save`."""
    try:
        with tarfile.open(archive, "r:*") as content:
            member = content.extractfile("manifest.json")
            entries = json.loads(member.read().decode()) if member else []
        return [str(name) for entry in entries for name in entry.get("RepoTags") or ()]
    except FileNotFoundError as error:
        raise EngineError(
            "missing", f"archive is {archive}, which does not exist on this host; copy it there"
        ) from error
    except OSError as error:
        raise EngineError("io", f"archive is {archive}, which cannot be read: {error.strerror or error}") from error
    except (tarfile.TarError, KeyError, ValueError, AttributeError, TypeError, EOFError) as error:
        raise EngineError(
            "protocol", f"archive is {archive}, which is no archive of images; make it with `docker save -o`"
        ) from error


def registry_of(name: str) -> str:
    """The registry in an image's name, as Docker tells it from the first folder of a path."""
    first, slash, _ = name.partition("/")
    return first if slash and (any(mark in first for mark in ".:[") or first == "localhost") else "docker.io"


def _credentials(login: tuple[str, str] | None) -> dict[str, str]:
    if login is None:
        return {}
    text = json.dumps({"username": login[0], "password": login[1]})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(text.encode()).decode("ascii")}


def advised(words: str) -> str:
    """An engine's words with the remedy, where it is known."""
    said = " ".join(words.split())
    return next((f"{said}; {remedy}" for pattern, remedy in _REMEDIES if pattern.search(said)), said)


def _path(image: str) -> str:
    return f"/images/{quote(image, safe='/:@')}/json"


def _full(image: str) -> tuple[str, str]:
    name, tag = split(image)
    return re.sub(r"^(?:docker\.io/)?(?:library/)?", "", name), tag


def _forget(engine: Engine, janitor: Janitor, path: str) -> None:
    try:
        engine.delete(path, timeout=REMOVAL_TIMEOUT)
    except EngineError as error:
        if error.status != 404:
            janitor.keep()
