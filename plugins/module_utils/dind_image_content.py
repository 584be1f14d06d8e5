# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a Docker-in-Docker image gets beside what its base has: files as bytes, without an engine in sight."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import tarfile
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json, registry_paths

# Raised when the same inputs make another image: what was built before is built anew then.
FORMAT = 1

DAEMON_JSON = "/etc/docker/daemon.json"
MIRRORS = "registry-mirrors"

# In the order in which an engine looks for the store that it reads; where the host's update program would take the
# certificates from is said along with it.
STORES = (
    (registry_paths.DEBIAN_BUNDLE, registry_paths.DEBIAN_ANCHORS, registry_paths.DEBIAN_SUFFIX),
    ("/etc/pki/tls/certs/ca-bundle.crt", registry_paths.REDHAT_ANCHORS, registry_paths.REDHAT_SUFFIX),
    (registry_paths.REDHAT_BUNDLE, registry_paths.REDHAT_ANCHORS, registry_paths.REDHAT_SUFFIX),
)

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
# A registry as a folder's name; what is not of this form could leave the folder.
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class ContentError(Exception):
    """What was asked for cannot be put into an image; the text is a sentence for people."""


class Wanted(NamedTuple):
    """What an image shall have: by registry its authorities, each a PEM block of its own, and the rest."""

    registries: Mapping[str, Sequence[str]]
    os_store: bool
    mirrors: Sequence[str]


def wanted(registries: Iterable[Mapping[str, Any]], os_store: bool, mirrors: Iterable[str]) -> Wanted:
    """The options, looked at: ContentError where one would do harm in an image, or nothing at all."""
    found: dict[str, list[str]] = {}
    for index, each in enumerate(registries):
        host, text = str(each["host"]), str(each["ca"])
        where = f"registries[{index}]"
        if not _HOST.fullmatch(host):
            raise ContentError(
                f"{where}.host is {host!r}; write the registry as images name it, such as registry.example:5000"
            )
        if host in found:
            raise ContentError(f"{where}.host is {host}, which stands there before; put its authorities into one ca")
        if _PRIVATE_KEY.search(text):
            raise ContentError(
                f"{where}.ca ({host}) holds a private key, which everybody who pulls the image would have; "
                "give the certificate alone"
            )
        found[host] = certificates(text)
        if not found[host]:
            raise ContentError(f"{where}.ca ({host}) holds no certificate; give PEM, -----BEGIN CERTIFICATE----- first")
    return Wanted(found, os_store, list(mirrors))


def certificates(text: str) -> list[str]:
    """The certificates in a text, each once, in the form in which all programs read them."""
    found: dict[bytes, str] = {}
    for body in _BLOCK.findall(text):
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        if der:
            found.setdefault(der, _block(der))
    return list(found.values())


def _block(der: bytes) -> str:
    encoded = base64.b64encode(der).decode("ascii")
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def fingerprint(block: str) -> str:
    """SHA-256 of a certificate's DER, in hex."""
    return hashlib.sha256(base64.b64decode("".join(_BLOCK.findall(block)[0].split()))).hexdigest()


def authorities(content: Wanted) -> list[str]:
    """Every certificate once, whatever registry it is for."""
    return list(dict.fromkeys(block for blocks in content.registries.values() for block in blocks))


def summary(base: str, content: Wanted) -> dict[str, Any]:
    """All that makes one image differ from another, but for the base's own content; nothing secret is in it."""
    known = {host: [fingerprint(each)[:16] for each in blocks] for host, blocks in content.registries.items()}
    return {
        "format": FORMAT,
        "base": base,
        "registries": known,
        "os_store": content.os_store,
        "mirrors": list(content.mirrors),
    }  # fmt: skip


def digest(base: str, content: Wanted) -> str:
    """What tells whether an image was made from the same."""
    whole = {
        **summary(base, content),
        "registries": {host: [fingerprint(each) for each in blocks] for host, blocks in content.registries.items()},
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def registry_files(content: Wanted) -> dict[str, bytes]:
    """Where the engine in the image looks for the authorities of its registries."""
    return {registry_paths.ca("engine", host): "".join(blocks).encode() for host, blocks in content.registries.items()}


def store_files(content: Wanted, folder: str, suffix: str) -> dict[str, bytes]:
    """Where a program that makes the store anew, in an image built from this one say, takes certificates from."""
    return {
        f"{folder}/{registry_paths.anchor(fingerprint(block))}{suffix}": block.encode()
        for block in authorities(content)
    }


def appended(bundle: bytes, blocks: Sequence[str]) -> bytes:
    """A store with these certificates; those that it has are not added again."""
    there = {fingerprint(each) for each in certificates(bundle.decode("utf-8", "replace"))}
    new = [block for block in blocks if fingerprint(block) not in there]
    if not new:
        return bundle
    joint = b"" if not bundle or bundle.endswith(b"\n") else b"\n"
    return bundle + joint + "".join(new).encode()


def with_mirrors(text: str | None, mirrors: Sequence[str]) -> str:
    """daemon.json with these mirrors before those that it has."""
    found = daemon_json.parse(text or "")
    before = found.get(MIRRORS)
    others = [str(each) for each in before] if isinstance(before, list) else []
    kept = [each for each in others if each.rstrip("/") not in {one.rstrip("/") for one in mirrors}]
    return daemon_json.render(daemon_json.merge(found, {MIRRORS: [*mirrors, *kept]}))


class File(NamedTuple):
    """A file as it stands in an image."""

    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


def pack(folders: Iterable[str], files: Mapping[str, File]) -> bytes:
    """An archive that an engine unpacks at the root of a container. FOLDERS are made, in this order; those that are
    there already must not be among them, as they would get this owner and mode.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in folders:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, file in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.uid, entry.gid, entry.size = file.mode, file.uid, file.gid, len(file.content)
            archive.addfile(entry, io.BytesIO(file.content))
    return stream.getvalue()


def unpack(archive: bytes) -> File | None:
    """The one file in an archive; None where it holds something else."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as content:
            entry = content.next()
            stream = content.extractfile(entry) if entry is not None and entry.isreg() else None
            if entry is None or stream is None:
                return None
            return File(stream.read(), entry.mode & 0o7777, entry.uid, entry.gid)
    except (tarfile.TarError, EOFError) as error:
        raise ContentError(f"the engine's archive of a file cannot be read: {error}") from error
