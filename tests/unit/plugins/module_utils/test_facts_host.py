# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import facts_host

DEBIAN = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
"""

UBUNTU = """\
PRETTY_NAME="Ubuntu 22.04.5 LTS"
VERSION_ID="22.04"
VERSION_CODENAME=jammy
ID=ubuntu
ID_LIKE=debian
"""

ROCKY = """\
NAME="Rocky Linux"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.4"
PRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"
"""

ALPINE = "ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME='Alpine Linux v3.20'\n"

SID = """\
# testing and unstable have no number

PRETTY_NAME="Debian GNU/Linux forky/sid"
ID=debian
BROKEN="quote
noise
"""


def _os(identifier: str | None, like: list[str], version: str | None, codename: str | None, pretty: str | None) -> Any:
    return {
        "id": identifier,
        "id_like": like,
        "version_id": version,
        "codename": codename,
        "pretty_name": pretty,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(DEBIAN, _os("debian", [], "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"), id="Debian"),
        pytest.param(UBUNTU, _os("ubuntu", ["debian"], "22.04", "jammy", "Ubuntu 22.04.5 LTS"), id="Ubuntu"),
        pytest.param(
            ROCKY,
            _os("rocky", ["rhel", "centos", "fedora"], "9.4", None, "Rocky Linux 9.4 (Blue Onyx)"),
            id="Rocky is like three others",
        ),
        pytest.param(ALPINE, _os("alpine", [], "3.20.3", None, "Alpine Linux v3.20"), id="Alpine's single quotes"),
        pytest.param(
            SID,
            _os("debian", [], None, None, "Debian GNU/Linux forky/sid"),
            id="comments and damaged lines are skipped",
        ),
        pytest.param("", _os(None, [], None, None, None), id="an empty file"),
        pytest.param(None, _os(None, [], None, None, None), id="no file"),
    ],
)
@pytest.mark.parametrize("place", ["etc/os-release", "usr/lib/os-release"])
def test_os_release(tmp_path: Path, text: str | None, expected: dict[str, Any], place: str) -> None:
    if text is not None:
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    assert facts_host.os_release(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["cgroup.controllers", "cgroup.procs"], 2, id="the unified hierarchy"),
        pytest.param(["cpu", "memory", "pids"], 1, id="the old hierarchies"),
        pytest.param(["cpu", "unified/cgroup.controllers"], 1, id="the hybrid layout is the old one"),
        pytest.param([], None, id="an empty folder"),
        pytest.param(None, None, id="no folder"),
    ],
)
def test_cgroup_version(tmp_path: Path, names: list[str] | None, expected: int | None) -> None:
    folder = tmp_path / "sys/fs/cgroup"
    if names is not None:
        folder.mkdir(parents=True)
    for name in names or []:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    assert facts_host.cgroup_version(str(tmp_path)) == expected


def test_systemd_is_told_by_its_own_folder(tmp_path: Path) -> None:
    assert facts_host.service_manager(str(tmp_path)) == "other"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert facts_host.service_manager(str(tmp_path)) == "systemd"


@pytest.mark.parametrize(
    ("group", "passwd", "expected"),
    [
        pytest.param("docker:x:998:zoe,amy\n", "", ["amy", "zoe"], id="members are sorted"),
        pytest.param("docker:x:998:\n", "ci:x:1:998::/:/bin/sh\n", ["ci"], id="a primary group makes a member"),
        pytest.param("docker:x:998:ci\n", "ci:x:1:998::/:/bin/sh\n", ["ci"], id="nobody is named twice"),
        pytest.param(
            "dockerroot:x:998:eve\n", "eve:x:1:998::/:/bin/sh\n", [], id="another group's members are not meant"
        ),
        pytest.param("docker\n:::\ndocker:x:998:amy\n", "broken\n", ["amy"], id="damaged lines are skipped"),
        pytest.param(None, None, [], id="no files"),
    ],
)
def test_group_members(tmp_path: Path, group: str | None, passwd: str | None, expected: list[str]) -> None:
    (tmp_path / "etc").mkdir()
    for name, text in (("group", group), ("passwd", passwd)):
        if text is not None:
            (tmp_path / "etc" / name).write_text(text)
    assert facts_host.group_members("docker", str(tmp_path)) == expected


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/os-release")
    assert facts_host.os_release(str(tmp_path))["id"] is None
    with pytest.raises(OSError, match="not a regular file"):
        facts_host.read_text(str(tmp_path / "etc/os-release"))


def test_all_host_facts_come_together(tmp_path: Path) -> None:
    facts = facts_host.host_facts(str(tmp_path))
    assert set(facts) == {"kernel", "os", "architecture", "cgroup_version", "service_manager"}
    assert facts["kernel"]["release"] == os.uname().release
    assert facts["architecture"] == os.uname().machine
