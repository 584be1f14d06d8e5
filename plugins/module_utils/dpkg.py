# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What dpkg knows about packages, read from its database: no subprocess, no lock, no change."""

from __future__ import annotations

import os
import re
from typing import Iterable, Iterator, NamedTuple

STATUS = "var/lib/dpkg/status"
UPDATES = "var/lib/dpkg/updates"
INFO = "var/lib/dpkg/info"

# States in which the package's files are not there.
ABSENT_STATES = ("not-installed", "config-files")


class Package(NamedTuple):
    """One package as dpkg has it.

    `want` is install, hold, deinstall or purge; `state` is installed, or one of unpacked, half-configured,
    half-installed, triggers-awaited, triggers-pending, config-files, not-installed.
    """

    name: str
    version: str | None
    architecture: str
    want: str
    state: str

    @property
    def held(self) -> bool:
        return self.want == "hold"

    @property
    def present(self) -> bool:
        return self.state not in ABSENT_STATES


def has_database(root: str = "/") -> bool:
    """Whether dpkg manages this host."""
    return os.path.isfile(os.path.join(root, STATUS))


def read_packages(names: Iterable[str], root: str = "/") -> dict[str, Package]:
    """Those of NAMES that dpkg has present, in whatever state; of a multi-arch package the native one."""
    wanted = set(names)
    # The package dpkg itself is always of the host's own architecture.
    seen: dict[tuple[str, str], Package] = {}
    for text in _database(root):
        for package in _parse(text, wanted | {"dpkg"}):
            seen[(package.name, package.architecture)] = package
    native = next((package.architecture for package in seen.values() if package.name == "dpkg"), "")
    found: dict[str, Package] = {}
    for package in seen.values():
        if package.name not in wanted or not package.present:
            continue
        if package.name not in found or package.architecture in (native, "all"):
            found[package.name] = package
    return found


def owner_of(path: str, root: str = "/") -> str | None:
    """The package that brought PATH. Reads every file list: ask only where it is needed."""
    line = path.encode("utf-8", "surrogateescape") + b"\n"
    folder = os.path.join(root, INFO)
    try:
        lists = sorted(entry for entry in os.listdir(folder) if entry.endswith(".list"))
    except OSError:
        return None
    for entry in lists:
        content = _read(os.path.join(folder, entry))
        if content.startswith(line) or b"\n" + line in content:
            return entry[: -len(".list")].split(":", 1)[0]
    return None


def _database(root: str) -> Iterator[str]:
    """The status file, then the journal that an interrupted dpkg has not yet merged into it."""
    yield _text(os.path.join(root, STATUS))
    folder = os.path.join(root, UPDATES)
    try:
        journal = sorted(entry for entry in os.listdir(folder) if entry.isdigit())
    except OSError:
        return
    for entry in journal:
        yield _text(os.path.join(folder, entry))


def _text(path: str) -> str:
    return _read(path).decode("utf-8", "replace")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _parse(text: str, wanted: set[str]) -> Iterator[Package]:
    for paragraph in text.split("\n\n"):
        first, _, rest = paragraph.lstrip("\n").partition("\n")
        key, _, name = first.partition(":")
        if key != "Package" or name.strip() not in wanted:
            continue
        fields = _fields(rest)
        # "hold ok half-configured": what is wanted, whether a reinstallation is due, what is.
        words = fields.get("Status", "").split()
        if len(words) == 3:
            architecture = fields.get("Architecture", "")
            yield Package(name.strip(), fields.get("Version") or None, architecture, words[0], words[2])


def _fields(paragraph: str) -> dict[str, str]:
    """Single-line fields; continuation lines belong to fields that nobody asks for."""
    fields: dict[str, str] = {}
    for line in paragraph.split("\n"):
        if line[:1] in (" ", "\t", "#", ""):
            continue
        key, _, value = line.partition(":")
        fields[key] = value.strip()
    return fields


_WHOLE_STATES = ("installed", "config-files", "not-installed")
_STATUS_LINE = re.compile(r"^Status: \S+ (?P<flag>\S+) (?P<state>\S+)", re.MULTILINE)


def interrupted(root: str = "/") -> bool:
    """Whether an earlier run was cut off: a journal never merged, or a package neither there nor gone."""
    try:
        if any(entry.isdigit() for entry in os.listdir(os.path.join(root, UPDATES))):
            return True
    except OSError:
        pass
    return any(
        match["flag"] != "ok" or match["state"] not in _WHOLE_STATES
        for text in _database(root)
        for match in _STATUS_LINE.finditer(text)
    )
