# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_decide import Step
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import Found
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_shown import difference
from tests.unit.plugins.module_utils.ca_world import key, pem

NOTHING = Found()
CA, KEY = "/etc/x/ca.crt", "/etc/x/client.key"
ONE, OTHER = key("one"), key("other")


def file(content: bytes, mode: int = 0o644) -> Found:
    return Found(content, mode, 0, 0)


def shown(path: str, found: Found, after: Found) -> tuple[str, str, str, str]:
    told = difference(Step("write", path, path, after, found))
    return told["before_header"], told["before"], told["after_header"], told["after"]


@pytest.mark.parametrize(
    ("path", "found", "after", "expected"),
    [
        pytest.param(CA, NOTHING, file(b"new\n"), (CA, "", CA, "new\n"), id="a new file"),
        pytest.param(CA, file(b"old\n"), file(b"new\n"), (CA, "old\n", CA, "new\n"), id="another content"),
        pytest.param(CA, file(b"old\n"), NOTHING, (CA, "old\n", CA, ""), id="a file that goes"),
        pytest.param(
            CA, file(b"x\n", 0o600), file(b"x\n"), (f"{CA} (mode 0600)", "x\n", f"{CA} (mode 0644)", "x\n"),
            id="another mode",
        ),
        pytest.param(
            CA, Found(b"old\n", 0o644, 0, 0, "/srv/x"), file(b"new\n"),
            (f"{CA} (a link to /srv/x)", "old\n", CA, "new\n"), id="a link that is replaced",
        ),
        pytest.param(
            CA, file(b"new\n"), Found(target="/srv/x"), (CA, "new\n", f"{CA} (a link to /srv/x)", ""),
            id="a link that comes back",
        ),
        pytest.param(CA, file(b"\xff\0"), NOTHING, (CA, "(2 bytes that are no text)\n", CA, ""), id="no text"),
        pytest.param(KEY, NOTHING, file(ONE), (KEY, "", KEY, "(a private key)\n"), id="a new key"),
        pytest.param(
            KEY, file(OTHER), file(ONE), (KEY, "(a private key)\n", KEY, "(another private key)\n"), id="another key"
        ),
        pytest.param(KEY, file(ONE), NOTHING, (KEY, "(a private key)\n", KEY, ""), id="a key that goes"),
        pytest.param(
            KEY, file(ONE, 0o644), file(ONE, 0o600),
            (f"{KEY} (mode 0644)", "(a private key)\n", f"{KEY} (mode 0600)", "(a private key)\n"), id="a key for all",
        ),
        pytest.param(
            CA, file(pem("x") + ONE + b"more\n"), NOTHING, (CA, pem("x").decode() + "(a private key)\nmore\n", CA, ""),
            id="a key that does not belong there",
        ),
        pytest.param(
            CA, file(ONE[:-40]), NOTHING, (CA, "(a private key)", CA, ""), id="half a key that does not belong there"
        ),
        pytest.param(
            CA, file(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nabc\n-----END ENCRYPTED PRIVATE KEY-----\n"), NOTHING,
            (CA, "(a private key)\n", CA, ""), id="a key with a password",
        ),
    ],
)  # fmt: skip
def test_what_a_diff_shows(path: str, found: Found, after: Found, expected: tuple[str, str, str, str]) -> None:
    assert shown(path, found, after) == expected


@given(st.sampled_from([CA, KEY]), st.sampled_from([b"", pem("x"), b"\xff"]), st.sampled_from([b"", b"\n", pem("y")]))
def test_no_key_is_ever_shown(path: str, before: bytes, behind: bytes) -> None:
    secret = ONE.decode().splitlines()[1]
    for step in (Step("write", path, path, file(before + ONE + behind), NOTHING),
                 Step("remove", path, path, NOTHING, file(before + ONE + behind))):  # fmt: skip
        assert secret not in str(difference(step))
