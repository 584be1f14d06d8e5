# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host that is a folder, with Debian's or RedHat's trust store, on which certificates of registries are kept."""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_host, files
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_decide import Wanted

ENGINE = "/etc/docker/certs.d/registry.example:5000"
PODMAN = "/etc/containers/certs.d/registry.example:5000"
CA, KEY, CERT = f"{ENGINE}/ca.crt", f"{ENGINE}/client.key", f"{ENGINE}/client.cert"
RUNNER = "/etc/gitlab-runner/certs/gitlab.example.crt"
RECORD = "/var/lib/runnerkit/registry-ca.json"
DEBIAN_BUNDLE, DEBIAN_ANCHORS = "/etc/ssl/certs/ca-certificates.crt", "/usr/local/share/ca-certificates"
REDHAT_BUNDLE = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
# What changes a file system, by the names that Python has for it.
CHANGES = ("replace", "link", "unlink", "rmdir", "mkdir", "makedirs", "chmod", "chown", "symlink")


class KilledError(BaseException):
    """The process is dead: no handler of it does anything any more."""


def pem(name: str) -> bytes:
    """Something that looks like a certificate to those who only compare."""
    body = base64.b64encode(f"the certificate of {name}".encode()).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n".encode()


def key(name: str) -> bytes:
    """Something that looks like a private key."""
    body = base64.b64encode(f"the secret of {name}".encode()).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n".encode()


class World:
    """A host. Paths are those of the host; `run` is its update program."""

    def __init__(self, folder: Path, family: str = "debian") -> None:
        self.folder = folder
        self.root = str(folder)
        self.updates: list[list[str]] = []
        self.updates_fail: Callable[[], tuple[int, str, str] | None] = lambda: None
        self.says = ""
        self.refuses: set[bytes] = set()
        for each in ("/etc", "/var/lib", "/usr/local/share"):
            self.at(each).mkdir(parents=True)
        if family == "debian":
            self.file("/usr/sbin/update-ca-certificates", b"", 0o755)
            self.file("/usr/share/ca-certificates/mozilla/One.crt", pem("one"))
            self.file("/etc/ca-certificates.conf", b"mozilla/One.crt")
            self.at(DEBIAN_ANCHORS).mkdir()
            self.file(DEBIAN_BUNDLE, pem("one"))
        if family == "redhat":
            self.file("/usr/bin/update-ca-trust", b"", 0o755)
            self.at("/etc/pki/ca-trust/source/anchors").mkdir(parents=True)
            self.file(REDHAT_BUNDLE, b"# One\n" + pem("one"))

    def at(self, path: str) -> Path:
        """Where a path of the host is."""
        return Path(self.root + path)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Have a file there."""
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_bytes(content)
        self.at(path).chmod(mode)

    def link(self, path: str, target: str) -> None:
        """Have a link there."""
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).symlink_to(target)

    def tree(self) -> dict[str, tuple[str, Any]]:
        """Everything on the host, but for the folder that is the record's alone, and for what is gone at boot."""
        return {path: about for path, about in self._walk() if not path.startswith(("/var/lib", "/run"))}

    def _walk(self) -> Iterator[tuple[str, tuple[str, Any]]]:
        for path in sorted(self.folder.rglob("*")):
            about = path.lstat()
            mode = f"{stat.S_IMODE(about.st_mode):04o} {about.st_uid}"
            name = "/" + str(path.relative_to(self.folder))
            if path.is_symlink():
                yield name, ("link", os.readlink(path))
            else:
                yield name, (mode, path.read_bytes() if path.is_file() else None)

    def declared(self, files: Mapping[str, bytes], anchors: Mapping[str, bytes] | None = None) -> ca_host.Declared:
        """A declaration; what ends in `.key` is secret."""
        wanted = [
            Wanted(self.root + path, content, 0o600 if path.endswith(".key") else 0o644)
            for path, content in files.items()
        ]
        return ca_host.Declared(wanted, dict(anchors or {}))

    def keep(
        self, files: Mapping[str, bytes], anchors: Mapping[str, bytes] | None = None, *, check: bool = False
    ) -> dict[str, Any]:
        """What the module answers, with the paths of the host."""
        view, said = ca_host.keep(self.declared(files, anchors), self.run, check, self.root)
        told = ca_host.told(view, said, diff=True)
        told["files"] = {
            verb: [path.removeprefix(self.root) for path in those] for verb, those in told["files"].items() if those
        }
        told["warnings"] = [each.replace(self.root, "") for each in told["warnings"]]
        return told

    def run(self, command: Sequence[str]) -> tuple[int, str, str]:
        """The update program, as Debian and RedHat have it."""
        self.updates.append([Path(command[0]).name, *command[1:2]])
        failure = self.updates_fail()
        if failure is not None:
            return failure
        if Path(command[0]).name == "update-ca-trust":
            self._bundle(REDHAT_BUNDLE, sorted(self.at("/etc/pki/ca-trust/source/anchors").iterdir()))
            return 0, "", ""
        anchors = sorted(self.at(DEBIAN_ANCHORS).glob("*.crt"))
        links = self.at(DEBIAN_BUNDLE).parent
        settings = self.at("/etc/ca-certificates.conf").read_text()
        if "--certsconf" in command:
            settings = Path(command[2]).read_text()
            assert settings.startswith("mozilla/One.crt\n")
        for line in settings.splitlines():
            if line.startswith("!"):
                (links / (line[1:].removesuffix(".crt") + ".pem")).unlink(missing_ok=True)
        for each in anchors:
            made = links / f"{each.stem}.pem"
            made.unlink(missing_ok=True)
            made.symlink_to(each)
        self._bundle(DEBIAN_BUNDLE, anchors)
        return 0, "Updating certificates\n" + self.says, ""

    def _bundle(self, path: str, anchors: Sequence[Path]) -> None:
        found = [each.read_bytes() for each in anchors]
        beginning = b"# One\n" if path == REDHAT_BUNDLE else b""
        self.at(path).write_bytes(beginning + pem("one") + b"".join(each for each in found if each not in self.refuses))


def die_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Have the process die before its change NUMBER of the file system; the changes before that."""
    done: list[str] = []

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            if len(done) >= number:
                raise KilledError
            done.append(name)
            return call(*arguments, **options)

        return change

    for name in CHANGES:
        monkeypatch.setattr(os, name, wrapped(name, getattr(os, name)))
    return done


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the change NUMBER of the file system fail, and no other."""
    count = [0]

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            count[0] += 1
            if count[0] == number + 1:
                raise OSError(errno.EIO, "Input/output error")
            return call(*arguments, **options)

        return change

    for name in CHANGES:
        monkeypatch.setattr(os, name, wrapped(getattr(os, name)))


def fill_disk(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """Have the disk be full when file NUMBER is written, and stay so; the files before that."""
    done: list[str] = []
    write = files._fill

    def fill(stream: Any, path: str, *rest: Any) -> None:
        if len(done) >= number:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(path)
        write(stream, path, *rest)

    monkeypatch.setattr(files, "_fill", fill)
    return done
