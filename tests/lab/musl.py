"""A shell built with musl, whose `test -x` makes the system call faccessat2: what Alpine 3.14 brought."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
from pathlib import Path

from tests.lab.debs import Release
from tests.lab.home import FILES, Home
from tests.lab.machine import program
from tests.lab.shell import run, step

CODENAME = "bookworm"
# dash asks with faccessat(..., AT_EACCESS); that is a call that musl (since 1.2.2) makes as faccessat2.
DASH = "pool/main/d/dash/dash_0.5.12.orig.tar.gz"
DASH_SHA256 = "6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a"
CONFIGURE = ("--enable-static", "--without-libedit", "LDFLAGS=-s")
PROGRAMS = ("access", "threads")  # tests/lab/files/NAME.c
FLAGS = ("-static", "-Os", "-s")
DATE = 1_600_000_000  # so that the same sources give the same image


def _key() -> str:
    """Changes whenever the image would come out different."""
    digest = hashlib.sha256(repr((DASH_SHA256, CONFIGURE, FLAGS, DATE)).encode())
    for name in PROGRAMS:
        digest.update((FILES / f"{name}.c").read_bytes())
    return digest.hexdigest()[:12]


def _dash(home: Home, work: Path) -> Path:
    """dash, built by its own rules."""
    source = Release(home, CODENAME).fetch_file(DASH, DASH_SHA256)
    tree = work / "dash"
    tree.mkdir()
    run([program("tar"), "--extract", "--file", source, "--directory", tree, "--strip-components=1", "--no-same-owner"])
    compiler = f"{program('musl-gcc')} -static"
    # Some of its sources are made by programs of its own; with musl for these too, no other C library's headers
    # need to be there.
    run([tree / "configure", "--quiet", *CONFIGURE, f"CC={compiler}", f"CC_FOR_BUILD={compiler}"], cwd=tree)
    run([program("make"), "--silent", f"--jobs={os.cpu_count() or 1}"], cwd=tree)
    return tree / "src/dash"


def _compile(name: str, work: Path) -> Path:
    target = work / name
    run([program("musl-gcc"), *FLAGS, "-o", target, FILES / f"{name}.c"])
    return target


def _pack(target: Path, programs: dict[str, Path]) -> None:
    """A root file system that `docker import` takes."""
    texts = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n"}
    with tarfile.open(target, "w") as archive:

        def add(name: str, mode: int, data: bytes | None) -> None:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = mode, DATE
            if data is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))

        for name in ("bin", "etc", "root"):
            add(name, 0o755, None)
        add("tmp", 0o777 | stat.S_ISVTX, None)
        for name, path in programs.items():
            add(f"bin/{name}", 0o755, path.read_bytes())
        for name, text in texts.items():
            add(name, 0o644, text.encode())


def ensure(home: Home) -> Path:
    """The image's root file system as a tar, built when it is not in the cache."""
    target = home.cache / "musl" / f"{_key()}.tar"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with step("building a shell with musl"), tempfile.TemporaryDirectory(prefix="rklab-") as directory:
        work = Path(directory)
        programs = {"sh": _dash(home, work), **{name: _compile(name, work) for name in PROGRAMS}}
        draft = target.with_suffix(".draft")
        _pack(draft, programs)
    for old in target.parent.glob("*.tar"):
        old.unlink()
    shutil.move(draft, target)
    return target
