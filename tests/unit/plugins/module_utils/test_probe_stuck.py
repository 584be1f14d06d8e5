# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_stuck import release

ID = "7b" * 32

# A process whose command line is a runtime's, with a child that never gets anywhere.
RUNTIME = (
    "import subprocess; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); print(child.wait())"
)


@pytest.mark.parametrize(
    ("words", "freed"),
    [
        pytest.param(["create", "--bundle", "/run/x", ID], 1, id="a runtime that creates this container"),
        pytest.param(["create", "--bundle", "/run/x", "4c" * 32], 0, id="a runtime that creates another"),
        pytest.param(["-namespace", "moby", "-id", ID], 0, id="the shim"),
    ],
)
def test_only_the_start_of_this_container_is_given_up(words: list[str], freed: int) -> None:
    with subprocess.Popen([sys.executable, "-c", RUNTIME, *words], stdout=subprocess.PIPE, text=True) as runtime:
        assert runtime.stdout is not None
        child = int(runtime.stdout.readline())
        try:
            assert release(ID) == freed
            if freed:
                # The runtime outlives its child and hears of its end.
                assert runtime.stdout.readline() == "-9\n"
            else:
                time.sleep(0.1)
                assert os.path.exists(f"/proc/{child}")
                assert runtime.poll() is None
        finally:
            runtime.kill()
            if os.path.exists(f"/proc/{child}"):
                os.kill(child, 9)


def test_nothing_to_give_up_is_no_trouble() -> None:
    assert release(ID) == 0
    assert release(ID, "/nowhere") == 0
