# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What an empty container needs of its host so that the host's own Python runs in it.

Nothing is copied but a few names: folders come in by read-only mounts, and where the host has a symbolic link for one
(/bin -> usr/bin) so has the container.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from typing import Any, NamedTuple

# Where a Linux system keeps programs and libraries.
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr")

# The engine puts something of its own over each of these.
MOUNT_POINTS = ("dev", "etc", "proc", "sys", "tmp")

# Tells the loader where libraries lie that are not in its standard folders (/usr/local/lib).
LOADER_CACHE = "/etc/ld.so.cache"

FALLBACK_INTERPRETER = "/usr/bin/python3"

# Says where an interpreter that could run the probe's program lies, with all that it needs.
_WHEREABOUTS = """
import _ctypes, ctypes, os, sys
if sys.version_info < (3, 6):
    raise SystemExit("too old")
for path in (sys.executable, os.__file__, sys.base_prefix, ctypes.__file__, getattr(_ctypes, "__file__", "/usr")):
    print(os.path.realpath(path))
"""
_WHEREABOUTS_TIMEOUT = 5.0


class Layout(NamedTuple):
    """A container's root: symbolic links (name to target), folders of the host, small files (name to content)."""

    symlinks: dict[str, str]
    folders: tuple[str, ...]
    files: dict[str, bytes]
    interpreter: str
    library_path: tuple[str, ...]

    def command(self, text: str) -> list[str]:
        """Run TEXT with the host's interpreter, which reads nothing but its standard library."""
        return [self.interpreter, "-I", "-S", "-c", text]

    def environment(self) -> list[str]:
        """Variables for the container, `NAME=value`."""
        return [f"LD_LIBRARY_PATH={':'.join(self.library_path)}"] if self.library_path else []

    def mounts(self, prefix: str = "") -> list[dict[str, Any]]:
        """For HostConfig.Mounts. Not Binds: an engine makes the source of those on its host where it is missing."""
        return [
            {"Type": "bind", "Source": prefix + folder, "Target": folder, "ReadOnly": True} for folder in self.folders
        ]

    def volumes(self, prefix: str = "") -> list[str]:
        """The same for a command line's --volume."""
        return [f"{prefix}{folder}:{folder}:ro" for folder in self.folders]

    def archive(self, mark: str) -> bytes:
        """The root as a tar archive. MARK makes its content one of a kind, so that no layer is shared with others."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name in (f".runnerkit-probe-{mark}", *MOUNT_POINTS, *self._mount_points()):
                folder = tarfile.TarInfo(name)
                folder.type = tarfile.DIRTYPE
                folder.mode = 0o755
                archive.addfile(folder)
            for name, target in self.symlinks.items():
                link = tarfile.TarInfo(name)
                link.type = tarfile.SYMTYPE
                link.linkname = target
                archive.addfile(link)
            for name, content in self.files.items():
                file = tarfile.TarInfo(name)
                file.size = len(content)
                file.mode = 0o644
                archive.addfile(file, io.BytesIO(content))
        return stream.getvalue()

    def unpack(self, folder: str) -> None:
        """The root as a folder."""
        for name in (*MOUNT_POINTS, *self._mount_points()):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for name, target in self.symlinks.items():
            os.symlink(target, os.path.join(folder, name))
        for name, content in self.files.items():
            with open(os.path.join(folder, name), "wb") as stream:
                stream.write(content)

    def _mount_points(self) -> list[str]:
        """Every folder on the way to a mount, the upper ones first."""
        names = []
        for folder in self.folders:
            parts = folder.strip("/").split("/")
            names += ["/".join(parts[: count + 1]) for count in range(len(parts))]
        return sorted(set(names))


def layout(root: str = "/", interpreter: str | None = None, maps: str = "/proc/self/maps") -> Layout:
    """For the interpreter that runs this; the system's own where only root may read that one.

    Root of an engine that maps its users, or runs without root, is nobody of note on the host.
    """
    symlinks: dict[str, str] = {}
    folders: list[str] = []
    for folder in SYSTEM_FOLDERS:
        path = os.path.join(root, folder.lstrip("/"))
        if os.path.islink(path):
            symlinks[folder.lstrip("/")] = os.readlink(path)
        elif os.path.isdir(path):
            folders.append(folder)
    program = os.path.realpath(interpreter or sys.executable or FALLBACK_INTERPRETER)
    libraries = _libraries(maps)
    needed_folders = _interpreter_folders(program) + libraries
    if any(_is_private(folder) for folder in needed_folders):
        other = system_interpreter()
        if other is not None:
            program, libraries, needed_folders = other, [], []
    for needed in needed_folders:
        if not _covered(needed, [*folders, *("/" + name for name in symlinks)]):
            folders.append(needed)
    # The loader's cache does not help where it knows nothing of them.
    elsewhere = tuple(library for library in libraries if not _covered(library, list(SYSTEM_FOLDERS)))
    return Layout(symlinks, tuple(folders), _files(root), program, elsewhere)


def _files(root: str) -> dict[str, bytes]:
    try:
        with open(os.path.join(root, LOADER_CACHE.lstrip("/")), "rb") as stream:
            return {LOADER_CACHE.lstrip("/"): stream.read()}
    except OSError:
        return {}


def _interpreter_folders(program: str) -> list[str]:
    """Where the interpreter and its standard library lie, when that is not the system's /usr."""
    folders = [os.path.dirname(program), os.path.dirname(os.path.realpath(os.__file__))]
    folders += [os.path.realpath(prefix) for prefix in (sys.base_prefix, sys.base_exec_prefix)]
    # Shortest first: one that holds the others makes them needless.
    return sorted({folder for folder in folders if folder != "/"}, key=len)


def _is_private(path: str) -> bool:
    """Whether not everybody may go there."""
    while True:
        try:
            if not os.stat(path).st_mode & 0o001:
                return True
        except OSError:
            return False
        if path == os.path.dirname(path):
            return False
        path = os.path.dirname(path)


def system_interpreter(path: str = FALLBACK_INTERPRETER) -> str | None:
    """The system's own Python, if there is one with ctypes that needs nothing but the system's folders."""
    try:
        said = subprocess.run(
            [path, "-I", "-S", "-c", _WHEREABOUTS],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_WHEREABOUTS_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    places = said.stdout.splitlines()
    return places[0] if len(places) == 5 and all(_covered(each, list(SYSTEM_FOLDERS)) for each in places) else None


def _libraries(maps: str) -> list[str]:
    """Folders of the shared libraries that this process has loaded."""
    try:
        with open(maps, encoding="utf-8", errors="surrogateescape") as stream:
            found = re.findall(r"\s(/\S*/)[^/\s]*\.so(?:\.[^/\s]*)?$", stream.read(), re.MULTILINE)
    except OSError:
        return []
    return sorted({folder.rstrip("/") for folder in found})


def _covered(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)
