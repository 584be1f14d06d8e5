# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.oci_bundle import find_config, seccomp_section

ID = "3f" * 32


def config(*syscalls: Any, **more: Any) -> dict[str, Any]:
    return {"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", **more, "syscalls": list(syscalls)}}}


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("run/containerd/io.containerd.runtime.v2.task/moby", id="a containerd of the system"),
        pytest.param("run/containerd/io.containerd.runtime.v1.linux/moby", id="a shim of the first generation"),
        pytest.param(
            "run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby", id="the daemon's own containerd"
        ),
        pytest.param("run/containerd/io.containerd.runtime.v2.task/mine", id="another name space"),
    ],
)
def test_the_configuration_is_found(tmp_path: Path, folder: str) -> None:
    bundle = tmp_path / folder / ID
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text('{"ociVersion": "1.0.2"}')
    assert find_config(ID, str(tmp_path)) == {"ociVersion": "1.0.2"}


@pytest.mark.parametrize("content", ["", "{", "[]", "\udcff"], ids=["empty", "cut short", "a list", "no text"])
def test_a_configuration_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    bundle = tmp_path / "run/containerd/io.containerd.runtime.v2.task/moby" / ID
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert find_config(ID, str(tmp_path)) is None


@pytest.mark.parametrize("name", ["", "../..", "*", "a/b"])
def test_only_an_identifier_is_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "run/containerd/io.containerd.runtime.v2.task/moby/x").mkdir(parents=True)
    (tmp_path / "run/containerd/io.containerd.runtime.v2.task/moby/x/config.json").write_text("{}")
    assert find_config(name, str(tmp_path)) is None


def test_a_bundle_elsewhere_is_found_by_the_shim_that_works_in_it(tmp_path: Path) -> None:
    bundle = tmp_path / "somewhere" / ID
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text('{"ociVersion": "1"}')
    # A parent that works in the bundle, and a child of it: the shim and the container's first process.
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", script], cwd=bundle, stdout=subprocess.PIPE, text=True) as shim:
        assert shim.stdout is not None
        first = int(shim.stdout.readline())
        try:
            assert find_config(ID, str(tmp_path), first) == {"ociVersion": "1"}
            assert find_config("4a" * 32, str(tmp_path), first) is None
        finally:
            os.kill(first, 9)


def test_a_process_that_ended_is_no_trouble(tmp_path: Path) -> None:
    assert find_config(ID, str(tmp_path), 2**22 + 1) is None


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([{"names": ["clone3"], "action": "SCMP_ACT_ALLOW"}], "SCMP_ACT_ALLOW", id="allowed"),
        pytest.param(
            [{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}],
            "SCMP_ACT_ERRNO:38",
            id="its own number",
        ),
        pytest.param([{"names": ["clone3"], "action": "SCMP_ACT_ERRNO"}], "SCMP_ACT_ERRNO:1", id="no number is EPERM"),
        pytest.param(
            [{"names": ["clone3"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0}]}],
            "SCMP_ACT_ALLOW conditional",
            id="by its arguments",
        ),
        pytest.param(
            [
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0}]},
                {"names": ["read", "clone3"], "action": "SCMP_ACT_ALLOW"},
            ],
            "SCMP_ACT_ALLOW",
            id="a rule without conditions goes before one with them",
        ),
        pytest.param([{"names": ["read"], "action": "SCMP_ACT_ALLOW"}], None, id="not named"),
        pytest.param(["x", {"action": "SCMP_ACT_ALLOW"}, {"names": 7}], None, id="nonsense"),
    ],
)
def test_a_rule_is_read(rules: list[Any], expected: str | None) -> None:
    assert seccomp_section(config(*rules))["rules"].get("clone3") == expected


def test_only_the_calls_of_the_table_are_kept() -> None:
    found = seccomp_section(config({"names": ["read", "statx"], "action": "SCMP_ACT_ALLOW"}, defaultErrnoRet=1))
    assert found == {"default": "SCMP_ACT_ERRNO", "default_errno": 1, "rules": {"statx": "SCMP_ACT_ALLOW"}}


@pytest.mark.parametrize("document", [{}, {"linux": {}}, {"linux": {"seccomp": None}}, {"linux": []}])
def test_an_unconfined_container_has_an_empty_filter(document: dict[str, Any]) -> None:
    assert seccomp_section(document) == {"default": None, "default_errno": None, "rules": {}}


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda more: st.lists(more) | st.dictionaries(st.text(), more))
)
def test_no_section_whatever_breaks_the_reader(section: Any) -> None:
    for document in ({"linux": {"seccomp": section}}, {"linux": {"seccomp": {"syscalls": section}}}):
        json.dumps(seccomp_section(document))
    json.dumps(seccomp_section({"linux": {"seccomp": {"syscalls": [{"names": section, "args": section}]}}}))
