# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_kernel
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel, callable_numbers, is_filtered

FREE = "Name:\tpython3\nSeccomp:\t0\nSeccomp_filters:\t0\n"
CONFINED = "Name:\tpython3\nSeccomp:\t2\nSeccomp_filters:\t1\n"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(FREE, False, id="no filter"),
        pytest.param(CONFINED, True, id="a filter"),
        pytest.param("Name:\tpython3\nSeccomp:\t1\n", True, id="strict mode"),
        pytest.param("Name:\tpython3\n", False, id="a kernel without seccomp"),
        pytest.param(None, False, id="no such file"),
    ],
)
def test_a_filter_over_oneself_is_noticed(tmp_path: Path, status: str | None, expected: bool) -> None:
    path = tmp_path / "status"
    if status is not None:
        path.write_text(status)
    assert is_filtered(str(path)) is expected


@pytest.mark.skipif(not callable_numbers(), reason="the calls of this architecture are not known")
def test_the_kernel_is_asked(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(FREE)
    kernel = Kernel(status=str(tmp_path / "status"))
    kernel.start()
    kernel.start()
    found = kernel.result()
    assert (found["release"], found["reason"]) == (os.uname().release, None)
    assert set(found["calls"]) == set(callable_numbers())
    assert found["calls"]["statx"] == "present"
    assert kernel.calls() is found["calls"]


def script(folder: Path, text: str) -> str:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("echo oops >&2; exit 1", "the probe's program printed no result but 'oops'", id="a broken one"),
        pytest.param("exec sleep 9", "the kernel gave no answer within 0.3 s", id="one that hangs"),
    ],
)
def test_an_interpreter_of_no_use_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setattr(probe_kernel, "TIMEOUT", 0.3)
    (tmp_path / "status").write_text(FREE)
    kernel = Kernel(script(tmp_path, text), str(tmp_path / "status"))
    assert (kernel.calls(), kernel.result()["reason"]) == (None, reason)


def test_an_interpreter_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(FREE)
    found = Kernel("/nowhere/python3", str(tmp_path / "status")).result()
    assert found["reason"] == "/nowhere/python3 could not be started: No such file or directory"


def test_under_a_filter_the_kernel_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "status").write_text(CONFINED)
    found = Kernel("/nowhere/python3", str(tmp_path / "status")).result()
    assert found["calls"] is None
    assert "under a seccomp filter itself; run the module on the host" in found["reason"]


def test_an_architecture_without_a_table_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_kernel, "callable_numbers", dict)
    assert "are not known" in Kernel().result()["reason"]
