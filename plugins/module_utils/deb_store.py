# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A folder of .deb files on the host: the way back from an upgrade, and the packages of a host without a network.

Before a package is replaced its own file is put here: from apt's cache, else from a source that still has it, else
packed again from the installed files. Archives drop old versions, so without this there is often nothing to go back to.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Apt, AptError, Run, reasons
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import flush, make_folders, read_text

PATH = "/var/cache/runnerkit/packages"
APT_ARCHIVES = "/var/cache/apt/archives"
DPKG_INFO = "/var/lib/dpkg/info"

# What dpkg adds to a package's control data when it is installed, and what belongs into the archive again.
_ADDED_FIELDS = ("Status", "Conffiles", "Config-Version")
_CONTROL_FILES = (
    "preinst",
    "postinst",
    "prerm",
    "postrm",
    "config",
    "templates",
    "triggers",
    "shlibs",
    "symbols",
    "conffiles",
    "md5sums",
)


def index(run: Run, directory: str = PATH) -> dict[tuple[str, str], str]:
    """(package, version) to path for every package file in a folder."""
    found = {}
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    for name in names:
        if not name.endswith(".deb"):
            continue
        path = os.path.join(directory, name)
        rc, out, _err = run(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", path])
        package, _, version = out.strip().partition(" ")
        if rc == 0 and version:
            found[(package, version)] = path
    return found


def file_name(package: str, version: str, architecture: str) -> str:
    """As apt calls its files; the colon of the epoch is not liked in file names."""
    return "{}_{}_{}.deb".format(package, version.replace(":", "%3a"), architecture)


class DebStore:
    """The folder, and the ways in which a package gets there."""

    def __init__(self, run: Run, apt: Apt, directory: str = PATH) -> None:
        self._run = run
        self._apt = apt
        self._directory = directory
        make_folders(directory)
        self.files = index(run, directory)

    def save(self, name: str, version: str, architecture: str) -> None:
        """Make sure that this version can be installed again; AptError when there is no way."""
        known = self.files.get((name, version))
        if known and self._is_whole(known):
            return
        if not self._add(name, version, architecture, self._from_cache, self._from_sources, self._from_host):
            raise AptError(
                f"{name} {version} could not be kept for the way back; put its file into {self._directory}, "
                "or do without by save_previous: false"
            )

    def fetch(self, name: str, version: str, architecture: str) -> str | None:
        """The file of a version, from here or from whoever has it; None when nobody does."""
        known = self.files.get((name, version))
        if (known and self._is_whole(known)) or self._add(
            name, version, architecture, self._from_cache, self._from_sources
        ):
            return self.files[name, version]
        return None

    def _add(self, name: str, version: str, architecture: str, *ways: Callable[[str, str, str], None]) -> bool:
        """Bring a file in by the first way that gives a whole one. It has its place and name only when it is whole."""
        part = os.path.join(self._directory, "part")
        shutil.rmtree(part, ignore_errors=True)
        make_folders(part)
        path = os.path.join(part, file_name(name, version, architecture))
        try:
            for way in ways:
                way(name, version, path)
                found = index(self._run, part).get((name, version))
                if found and self._is_whole(found):
                    self._take(found, name, version, architecture)
                    return True
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return False

    def _take(self, found: str, name: str, version: str, architecture: str) -> None:
        target = os.path.join(self._directory, file_name(name, version, architecture))
        flush(found)
        os.replace(found, target)
        flush(self._directory)
        damaged = self.files.get((name, version), target)
        if damaged != target:
            os.unlink(damaged)
        self.files[name, version] = target

    def _is_whole(self, path: str) -> bool:
        """Whether all of it can be read: what a full disk or a power cut left has its beginning, and so a name."""
        command = ["sh", "-c", 'exec dpkg-deb --fsys-tarfile "$1" > /dev/null', "sh", path]
        return self._run(command)[0] == 0

    def _from_cache(self, _name: str, _version: str, path: str) -> None:
        cached = os.path.join(APT_ARCHIVES, os.path.basename(path))
        if os.path.exists(cached):
            shutil.copyfile(cached, path)

    def _from_sources(self, name: str, version: str, path: str) -> None:
        self._apt.download(name, version, os.path.dirname(path))

    def _from_host(self, name: str, _version: str, path: str) -> None:
        self._repack(name, path)

    def keep_only(self, wanted: Sequence[tuple[str, str]], names: Iterable[str]) -> None:
        """Forget other versions of these packages; the folder would grow with every upgrade. Those of others may be
        there for a change that is yet to come.
        """
        ours = set(names)
        for key, path in list(self.files.items()):
            if key[0] in ours and key not in wanted:
                os.unlink(path)
                del self.files[key]

    def _repack(self, name: str, path: str) -> None:
        """Build the archive again from the files that are installed, changed configuration files included."""
        tree = path + ".tree"
        shutil.rmtree(tree, ignore_errors=True)
        try:
            control = os.path.join(tree, "DEBIAN")
            os.makedirs(control, mode=0o755)
            self._write_control(name, control)
            self._copy_files(name, tree)
            rc, _out, err = self._run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, path])
            if rc != 0:
                raise AptError(f"{name} could not be packed again: {reasons(err)}")
        finally:
            shutil.rmtree(tree, ignore_errors=True)

    def _write_control(self, name: str, control: str) -> None:
        rc, out, err = self._run(["dpkg-query", "--status", name])
        if rc != 0:
            raise AptError(f"{name} could not be packed again: {err.strip()}")
        kept = []
        skipping = False
        for line in out.rstrip("\n").splitlines():
            if not line.startswith(" "):
                skipping = line.partition(":")[0] in _ADDED_FIELDS
            if not skipping:
                kept.append(line)
        with open(os.path.join(control, "control"), "w", encoding="utf-8") as stream:
            stream.write("\n".join(kept) + "\n")
        for part in _CONTROL_FILES:
            # Multi-arch packages have their architecture in the file's name.
            for base in (name, f"{name}:{_architecture(kept)}"):
                source = os.path.join(DPKG_INFO, f"{base}.{part}")
                if os.path.exists(source):
                    shutil.copy(source, os.path.join(control, part))
        _forget_missing_conffiles(os.path.join(control, "conffiles"))

    def _copy_files(self, name: str, tree: str) -> None:
        rc, out, err = self._run(["dpkg-query", "--listfiles", name])
        if rc != 0:
            raise AptError(f"{name} could not be packed again: {err.strip()}")
        listed = out.splitlines()
        folders = {os.path.dirname(path) for path in listed}
        for source in listed:
            if not source.startswith("/") or source == "/." or not os.path.lexists(source):
                continue
            target = tree + source
            mode = os.lstat(source).st_mode
            # On a merged /usr the folder /lib of a package is a link on the host.
            if stat.S_ISDIR(mode) or (source in folders and os.path.isdir(source)):
                os.makedirs(target, exist_ok=True)
                shutil.copystat(source, target)
            else:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)


def _forget_missing_conffiles(path: str) -> None:
    """dpkg-deb refuses an archive without one of its configuration files, which the host's owner may have removed."""
    lines = (read_text(path) or "").splitlines()
    kept = [line for line in lines if line.startswith("/") and os.path.lexists(line)]
    if kept != lines:
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(line + "\n" for line in kept)


def _architecture(control: Sequence[str]) -> str:
    return next((line.partition(":")[2].strip() for line in control if line.startswith("Architecture:")), "")
