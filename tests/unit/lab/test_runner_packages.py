"""The packages and the single binary of the runner's stand-in, and the repositories whose key is in trouble."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import keytrouble, runner, runner_scripts
from tests.lab.home import Home


def _program(folder: Path, version: str) -> Path:
    path = folder / "gitlab-runner"
    path.write_bytes(runner.program(version))
    return path


def _run(program: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, program, *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("version", runner.VERSIONS)
def test_the_program_says_its_version_and_what_it_is(tmp_path: Path, version: str) -> None:
    done = _run(_program(tmp_path, version), "--version")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"Version:      {version}"
    assert "stand-in, not GitLab Runner" in done.stdout


def test_the_same_sources_make_the_same_program() -> None:
    assert runner.program("18.2.0") == runner.program("18.2.0")
    assert runner.program("18.2.0") != runner.program("17.11.0")


def test_downloads_come_with_their_checksums(tmp_path: Path) -> None:
    runner.downloads(tmp_path)
    for version in runner.VERSIONS:
        checksum, name = (tmp_path / f"v{version}" / "release.sha256").read_text().split()
        data = (tmp_path / f"v{version}" / name.lstrip("*")).read_bytes()
        assert hashlib.sha256(data).hexdigest() == checksum


def test_what_is_published_again_keeps_its_date(tmp_path: Path) -> None:
    runner.downloads(tmp_path)
    dates = [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))]
    runner.downloads(tmp_path)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))] == dates


@pytest.mark.parametrize(
    ("codename", "toml"),
    [pytest.param("bullseye", True, id="Python 3.9 has no tomllib"), pytest.param("bookworm", False, id="Python 3.11")],
)
def test_a_runner_wants_its_own_helper_images(tmp_path: Path, codename: str, toml: bool) -> None:
    packages = {(package.name, package.version): package for package in runner.packages(Home(tmp_path), codename)}
    assert len(packages) == 2 * len(runner.VERSIONS)
    for version in runner.VERSIONS:
        depends = packages["gitlab-runner", f"{version}-1"].fields["Depends"]
        assert f"gitlab-runner-helper-images (= {version}-1)" in depends
        assert ("python3-toml" in depends) == toml
        helper = packages["gitlab-runner-helper-images", f"{version}-1"]
        assert helper.filename == f"gitlab-runner-helper-images_{version}-1_all.deb"
        assert "Architecture: all\n" in helper.control()


@pytest.mark.parametrize("name", ["POST_INSTALL", "PRE_REMOVE", "CLEAR_CACHE", *runner_scripts.SCRIPTS])
def test_what_packages_run_is_shell(tmp_path: Path, name: str) -> None:
    text = runner_scripts.SCRIPTS.get(name) or getattr(runner_scripts, name)
    (tmp_path / "script").write_text(text)
    subprocess.run(["sh", "-n", tmp_path / "script"], check=True)


@pytest.mark.skipif(not shutil.which("gpg"), reason="needs gpg")
def test_keys_in_trouble_are_what_they_say(tmp_path: Path) -> None:
    def listed(key: Path) -> list[list[str]]:
        command = ["gpg", "--homedir", str(tmp_path), "--batch", "--show-keys", "--with-colons", str(key)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line.split(":") for line in text.splitlines()]

    found = {name: (signer.fingerprint(), signer) for name, signer in keytrouble.signers(Home(tmp_path / "lab"))}
    now = {name: listed(signer.public) for name, (_fingerprint, signer) in found.items()}
    then = {name: listed(signer.former) for name, (_fingerprint, signer) in found.items()}
    validity = {name: ({row[1] for row in then[name] if row[0] in ("pub", "sub")}) for name in found}
    assert validity["expired"] == {"e"}
    assert {row[1] for row in now["expired"] if row[0] in ("pub", "sub")} == {"-"}
    count = {name: [sum(row[0] == "sub" for row in rows[name]) for rows in (then, now)] for name in found}
    assert count == {"expired": [1, 1], "subkey": [1, 2], "rotated": [1, 1]}
    same = {name: signer.former_fingerprint() == fingerprint for name, (fingerprint, signer) in found.items()}
    assert same == {"expired": True, "subkey": True, "rotated": False}
