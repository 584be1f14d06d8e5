# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_recipe import WRAPPER, recipe
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout

PLACE = Layout({}, ("/usr",), {}, "/usr/bin/python3", ())


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param({"CgroupVersion": "2"}, "private", id="cgroup v2, whatever daemon.json has for a default"),
        pytest.param({"CgroupVersion": 2}, "private", id="the same as a number"),
        pytest.param({"CgroupVersion": "1"}, None, id="cgroup v1"),
        pytest.param({}, None, id="an engine before 20.10, which knows no such setting"),
    ],
)
@pytest.mark.parametrize("own", [True, False], ids=["the host's own", "an image"])
def test_the_hosts_groups_are_not_seen(info: dict[str, Any], expected: str | None, own: bool) -> None:
    _, host_config = recipe("x", own, (26, 1), "/run/x", PLACE, info)
    assert host_config.get("CgroupnsMode") == expected


@pytest.mark.parametrize(
    ("group", "files", "moved"),
    [
        pytest.param("0::/\n", ("cgroup.controllers", "cgroup.events"), True, id="a tree of its own"),
        pytest.param("0::/docker/c0ffee\n", ("cgroup.controllers", "cgroup.events"), False, id="the host's tree"),
        pytest.param("0::/\n", ("cgroup.controllers",), False, id="the machine's root"),
        pytest.param("1:cpu:/\n0::/\n", ("cgroup.controllers", "cgroup.events"), False, id="cgroup v1 beside it"),
        pytest.param("1:cpu:/\n", (), False, id="cgroup v1"),
        pytest.param(None, ("cgroup.controllers", "cgroup.events"), False, id="nobody knows"),
    ],
)
def test_processes_are_moved_in_a_tree_of_its_own_only(
    tmp_path: Path, group: str | None, files: tuple[str, ...], moved: bool
) -> None:
    tree, proc = tmp_path / "tree", tmp_path / "cgroup"
    tree.mkdir()
    if group is not None:
        proc.write_text(group)
    for name in files:
        (tree / name).write_text("cpu pids\n")
    (tree / "cgroup.procs").write_text("7\n8\n")
    text = WRAPPER.replace("/sys/fs/cgroup", str(tree)).replace("/proc/self/cgroup", str(proc))
    text = text.replace("mkdir -p /run && ln -s ../run /var/run", "")
    ended = subprocess.run(
        ["/bin/sh", "-c", text, "sh", "sh", "-c", "pwd; exit 3"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "/\n", "")
    assert (tree / "init").exists() is moved
    if moved:
        assert (tree / "init/cgroup.procs").read_text() == "8\n"
        assert (tree / "cgroup.subtree_control").read_text() == "+pids\n"
