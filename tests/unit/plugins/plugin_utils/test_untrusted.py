# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import text, texts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(" 28.5.1 ", "28.5.1", id="text, without the blanks around it"),
        pytest.param(28.5, "28.5", id="what YAML makes of a version"),
        pytest.param("20\x1b[31m.10\x9b\x07", "20?[31m.10??", id="escapes of a terminal"),
        pytest.param("one\nline\r\tmore", "one line  more", id="several lines"),
        pytest.param("left\u202etfel", "left?tfel", id="a change of direction"),
        pytest.param("Grüße, 世界", "Grüße, 世界", id="any language"),
        pytest.param(" \n", None, id="nothing"),
        pytest.param(True, None, id="a switch"),
        pytest.param(["x"], None, id="a list"),
    ],
)
def test_text_is_fit_for_a_terminal(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@given(st.text())
def test_law_no_text_moves_the_cursor(value: str) -> None:
    assert all(found.isprintable() for found in texts([value]))
