# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import fnmatch
import itertools
import pathlib

import pytest
import yaml

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import NAMES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

ROOT = pathlib.Path(__file__).parents[4]


def test_the_table_of_facts_and_the_table_of_numbers_have_the_same_calls() -> None:
    assert tuple(tables.CALLS) == NAMES


@pytest.mark.parametrize("arch", tables.ARCHITECTURES)
def test_numbers_are_different_and_of_known_calls(arch: str) -> None:
    numbers = tables.numbers(arch)
    assert len(set(numbers.values())) == len(numbers)
    assert set(numbers) <= set(NAMES)


@pytest.mark.parametrize(
    ("arch", "call", "number"),
    [
        pytest.param("x86_64", "statx", 332, id="statx on x86_64"),
        pytest.param("aarch64", "statx", 291, id="statx on aarch64"),
        pytest.param("riscv64", "statx", 291, id="statx on riscv64, like aarch64"),
        pytest.param("armhf", "statx", 397, id="statx on 32-bit ARM"),
        pytest.param("s390x", "faccessat2", 439, id="a recent call anywhere"),
        pytest.param("armhf", "clock_gettime64", 403, id="the first time64 call"),
        pytest.param("i386", "sched_rr_get_interval_time64", 423, id="the last time64 call"),
        pytest.param("x86_64", "futex_time64", None, id="no time64 calls on 64 bits"),
    ],
)
def test_numbers(arch: str, call: str, number: int | None) -> None:
    assert tables.numbers(arch).get(call) == number


@pytest.mark.parametrize(
    ("name", "arch"),
    [("amd64", "x86_64"), ("arm64", "aarch64"), ("armv7l", "armhf"), ("i686", "i386"), ("S390X", "s390x")],
)
def test_architectures_go_by_many_names(name: str, arch: str) -> None:
    assert tables.architecture(name) == arch


def test_rows_are_in_order_and_do_not_overlap() -> None:
    for row in tables.DOCKER:
        assert row.last is not None
        assert row.first <= row.last
    for left, right in itertools.pairwise(tables.DOCKER):
        assert left.last is not None
        assert left.last < right.first


def test_rows_name_known_calls_and_every_capability_is_known() -> None:
    for row in (*tables.DOCKER, *tables.PODMAN):
        assert row.allow | row.enosys | row.eperm | row.capability <= set(NAMES)
        assert not row.allow & (row.enosys | row.eperm | row.capability)
        assert row.capability <= set(tables.CAPABILITIES)


@pytest.mark.parametrize(
    ("engine", "call", "allowed"),
    [
        pytest.param("18.09.9", "io_pgetevents", False, id="18.09 has statx only"),
        pytest.param("19.03.15", "faccessat2", False, id="19.03 never got faccessat2"),
        pytest.param("20.10.0", "faccessat2", True, id="20.10 has it from the start"),
        pytest.param("20.10.3", "close_range", False, id="close_range not before 20.10.4"),
        pytest.param("20.10.4", "close_range", True, id="close_range since 20.10.4"),
        pytest.param("23.0.10", "fchmodat2", True, id="fchmodat2 carried back to 23.0.10"),
        pytest.param("24.0.9", "fchmodat2", False, id="and never to 24.0"),
        pytest.param("25.0.2", "fchmodat2", False, id="nor to the first of 25.0"),
        pytest.param("25.0.3", "fchmodat2", True, id="fchmodat2 since 25.0.3"),
        pytest.param("24.0.9", "io_uring_setup", True, id="io_uring up to 24.0"),
        pytest.param("29.0.0", "io_uring_setup", False, id="no io_uring since 25.0"),
        pytest.param("28.2.0", "mseal", True, id="Linux 6.13 since 28.2"),
    ],
)
def test_what_default_profiles_allow(engine: str, call: str, allowed: bool) -> None:
    row, note = tables.docker_row(EngineVersion.parse(engine))
    assert ((call in row.allow), note) == (allowed, None)


@pytest.mark.parametrize(
    ("runc", "arch", "stub"),
    [
        ("1.0.0~rc92+dfsg1", "x86_64", False),
        ("1.0.0~rc93+ds1", "x86_64", True),
        ("1.0.0-rc93", "armhf", False),
        ("1.3.6", "armhf", False),
        ("1.1.2", "s390x", False),
        ("1.1.3", "s390x", True),
        ("1.1.14", "ppc64le", False),
        ("1.1.15", "ppc64le", True),
        ("1.1.16", "ppc64le", True),
        ("1.2.0-rc.3", "ppc64le", False),
        ("1.2.0", "ppc64le", True),
        ("1.3.6", "ppc64le", True),
    ],
)
def test_the_stub_by_release_and_architecture(runc: str, arch: str, stub: bool) -> None:
    assert tables.has_stub(EngineVersion.parse(runc), arch) is stub


def test_the_tables_are_part_of_the_collection_that_is_published() -> None:
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    files = sorted((ROOT / "plugins/plugin_utils/data").glob("*.json"))
    assert {file.stem for file in files} >= {"engines", "images", "syscalls"}
    for file in files:
        path = file.relative_to(ROOT)
        # As ansible-galaxy matches: each directory on the way, by its path and by its name.
        for part in (path, *path.parents[:-1]):
            assert not [one for one in ignored if fnmatch.fnmatch(str(part), one) or fnmatch.fnmatch(part.name, one)]


def test_every_table_says_where_its_facts_are_from() -> None:
    for name in ("engines", "images", "syscalls"):
        assert tables.load(name)["sources"]
