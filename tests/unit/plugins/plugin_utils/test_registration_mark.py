# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_mark import Mark

MARK = Mark("h1", "my runner/x", "s_0123456789ab", "00ff")
LINE = "runnerkit: h1/my runner/x s_0123456789ab 00ff"
NAMES = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), min_size=1).filter(
    lambda name: name == name.strip()
)


@pytest.mark.parametrize(
    ("note", "text", "line"),
    [
        pytest.param(None, "", None, id="no note"),
        pytest.param("", "", None, id="an empty note"),
        pytest.param("call me", "call me", None, id="a note of somebody's"),
        pytest.param(LINE, "", LINE, id="the mark alone"),
        pytest.param(f"call me\n{LINE}", "call me", LINE, id="the mark below a text"),
        pytest.param(f"call\r\nme\r\n{LINE}\r\n", "call\nme", LINE, id="line ends of a browser"),
        pytest.param(f"{LINE}\ncall me", f"{LINE}\ncall me", None, id="a mark that is not the last line is text"),
    ],
)
def test_a_note_is_text_and_a_mark(note: str | None, text: str, line: str | None) -> None:
    assert registration_mark.split(note) == (text, line)


@pytest.mark.parametrize(
    ("host", "name", "system_id", "named", "made"),
    [
        pytest.param("h1", "my runner/x", "s_0123456789ab", True, True, id="this one"),
        pytest.param("h1", "my runner/x", "s_ffffffffffff", True, False, id="another machine of the name"),
        pytest.param("h2", "my runner/x", "s_0123456789ab", False, False, id="another host"),
        pytest.param("h1", "my runner", "s_0123456789ab", False, False, id="another runner"),
        pytest.param("h1", "my runner/x", None, True, False, id="a machine without an id"),
    ],
)
def test_a_mark_tells_whose_it_is(host: str, name: str, system_id: str | None, named: bool, made: bool) -> None:
    assert registration_mark.names(LINE, host, name) is named
    assert registration_mark.is_by(LINE, host, name, system_id) is made


@given(st.text(), NAMES, NAMES, st.none() | st.just("s_0123456789ab"))
def test_a_mark_is_found_again_below_any_text(text: str, host: str, name: str, system_id: str | None) -> None:
    mark = Mark.new(host, name, system_id)
    note = mark.below(text)
    found, line = registration_mark.split(note)
    assert line == mark.line
    assert registration_mark.is_by(line, host, name, system_id)
    assert registration_mark.has_nonce(line, {mark.nonce})
    assert found == text.replace("\r\n", "\n").rstrip() or not text.strip()


def test_no_two_marks_are_alike() -> None:
    assert len({Mark.new("h1", "build", None).nonce for _ in range(100)}) == 100
