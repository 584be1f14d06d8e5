"""The program that makes a stand-in of the runner's helper image out of a host's own packages."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.lab.files import lab_helper as tool
from tests.lab.hosts import TOOLS

STATUS = """Package: git
Status: install ok installed
Pre-Depends: libpre
Depends: libc6 (>= 2.34), libcurl3-gnutls (>= 7.56.1) | libcurl4, perl:any, git-man (<< 1:2.39.5-.),
 ignored continuation
Description: a thing
 Depends: on nothing that stands in a description

Package: libcurl3-gnutls
Provides: libcurl3g, libcurl-any (= 1)
Depends: libc6

Package: libc6
Depends: libgcc-s1

Package: libgcc-s1

Package: libpre

Package: perl
Depends: perl-base

Package: unwanted
"""


def test_what_a_package_needs_comes_along() -> None:
    packages = tool.installed(STATUS)
    assert packages["git"] == ["libpre", "libc6", "libcurl3-gnutls", "libcurl4", "perl", "git-man"]
    assert packages["libcurl-any"] == ["libcurl3-gnutls"]
    assert tool.closure(packages) == ["git", "libc6", "libcurl3-gnutls", "libgcc-s1", "libpre"]


def test_files_of_packages_are_found_without_what_people_read(tmp_path: Path) -> None:
    info = tmp_path / "info"
    info.mkdir()
    (info / "git.list").write_text("/.\n/usr\n/usr/bin/git\n/usr/share/doc/git/x\n/usr/share/doc\n")
    (info / "libc6:amd64.list").write_text("/lib/x86_64-linux-gnu/libc.so.6\n")
    (info / "git.lists.list").write_text("/usr/bin/other\n")
    (info / "git-man.list").write_text("/usr/bin/another\n")
    assert tool.files(["git", "libc6"], tmp_path) == ["/lib/x86_64-linux-gnu/libc.so.6", "/usr", "/usr/bin/git"]


def test_a_file_has_one_place_whatever_its_package_calls_it(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/bin/sh").symlink_to("dash")
    assert tool.place(f"{tmp_path}/bin/sh") == f"{tmp_path}/usr/bin/sh".lstrip("/")
    assert tool.place(f"{tmp_path}/bin") == f"{tmp_path}/bin".lstrip("/")


def test_every_file_is_in_the_image_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root, store = tmp_path / "root", tmp_path / "store"
    for folder in (root / "usr/bin", store):
        folder.mkdir(parents=True)
    (root / "usr/bin/git").write_text("git")
    os.link(root / "usr/bin/git", root / "usr/bin/git-also")
    (root / "bin").symlink_to("usr/bin")
    (store / "ca-certificates.crt").write_text("bundle")
    (store / "x.pem").symlink_to("/usr/share/ca-certificates/x.crt")
    monkeypatch.setattr(tool, "AUTHORITIES", tmp_path / "none")
    monkeypatch.setattr(
        tool, "place", lambda path: os.path.relpath(Path(path).parent.resolve() / Path(path).name, root)
    )
    names = ("usr/bin/git", "bin/git", "usr/bin/git-also", "bin", "usr", "usr/bin", "usr/bin/gone")
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w") as target:
        tool.write(target, [f"{root}/{name}" for name in names], store)
    result.seek(0)
    with tarfile.open(fileobj=result) as archive:
        entries = archive.getmembers()
        found = {entry.name: entry for entry in entries}
        assert archive.extractfile("usr/bin/git-also").read() == b"git"  # type: ignore[union-attr]
        assert archive.extractfile("etc/ssl/certs/ca-certificates.crt").read() == b"bundle"  # type: ignore[union-attr]
    assert len(found) == len(entries)
    assert [entry.name for entry in entries] == sorted(found)
    assert (found["bin"].linkname, found["etc/ssl/certs/x.pem"].issym()) == ("usr/bin", True)
    assert (found["entrypoint"].mode, found["tmp"].mode) == (0o755, 0o1777)
    assert "usr/bin/gone" not in found


def _run_entrypoint(folder: Path) -> str:
    """What it says; it runs with the paths of a folder, and a program that only counts."""
    text = tool.TEXTS["entrypoint"][1].replace("/usr/local", str(folder / "local"))
    (folder / "entrypoint").write_text(text)
    environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "CA_CERTIFICATES_PATH": str(folder / "ca.crt")}
    command = ["bash", str(folder / "entrypoint"), "echo", "ran"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("cmp"), reason="needs bash and cmp")
def test_the_entry_point_takes_a_certificate_once(tmp_path: Path) -> None:
    (tmp_path / "local/share/ca-certificates").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/update-ca-certificates"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/updates\necho quiet\n')
    program.chmod(0o755)
    said, updates = "Updating CA certificates...\n", tmp_path / "updates"
    assert _run_entrypoint(tmp_path) == "ran\n"
    for content in ("one", "two"):
        (tmp_path / "ca.crt").write_text(content)
        assert _run_entrypoint(tmp_path) == f"{said}ran\n"
        assert (tmp_path / "local/share/ca-certificates/ca.crt").read_text() == content
        assert _run_entrypoint(tmp_path) == "ran\n"
    assert updates.read_text() == "--fresh\n" * 2


def test_hosts_get_the_program() -> None:
    assert TOOLS["lab-helper"] == "lab_helper.py"
    assert Path(tool.__file__).name == "lab_helper.py"
