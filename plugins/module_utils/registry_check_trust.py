# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The trust by which an engine talks to one registry: what its folder has, and what the engine makes of it."""

from __future__ import annotations

import os
import ssl
from typing import Iterator, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_tls
from ansible_collections.runnerkit.gitlab.plugins.module_utils.os_store import store_kind
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_trust import Client, Folder, Problem, Reader
from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate

# Of several certificates of a client, which hardly anybody has, not more than these are shown.
MAX_CLIENTS = 4

_STORE = "the host's own store"


class Trust(NamedTuple):
    """What TLS to a registry rests on."""

    folder: str
    certificates: tuple[Certificate, ...]
    ders: tuple[bytes, ...]
    # The client's certificate and its key, as they are shown to the registry; None for none.
    client: Client | None
    # Others that are there.
    others: tuple[Client, ...]
    # The bundle of the host's own store where that counts: always where the folder has no authority.
    store: str | None
    # The bundle that counts besides the folder, None where nothing is known of it.
    fallback: str | None
    # Why the engine refuses the folder.
    problem: str | None
    # Why it finds no authority in it, though there are files of them.
    passed_over: str | None
    root: str

    @property
    def by_store(self) -> bool:
        """Whether it is the host's own store alone."""
        return self.store is not None and not self.ders

    @property
    def words(self) -> str:
        """Who trusts, in words for a sentence."""
        if self.by_store:
            return _STORE
        return f"{self.folder} and {_STORE}" if self.store is not None else self.folder

    def with_store(self) -> Trust | None:
        """The same with the host's own store; None where there is none, or where it counts already."""
        return self._replace(store=self.fallback) if self.store is None and self.fallback is not None else None

    def with_other_clients(self) -> Iterator[Trust]:
        """The same with each of the other certificates, and with none: engines show one that the registry asks for."""
        for each in self.others[:MAX_CLIENTS]:
            yield self._replace(client=each)
        if self.client is not None:
            yield self._replace(client=None)

    @property
    def shows(self) -> str | None:
        """The file of the client's certificate."""
        return self.client.path if self.client is not None else None

    def context(self) -> ssl.SSLContext:
        """For TLS."""
        context = registry_tls.verifying(self.ders, self.store)
        if self.client is not None:
            _load(context, self.client, self.root)
        return context


def load(host: str, source: str, root: str = "/") -> Trust:
    """What lies below SOURCE for HOST."""
    reader = Reader(root)
    folder = f"{source}/{host}"
    if source == paths.PODMAN and not os.path.isdir(reader.at(folder)):
        # Podman takes the engine's folder where it has none of its own for a registry.
        folder = f"{paths.ENGINE}/{host}"
    found = reader.folder(folder)
    ders = tuple(der for _path, content in found.authorities for der in content.ders)
    bundle = _bundle(root)
    passed_over = [problem for problem in reader.problems if problem.path in dict(found.authorities)]
    return Trust(
        folder,
        tuple(one for _path, content in found.authorities for one in content.certificates),
        ders,
        found.clients[0] if found.clients else None,
        found.clients[1:],
        None if ders else bundle,
        # An engine inside of a dind service has the store of its image, which is not this one.
        None if source == paths.DIND else bundle,
        _refused(reader, found, root),
        _sentence(passed_over[0]) if passed_over and not ders else None,
        root,
    )


def _refused(reader: Reader, found: Folder, root: str) -> str | None:
    """What the engine stumbles over. What it passes over, files of authorities that it could open, is none of that."""
    for problem in reader.problems:
        if problem.path not in dict(found.authorities):
            return _sentence(problem)
    for client in found.clients:
        if not _fits(client, root):
            return (
                f"{client.path}: it and its key {client.key_path} cannot be used together; see that they belong to one "
                "another, and that the key has no password"
            )
    return None


def _fits(client: Client, root: str) -> bool:
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), client, root)
    except (ssl.SSLError, OSError, ValueError):
        return False
    return True


def _sentence(problem: Problem) -> str:
    return f"{problem.path}: {problem.error}"


def _load(context: ssl.SSLContext, client: Client, root: str) -> None:
    certificate, key = (os.path.join(root, path.lstrip("/")) for path in (client.path, client.key_path))
    # An encrypted key would have OpenSSL ask for its password on a terminal.
    context.load_cert_chain(certificate, key, password=lambda: "")


def _bundle(root: str) -> str:
    """The bundle of the host's own store, "" where only the system knows."""
    kind = store_kind(root)
    known = {"debian": paths.DEBIAN_BUNDLE, "redhat": paths.REDHAT_BUNDLE}.get(kind or "")
    bundle = os.path.join(root, known.lstrip("/")) if known else ""
    return bundle if bundle and os.path.isfile(bundle) else ""
