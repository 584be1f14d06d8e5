"""Writing a Debian package: two uncompressed tars in an ar, which takes no longer than copying the files."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

AR_MAGIC = b"!<arch>\n"
EPOCH = 1_600_000_000  # a fixed date, so that the same recipe gives the same package


@dataclass(frozen=True)
class Content:
    """What stands at one path of a package: a file's path, a text, or a link's target."""

    source: Path | None = None
    text: str = ""
    link: str = ""
    mode: int = 0o644


@dataclass(frozen=True)
class Package:
    """A package to be written. `fields` are the control fields besides Package, Version and Architecture."""

    name: str
    version: str
    fields: Mapping[str, str]
    files: Mapping[str, Content]
    scripts: Mapping[str, str] = field(default_factory=dict)
    conffiles: Sequence[str] = ()

    @property
    def filename(self) -> str:
        architecture = self.fields.get("Architecture", "amd64")
        return f"{self.name}_{self.version.partition(':')[2] or self.version}_{architecture}.deb"

    def control(self) -> str:
        """The control stanza."""
        size = sum(item.source.stat().st_size if item.source else len(item.text) for item in self.files.values())
        stanza = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": "amd64",
            "Maintainer": "runnerkit lab <lab@localhost>",
            "Installed-Size": str(size // 1024 + 1),
            "Section": "admin",
            "Priority": "optional",
            **self.fields,
        }
        return "".join(f"{key}: {value}\n" for key, value in stanza.items())

    def recipe(self) -> str:
        """Changes whenever the package would come out different."""
        parts: list[object] = [self.control(), sorted(self.scripts.items()), list(self.conffiles)]
        for path, item in sorted(self.files.items()):
            stamp = (
                (item.source.name, item.source.stat().st_size, item.source.stat().st_mtime_ns) if item.source else ()
            )
            parts.append((path, str(stamp), item.text, item.link, item.mode))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"./{name}")
    entry.mode, entry.mtime, entry.uname, entry.gname = mode, EPOCH, "root", "root"
    return entry


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = _entry(name, mode)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _control_tar(package: Package) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add(archive, "control", package.control().encode(), 0o644)
        for name, text in package.scripts.items():
            _add(archive, name, text.encode(), 0o755)
        if package.conffiles:
            _add(archive, "conffiles", "".join(f"/{path}\n" for path in package.conffiles).encode(), 0o644)
    return buffer.getvalue()


def _write_data_tar(package: Package, out: BinaryIO) -> None:
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        directories = {parent for path in package.files for parent in Path(path).parents}
        for directory in sorted(str(path) for path in directories):
            entry = _entry("" if directory == "." else f"{directory}/", 0o755)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        for path, item in sorted(package.files.items()):
            if item.link:
                entry = _entry(path, 0o777)
                entry.type, entry.linkname = tarfile.SYMTYPE, item.link
                archive.addfile(entry)
            elif item.source:
                entry = _entry(path, item.mode)
                entry.size = item.source.stat().st_size
                with item.source.open("rb") as data:
                    archive.addfile(entry, data)
            else:
                _add(archive, path, item.text.encode(), item.mode)


def _ar_header(name: str, size: int) -> bytes:
    return f"{name:<16}{EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode()


def write(package: Package, target: Path) -> None:
    """Write the package, complete or not at all."""
    draft = target.with_name(f".{target.name}")
    control = _control_tar(package)
    with draft.open("wb") as out:
        out.write(AR_MAGIC)
        for name, data in (("debian-binary", b"2.0\n"), ("control.tar", control)):
            out.write(_ar_header(name, len(data)) + data + b"\n" * (len(data) % 2))
        header = out.tell()
        out.write(_ar_header("data.tar", 0))
        begin = out.tell()
        _write_data_tar(package, out)
        end = out.seek(0, 2)
        out.seek(header)
        out.write(_ar_header("data.tar", end - begin))
    draft.replace(target)
