"""Binaries that bring their libraries along, so that they run on a release with an older libc."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.lab.deb import Content
from tests.lab.debs import Release, unpack
from tests.lab.home import Home
from tests.lab.machine import program
from tests.lab.shell import run, succeeds

# Everything that dockerd, containerd and runc of Debian 12 load, directly or through one another.
PACKAGES = (
    "libc6 libcap2 libdevmapper1.02.1 libgcc-s1 libgcrypt20 libgpg-error0 liblz4-1 liblzma5 libpcre2-8-0 libseccomp2 "
    "libselinux1 libsystemd0 libudev1 libzstd1"
).split()
LOADER = "ld-linux-x86-64.so.2"


def libraries(home: Home, codename: str, packages: Sequence[str] = PACKAGES) -> dict[str, Path]:
    """Name as programs ask for it -> file."""
    found: dict[str, Path] = {}
    for deb in Release(home, codename).fetch(packages).values():
        root = unpack(deb, home.cache / "unpacked" / deb.stem)
        for path in sorted(root.glob("**/lib/x86_64-linux-gnu/*.so*")):
            found.setdefault(path.name, path.resolve())
    return found


@cache
def _needed(binary: Path) -> list[str]:
    return run([program("patchelf"), "--print-needed", binary]).split()


def is_dynamic(binary: Path) -> bool:
    """Whether a program asks for a loader; one that is linked statically brings all it needs."""
    return succeeds([program("patchelf"), "--print-interpreter", binary])


def closure(binary: Path, available: Mapping[str, Path]) -> dict[str, Path]:
    """The libraries a program loads, and those that these load."""
    found = {LOADER: available[LOADER]}
    waiting = [binary]
    while waiting:
        for name in _needed(waiting.pop()):
            if name not in found:
                found[name] = available[name]
                waiting.append(available[name])
    return found


def pack(home: Home, codename: str, package: str, paths: Mapping[str, Path]) -> dict[str, Content]:
    """The binaries, changed to use a loader and libraries in a directory of the package's own."""
    directory = f"usr/lib/{package}/lib"
    available = libraries(home, codename)
    files: dict[str, Content] = {}
    for path, source in paths.items():
        if not is_dynamic(source):
            files[path] = Content(source=source, mode=0o755)
            continue
        patched = home.cache / "patched" / codename / package / source.parents[1].name / source.name
        if not patched.exists() or patched.stat().st_mtime < source.stat().st_mtime:
            patched.parent.mkdir(parents=True, exist_ok=True)
            draft = patched.with_name(f".{patched.name}")
            shutil.copyfile(source, draft)
            draft.chmod(0o755)
            # An rpath and not a runpath: it must hold for what the libraries load, too.
            words = ["--set-interpreter", f"/{directory}/{LOADER}", "--force-rpath", "--set-rpath", f"/{directory}"]
            run([program("patchelf"), *words, draft])
            draft.replace(patched)
        files[path] = Content(source=patched, mode=0o755)
        for name, library in closure(source, available).items():
            files[f"{directory}/{name}"] = Content(source=library, mode=0o755)
    return files
