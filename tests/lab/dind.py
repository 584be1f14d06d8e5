"""What `lab-dind` and `lab-docker-cli` on a host make stand-ins of docker:VERSION-dind and docker:VERSION-cli from.

They are root file systems, served by the mirror. Those of dind hold a real engine out of one release of Debian with its
C library and libseccomp, busybox for a shell, and an entry point that reads its arguments as the official
image's does. Beside the real libseccomp lies one that does not know faccessat2; `lab-dind --without-faccessat2` puts it
in the real one's place. Beside all lies openssl; `lab-dind --tls` puts it where the entry point finds it. Those of cli
hold the real client and its plugins.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.lab import oldseccomp, packages, travel
from tests.lab.debs import Release, unpack
from tests.lab.home import FILES, Home
from tests.lab.shell import step

DIRECTORY, CLI_DIRECTORY = "dind", "cli"
SEED = "usr/local/share/lab/libseccomp.so.2"  # the library without faccessat2
TLS = "usr/local/share/lab/tls"  # below it, in the places where they belong, openssl and its libraries
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"usr/lib64/{travel.LOADER}"
SCRIPTS = {"dockerd-entrypoint.sh": "dind-entrypoint", "dind": "dind-wrapper"}
CLI_SCRIPTS = {"docker-entrypoint.sh": "docker-entrypoint"}
PLUGINS = {"docker-buildx"}  # without it `docker build` of newer releases complains
OPENSSL = {"bullseye": "libssl1.1", "bookworm": "libssl3", "trixie": "libssl3t64 zlib1g"}
LINKS = {
    **{name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")},
    "var/run": "../run",
}
DIRECTORIES = (
    "certs/client",
    "dev",
    "etc",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/sbin",
    "var/lib",
    "var/tmp",
)
OPEN = ("tmp", "certs", "certs/client")  # for everybody, whoever the user in the container is
TEXTS = {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\ndocker:x:2375:\n"}
DATE = 1_600_000_000  # so that the same parts give the same file


def _programs(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    """Path in the image -> binary: engine, client, containerd, runc."""
    binaries = packages.binaries(home, release)
    return {f"usr/local/bin/{Path(path).name}": source for paths in binaries.values() for path, source in paths.items()}


def _libraries(home: Home, release: packages.EngineRelease, programs: Mapping[str, Path]) -> dict[str, Path]:
    """Path in the image -> library, for all that the programs load."""
    return _closure(programs.values(), travel.libraries(home, release.origin))


def _closure(programs: Iterable[Path], available: Mapping[str, Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for binary in programs:
        if travel.is_dynamic(binary):
            found.update(travel.closure(binary, available))
    loader = found.pop(travel.LOADER)
    return {LOADER: loader, **{f"{LIBRARIES}/{name}": path for name, path in found.items()}}


def _busybox(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    deb = Release(home, release.origin).fetch(["busybox-static"])["busybox-static"]
    root = unpack(deb, home.cache / "unpacked" / deb.stem)
    return {"usr/bin/busybox": next(path for path in root.glob("**/bin/busybox") if path.is_file())}


def _openssl(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    """The program and what it loads beside that which is there already, below TLS."""
    deb = Release(home, release.origin).fetch(["openssl"])["openssl"]
    binary = unpack(deb, home.cache / "unpacked" / deb.stem) / "usr/bin/openssl"
    there = travel.libraries(home, release.origin)
    further = travel.libraries(home, release.origin, OPENSSL[release.origin].split())
    files = {"usr/bin/openssl": binary, **_closure([binary], {**further, **there})}
    return {f"{TLS}/{path}": source for path, source in files.items() if path != LOADER}


def _cli_files(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    """The client as docker:VERSION-cli has it."""
    client = packages.binaries(home, release)["docker-ce-cli"]["usr/bin/docker"]
    programs = {"usr/local/bin/docker": client}
    for name in PLUGINS & set(release.plugins):
        deb = Release(home, release.origin).fetch([name])[name]
        path = f"libexec/docker/cli-plugins/{name}"
        programs[f"usr/local/{path}"] = unpack(deb, home.cache / "unpacked" / deb.stem) / "usr" / path
    return {
        **programs,
        **_libraries(home, release, programs),
        **_busybox(home, release),
        **{f"usr/local/bin/{name}": FILES / source for name, source in CLI_SCRIPTS.items()},
    }


def _files(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    programs = _programs(home, release)
    return {
        **programs,
        **_libraries(home, release, programs),
        **_busybox(home, release),
        **_openssl(home, release),
        SEED: oldseccomp.library(home, release.origin),
        **{f"usr/local/bin/{name}": FILES / source for name, source in SCRIPTS.items()},
    }


def _key(home: Home, release: packages.EngineRelease) -> str:
    """Changes whenever the root file system would come out different; told by the names of the packages in it."""
    parts: list[object] = [(FILES / name).read_bytes() for name in (*SCRIPTS.values(), *CLI_SCRIPTS.values())]
    parts += [Path(module.__file__ or "").read_bytes() for module in (oldseccomp, packages, travel)]
    parts += [Path(__file__).read_bytes(), release, sorted(path.name for path in _debs(home, release).values())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _debs(home: Home, release: packages.EngineRelease) -> dict[str, Path]:
    """Every package that a root file system is made of."""
    names = dict.fromkeys(
        [
            *("docker.io", "containerd", "runc", "tini", "busybox-static", "openssl", release.client),
            *(*release.plugins, *travel.PACKAGES, *OPENSSL[release.origin].split()),
        ]
    )
    return Release(home, release.origin).fetch(list(names))


def _entries(files: Mapping[str, Path]) -> Iterator[tuple[tarfile.TarInfo, Path | bytes | None]]:
    """In the order in which they are unpacked: directories, links, files."""
    parents = {str(parent) for path in files for parent in Path(path).parents} - {"."}
    for name in sorted({*DIRECTORIES, *parents}):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name.endswith(OPEN) else 0o755
        yield entry, None
    for name, target in LINKS.items():
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        yield entry, None
    for name, text in TEXTS.items():
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = 0o644, len(text)
        yield entry, text.encode()
    for name, path in sorted(files.items()):
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = 0o755, path.stat().st_size
        yield entry, path


def _write(target: Path, files: Mapping[str, Path]) -> None:
    with tarfile.open(target, "w") as archive:
        for entry, content in _entries(files):
            entry.mtime = DATE
            if isinstance(content, Path):
                with content.open("rb") as data:
                    archive.addfile(entry, data)
            else:
                archive.addfile(entry, io.BytesIO(content) if content is not None else None)


def publish(home: Home) -> None:
    """Put the root file systems where the mirror serves them; what is up to date stays."""
    for name, files in ((DIRECTORY, _files), (CLI_DIRECTORY, _cli_files)):
        directory = home.mirror / name
        directory.mkdir(parents=True, exist_ok=True)
        for release in packages.RELEASES:
            target = directory / f"{release.docker}.tar"
            note = directory / f".{release.docker}.key"
            key = _key(home, release)
            if target.exists() and note.exists() and note.read_text() == key:
                continue
            with step(f"package mirror: packing docker {release.docker} as an image ({name})"):
                draft = target.with_name(f".{target.name}")
                _write(draft, files(home, release))
                draft.replace(target)
                note.write_text(key)
