# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A signed apt repository: its source file, its key file, and what other tools left of it."""

from __future__ import annotations

import dataclasses
import http.client
import os
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.urls import open_url

from ansible_collections.runnerkit.gitlab.plugins.module_utils import apt_source, openpgp
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text

SOURCES_DIRECTORY = "/etc/apt/sources.list.d"
KEYS_DIRECTORY = "/etc/apt/keyrings"
MANAGED = "Ansible managed: role runnerkit.gitlab.{0}"

# The options of both modules, without the text: that stands in plugins/doc_fragments/apt_repository.py.
ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "uri": {"type": "str", "required": True},
    "suite": {"type": "str", "required": True},
    "components": {"type": "list", "elements": "str", "required": True},
    "key_url": {"type": "str", "required": True, "no_log": False},
    "key_fingerprint": {"type": "str", "required": True, "no_log": False},
    "replaces": {"type": "list", "elements": "str", "default": []},
}


class RepositoryError(Exception):
    """The repository cannot be used; `kind` is key_unreachable, key_invalid or key_mismatch."""

    def __init__(self, kind: str, message: str) -> None:
        # An address of a mirror may have a password in it.
        super().__init__(redact_text(message))
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class FileChange:
    """One file to be written (`after`), or set aside under `moved_to`."""

    path: str
    before: str
    after: str | None
    moved_to: str | None = None


def read_url(url: str) -> bytes:
    """How keys are fetched."""
    return bytes(open_url(url, timeout=20).read())


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


class Repository:
    """What the host has of a repository, and what it should have."""

    def __init__(self, spec: Mapping[str, Any], architecture: str, root: str = "/") -> None:
        self.spec = spec
        self.root = root
        self.path = os.path.join(root, SOURCES_DIRECTORY.lstrip("/"), f"runnerkit-{spec['name']}.sources")
        self._architecture = architecture
        self._key_base = os.path.join(KEYS_DIRECTORY, "runnerkit-" + spec["name"])

    def _on_disk(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def key_path(self, key: bytes) -> str:
        """apt tells armored from binary keys by the file's ending."""
        return self._key_base + (".asc" if openpgp.is_armored(key) else ".gpg")

    def source_text(self, key_path: str) -> str:
        """The .sources file with the key at `key_path`."""
        spec = self.spec
        source = apt_source.AptSource(
            spec["name"], spec["uri"], spec["suite"], tuple(spec["components"]), self._architecture, key_path
        )
        return source.render(MANAGED.format("docker_engine" if spec["name"] == "docker" else "gitlab_runner"))

    def installed_key(self) -> bytes | None:
        """The key file on the host, when it is the key with the wanted fingerprint."""
        for ending in (".asc", ".gpg"):
            key = _read(self._on_disk(self._key_base + ending))
            if key is not None:
                try:
                    self._check(key, "the installed key")
                except RepositoryError:
                    continue
                return key
        return None

    def key(self, fetch: Callable[[str], bytes]) -> bytes:
        """The key that the host has, and where it has none that is right, the one at the URL."""
        return self.installed_key() or self.fetch_key(fetch)

    def newest_key(self, fetch: Callable[[str], bytes]) -> bytes:
        """The key at the URL, which may have been prolonged; where nobody answers, the one that the host has."""
        try:
            return self.fetch_key(fetch)
        except RepositoryError as error:
            installed = self.installed_key()
            if installed is None or error.kind != "key_unreachable":
                raise
            return installed

    def _check(self, key: bytes, where: str) -> None:
        wanted = openpgp.normalise_fingerprint(self.spec["key_fingerprint"])
        try:
            found = openpgp.fingerprints(key)
        except openpgp.KeyFileError as error:
            raise RepositoryError("key_invalid", f"{where} cannot be used: {error}") from error
        if found != [wanted]:
            # A bundle with one more key would be one more who may sign packages for this host.
            raise RepositoryError(
                "key_mismatch", "{} has the fingerprint {}, not {}".format(where, ", ".join(found), wanted)
            )

    def fetch_key(self, fetch: Callable[[str], bytes]) -> bytes:
        """The key from its URL, checked against the fingerprint."""
        url = self.spec["key_url"]
        try:
            key = fetch(url)
        except (OSError, urllib.error.URLError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise RepositoryError("key_unreachable", f"the key at {url} cannot be read: {reason}") from error
        self._check(key, f"the key at {url}")
        return key

    def changes(self, key: bytes) -> list[FileChange]:
        """All that has to be written so that exactly this repository is used, other tools' files included."""
        changes = []
        key_path = self.key_path(key)
        stale = self._key_base + (".gpg" if key_path.endswith(".asc") else ".asc")
        if _read(self._on_disk(key_path)) != key:
            before = "" if _read(self._on_disk(key_path)) is None else "(another key)\n"
            changes.append(
                FileChange(self._on_disk(key_path), before, "(the key {})\n".format(self.spec["key_fingerprint"]))
            )
        if os.path.exists(self._on_disk(stale)):
            changes.append(
                FileChange(
                    self._on_disk(stale),
                    "(a key no longer used)\n",
                    None,
                    apt_source.set_aside_name(self._on_disk(stale)),
                )
            )
        text = self.source_text(key_path)
        before_text = (_read(self.path) or b"").decode("utf-8", "replace")
        if before_text != text:
            changes.append(FileChange(self.path, before_text, text))
        files = apt_source.read_source_files(os.path.join(self.root, "etc/apt"))
        for takeover in apt_source.takeovers(files, [self.spec["uri"], *self.spec["replaces"]], self.path):
            moved = apt_source.set_aside_name(takeover.path) if takeover.text is None else None
            changes.append(FileChange(takeover.path, takeover.before, takeover.text, moved))
        return changes
