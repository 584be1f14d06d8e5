# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Fingerprints of OpenPGP public keys, read from the key file itself.

A repository's signing key has to be checked before apt is told to trust it, on hosts that may have no gpg. A
fingerprint is a
digest over the public key packet (RFC 4880 section 12.2, RFC 9580 section 5.5.4), which needs nothing but hashlib.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_ARMOR = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<body>.*?)"
    rb"(?:\r?\n=[A-Za-z0-9+/]{4})?\r?\n-----END PGP PUBLIC KEY BLOCK-----",
    re.DOTALL,
)
_PUBLIC_KEY = 6
_SECRET_KEYS = (5, 7)


class KeyFileError(ValueError):
    """The bytes are not an OpenPGP public key."""


def is_armored(data: bytes) -> bool:
    """Whether the key is text between BEGIN and END lines (apt wants the file to end in .asc then)."""
    return b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in data


def _packets(data: bytes) -> list[tuple[int, bytes]]:
    """All (tag, body) pairs of a binary key (RFC 9580 section 4.2)."""
    packets = []
    position = 0
    while position < len(data):
        head = data[position]
        if not head & 0x80:
            raise KeyFileError("it is not an OpenPGP key")
        if head & 0x40:
            tag, first = head & 0x3F, data[position + 1]
            if first < 192:
                length, start = first, position + 2
            elif first < 224:
                length, start = ((first - 192) << 8) + data[position + 2] + 192, position + 3
            elif first == 255:
                length, start = int.from_bytes(data[position + 2 : position + 6], "big"), position + 6
            else:
                raise KeyFileError("it has a packet of unknown length")
        else:
            tag, size = (head >> 2) & 0x0F, 1 << (head & 3)
            if size == 8:
                raise KeyFileError("it has a packet of unknown length")
            length, start = int.from_bytes(data[position + 1 : position + 1 + size], "big"), position + 1 + size
        if start + length > len(data):
            raise KeyFileError("it is cut off")
        packets.append((tag, data[start : start + length]))
        position = start + length
    return packets


def _fingerprint(body: bytes) -> str:
    version = body[0]
    if version == 4:
        # The standard says SHA-1 here; it names the key, it does not sign anything.
        if len(body) > 0xFFFF:
            raise KeyFileError("it has a key of impossible length")
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).hexdigest().upper()  # noqa: S324
    if version == 6:
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise KeyFileError(f"it is a version {version} key, which nobody signs packages with")


def _dearmored(data: bytes) -> bytes:
    """The binary keys in armored text.

    Strict on purpose: what is skipped here could be read by apt, and then a second key would slip past the fingerprint.
    """
    blocks = [match["body"] for match in _ARMOR.finditer(data)]
    if not blocks:
        raise KeyFileError("it is cut off")
    if _ARMOR.sub(b"", data).strip():
        raise KeyFileError("it has something else beside the key")
    try:
        return b"".join(base64.b64decode(b"".join(block.split()), validate=True) for block in blocks)
    except binascii.Error as error:
        raise KeyFileError(f"its armor is damaged: {error}") from error


def normalise_fingerprint(text: str) -> str:
    """A fingerprint without blanks and colons, in capitals."""
    return re.sub(r"[\s:]", "", text).upper()


def fingerprints(data: bytes) -> list[str]:
    """The fingerprints of the primary keys in a key file, armored or binary; KeyFileError when there is none."""
    try:
        packets = _packets(_dearmored(data) if is_armored(data) else data)
        found = [_fingerprint(body) for tag, body in packets if tag == _PUBLIC_KEY]
    except IndexError as error:
        raise KeyFileError("it is cut off") from error
    if any(tag in _SECRET_KEYS for tag, _body in packets):
        raise KeyFileError("it has a private key in it")
    if not found:
        raise KeyFileError("it has no public key")
    return found
