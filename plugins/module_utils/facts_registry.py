# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Facts about trust in private registries: which certificates lie at which layer, and until when they hold.

What is read are files with public things in them. Of client keys it is told whether they are there.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Iterable

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils import x509_pem
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.os_store import store_kind
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_trust import Reader
from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate

# Facts travel in JSON to the controller, for each host.
MAX_ENTRIES = 5000
MAX_ERRORS = 100
# The record keeps what had been there before it, so it may be larger than a file of certificates.
MAX_RECORD_BYTES = 32 * 1024 * 1024
MAX_BUNDLE_BYTES = 16 * 1024 * 1024


def registry_facts(root: str = "/", reader: Reader | None = None) -> dict[str, Any]:
    """The value of `registry_ca`; never raises. `root` is another place to read from."""
    reader = reader or Reader(root)
    gathered = _Gathered(reader)
    for layer, folder in paths.FOLDERS.items():
        for host in reader.folders(folder):
            gathered.registry(layer, host, f"{folder}/{host}")
    for name in reader.names(paths.RUNNER):
        if name.endswith(".crt"):
            gathered.file("runner", f"{paths.RUNNER}/{name}", name=name[:-4])
    # The mounted folder may have more; the helper image takes this one file.
    if paths.CA in reader.names(paths.HELPER):
        gathered.file("helper", paths.helper())
    store = store_kind(root)
    anchors = _anchors(gathered, store)
    managed = _managed(reader)
    return {
        "authorities": gathered.entries(gathered.authorities),
        "clients": gathered.entries(gathered.clients),
        "errors": [problem._asdict() for problem in reader.problems[:MAX_ERRORS]],
        "store": store,
        "store_current": _current(reader, store, anchors),
        "managed": managed,
    }


class _Gathered:
    """Entries by what makes them one: host, name and certificate."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.authorities: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.clients: dict[tuple[Any, ...], dict[str, Any]] = {}

    def registry(self, layer: str, host: str, folder: str) -> None:
        """What one layer has for one registry."""
        found = self.reader.folder(folder)
        host = printable(host)
        for path, content in found.authorities:
            for one in content.certificates:
                self._authority(one, layer, path, host)
        for client in found.clients:
            if client.certificate is None:
                continue
            entry = self.clients.setdefault((host, client.certificate.sha256), _client(host, client.certificate))
            entry["key"] = entry["key"] and client.key
            _add(entry, layer, client.path)

    def file(self, layer: str, path: str, name: str | None = None, der: bool = False) -> list[str]:
        """What a file of authorities has that is for no single registry; their SHA-256."""
        content = self.reader.certificates(path, der)
        found = content.certificates if content else ()
        for one in found:
            self._authority(one, layer, path, None, None if name is None else printable(name))
        return [one.sha256 for one in found]

    def _authority(
        self, one: Certificate, layer: str, path: str, host: str | None = None, name: str | None = None
    ) -> None:
        key = (host, name, one.sha256)
        if key not in self.authorities and len(self.authorities) >= MAX_ENTRIES:
            return
        _add(self.authorities.setdefault(key, _authority(host, name, one)), layer, path)

    @staticmethod
    def entries(gathered: dict[tuple[Any, ...], dict[str, Any]]) -> list[dict[str, Any]]:
        """In an order that is the same each time: by registry, those for every address last."""

        def order(entry: dict[str, Any]) -> tuple[Any, ...]:
            return entry["host"] is None, entry["host"] or "", entry.get("name") or "", entry["sha256"]

        return sorted(gathered.values(), key=order)


def _add(entry: dict[str, Any], layer: str, path: str) -> None:
    entry["layers"] = [each for each in paths.LAYERS if each == layer or each in entry["layers"]]
    if printable(path) not in entry["paths"]:
        entry["paths"].append(printable(path))


def _said(one: Certificate) -> dict[str, Any]:
    return {
        "sha256": one.sha256,
        "subject": one.subject,
        "issuer": one.issuer,
        "not_before": one.not_before,
        "not_after": one.not_after,
        "layers": [],
        "paths": [],
    }


def _authority(host: str | None, name: str | None, one: Certificate) -> dict[str, Any]:
    return {"host": host, "name": name, **_said(one), "ca": one.ca, "self_signed": one.self_signed}


def _client(host: str, one: Certificate) -> dict[str, Any]:
    return {"host": host, **_said(one), "key": True}


def _anchors(gathered: _Gathered, store: str | None) -> list[str]:
    """SHA-256 of what the administrator added to the host's store; what the distribution brings is not looked at."""
    if store == "debian":
        files = gathered.reader.below(paths.DEBIAN_ANCHORS, paths.DEBIAN_SUFFIX)
        return [each for path in files for each in gathered.file("os", path)]
    if store == "redhat":
        # Of whatever name, in PEM or DER; folders in it are not looked into.
        files = gathered.reader.below(paths.REDHAT_ANCHORS, depth=1)
        return [each for path in files for each in gathered.file("os", path, der=True)]
    return []


def _current(reader: Reader, store: str | None, anchors: Iterable[str]) -> bool | None:
    """Whether the bundle that programs read has every anchor; None where there is none."""
    wanted = set(anchors)
    if not wanted:
        return None
    bundle = paths.DEBIAN_BUNDLE if store == "debian" else paths.REDHAT_BUNDLE
    try:
        data = _regular(reader.at(bundle), MAX_BUNDLE_BYTES)
    except OSError:
        return False
    return wanted <= {x509_pem.fingerprint(der) for der in x509_pem.ders(data)}


def _managed(reader: Reader) -> list[str]:
    """Paths that the role registry_ca has written down as its own."""
    try:
        record = json.loads(_regular(reader.at(paths.RECORD), MAX_RECORD_BYTES).decode("utf-8"))
        files = record["files"]
        return sorted(printable(path) for path in files if path.startswith("/"))[:MAX_ENTRIES]
    except FileNotFoundError:
        return []
    except OSError as error:
        reader.complain(paths.RECORD, f"it cannot be read: {error.strerror or error}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        reader.complain(paths.RECORD, "it is no record of the role registry_ca; remove it, and files stay as they are")
    return []


def _regular(path: str, limit: int) -> bytes:
    """A regular file's first bytes; opening a pipe or a device could block."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is no regular file")
    with open(path, "rb") as stream:
        return stream.read(limit)
