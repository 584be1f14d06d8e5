# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The files by which registries are trusted, read as engine and podman read them; no private key is ever opened.

In a registry's folder every `X.crt` has authorities, and `X.cert` is a client's certificate whose key is `X.key`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import x509_pem
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate

MAX_FILE_BYTES = 1024 * 1024
# For all files that one reader opens: five for each of a thousand registries.
MAX_FILES = 5000
MAX_BYTES = 32 * 1024 * 1024
# Folders in folders, where a store looks into those.
MAX_DEPTH = 5

_UNUSED_KEY = "it has no certificate {} beside it, and so the engine refuses the whole folder; remove it"
_MISSING_KEY = "it has no key {} beside it, and so the engine refuses the whole folder; put the key there"


class Problem(NamedTuple):
    """What is wrong with a file, in a sentence that quotes nothing of it."""

    path: str
    error: str
    # How many certificates were found in it all the same.
    certificates: int


class Client(NamedTuple):
    """A client's certificate; `certificate` is None where it cannot be read."""

    path: str
    key_path: str
    certificate: Certificate | None
    key: bool


class Folder(NamedTuple):
    """What the folder of a registry has."""

    # (path, content) of each file of authorities.
    authorities: tuple[tuple[str, x509_pem.Content], ...]
    clients: tuple[Client, ...]


class Reader:
    """Reads certificates below `root`, within bounds, and keeps what was wrong in `problems`.

    The same content in several files is parsed once: that is how one declaration comes to several layers.
    """

    def __init__(self, root: str = "/", files: int = MAX_FILES, size: int = MAX_BYTES) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self._files = files
        self._size = size
        self._exhausted = False
        self._parsed: dict[tuple[bytes, bool], x509_pem.Content] = {}

    def at(self, path: str) -> str:
        """Where PATH of the host lies."""
        return os.path.join(self.root, path.lstrip("/"))

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; nothing where it is missing."""
        try:
            return sorted(os.listdir(self.at(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.complain(folder, f"it cannot be read: {error.strerror or error}")
            return []

    def folders(self, folder: str) -> list[str]:
        """The folders in a folder."""
        return [name for name in self.names(folder) if os.path.isdir(self.at(f"{folder}/{name}"))]

    def below(self, folder: str, suffix: str = "", depth: int = MAX_DEPTH) -> list[str]:
        """Paths of all files below a folder whose names end so; links are followed, but into no folder twice."""
        found = []
        seen = {os.path.realpath(self.at(folder))}
        waiting = [(folder, depth)]
        while waiting:
            here, left = waiting.pop(0)
            for name in self.names(here):
                path = f"{here}/{name}"
                if not os.path.isdir(self.at(path)):
                    found.extend([path] if name.endswith(suffix) else [])
                elif left > 1 and os.path.realpath(self.at(path)) not in seen:
                    seen.add(os.path.realpath(self.at(path)))
                    waiting.append((path, left - 1))
        return found

    def folder(self, path: str) -> Folder:
        """What the folder of one registry has, each thing that the engine stumbles over being a problem."""
        names = self.names(path)
        authorities = []
        for name in names:
            if name.endswith(".crt"):
                content = self.certificates(f"{path}/{name}")
                if content is not None:
                    authorities.append((f"{path}/{name}", content))
        for name in names:
            if name.endswith(".key") and f"{name[:-4]}.cert" not in names:
                self.complain(f"{path}/{name}", _UNUSED_KEY.format(printable(f"{name[:-4]}.cert")))
        clients = [self._client(path, name, names) for name in names if name.endswith(".cert")]
        return Folder(tuple(authorities), tuple(clients))

    def _client(self, folder: str, name: str, names: list[str]) -> Client:
        key = f"{name[:-5]}.key"
        path = f"{folder}/{name}"
        if key not in names:
            self.complain(path, _MISSING_KEY.format(printable(key)))
        content = self.certificates(path)
        first = content.certificates[0] if content and content.certificates else None
        return Client(path, f"{folder}/{key}", first, key in names)

    def certificates(self, path: str, der: bool = False) -> x509_pem.Content | None:
        """The certificates of a file, in DER too where that is allowed; None where it cannot be read."""
        data = self.read(path)
        if data is None:
            return None
        known = (hashlib.sha256(data).digest(), der)
        if known not in self._parsed:
            self._parsed[known] = x509_pem.read_either(data) if der else x509_pem.read(data)
        content = self._parsed[known]
        for problem in content.problems:
            self.complain(path, problem, len(content.certificates))
        return content

    def read(self, path: str) -> bytes | None:
        """A regular file's content; what is wrong with it is a problem."""
        if self._files <= 0 or self._size <= 0:
            if not self._exhausted:
                self._exhausted = True
                self.complain(path, "it and what comes after it was not looked at; there are too many certificates")
            return None
        self._files -= 1
        try:
            # Opening a pipe or a device could block.
            if not stat.S_ISREG(os.stat(self.at(path)).st_mode):
                self.complain(path, "it is no regular file; put a file with certificates there")
                return None
            with open(self.at(path), "rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            self.complain(path, "it is a link to a file that does not exist; remove it, or put that file there")
            return None
        except OSError as error:
            self.complain(path, f"it cannot be read: {error.strerror or error}")
            return None
        self._size -= len(data)
        if len(data) > MAX_FILE_BYTES:
            self.complain(path, f"it is larger than {MAX_FILE_BYTES >> 20} MiB, which no file of certificates is")
            return None
        return data

    def complain(self, path: str, error: str, certificates: int = 0) -> None:
        """Keep what is wrong."""
        self.problems.append(Problem(printable(path), error, certificates))
