"""Packages and the single binary of GitLab Runner, holding a stand-in: the real program is not to be had here."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.lab import runner_scripts
from tests.lab.deb import Content, Package
from tests.lab.home import FILES, Home

VERSIONS = ("17.11.0", "18.2.0")
SOURCE = FILES / "gitlab_runner"
BINARY = "binaries/gitlab-runner-linux-amd64"
SHARE = "usr/share/gitlab-runner"

_SHEBANG = b"#!/usr/bin/python3\n"
_MAIN = "import sys\n\nfrom gitlab_runner.main import main\n\nsys.exit(main(sys.argv[1:]))\n"
_DATE = (2020, 9, 13, 12, 0, 0)  # so that the same sources give the same program, and the same checksum
_VERSION = 'VERSION = "0.0.0"'


def program(version: str) -> bytes:
    """One file that Python runs, as the real one is one file."""
    texts = {f"gitlab_runner/{path.name}": path.read_text() for path in sorted(SOURCE.glob("*.py"))}
    name = "gitlab_runner/version.py"
    if _VERSION not in texts[name]:
        raise ValueError(f"{SOURCE / 'version.py'} has no line {_VERSION!r}")
    texts[name] = texts[name].replace(_VERSION, f'VERSION = "{version}"')
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in {"__main__.py": _MAIN, **texts}.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return _SHEBANG + buffer.getvalue()


_packed = cache(program)  # for every release of Debian and every repository the same


def _place(path: Path, data: bytes) -> Path:
    """Write what is not there yet; an unchanged file keeps its date, by which packages are told apart."""
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        draft.write_bytes(data)
        draft.replace(path)
    return path


def _runner(home: Home, codename: str, version: str) -> Package:
    binary = _place(home.cache / "runner" / version / "gitlab-runner", _packed(version))
    python = "python3, python3-toml" if codename == "bullseye" else "python3"  # tomllib came with Python 3.11
    return Package(
        "gitlab-runner",
        f"{version}-1",
        {
            "Depends": f"ca-certificates, git, curl, tar, gitlab-runner-helper-images (= {version}-1), {python}",
            "Suggests": "docker-engine",
            "Conflicts": "gitlab-runner-beta, gitlab-ci-multi-runner, gitlab-ci-multi-runner-beta",
            "Replaces": "gitlab-ci-multi-runner",
            "Provides": "gitlab-ci-multi-runner",
            "Homepage": "https://gitlab.com/gitlab-org/gitlab-runner",
            "Description": "stand-in for GitLab Runner in the runnerkit lab",
        },
        {
            "usr/bin/gitlab-runner": Content(source=binary, mode=0o755),
            "usr/bin/gitlab-ci-multi-runner": Content(link="gitlab-runner"),
            "usr/lib/gitlab-runner/gitlab-runner": Content(link="../../bin/gitlab-runner"),
            f"{SHARE}/post-install": Content(text=runner_scripts.POST_INSTALL, mode=0o755),
            f"{SHARE}/pre-remove": Content(text=runner_scripts.PRE_REMOVE, mode=0o755),
            f"{SHARE}/clear-docker-cache": Content(text=runner_scripts.CLEAR_CACHE, mode=0o755),
        },
        runner_scripts.SCRIPTS,
    )


def _helper_images(version: str) -> Package:
    folder = "usr/lib/gitlab-runner/helper-images"
    return Package(
        "gitlab-runner-helper-images",
        f"{version}-1",
        {
            "Architecture": "all",
            "Description": "stand-in for the images of GitLab Runner's helper in the runnerkit lab",
        },
        {
            f"{folder}/prebuilt-{flavour}.tar.xz": Content(text=f"no image, but a stand-in for that of {version}\n")
            for flavour in ("x86_64", "alpine-x86_64", "arm64")
        },
    )


def packages(home: Home, codename: str) -> Iterator[Package]:
    for version in VERSIONS:
        yield _runner(home, codename, version)
        yield _helper_images(version)


def downloads(target: Path) -> None:
    """What GitLab offers beside its packages: `vVERSION/binaries/...` and their checksums in `release.sha256`."""
    for version in VERSIONS:
        data = _packed(version)
        _place(target / f"v{version}" / BINARY, data)
        line = f"{hashlib.sha256(data).hexdigest()} *{BINARY}\n"
        _place(target / f"v{version}" / "release.sha256", line.encode())
