# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import deb_store
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Apt, AptError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.deb_store import DebStore, file_name, index

VERSION = "5:1.0~rc1-1"
CUT = " cut off"  # such a file has its name, but not all that should be in it
STATUS = """\
Package: rk-test
Status: install ok installed
Priority: optional
Section: misc
Maintainer: The runnerkit contributors <noreply@runnerkit.example>
Architecture: all
Version: 5:1.0~rc1-1
Config-Version: 5:0.9-1
Conffiles:
 /etc/rk-test.conf 8b1a9953c4611296a827abf8c47804d7
 /etc/gone.conf 8b1a9953c4611296a827abf8c47804d7
Description: a package of the tests
 With a second line.
 .
 Status: and a trap
"""
needs_dpkg_deb = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not on this machine")


class FakeHost:
    """A host on which dpkg-deb knows files by a note in them, and whose sources have some packages."""

    def __init__(self, *on_offer: str) -> None:
        self.on_offer = on_offer
        self.calls: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(command))
        if command[0] == "dpkg-deb" and "--show" in command:
            content = Path(command[-1]).read_text()
            return (0, content.removesuffix(CUT), "") if content else (2, "", "not a Debian format archive")
        if command[0] == "sh" and "--fsys-tarfile" in command[2]:
            return (2, "", "unexpected end of file") if Path(command[-1]).read_text().endswith(CUT) else (0, "", "")
        if command[0] == "sh" and "apt-get -q download" in command[2]:
            folder, wanted = command[-2:]
            if wanted not in self.on_offer:
                return 100, "", "E: Can't find a source"
            name, _, version = wanted.partition("=")
            (Path(folder) / file_name(name, version, "all")).write_text(f"{name} {version}")
            return 0, "", ""
        return 1, "", "no packages found matching"


def store(host: FakeHost, path: Path) -> DebStore:
    return DebStore(host, Apt(host), str(path))


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.0-1", "x_1.0-1_all.deb"), ("5:1.0-1", "x_5%3a1.0-1_all.deb")],
    ids=["without an epoch", "with an epoch"],
)
def test_file_names_are_those_of_apt(version: str, expected: str) -> None:
    assert file_name("x", version, "all") == expected


def test_the_index_knows_packages_by_what_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "renamed.deb").write_text("x 5:1.0-1")
    (tmp_path / "damaged.deb").write_text("")
    (tmp_path / "x_1_all.deb.part").write_text("x 1")
    assert index(FakeHost(), str(tmp_path)) == {("x", "5:1.0-1"): str(tmp_path / "renamed.deb")}
    assert index(FakeHost(), str(tmp_path / "missing")) == {}


def test_what_is_there_already_is_not_saved_again(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_text("x 1")
    host = FakeHost()
    found = store(host, tmp_path)
    host.calls.clear()
    found.save("x", "1", "all")
    assert [call[-1] for call in host.calls] == [str(tmp_path / "x.deb")]


def test_a_file_that_was_cut_off_is_saved_again(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_text("x 1" + CUT)
    (tmp_path / "part").mkdir()
    (tmp_path / "part/x_1_all.deb").write_text("left by a run that was killed")
    found = store(FakeHost("x=1"), tmp_path)
    found.save("x", "1", "all")
    assert found.files == {("x", "1"): str(tmp_path / "x_1_all.deb")}
    assert os.listdir(tmp_path) == ["x_1_all.deb"]
    assert (tmp_path / "x_1_all.deb").read_text() == "x 1"


def test_a_damaged_file_in_apts_cache_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    monkeypatch.setattr(deb_store, "APT_ARCHIVES", str(archives))
    (archives / "x_1_all.deb").write_text("x 1" + CUT)
    found = store(FakeHost("x=1"), tmp_path / "store")
    found.save("x", "1", "all")
    assert (tmp_path / "store/x_1_all.deb").read_text() == "x 1"


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deb_store, "flush", lambda path: exit(9))
    with pytest.raises(SystemExit):
        store(FakeHost("x=1"), tmp_path).save("x", "1", "all")
    assert index(FakeHost(), str(tmp_path)) == {}


def test_fetching_takes_what_is_here_or_elsewhere_and_does_not_pack(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_text("x 1")
    found = store(FakeHost("y=1"), tmp_path)
    assert found.fetch("x", "1", "all") == str(tmp_path / "x.deb")
    assert found.fetch("y", "1", "all") == str(tmp_path / "y_1_all.deb")
    assert found.fetch("z", "1", "all") is None


def test_the_folder_can_be_read_by_apts_own_user(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        store(FakeHost(), tmp_path / "a/store")
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a/store")] == [0o755, 0o755]


def test_apts_own_cache_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    monkeypatch.setattr(deb_store, "APT_ARCHIVES", str(archives))
    (archives / "x_5%3a1_all.deb").write_text("x 5:1")
    host = FakeHost("x=5:1")
    found = store(host, tmp_path / "store")
    found.save("x", "5:1", "all")
    assert found.files == {("x", "5:1"): str(tmp_path / "store/x_5%3a1_all.deb")}
    assert not [call for call in host.calls if call[0] == "sh" and "download" in call[2]]


def test_then_the_sources(tmp_path: Path) -> None:
    found = store(FakeHost("x=5:1"), tmp_path / "a/store")
    found.save("x", "5:1", "all")
    assert list(found.files) == [("x", "5:1")]


def test_a_package_that_cannot_be_had_in_any_way_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AptError, match=r"^x could not be packed again: no packages found matching$"):
        store(FakeHost(), tmp_path).save("x", "1", "all")
    assert os.listdir(tmp_path) == []


def test_only_the_wanted_files_stay_and_those_of_other_packages(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.deb").write_text(f"{name} 1")
    found = store(FakeHost(), tmp_path)
    found.keep_only([("a", "1"), ("b", "2"), ("e", "1")], "abce")
    assert sorted(found.files) == [("a", "1"), ("d", "1")]
    assert sorted(os.listdir(tmp_path)) == ["a.deb", "d.deb"]


class InstalledHost:
    """A host with one package whose files lie below a folder; dpkg-deb is the real one."""

    def __init__(self, tree: Path, status: str = STATUS) -> None:
        self.tree = tree
        self.status = status

    def __call__(self, command: Sequence[str]) -> tuple[int, str, str]:
        if command[0] == "dpkg-deb" or "--fsys-tarfile" in command[2]:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            return done.returncode, done.stdout, done.stderr
        if command[0] == "dpkg-query":
            return 0, self.status if "--status" in command else self.listing(), ""
        return 100, "", "E: no source has it"

    def listing(self) -> str:
        """Folders first, as dpkg lists them; a link on the host has the package's name."""
        names = ["/."]
        for part in self.tree.parts[1:]:
            names.append(names[-1].rstrip("/.") + "/" + part if len(names) > 1 else "/" + part)
        for folder, folders, files in os.walk(self.tree, followlinks=True):
            if os.path.basename(folder) != "usr-lib":
                names += [os.path.join(folder, name) for name in sorted(folders + files) if name != "usr-lib"]
        return "\n".join([*names, "diverted by another to: /x", str(self.tree / "missing"), ""])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of an installed package, with everything that packages have."""
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/rk-test.conf").write_text("changed by hand\n")
    (tree / "bin").mkdir(mode=0o750)
    program = tree / "bin/rk-test"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o4755)
    (tree / "bin/rk-link").symlink_to("rk-test")
    (tree / "bin/rk-nowhere").symlink_to("/nowhere")
    # A merged /usr: the package has /lib, the host has a link of that name.
    (tree / "usr-lib").mkdir()
    (tree / "usr-lib/rk-test.service").write_text("[Service]\n")
    (tree / "lib").symlink_to("usr-lib")
    information = tmp_path / "info"
    information.mkdir()
    monkeypatch.setattr(deb_store, "DPKG_INFO", str(information))
    postinst = information / "rk-test.postinst"
    postinst.write_text("#!/bin/sh\nset -e\n")
    postinst.chmod(0o755)
    (information / "rk-test:all.triggers").write_text("activate-noawait ldconfig\n")
    (information / "rk-test.list").write_text("not for the archive\n")
    (information / "rk-test.conffiles").write_text(f"{tree}/etc/rk-test.conf\n{tree}/etc/gone.conf\n")
    return tree


@needs_dpkg_deb
def test_an_installed_package_is_packed_again(installed: Path, tmp_path: Path) -> None:
    host = InstalledHost(installed)
    found = DebStore(host, Apt(host), str(tmp_path / "store"))
    found.save("rk-test", VERSION, "all")
    path = found.files[("rk-test", VERSION)]
    assert os.listdir(tmp_path / "store") == [os.path.basename(path)]
    subprocess.run(["dpkg-deb", "--raw-extract", path, str(tmp_path / "out")], check=True)
    out = tmp_path / f"out{installed}"
    assert (out / "etc/rk-test.conf").read_text() == "changed by hand\n"
    assert (out / "bin/rk-test").stat().st_mode & 0o7777 == 0o4755
    assert (out / "bin").stat().st_mode & 0o7777 == 0o750
    assert [os.readlink(out / "bin" / name) for name in ("rk-link", "rk-nowhere")] == ["rk-test", "/nowhere"]
    assert not (out / "lib").is_symlink()
    assert (out / "lib/rk-test.service").read_text() == "[Service]\n"
    assert not (out / "usr-lib").exists()
    control = tmp_path / "out/DEBIAN"
    assert sorted(os.listdir(control)) == ["conffiles", "control", "postinst", "triggers"]
    assert (control / "conffiles").read_text() == f"{installed}/etc/rk-test.conf\n"
    assert (control / "control").read_text() == (
        "Package: rk-test\nPriority: optional\nSection: misc\n"
        "Maintainer: The runnerkit contributors <noreply@runnerkit.example>\nArchitecture: all\nVersion: 5:1.0~rc1-1\n"
        "Description: a package of the tests\n With a second line.\n .\n Status: and a trap\n"
    )


@needs_dpkg_deb
def test_everything_in_a_packed_archive_belongs_to_root(installed: Path, tmp_path: Path) -> None:
    host = InstalledHost(installed)
    found = DebStore(host, Apt(host), str(tmp_path / "store"))
    found.save("rk-test", VERSION, "all")
    listing = subprocess.run(
        ["dpkg-deb", "--contents", found.files[("rk-test", VERSION)]], check=True, capture_output=True, text=True
    ).stdout
    assert {line.split()[1] for line in listing.splitlines()} == {"root/root"}


@needs_dpkg_deb
def test_an_archive_that_cannot_be_built_leaves_nothing_behind(installed: Path, tmp_path: Path) -> None:
    host = InstalledHost(installed, STATUS.replace("Architecture: all\n", ""))
    with pytest.raises(AptError, match=r"^rk-test could not be packed again: dpkg-deb: error: .*$"):
        DebStore(host, Apt(host), str(tmp_path / "store")).save("rk-test", VERSION, "all")
    assert os.listdir(tmp_path / "store") == []


@needs_dpkg_deb
def test_another_version_than_the_wanted_one_is_no_way_back(installed: Path, tmp_path: Path) -> None:
    host = InstalledHost(installed)
    with pytest.raises(AptError, match=r"^rk-test 6:2\.0-1 could not be kept for the way back; put"):
        DebStore(host, Apt(host), str(tmp_path / "store")).save("rk-test", "6:2.0-1", "all")
