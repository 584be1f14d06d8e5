# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The lab's registries as tests of scenarios use them: what was pushed there, whatever the hosts trust."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from testinfra.host import Host

from tests.lab import registry_listeners as lab
from tests.lab.registry_client import Client
from tests.lab.registry_keys import SELF_SIGNED
from tests.lab.registry_listeners import TLS


class LabRegistry:
    """The registries of the lab; PORT chooses one of those that can be reached with a good will."""

    def __init__(
        self, address: str, ca: str, *, client_cert: str = "", client_key: str = "", self_signed: str = ""
    ) -> None:
        self.address = address
        self.ca = ca
        self._client = (client_cert, client_key)
        self._self_signed = self_signed

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> LabRegistry:
        """Out of the variables of the lab's inventory."""
        return cls(
            variables["lab_registry"],
            variables["lab_registry_ca"],
            client_cert=variables["lab_registry_client_cert"],
            client_key=variables["lab_registry_client_key"],
            self_signed=variables["lab_registry_self_signed"],
        )

    def host(self, port: int = TLS) -> str:
        """What stands before the name of an image, and in a declaration: `10.213.0.4:5000`."""
        return f"{self.address}:{port}"

    def image(self, name: str = "lab/hello:1", port: int = TLS) -> str:
        """An image as `docker pull` takes it."""
        return f"{self.host(port)}/{name}"

    @contextmanager
    def connected(self, port: int = TLS) -> Iterator[Client]:
        """A client of one of them."""
        what = lab.listener(port)
        authority = self._self_signed if what.authority == SELF_SIGNED else self.ca
        with tempfile.TemporaryDirectory(prefix="runnerkit-registry-") as folder:
            # Python takes a key from a file and from nowhere else.
            files = (Path(folder) / "client.crt", Path(folder) / "client.key")
            if all(self._client):
                for path, text in zip(files, self._client, strict=True):
                    path.touch(mode=0o600)
                    path.write_text(text, encoding="utf-8")
            with lab.connect(self.address, what, authority, files if all(self._client) else None) as client:
                yield client

    def tags(self, repository: str, port: int = TLS) -> list[str]:
        """The tags of a repository, none where there is no such repository."""
        with self.connected(port) as client:
            return client.tags(repository)

    def digest(self, repository: str, tag: str, port: int = TLS) -> str | None:
        """The digest of an image's manifest, None where there is no such image."""
        with self.connected(port) as client:
            return client.digest(repository, tag)

    def delete(self, repository: str, tag: str, port: int = TLS) -> None:
        """Take an image away, so that a scenario can be repeated; one that is not there is no trouble."""
        with self.connected(port) as client:
            found = client.digest(repository, tag)
            if found:
                client.delete(repository, found)


def registry_of(host: Host) -> LabRegistry:
    """The registries of the lab that a host belongs to."""
    return LabRegistry.of(cast("Any", host).ansible.get_variables())
