# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.openpgp import (
    KeyFileError,
    fingerprints,
    is_armored,
    normalise_fingerprint,
)
from tests.unit.plugins.module_utils.keys import (
    ED25519,
    ED25519_FINGERPRINT,
    RSA,
    RSA_FINGERPRINT,
    armor,
    binary,
)

# The key packet of the sample certificate in RFC 9580, appendix A.3, and the fingerprint given there.
VERSION_6 = base64.b64decode("xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laM=")
VERSION_6_FINGERPRINT = "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"


def packet(tag: int, body: bytes) -> bytes:
    """A packet in the new format, its length in five bytes."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def as_new_format(data: bytes) -> bytes:
    """The first packet of a key (gpg writes the old format) in the new one with a short length, the rest as it is."""
    size = 1 << (data[0] & 3)
    length = int.from_bytes(data[1 : 1 + size], "big")
    assert length < 192
    body = data[1 + size : 1 + size + length]
    return bytes([0xC0 | ((data[0] >> 2) & 0x0F), length]) + body + data[1 + size + length :]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(ED25519, [ED25519_FINGERPRINT], id="ed25519, armored"),
        pytest.param(binary(ED25519), [ED25519_FINGERPRINT], id="ed25519, binary"),
        pytest.param(RSA, [RSA_FINGERPRINT], id="RSA, armored"),
        pytest.param(binary(RSA), [RSA_FINGERPRINT], id="RSA, binary"),
        pytest.param(as_new_format(binary(ED25519)), [ED25519_FINGERPRINT], id="packets in the new format"),
        pytest.param(RSA.replace(b"\n", b"\r\n"), [RSA_FINGERPRINT], id="lines that end as on Windows"),
        pytest.param(RSA.replace(b"\n\n", b"\nComment: a key\n\n"), [RSA_FINGERPRINT], id="armor with a header"),
        pytest.param(armor(binary(RSA)), [RSA_FINGERPRINT], id="armor without a checksum"),
        pytest.param(b"\n" + RSA.rstrip(), [RSA_FINGERPRINT], id="blank lines around"),
        pytest.param(ED25519 + RSA, [ED25519_FINGERPRINT, RSA_FINGERPRINT], id="two keys in two blocks"),
        pytest.param(
            armor(binary(RSA) + binary(ED25519)), [RSA_FINGERPRINT, ED25519_FINGERPRINT], id="two keys in one block"
        ),
        pytest.param(binary(RSA) + binary(ED25519), [RSA_FINGERPRINT, ED25519_FINGERPRINT], id="two keys, binary"),
        pytest.param(VERSION_6, [VERSION_6_FINGERPRINT], id="version 6, by SHA-256"),
    ],
)
def test_fingerprints(data: bytes, expected: list[str]) -> None:
    assert fingerprints(data) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "it has no public key", id="an empty file"),
        pytest.param(b"<!DOCTYPE html><title>404</title>", "it is not an OpenPGP key", id="a web page"),
        pytest.param(RSA[:300], "it is cut off", id="armor that is cut off"),
        pytest.param(binary(RSA)[:200], "it is cut off", id="a binary key that is cut off in the key"),
        pytest.param(binary(RSA)[:-1], "it is cut off", id="a binary key that is cut off at the end"),
        pytest.param(b"\x99", "it is cut off", id="one byte of a packet"),
        pytest.param(b"\xc6", "it is cut off", id="one byte of a packet in the new format"),
        pytest.param(packet(6, b""), "it is cut off", id="an empty key packet"),
        pytest.param(RSA.replace(b"\n\n", b"\n\nA"), "its armor is damaged", id="armor with a letter too many"),
        pytest.param(RSA.replace(b"\n\n", b"\n\n=AAA\n"), "its armor is damaged", id="a pad in the middle"),
        pytest.param(RSA.replace(b"\n\n", b"\n\n-AAA\n"), "its armor is damaged", id="a sign that is not base64"),
        pytest.param(binary(RSA) + b"\n", "it is not an OpenPGP key", id="something behind a binary key"),
        pytest.param(b"# my key\n" + RSA, "it has something else beside the key", id="text before the armor"),
        pytest.param(
            armor(binary(ED25519), "MESSAGE") + RSA, "it has something else beside the key",
            id="a key hidden in a message",
        ),
        pytest.param(
            ED25519.replace(b"BLOCK-----\n", b"BLOCK----- \n", 1) + RSA, "it has something else beside the key",
            id="a key hidden behind a blank",
        ),
        pytest.param(
            armor(binary(RSA), "PRIVATE KEY BLOCK"), "it is not an OpenPGP key", id="armor of a private key"
        ),
        pytest.param(packet(5, b"\x04" + bytes(20)), "it has a private key in it", id="a private key, binary"),
        pytest.param(binary(RSA) + packet(5, b"\x04"), "it has a private key in it", id="a private key behind another"),
        pytest.param(packet(2, b"\x04"), "it has no public key", id="a signature alone"),
        pytest.param(
            packet(6, b"\x03" + bytes(20)), "it is a version 3 key, which nobody signs packages with", id="version 3"
        ),
        pytest.param(packet(6, b"\x04" + bytes(70000)), "it has a key of impossible length", id="a gigantic key"),
        pytest.param(b"\xc6\xe1\x04", "it has a packet of unknown length", id="a partial length"),
        pytest.param(b"\x9b\x04", "it has a packet of unknown length", id="an indeterminate length"),
    ],
)  # fmt: skip
def test_what_is_no_public_key_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(KeyFileError) as caught:
        fingerprints(data)
    assert str(caught.value).startswith(reason)


@given(st.binary(max_size=200) | st.builds(lambda cut: binary(RSA)[:cut], st.integers(0, 600)))
def test_whatever_the_bytes_are_the_answer_is_fingerprints_or_a_reason(data: bytes) -> None:
    for form in (data, armor(data)):
        with contextlib.suppress(KeyFileError):
            assert all(len(fingerprint) in (40, 64) for fingerprint in fingerprints(form))


@given(st.lists(st.sampled_from([ED25519, RSA]), min_size=1, max_size=4), st.booleans())
def test_every_key_in_a_file_is_seen(keys: list[bytes], armored: bool) -> None:
    expected = [ED25519_FINGERPRINT if key is ED25519 else RSA_FINGERPRINT for key in keys]
    assert fingerprints(b"".join(key if armored else binary(key) for key in keys)) == expected


@given(st.integers(0, len(RSA) - 1), st.sampled_from(b"A=-\n Z"))
def test_a_changed_letter_never_passes_for_the_same_key(position: int, letter: int) -> None:
    changed = RSA[:position] + bytes([letter]) + RSA[position + 1 :]
    try:
        found = fingerprints(changed)
    except KeyFileError:
        return
    # Letters behind the key belong to signatures. In the key they make another fingerprint, and in a packet's length
    # they may make a second key, which is refused.
    size = 3 + int.from_bytes(binary(RSA)[1:3], "big")
    assert found != [RSA_FINGERPRINT] or binary(changed)[:size] == binary(RSA)[:size]


def test_armor_is_told_from_binary() -> None:
    assert is_armored(RSA)
    assert not is_armored(binary(RSA))


@pytest.mark.parametrize(
    "text",
    [
        "9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88",
        "9dc858229fc7dd38854ae2d88d81803c0ebfcd88",
        "9D:C8:58:22:9F:C7:DD:38:85:4A:E2:D8:8D:81:80:3C:0E:BF:CD:88\n",
    ],
    ids=["in groups", "in small letters", "with colons"],
)
def test_fingerprints_are_compared_without_their_spelling(text: str) -> None:
    assert normalise_fingerprint(text) == "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not on this machine")
@pytest.mark.parametrize("algorithm", ["ed25519", "nistp256"])
def test_gpg_agrees_on_a_key_that_it_has_just_made(algorithm: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)

    def gpg(*arguments: str) -> bytes:
        command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
        return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout

    try:
        gpg("--passphrase", "", "--quick-generate-key", "new <new@runnerkit.example>", algorithm, "sign", "never")
        gpg("--passphrase", "", "--quick-add-key", fingerprints(gpg("--export"))[0], "rsa2048", "sign", "never")
        listed = gpg("--list-keys", "--with-colons").decode().splitlines()
        expected = [line.split(":")[9] for line in listed if line.startswith("fpr")][:1]
        assert fingerprints(gpg("--export")) == fingerprints(gpg("--export", "--armor")) == expected
        with pytest.raises(KeyFileError, match="it has a private key in it"):
            fingerprints(gpg("--passphrase", "", "--export-secret-keys"))
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
