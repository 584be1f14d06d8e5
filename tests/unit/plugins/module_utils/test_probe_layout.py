# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout, layout, system_interpreter


@pytest.fixture
def system_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter as a distribution has it, whichever runs these tests."""
    use_python(monkeypatch, "/usr")


def use_python(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setattr(sys, "executable", f"{prefix}/bin/python3")
    monkeypatch.setattr(sys, "base_prefix", prefix)
    monkeypatch.setattr(sys, "base_exec_prefix", prefix)
    monkeypatch.setattr(os, "__file__", f"{prefix}/lib/python3.11/os.py")
    monkeypatch.setattr(os.path, "realpath", lambda path: path)


def maps(tmp_path: Path, *libraries: str) -> str:
    path = tmp_path / "maps"
    path.write_text("".join(f"7f00-7f01 r-xp 0 08:01 1    {library}\n" for library in libraries) + "7f02-7f03 [heap]\n")
    return str(path)


def test_a_merged_system_needs_one_mount(tmp_path: Path, system_python: None) -> None:
    (tmp_path / "usr").mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    found = layout(str(tmp_path), maps=maps(tmp_path, "/usr/lib/x86_64-linux-gnu/libffi.so.8.1.2"))
    assert found.folders == ("/usr",)
    assert found.symlinks == {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
    assert found.library_path == ()
    assert found.environment() == []


def test_a_system_that_is_not_merged_needs_its_folders(tmp_path: Path, system_python: None) -> None:
    for name in ("usr", "bin", "lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "lib64").symlink_to("/lib")
    found = layout(str(tmp_path), maps=maps(tmp_path))
    assert found.folders == ("/bin", "/lib", "/usr")
    assert found.symlinks == {"lib64": "/lib"}


def test_an_interpreter_of_its_own_comes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_python(monkeypatch, "/opt/python")
    (tmp_path / "usr").mkdir()
    libraries = ("/opt/python/lib/libpython3.11.so.1.0", "/srv/ffi/libffi.so.8", "/usr/lib/libc.so.6")
    found = layout(str(tmp_path), maps=maps(tmp_path, *libraries))
    assert found.folders == ("/usr", "/opt/python", "/srv/ffi")
    assert found.environment() == ["LD_LIBRARY_PATH=/opt/python/lib:/srv/ffi"]
    assert found.command("x") == ["/opt/python/bin/python3", "-I", "-S", "-c", "x"]


@pytest.mark.parametrize(
    ("mode", "other", "interpreter", "folders"),
    [
        pytest.param(0o700, "/usr/bin/python3.11", "/usr/bin/python3.11", ("/usr",), id="the system's own instead"),
        pytest.param(0o700, None, "{}/bin/python3", ("/usr", "{}"), id="there is none: better than nothing"),
        pytest.param(0o755, "/usr/bin/python3.11", "{}/bin/python3", ("/usr", "{}"), id="everybody may read it"),
    ],
)
def test_an_interpreter_that_only_root_may_read_is_not_taken_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, other: str | None, interpreter: str, folders: Any
) -> None:
    prefix = tmp_path / "private" / "python"
    prefix.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o001)
    prefix.parent.chmod(mode)
    use_python(monkeypatch, str(prefix))
    monkeypatch.setattr(probe_layout, "system_interpreter", lambda: other)
    (tmp_path / "usr").mkdir()
    found = layout(str(tmp_path), maps=maps(tmp_path, f"{prefix}/lib/libpython3.11.so.1.0"))
    assert found.interpreter == interpreter.format(prefix)
    assert found.folders == tuple(folder.format(prefix) for folder in folders)
    assert bool(found.library_path) is (interpreter != other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("printf '%s\\n' /usr/bin/python3.9 /usr/lib/a /usr /usr/b /usr/c", "/usr/bin/python3.9", id="fit"),
        pytest.param(
            "printf '%s\\n' /usr/bin/python3.9 /opt/lib/a /usr /usr/b /usr/c", None, id="its library elsewhere"
        ),
        pytest.param("exit 1", None, id="no ctypes"),
        pytest.param(":", None, id="it says nothing"),
        pytest.param(None, None, id="not there"),
    ],
)
def test_the_systems_interpreter_is_asked(tmp_path: Path, text: str | None, expected: str | None) -> None:
    path = tmp_path / "python3"
    if text is not None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    assert system_interpreter(str(path)) == expected


def test_mounts_are_read_only_and_have_to_exist() -> None:
    content = Layout({}, ("/usr",), {}, "/usr/bin/python3", ())
    assert content.mounts("/host") == [{"Type": "bind", "Source": "/host/usr", "Target": "/usr", "ReadOnly": True}]
    assert content.volumes("/host") == ["/host/usr:/usr:ro"]


def test_the_archive_holds_names_and_nothing_else() -> None:
    content = Layout({"bin": "usr/bin"}, ("/usr", "/opt/a/b"), {"etc/ld.so.cache": b"cache"}, "/usr/bin/python3", ())
    with tarfile.open(fileobj=io.BytesIO(content.archive("abc"))) as archive:
        members = {member.name: member for member in archive.getmembers()}
    assert {name for name, member in members.items() if member.isdir()} == {
        *(".runnerkit-probe-abc", "dev", "etc", "proc", "sys", "tmp"),
        *("opt", "opt/a", "opt/a/b", "usr"),
    }
    assert members["bin"].linkname == "usr/bin"
    assert members["etc/ld.so.cache"].size == 5


def test_two_archives_share_no_layer() -> None:
    content = Layout({}, ("/usr",), {}, "/usr/bin/python3", ())
    assert content.archive("a") != content.archive("b")


def test_the_same_root_as_a_folder(tmp_path: Path) -> None:
    Layout({"bin": "usr/bin"}, ("/usr",), {"etc/ld.so.cache": b"x"}, "/usr/bin/python3", ()).unpack(str(tmp_path))
    assert (tmp_path / "usr").is_dir()
    assert (tmp_path / "bin").readlink() == Path("usr/bin")
    assert (tmp_path / "etc/ld.so.cache").read_bytes() == b"x"


def test_this_very_interpreter_is_covered_unless_only_root_may_read_it() -> None:
    found = layout()
    roots = (*found.folders, *("/" + name for name in found.symlinks))
    library = os.path.realpath(os.__file__)
    needed = [found.interpreter, *([library] if found.interpreter == os.path.realpath(sys.executable) else [])]
    for path in needed:
        assert any(path.startswith(root + "/") for root in roots)
