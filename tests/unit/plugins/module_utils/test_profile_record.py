# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_record
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_record import Record

PACKAGE = "docker-ce=5:20.10.5~3-0~debian-bookworm"
PROFILE = {"defaultAction": "SCMP_ACT_TRACE", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
RECORD = Record("20.10.5", PACKAGE, "5.10.0-28-amd64", "/etc/docker/p.json", PROFILE)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lib/record.json"
    profile_record.write(RECORD, str(path))
    assert profile_record.read(str(path)) == RECORD
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        json.dumps({**RECORD._asdict(), "sha256": 64 * "0"}),
        json.dumps({**RECORD._asdict(), "engine": 20, "sha256": RECORD.sha256}),
        json.dumps({**RECORD._asdict(), "profile": "text", "sha256": RECORD.sha256}),
    ],
    ids=[
        "empty", "cut short", "a list", "an empty object", "null", "an edited profile", "a number for an engine",
        "text for a profile",
    ],
)  # fmt: skip
def test_a_damaged_record_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    assert profile_record.read(str(path)) is None
    assert profile_record.read(str(tmp_path / "absent.json")) is None


@pytest.mark.parametrize(
    ("engine", "package", "kernel", "path", "fits"),
    [
        pytest.param("20.10.5", PACKAGE, "5.10.0-28-amd64", RECORD.path, True, id="nothing changed"),
        pytest.param("20.10.5", PACKAGE, "5.10.0-30-amd64", RECORD.path, True, id="a kernel of the same release"),
        pytest.param("20.10.5", PACKAGE, "6.1.0", RECORD.path, True, id="a newer kernel"),
        pytest.param("20.10.5", PACKAGE, "4.7.1", RECORD.path, False, id="an older kernel, that may want less allowed"),
        pytest.param("20.10.24", PACKAGE, "6.1.0", RECORD.path, False, id="another engine"),
        pytest.param("20.10.5", "docker-ce=5:20.10.5~3-1", "6.1.0", RECORD.path, False, id="another build of it"),
        pytest.param("20.10.5", None, "6.1.0", RECORD.path, False, id="the same engine without a package"),
        pytest.param("20.10.5", PACKAGE, "6.1.0", "/etc/docker/q.json", False, id="another file"),
        pytest.param(None, None, "6.1.0", RECORD.path, False, id="no engine"),
    ],
)
def test_a_record_fits_one_engine(engine: str | None, package: str | None, kernel: str, path: str, fits: bool) -> None:
    assert RECORD.fits(engine, package, kernel, path) is fits


@pytest.mark.parametrize(
    ("release", "version"),
    [("5.10.0-28-amd64", (5, 10)), ("6.18.44-fc-v657", (6, 18)), ("4.8", (4, 8)), ("odd", (0, 0))],
)
def test_a_kernel_is_as_new_as_its_first_two_numbers(release: str, version: tuple[int, ...]) -> None:
    assert profile_record.kernel_version(release) == version
