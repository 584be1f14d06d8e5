# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import (
    Package,
    has_database,
    interrupted,
    owner_of,
    read_packages,
)

STATUS = """\
Package: adduser
Status: install ok installed
Priority: important
Architecture: all
Version: 3.134
Conffiles:
 /etc/adduser.conf d1c4e5
 /etc/deluser.conf obsolete
Description: add and remove users and groups
 Package: docker-ce
 .
 Status: hold ok installed

Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21.22

Package: docker-ce
Status: hold ok installed
Architecture: amd64
Version: 5:20.10.24~3-0~debian-bookworm
Description: Docker
 the engine

Package: docker-ce-cli
Status: install reinstreq half-installed
Architecture: amd64

Package: containerd.io
Status: install ok half-configured
Architecture: amd64
Version: 1.6.20-1
Config-Version: 1.6.4-1

Package: libseccomp2
Status: install ok installed
Multi-Arch: same
Architecture: i386
Version: 2.5.3-1

Package: libseccomp2
Status: install ok installed
Multi-Arch: same
Architecture: amd64
Version: 2.5.4-1+deb12u1

Package: docker.io
Status: deinstall ok config-files
Architecture: amd64
Version: 20.10.24+dfsg1-1+deb12u1

Package: runc
Status: purge ok not-installed
Architecture: amd64

Package: broken
Status: install
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "var/lib/dpkg/updates").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info").mkdir()
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("adduser", Package("adduser", "3.134", "all", "install", "installed"), id="an installed package"),
        pytest.param(
            "docker-ce",
            Package("docker-ce", "5:20.10.24~3-0~debian-bookworm", "amd64", "hold", "installed"),
            id="a held package",
        ),
        pytest.param(
            "containerd.io",
            Package("containerd.io", "1.6.20-1", "amd64", "install", "half-configured"),
            id="a half-configured package",
        ),
        pytest.param(
            "docker-ce-cli",
            Package("docker-ce-cli", None, "amd64", "install", "half-installed"),
            id="a half-installed package has no version yet",
        ),
        pytest.param(
            "libseccomp2",
            Package("libseccomp2", "2.5.4-1+deb12u1", "amd64", "install", "installed"),
            id="of two architectures the host's own",
        ),
        pytest.param("docker.io", None, id="a removed package whose configuration is left is absent"),
        pytest.param("runc", None, id="a package that is only mentioned is absent"),
        pytest.param("podman", None, id="a package that dpkg never heard of is absent"),
        pytest.param("broken", None, id="a damaged paragraph is skipped"),
    ],
)
def test_a_package_is_read_from_the_status_file(root: Path, name: str, expected: Package | None) -> None:
    assert read_packages([name], str(root)).get(name) == expected


@pytest.mark.parametrize(
    ("want", "held"),
    [pytest.param("hold", True, id="hold is held"), pytest.param("install", False, id="install is not")],
)
def test_held(want: str, held: bool) -> None:
    assert Package("x", "1", "all", want, "installed").held is held


def test_only_what_was_asked_for_comes_back(root: Path) -> None:
    assert set(read_packages(["docker-ce", "adduser"], str(root))) == {"docker-ce", "adduser"}


def test_the_journal_of_an_interrupted_dpkg_counts_and_its_last_entry_wins(root: Path) -> None:
    updates = root / "var/lib/dpkg/updates"
    paragraph = "Package: docker-ce\nStatus: hold ok {}\nArchitecture: amd64\nVersion: 5:28.5.2\n#padding\n#padding\n"
    (updates / "0000").write_text(paragraph.format("unpacked"))
    (updates / "0001").write_text(paragraph.format("half-configured"))
    (updates / "tmp.i").write_text(paragraph.format("half-installed"))
    package = read_packages(["docker-ce"], str(root))["docker-ce"]
    assert (package.version, package.state, package.held) == ("5:28.5.2", "half-configured", True)


def test_a_host_without_dpkg_has_no_packages(tmp_path: Path) -> None:
    assert not has_database(str(tmp_path))
    assert read_packages(["docker-ce"], str(tmp_path)) == {}
    assert owner_of("/usr/bin/dockerd", str(tmp_path)) is None


def test_text_that_is_not_utf8_does_not_stop_the_reading(root: Path) -> None:
    status = root / "var/lib/dpkg/status"
    status.write_bytes(b"Package: odd\nMaintainer: J\xf6rg\nStatus: install ok installed\n\n" + status.read_bytes())
    assert has_database(str(root))
    assert read_packages(["docker-ce"], str(root))["docker-ce"].held


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        pytest.param("/usr/bin/dockerd", "docker-engine", id="a file in the middle of a list"),
        pytest.param("/.", "docker-engine", id="the first line of a list"),
        pytest.param("/usr/lib/x.so", "libx", id="a list with its architecture in the name"),
        pytest.param("/usr/bin/docker", None, id="no part of a longer path"),
        pytest.param("/usr/local/bin/dockerd", None, id="a file of nobody"),
    ],
)
def test_owner_of(root: Path, path: str, owner: str | None) -> None:
    info = root / "var/lib/dpkg/info"
    (info / "docker-engine.list").write_text("/.\n/usr\n/usr/bin/dockerd\n/usr/bin/docker-proxy\n")
    (info / "libx:amd64.list").write_text("/usr/lib/x.so\n")
    (info / "libx:amd64.md5sums").write_text("/usr/local/bin/dockerd\n")
    (info / "unreadable.list").symlink_to(info / "nowhere")
    assert owner_of(path, str(root)) == owner


@pytest.mark.parametrize(
    ("status", "journal", "expected"),
    [
        pytest.param("install ok installed", [], False, id="an installed package"),
        pytest.param("hold ok installed", [], False, id="a held package"),
        pytest.param("deinstall ok config-files", [], False, id="a removed package"),
        pytest.param("install ok unpacked", [], True, id="an unpacked package"),
        pytest.param("install ok half-configured", [], True, id="a half-configured package"),
        pytest.param("install reinstreq installed", [], True, id="a package that must be installed again"),
        pytest.param("install ok installed", ["0003"], True, id="a journal that was not merged"),
        pytest.param("install ok installed", ["tmp.i"], False, id="dpkg's empty form for a journal"),
    ],
)
def test_interrupted(tmp_path: Path, status: str, journal: list[str], expected: bool) -> None:
    (tmp_path / "var/lib/dpkg/updates").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(f"Package: x\nStatus: {status}\nVersion: 1\n")
    for name in journal:
        (tmp_path / "var/lib/dpkg/updates" / name).write_text("")
    assert interrupted(str(tmp_path)) is expected


def test_a_host_without_dpkg_was_not_interrupted(tmp_path: Path) -> None:
    assert interrupted(str(tmp_path)) is False
