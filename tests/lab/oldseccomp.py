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


def forget(library: bytes) -> bytes:
    """The library with the call's name made unfindable in its table."""
    if library.count(KNOWN) != 1:
        raise LabError(
            f"libseccomp names faccessat2 {library.count(KNOWN)} times, not once; tests/lab/oldseccomp.py must change."
        )
    return library.replace(KNOWN, UNKNOWN)


def packages(home: Home, codename: str) -> Iterator[Package]:
    deb = Release(home, codename).fetch(["libseccomp2"])["libseccomp2"]
    root = debs.unpack(deb, home.cache / "unpacked" / deb.stem)
    library = next(path for path in root.glob("**/libseccomp.so.2.*") if not path.is_symlink())
    patched = home.cache / "patched" / codename / "libseccomp2" / library.name
    if not patched.exists():
        patched.parent.mkdir(parents=True, exist_ok=True)
        draft = patched.with_name(f".{patched.name}")
        draft.write_bytes(forget(library.read_bytes()))
        draft.replace(patched)
    yield Package(
        "libseccomp2",
        VERSION,
        {
            "Depends": debs.control(deb, "Depends"),
            "Multi-Arch": "same",
            "Section": "libs",
            "Description": "high level interface to Linux seccomp filter (without faccessat2, for the runnerkit lab)",
        },
        _files(patched),
    )


def _files(library: Path) -> dict[str, Content]:
    return {
        f"{LIBRARY}/{library.name}": Content(source=library),
        f"{LIBRARY}/libseccomp.so.2": Content(link=library.name),
    }
