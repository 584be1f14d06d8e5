"""The small image that the lab's registries hold from the start: a shell, and a greeting."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab.registry_client import Image
from tests.lab.shell import run

REPOSITORY, TAG = "lab/hello", "1"
HUB_REPOSITORY = "library/lab-hello"  # what `docker pull lab-hello:1` asks a mirror of Docker Hub for
GREETING = "hello from the registry"
COMMAND = "bin/hello"
DATE = 1_600_000_000  # so that the same parts give the same digest
DIRECTORIES = {"bin": 0o755, "etc": 0o755, "root": 0o700, "tmp": 0o1777}
TEXTS = {
    "etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/sh\n"),
    "etc/group": (0o644, "root:x:0:\n"),
    COMMAND: (0o755, f"#!/bin/sh\necho {GREETING}\n"),
}


def _entries(busybox: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for path, mode in DIRECTORIES.items():
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        yield entry, b""
    files: Mapping[str, tuple[int, bytes]] = {
        **{path: (mode, text.encode()) for path, (mode, text) in TEXTS.items()},
        "bin/busybox": (0o755, busybox.read_bytes()),
    }
    for path, (mode, content) in files.items():
        entry = tarfile.TarInfo(path)
        entry.mode, entry.size = mode, len(content)
        yield entry, content
    for name in run([busybox, "--list"]).split():
        if name != "busybox":
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            yield entry, b""


def image(busybox: Path) -> Image:
    """The image: `docker run` of it prints the greeting, and it has a shell and more for jobs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, content in _entries(busybox):
            entry.mtime = DATE
            archive.addfile(entry, io.BytesIO(content))
    plain = buffer.getvalue()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2020-09-13T12:26:40Z",
        "config": {"Cmd": [f"/{COMMAND}"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
        "history": [{"created": "2020-09-13T12:26:40Z", "created_by": "the runnerkit lab"}],
    }
    return Image(json.dumps(config).encode(), gzip.compress(plain, compresslevel=1, mtime=0))
