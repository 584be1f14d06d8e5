"""A libseccomp that does not know faccessat2, made out of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.lab import debs
from tests.lab.deb import Content, Package
from tests.lab.debs import Release
from tests.lab.home import Home
from tests.lab.shell import LabError

# Old enough to be told from 2.4.4, the first that knows the call; apt itself does not run with less than 2.4.2.
VERSION = "2.4.3-1~lab1"
KNOWN, UNKNOWN = b"\0faccessat2\0", b"\0faccessat_\0"
LIBRARY = "usr/lib/x86_64-linux-gnu"


def forget(data: bytes) -> bytes:
    """The library with the call's name made unfindable in its table."""
    if data.count(KNOWN) != 1:
        raise LabError(
            f"libseccomp names faccessat2 {data.count(KNOWN)} times, not once; tests/lab/oldseccomp.py must change."
        )
    return data.replace(KNOWN, UNKNOWN)


def _real(home: Home, codename: str) -> Path:
    return Release(home, codename).fetch(["libseccomp2"])["libseccomp2"]


def library(home: Home, codename: str) -> Path:
    """The release's library without the call."""
    deb = _real(home, codename)
    root = debs.unpack(deb, home.cache / "unpacked" / deb.stem)
    real = next(path for path in root.glob("**/libseccomp.so.2.*") if not path.is_symlink())
    patched = home.cache / "patched" / codename / "libseccomp2" / real.name
    if not patched.exists():
        patched.parent.mkdir(parents=True, exist_ok=True)
        draft = patched.with_name(f".{patched.name}")
        draft.write_bytes(forget(real.read_bytes()))
        draft.replace(patched)
    return patched


def packages(home: Home, codename: str) -> Iterator[Package]:
    yield Package(
        "libseccomp2",
        VERSION,
        {
            "Depends": debs.control(_real(home, codename), "Depends"),
            "Multi-Arch": "same",
            "Section": "libs",
            "Description": "high level interface to Linux seccomp filter (without faccessat2, for the runnerkit lab)",
        },
        _files(library(home, codename)),
    )


def _files(path: Path) -> dict[str, Content]:
    return {
        f"{LIBRARY}/{path.name}": Content(source=path),
        f"{LIBRARY}/libseccomp.so.2": Content(link=path.name),
    }
