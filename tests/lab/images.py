"""Root file systems of the hosts, built by mmdebstrap and kept by the hash of their recipe."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab import aptsources
from tests.lab.engine import Engine
from tests.lab.home import FILES, Home
from tests.lab.machine import KEYRING, memory_available, program
from tests.lab.shell import LabError, in_parallel, run, say, step, succeeds

COMMON_PACKAGES = (
    "busybox-static ca-certificates dbus iproute2 netbase openssh-server procps python3 sudo systemd systemd-sysv"
).split()
HOOKS = ("customize", "merged-usr")
TMPFS_BYTES = 1_500_000_000  # what building one image takes at most


@dataclass(frozen=True)
class Image:
    """One release of Debian."""

    name: str
    codename: str
    number: int
    extra_packages: tuple[str, ...] = ()
    merge_usr: bool = True


IMAGES = {
    image.name: image
    for image in (
        Image("debian11", "bullseye", 11),
        Image("debian12", "bookworm", 12),
        Image("debian13", "trixie", 13, ("libkmod2",), merge_usr=False),  # without libkmod2 it boots degraded
    )
}


def image(name: str) -> Image:
    if name not in IMAGES:
        raise LabError(f"There is no image {name!r}; choose one of {', '.join(IMAGES)}.")
    return IMAGES[name]


def _settings() -> list[str]:
    return [
        *aptsources.carried_settings(run([program("apt-config"), "dump"])),
        'Acquire::Languages "none";',
    ]


def _sources(what: Image) -> list[str]:
    return aptsources.read().lines(what.codename)


def recipe_hash(what: Image) -> str:
    """Changes whenever the image would come out different."""
    words = [str(word).replace(shlex.quote(str(FILES)), "") for word in _command(what, Path("debs"), Path("target"))]
    digest = hashlib.sha256(repr(words).encode())
    for hook in HOOKS:
        digest.update((FILES / hook).read_bytes())
    return digest.hexdigest()[:12]


def tag(what: Image) -> str:
    return f"runnerkit-lab/{what.name}:{recipe_hash(what)}"


def exists(engine: Engine, what: Image) -> bool:
    return succeeds(engine.client("image", "inspect", tag(what)))


@contextmanager
def _workspace(home: Home, images: int) -> Iterator[Path]:
    """A place to unpack in: in memory where there is enough of it."""
    work = home.path / "work"
    work.mkdir(parents=True, exist_ok=True)
    mounted = memory_available() > 2 * images * TMPFS_BYTES and succeeds(
        [program("mount"), "-t", "tmpfs", "-o", f"size={images * TMPFS_BYTES},mode=0755", "runnerkit-lab", work]
    )
    try:
        yield work
    finally:
        if mounted:
            run([program("umount"), "-l", work])


def _command(what: Image, debs: Path, target: Path) -> list[str | Path]:
    cache, archives = shlex.quote(str(debs)), '"$1"/var/cache/apt/archives'
    merge, customize = (shlex.quote(str(FILES / hook)) for hook in ("merged-usr", "customize"))
    command: list[str | Path] = [
        program("mmdebstrap"),
        *("--mode=root", "--variant=minbase", "--format=tar", "--architectures=amd64"),
        *("--skip=download/empty", "--skip=essential/unlink", f"--keyring={KEYRING}"),
        f"--include={','.join([*COMMON_PACKAGES, *what.extra_packages])}",
        f"--setup-hook=mkdir -p {archives} && cp -a {cache}/. {archives}/",
    ]
    if what.merge_usr:
        command.append(f'--setup-hook={merge} "$1"')
    command += [f"--aptopt={setting}" for setting in _settings()]
    excluded = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")
    command += [f"--dpkgopt=path-exclude={path}" for path in excluded]
    command += [
        "--dpkgopt=force-unsafe-io",
        f"--customize-hook=cp -a {archives}/*.deb {cache}/ && rm -f {archives}/*.deb",
        f'--customize-hook={customize} "$1"',
    ]
    return [*command, what.codename, target, *_sources(what)]


def _build(home: Home, engine: Engine, what: Image, work: Path) -> None:
    target = home.cache / "rootfs" / f"{what.name}-{recipe_hash(what)}.tar"
    debs = home.cache / "debs" / what.codename
    debs.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        draft = target.with_suffix(".draft.tar")
        with step(f"{what.name}: building the root file system with mmdebstrap"):
            run(
                _command(what, debs, draft),
                env={"TMPDIR": str(work)},
                remedy=f"Is the Debian mirror {aptsources.read().debian} reachable?",
            )
        for old in target.parent.glob(f"{what.name}-*.tar"):
            if old != draft:
                old.unlink()
        os.replace(draft, target)
    with step(f"{what.name}: importing {target.stat().st_size // 1_000_000} MB into the engine"):
        engine.docker("import", target, tag(what))
    _forget_older(engine, what)


def _forget_older(engine: Engine, what: Image) -> None:
    """Remove images of earlier recipes; those that a host still runs on stay."""
    repository, _, version = tag(what).partition(":")
    for old in engine.docker("image", "ls", "--format", "{{.Tag}}", repository).split():
        if old != version:
            succeeds(engine.client("image", "rm", f"{repository}:{old}"))


def ensure(home: Home, engine: Engine, wanted: Sequence[Image]) -> None:
    """Build and import what is missing, side by side."""
    missing = [what for what in wanted if not exists(engine, what)]
    if not missing:
        return
    with _workspace(home, len(missing)) as work:
        in_parallel([partial(_build, home, engine, what, work) for what in missing])
    say(f"images ready: {', '.join(what.name for what in missing)}")
