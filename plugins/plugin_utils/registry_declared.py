# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Declared registries and what is wrong with them, all of it at once, before a host is touched.

Every sentence names the variable's path, and the registry where it has a good name. None quotes what may be a key.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_paths import FOLDERS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts, registry_judge, registry_shape
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_blocks import PemError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_pem import (
    Certificate,
    PrivateKey,
    certificates,
    private_key,
    too_old,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_shape import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

# The content of a file on the controller, None when there is none.
Read = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Client:
    """What shows a registry who asks."""

    certificates: tuple[Certificate, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True)
class Registry:
    """A registry; without authorities it is one that shows a public certificate and wants to see a client's."""

    host: str
    layers: tuple[str, ...]
    authorities: tuple[Certificate, ...]
    client: Client | None = None


@dataclass(frozen=True)
class Gitlab:
    """The GitLab server; host with the port of its address."""

    url: str
    host: str
    layers: tuple[str, ...]
    authorities: tuple[Certificate, ...]


@dataclass(frozen=True)
class Checked:
    """What was declared. With problems it is not to be acted on, and only holds what is good of it."""

    problems: list[str]
    notes: list[str]
    registries: tuple[Registry, ...]
    gitlab: Gitlab | None


def check(registries: Any, gitlab: Any, read: Read, now: datetime.datetime) -> Checked:
    """All that is wrong, and what is to be written when nothing is. READ gets paths as they were declared."""
    unable = too_old()
    if unable:
        return Checked([unable], [], (), None)
    shaped, problems = registry_shape.registries(registries)
    server, wrong = registry_shape.gitlab(gitlab)
    checking = _Checking(read, now, [*problems, *wrong])
    good = [made for one in shaped if (made := checking.registry(one)) is not None]
    return Checked(checking.problems, checking.notes, tuple(good), None if server is None else checking.server(server))


@dataclass
class _Checking:
    """One check; a file that serves many registries is read and parsed once."""

    read: Read
    now: datetime.datetime
    problems: list[str]
    notes: list[str] = field(default_factory=list)
    files: dict[str, bytes | None] = field(default_factory=dict, repr=False)
    parsed: dict[bytes, tuple[Certificate, ...]] = field(default_factory=dict, repr=False)

    def registry(self, one: Declared) -> Registry | None:
        """A registry, None when there are problems with it."""
        before = len(self.problems)
        odd = registry_hosts.note(one.host)
        if odd and any(layer in FOLDERS for layer in one.layers):
            self.notes.append(f"{one.place}.host is {one.host}: {odd}")
        found = self._authorities(one)
        client = self._client(one) if one.client_cert is not None and one.client_key is not None else None
        return None if len(self.problems) > before else Registry(one.host, one.layers, found, client)

    def server(self, one: Declared) -> Gitlab | None:
        """The GitLab server, None when there are problems with it."""
        before = len(self.problems)
        found = self._authorities(one)
        return None if len(self.problems) > before else Gitlab(one.url or "", one.host, one.layers, found)

    def _authorities(self, one: Declared) -> tuple[Certificate, ...]:
        found: dict[str, Certificate] = {}
        read = True
        for number, value in enumerate(one.ca):
            part = self._certificates(one.path(f"ca[{number}]" if one.numbered else "ca"), value)
            read = read and part is not None
            found.update({each.sha256: each for each in part or ()})
        every = tuple(found.values())
        if read and every:
            judged = registry_judge.authorities(every, one.host, one.layers, self.now)
            self._tell(one.path("ca"), judged)
        return every

    def _client(self, one: Declared) -> Client | None:
        found = self._certificates(one.path("client_cert"), one.client_cert or "")
        key = self._key(one.path("client_key"), one.client_key or "")
        if found is None:
            return None
        judged = registry_judge.client(found, key, self.now)
        self._tell(one.path("client_cert"), judged)
        if judged.key:
            self.problems.append(f"{one.path('client_key')} {judged.key}")
        return Client(found, key) if key is not None else None

    def _certificates(self, path: str, value: str) -> tuple[Certificate, ...] | None:
        named = ""
        try:
            named, content = self._content(value, quoted="." in value)
            return self._parsed(content)
        except PemError as error:
            self.problems.append(f"{path} {named}{error}")
            return None

    def _key(self, path: str, value: str) -> PrivateKey | None:
        named = ""
        try:
            named, content = self._content(value, quoted=False)
            return private_key(content)
        except PemError as error:
            self.problems.append(f"{path} {named}{error}")
            return None

    def _parsed(self, content: bytes) -> tuple[Certificate, ...]:
        if content not in self.parsed:
            self.parsed[content] = certificates(content)
        return self.parsed[content]

    def _content(self, value: str, quoted: bool) -> tuple[str, bytes]:
        """What is to be parsed, and how a sentence about it begins. A value that names no file is quoted where it
        cannot be a key: base64 has no dots.
        """
        if "-----" in value or "\n" in value.strip() or value.startswith("$ANSIBLE_VAULT"):
            return "", value.encode("utf-8", "replace")
        if not value.strip():
            raise PemError("is empty; give PEM, or the path of a file on the controller")
        if value not in self.files:
            self.files[value] = self._file(value)
        content = self.files[value]
        if content is not None:
            return f"names {_shown(value)}, which ", content
        if not quoted or len(value) > 200 or re.search(r"\s", value):
            raise PemError("is neither PEM nor the path of a file on the controller; give one of them")
        raise PemError(f"names {_shown(value)}, and the controller has no such file; give its path, or the text of PEM")

    def _file(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no path"
            raise PemError(f"names a file that cannot be read ({why}); give one that can, or the text of PEM") from None

    def _tell(self, path: str, judged: registry_judge.Judgement) -> None:
        self.problems += [f"{path} {phrase}" for phrase in judged.problems]
        self.notes += [f"{path} {phrase}" for phrase in judged.notes]


def _shown(path: str) -> str:
    return repr(printable(path[:200]))
