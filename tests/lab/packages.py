"""The packages of the mirror: real binaries out of Debian's releases, packed as docker packs its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.lab import maintainer, travel
from tests.lab.deb import Content, Package
from tests.lab.debs import Release, unpack
from tests.lab.home import Home
from tests.lab.shell import in_parallel

PROGRAM = 0o755
POISON_VERSION = "28.0.0"
POISON_LINE = "lab: this daemon cannot start"


@dataclass(frozen=True)
class EngineRelease:
    """One version of the engine and where its parts come from."""

    docker: str
    containerd: str
    origin: str  # the release of Debian whose binaries these are
    client: str = "docker.io"  # the package that holds the client
    plugins: Mapping[str, str] = field(default_factory=dict)  # Debian package -> upstream version


RELEASES = (
    EngineRelease("20.10.5", "1.4.13", "bullseye"),
    EngineRelease("20.10.24", "1.6.20", "bookworm"),
    EngineRelease("26.1.5", "1.7.24", "trixie", "docker-cli", {"docker-buildx": "0.13.1", "docker-compose": "2.26.1"}),
)


@dataclass(frozen=True)
class Suite:
    """What the mirror offers to one release of Debian."""

    codename: str
    number: int
    engines: tuple[str, ...]
    travelling: tuple[str, ...] = ()  # engines that bring their libraries, for they need a newer libc
    runc: Mapping[str, str] = field(default_factory=dict)  # engine -> release of Debian whose runc runs here

    def releases(self) -> list[EngineRelease]:
        return [release for release in RELEASES if release.docker in self.engines]


SUITES = {
    suite.codename: suite
    for suite in (
        Suite("bullseye", 11, ("20.10.5", "20.10.24"), travelling=("20.10.24",)),
        Suite("bookworm", 12, ("20.10.5", "20.10.24", "26.1.5"), runc={"26.1.5": "bookworm"}),
        Suite("trixie", 13, ("20.10.24", "26.1.5")),
    )
}


def docker_version(upstream: str, suite: Suite) -> str:
    """The version of a docker-ce package: docker changed its scheme with release 23.0."""
    if int(upstream.partition(".")[0]) < 23:
        return f"5:{upstream}~3-0~debian-{suite.codename}"
    return f"5:{upstream}-1~debian.{suite.number}~{suite.codename}"


def plugin_version(upstream: str, suite: Suite) -> str:
    return f"{upstream}-1~debian.{suite.number}~{suite.codename}"


def poison_version(suite: Suite) -> str:
    return f"5:{POISON_VERSION}~lab-0~debian-{suite.codename}"


_OLD_NAMES = "docker (<< 1.5~), docker-engine, docker.io"
_CE_DEPENDS = "docker-ce-cli, iptables, libseccomp2 (>= 2.3.0)"
_CE_FIELDS = {
    "Recommends": "apparmor, ca-certificates, git, libltdl7, pigz, xz-utils",
    "Suggests": "cgroupfs-mount | cgroup-lite",
    "Conflicts": _OLD_NAMES,
    "Replaces": "docker-engine",
    "Homepage": "https://www.docker.com",
    "Description": "Docker: the open-source application container engine (repackaged for the runnerkit lab)",
}
_CLI_FIELDS = {
    "Conflicts": f"{_OLD_NAMES}, docker-cli",
    "Breaks": "docker-ce (<< 5:0)",
    "Replaces": "docker-ce (<< 5:0)",
    "Description": "Docker CLI (repackaged for the runnerkit lab)",
}
_CONTAINERD_FIELDS = {
    "Provides": "containerd, runc",
    "Conflicts": "containerd, runc",
    "Replaces": "containerd, runc",
    "Description": "An open and reliable container runtime (repackaged for the runnerkit lab)",
}
_UNITS = {
    "lib/systemd/system/docker.service": Content(text=maintainer.DOCKER_SERVICE),
    "lib/systemd/system/docker.socket": Content(text=maintainer.DOCKER_SOCKET),
    "etc/default/docker": Content(text=maintainer.DOCKER_DEFAULTS),
}


@dataclass(frozen=True)
class Parts:
    """Where the unpacked packages of one engine release lie."""

    engine: Path
    client: Path
    containerd: Path
    runc: Path
    init: Path
    plugins: Mapping[str, Path]


def _unpacked(home: Home, codename: str, names: Sequence[str]) -> dict[str, Path]:
    debs = Release(home, codename).fetch(names)
    targets = {name: home.cache / "unpacked" / path.stem for name, path in debs.items()}
    in_parallel([partial(unpack, debs[name], target) for name, target in targets.items()], at_once=2)
    return targets


def _parts(home: Home, release: EngineRelease, runc_origin: str) -> Parts:
    names = dict.fromkeys(["docker.io", release.client, "containerd", "runc", "tini", *release.plugins])
    if runc_origin != release.origin:
        del names["runc"]
    found = _unpacked(home, release.origin, list(names))
    runc = found["runc"] if "runc" in found else _unpacked(home, runc_origin, ["runc"])["runc"]
    return Parts(
        engine=found["docker.io"],
        client=found[release.client],
        containerd=found["containerd"],
        runc=runc,
        init=found["tini"],
        plugins={name: found[name] for name in release.plugins},
    )


def _binaries(parts: Parts) -> dict[str, dict[str, Path]]:
    """Package -> path in it -> the binary."""
    containerd = parts.containerd / "usr/bin"
    return {
        "docker-ce": {
            "usr/bin/dockerd": parts.engine / "usr/sbin/dockerd",
            "usr/bin/docker-proxy": parts.engine / "usr/sbin/docker-proxy",
            "usr/bin/docker-init": parts.init / "usr/bin/tini-static",
        },
        "docker-ce-cli": {"usr/bin/docker": parts.client / "usr/bin/docker"},
        "containerd.io": {
            "usr/bin/runc": parts.runc / "usr/sbin/runc",
            **{f"usr/bin/{path.name}": path for path in sorted(containerd.iterdir())},
        },
    }


def binaries(home: Home, release: EngineRelease) -> dict[str, dict[str, Path]]:
    """Package -> path in it -> binary, all as the release of Debian has them that they come from."""
    return _binaries(_parts(home, release, release.origin))


def _engine_packages(home: Home, suite: Suite, release: EngineRelease) -> Iterator[Package]:
    travels = release.docker in suite.travelling
    parts = _parts(home, release, suite.runc.get(release.docker, release.origin))
    files = {
        name: travel.pack(home, release.origin, name, paths) if travels else _plain(paths)
        for name, paths in _binaries(parts).items()
    }
    libc = "libc6" if travels or release.origin == "bullseye" else "libc6 (>= 2.34)"
    libraries = "libdevmapper1.02.1, libsystemd0, " if release.docker.startswith("20.") and not travels else ""
    version = docker_version(release.docker, suite)
    minimum = "1.4.1" if release.docker.startswith("20.") else "1.6.24"
    yield Package(
        "docker-ce",
        version,
        {
            "Depends": f"containerd.io (>= {minimum}), {_CE_DEPENDS}, {libraries}{libc}",
            **_CE_FIELDS,
        },
        {**_UNITS, **files["docker-ce"]},
        maintainer.scripts(["docker.service", "docker.socket"], maintainer.DOCKER_GROUP),
        ["etc/default/docker"],
    )
    yield Package("docker-ce-cli", version, {"Depends": libc, **_CLI_FIELDS}, files["docker-ce-cli"])
    yield Package(
        "containerd.io",
        f"{release.containerd}-1",
        {"Depends": f"{libc}, libseccomp2 (>= 2.4.1)", **_CONTAINERD_FIELDS},
        {
            "lib/systemd/system/containerd.service": Content(text=maintainer.CONTAINERD_SERVICE),
            "etc/containerd/config.toml": Content(text=maintainer.CONTAINERD_CONFIG),
            **files["containerd.io"],
        },
        maintainer.scripts(["containerd.service"]),
        ["etc/containerd/config.toml"],
    )
    for name, source in parts.plugins.items():
        yield Package(
            f"{name}-plugin",
            plugin_version(release.plugins[name], suite),
            {
                "Depends": libc,
                "Enhances": "docker-ce-cli",
                "Description": f"{name} plugin (repackaged for the runnerkit lab)",
            },
            _plain({f"usr/libexec/docker/cli-plugins/{name}": source / "usr/libexec/docker/cli-plugins" / name}),
        )


def _plain(paths: Mapping[str, Path]) -> dict[str, Content]:
    return {path: Content(source=source, mode=PROGRAM) for path, source in paths.items()}


def stable(home: Home, suite: Suite) -> list[Package]:
    """Every real version that runs on the release."""
    return [package for release in suite.releases() for package in _engine_packages(home, suite, release)]


def test(suite: Suite, stable_packages: Sequence[Package]) -> list[Package]:
    """An engine that installs like any other and whose daemon cannot start."""
    client = [package for package in stable_packages if package.name == "docker-ce-cli"][-1]
    version = poison_version(suite)
    daemon = (
        "#!/bin/sh\n"
        'case " $* " in\n'
        f"*' --version '*) echo 'Docker version {POISON_VERSION}, build lab' ;;\n"
        "*' --validate '*) echo 'configuration OK' ;;\n"
        f"*) echo '{POISON_LINE}' >&2; exit 1 ;;\n"
        "esac\n"
    )
    return [
        Package(
            "docker-ce",
            version,
            {"Depends": f"containerd.io (>= 1.4.1), {_CE_DEPENDS}", **_CE_FIELDS},
            {**_UNITS, "usr/bin/dockerd": Content(text=daemon, mode=PROGRAM)},
            maintainer.scripts(["docker.service", "docker.socket"], maintainer.DOCKER_GROUP),
            ["etc/default/docker"],
        ),
        Package("docker-ce-cli", version, client.fields, client.files),
    ]
