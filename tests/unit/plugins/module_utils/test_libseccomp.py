# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import libseccomp, syscalls
from ansible_collections.runnerkit.gitlab.plugins.module_utils.libseccomp import libseccomp_facts, loaded_path


def _present() -> bool:
    try:
        ctypes.CDLL(libseccomp.SONAME)
    except OSError:
        return False
    return True


needs_library = pytest.mark.skipif(not _present(), reason="this machine has no libseccomp")


@needs_library
def test_the_library_answers_for_itself() -> None:
    facts = libseccomp_facts()
    assert facts is not None
    major, minor, micro = facts["version"].split(".")
    assert (int(major), int(minor) >= 0, int(micro) >= 0) == (2, True, True)
    assert "libseccomp.so.2" in facts["path"]
    assert Path(facts["path"]).is_file()
    assert set(facts["syscalls"]) == set(syscalls.NAMES)
    assert facts["faccessat2"] == facts["syscalls"]["faccessat2"]


@needs_library
@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param("clone3", 435, id="clone3 has its number"),
        pytest.param("faccessat2", 439, id="faccessat2 has the number that scmp_sys_resolver prints"),
        pytest.param("no_such_call", -1, id="a call that does not exist is unknown"),
        pytest.param(
            "futex_time64",
            None,
            id="a call of 32-bit architectures is known by a negative number",
            marks=pytest.mark.skipif(sys.maxsize < 2**32, reason="this is a 32-bit machine"),
        ),
    ],
)
def test_a_number(name: str, number: int | None) -> None:
    answer = libseccomp._resolve(ctypes.CDLL(libseccomp.SONAME), [name])[name]
    if number is None:
        assert answer < -1
    else:
        assert answer == number


@needs_library
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers below 424 are those of x86_64")
def test_statx_has_the_number_of_this_architecture() -> None:
    facts = libseccomp_facts()
    assert facts is not None
    assert facts["syscalls"]["statx"] == 332


@pytest.mark.parametrize(
    "soname",
    [
        pytest.param("libseccomp-that-is-not-there.so.9", id="a library that is not there"),
        pytest.param("libc.so.6", id="a library that resolves no system calls"),
        pytest.param("/etc/passwd", id="a file that is no library"),
    ],
)
def test_without_the_library_there_are_no_facts(soname: str) -> None:
    assert libseccomp_facts(soname) is None


def test_a_python_without_ctypes_has_no_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    assert libseccomp_facts() is None


def test_a_library_too_old_to_tell_its_version_has_none() -> None:
    assert libseccomp._version(object()) is None


def test_no_call_is_named_twice() -> None:
    assert len(set(syscalls.NAMES)) == len(syscalls.NAMES)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "7f0 r-xp 00002000 fe:01 99  /usr/lib/x86_64-linux-gnu/libseccomp.so.2.5.4",
            "/usr/lib/x86_64-linux-gnu/libseccomp.so.2.5.4",
            id="the versioned file",
        ),
        pytest.param(
            "7f0 r-xp 0 fe:01 9 /lib/libseccomp-2.3.so", "/lib/libseccomp-2.3.so", id="a name of another style"
        ),
        pytest.param("7f0 r-xp 0 fe:01 9 /lib/libc.so.6", None, id="another library"),
        pytest.param("7f0 rw-p 0 00:00 0", None, id="memory without a file"),
    ],
)
def test_the_path_comes_from_the_memory_map(tmp_path: Path, line: str, expected: str | None) -> None:
    maps = tmp_path / "maps"
    maps.write_text(f"7e0 r-xp 0 fe:01 1 /usr/bin/python3\n{line}\n7f1 rw-p 0 00:00 0 [stack]\n")
    assert loaded_path("libseccomp.so.2", str(maps)) == expected


def test_without_a_memory_map_there_is_no_path(tmp_path: Path) -> None:
    assert loaded_path("libseccomp.so.2", str(tmp_path / "maps")) is None
