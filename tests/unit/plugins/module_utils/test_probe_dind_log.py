# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind_log import last_words


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param("", "(it said nothing)", id="nothing"),
        pytest.param(
            'level=info msg="a"\ntime="t" level=fatal msg="no \\"x\\"" error="why"\nlevel=info msg="b"\n',
            'no "x": why',
            id="the last line of trouble",
        ),
        pytest.param('time="t" level=info msg="Daemon has completed"', "Daemon has completed", id="or else the last"),
        pytest.param(
            "dockerd: error while loading shared libraries: libdevmapper.so.1.02.1: cannot open shared object file",
            "dockerd: error while loading shared libraries: libdevmapper.so.1.02.1: cannot open shared object file",
            id="the loader's words",
        ),
        pytest.param(
            "unknown flag: --x\nSee 'dockerd --help'.", "unknown flag: --x", id="a flag that it does not know"
        ),
        pytest.param("\x1b[31mred\x1b[0m\x07", "red?", id="colours and bells"),
    ],
)
def test_last_words(log: str, expected: str) -> None:
    assert last_words(log) == expected
