# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What the host's libseccomp is and which system calls it knows, asked of the library itself.

This is what the program scmp_sys_resolver does, without needing that program.
"""

from __future__ import annotations

import re
from typing import Any, Iterable

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import NAMES

SONAME = "libseccomp.so.2"

# The library's answer for a name it has never heard of (__NR_SCMP_ERROR).
UNKNOWN = -1


def libseccomp_facts(soname: str = SONAME, maps: str = "/proc/self/maps") -> dict[str, Any] | None:
    """`{version, path, faccessat2, syscalls}`, or None where the library cannot be loaded."""
    # A Python built without libffi lacks ctypes: then the library counts as absent.
    try:
        import ctypes

        # By its name, as the loader finds it for runc: find_library would start ldconfig and a compiler.
        library = ctypes.CDLL(soname)
        syscalls = _resolve(library, NAMES)
    except (ImportError, OSError, AttributeError):
        return None
    return {
        "version": _version(library),
        "path": loaded_path(soname, maps),
        "faccessat2": syscalls["faccessat2"],
        "syscalls": syscalls,
    }


def _resolve(library: Any, names: Iterable[str]) -> dict[str, int]:
    import ctypes

    resolve = library.seccomp_syscall_resolve_name
    resolve.argtypes = [ctypes.c_char_p]
    resolve.restype = ctypes.c_int
    return {name: int(resolve(name.encode("ascii"))) for name in names}


def _version(library: Any) -> str | None:
    """`2.5.4`; None before libseccomp 2.3.0, which does not tell."""
    import ctypes

    try:
        ask = library.seccomp_version
    except AttributeError:
        return None
    # struct scmp_version { unsigned int major, minor, micro; }
    ask.argtypes = []
    ask.restype = ctypes.POINTER(ctypes.c_uint * 3)
    answer = ask()
    return ".".join(str(part) for part in answer.contents) if answer else None


def loaded_path(soname: str, maps: str = "/proc/self/maps") -> str | None:
    """The file that the loader took for SONAME, from this process's memory map."""
    stem = re.escape(soname.rsplit("/", 1)[-1].split(".so", 1)[0])
    try:
        with open(maps, encoding="utf-8", errors="surrogateescape") as stream:
            found = re.search(rf"\s(/\S*/{stem}[^/\s]*\.so[^/\s]*)$", stream.read(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1) if found else None
