"""The packages of the mirror are named, versioned and written as dpkg wants them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.lab import deb, oldseccomp
from tests.lab.deb import Content, Package
from tests.lab.maintainer import scripts
from tests.lab.packages import SUITES, docker_version, plugin_version, poison_version
from tests.lab.repository import release_text
from tests.lab.shell import LabError


@pytest.mark.parametrize(
    ("upstream", "codename", "expected"),
    [
        pytest.param("20.10.5", "bookworm", "5:20.10.5~3-0~debian-bookworm", id="the old scheme"),
        pytest.param("20.10.24", "bullseye", "5:20.10.24~3-0~debian-bullseye", id="the old scheme for another release"),
        pytest.param("23.0.0", "bookworm", "5:23.0.0-1~debian.12~bookworm", id="the first of the new scheme"),
        pytest.param("26.1.5", "trixie", "5:26.1.5-1~debian.13~trixie", id="the new scheme"),
    ],
)
def test_versions_follow_dockers_schemes(upstream: str, codename: str, expected: str) -> None:
    assert docker_version(upstream, SUITES[codename]) == expected


def test_plugins_have_no_epoch() -> None:
    assert plugin_version("0.13.1", SUITES["bookworm"]) == "0.13.1-1~debian.12~bookworm"


def test_the_poisoned_version_is_the_newest() -> None:
    for suite in SUITES.values():
        poisoned = poison_version(suite)
        for release in suite.releases():
            older = docker_version(release.docker, suite)
            subprocess.run(["dpkg", "--compare-versions", older, "lt", poisoned], check=True)


PACKAGE = Package(
    "example",
    "5:1.0~3-0",
    {"Depends": "libc6", "Description": "an example"},
    {
        "usr/bin/example": Content(text="#!/bin/sh\n", mode=0o755),
        "usr/bin/alias": Content(link="example"),
        "etc/example/config": Content(text="odd"),
    },
    scripts(["example.service"]),
    ["etc/example/config"],
)


def _member(data: bytes, name: str) -> bytes:
    """A member of an ar archive."""
    assert data.startswith(deb.AR_MAGIC)
    position = len(deb.AR_MAGIC)
    while position < len(data):
        header = data[position : position + 60]
        size = int(header[48:58])
        if header[:16].decode().strip() == name:
            return data[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
    raise AssertionError(f"no member {name}")


def test_a_package_holds_its_files_links_and_scripts(tmp_path: Path) -> None:
    deb.write(PACKAGE, tmp_path / PACKAGE.filename)
    data = (tmp_path / "example_1.0~3-0_amd64.deb").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(_member(data, "data.tar"))) as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
    assert entries["./usr/bin/example"].mode == 0o755
    assert entries["./usr/bin/alias"].linkname == "example"
    assert entries["./etc/example"].isdir()
    with tarfile.open(fileobj=io.BytesIO(_member(data, "control.tar"))) as archive:
        assert {"./control", "./postinst", "./prerm", "./postrm", "./conffiles"} == set(archive.getnames())


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_dpkg_reads_what_was_written(tmp_path: Path) -> None:
    target = tmp_path / PACKAGE.filename
    deb.write(PACKAGE, target)
    fields = subprocess.run(["dpkg-deb", "--field", target], check=True, capture_output=True, text=True).stdout
    assert "Package: example\nVersion: 5:1.0~3-0\nArchitecture: amd64\n" in fields
    subprocess.run(["dpkg-deb", "--extract", target, tmp_path / "out"], check=True)
    assert (tmp_path / "out/etc/example/config").read_text() == "odd"


def test_maintainer_scripts_are_shell(tmp_path: Path) -> None:
    for name, text in scripts(["docker.service", "docker.socket"], "true\n").items():
        (tmp_path / name).write_text(text)
        subprocess.run(["sh", "-n", tmp_path / name], check=True)
        assert "'docker.service' 'docker.socket'" in text


def test_the_recipe_changes_with_the_content_and_not_without(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_text("one")

    def recipe() -> str:
        return Package("p", "1", {}, {"usr/bin/p": Content(source=source)}).recipe()

    before = recipe()
    assert recipe() == before
    source.write_text("three")
    assert recipe() != before


def test_a_release_lists_its_indexes_with_their_hashes() -> None:
    text = release_text({"Codename": "bookworm"}, {"b/Packages": b"", "a/Packages": b"x"})
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text.splitlines()[0] == "Codename: bookworm"
    assert text.splitlines()[2].endswith(" 1 a/Packages")
    assert text.splitlines()[3] == f" {empty} 0 b/Packages"


def test_only_faccessat2_is_forgotten() -> None:
    library = b"\0faccessat\0faccessat2\0fadvise64\0"
    assert oldseccomp.forget(library) == b"\0faccessat\0faccessat_\0fadvise64\0"


@pytest.mark.parametrize(("library", "times"), [(b"nothing", 0), (b"\0faccessat2\0faccessat2\0 \0faccessat2\0", 2)])
def test_a_library_of_another_make_is_refused(library: bytes, times: int) -> None:
    with pytest.raises(LabError, match=f"names faccessat2 {times} times"):
        oldseccomp.forget(library)
