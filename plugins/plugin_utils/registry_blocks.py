# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The blocks of a PEM text, and what something is that has none: DER, PKCS#12, base64 without its first line."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A distribution's whole bundle has a quarter of this.
MAX_BYTES = 1 << 20

_MARK = re.compile(r"-----(BEGIN|END) ([A-Z0-9 #-]{1,64}?)-----")
_BYTE_ORDER = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PKCS7 = bytes.fromhex("06092a864886f70d0107")
_ATTRIBUTE = re.compile(r"^[ \t]*[A-Za-z-]+:.*$", re.MULTILINE)


class PemError(ValueError):
    """Something is not what it should be; the text goes on after the variable's path, and quotes nothing of it."""


@dataclass(frozen=True)
class Block:
    """What stands between BEGIN and END."""

    label: str
    content: bytes = field(repr=False)
    encrypted: bool = False


def blocks(content: bytes) -> list[Block]:
    """All blocks of a PEM text; whatever stands around them is left out. PemError when the text is broken or is none.

    Windows' byte order mark and line ends, indentation and blanks in place of line ends are no trouble.
    """
    if len(content) > MAX_BYTES:
        raise PemError(f"has more than {MAX_BYTES >> 20} MiB; give the certificates alone")
    text = _decoded(content)
    if "-----BEGIN" not in text:
        raise PemError(_kind(content, text))
    found = list(_blocks(text))
    if not found:
        raise PemError(_NO_PEM)
    return found


def text_of(label: str, content: bytes) -> str:
    """A block as OpenSSL would write it."""
    encoded = base64.b64encode(content).decode()
    lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def _decoded(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return content.decode("utf-8", "replace")


def _blocks(text: str) -> Iterator[Block]:
    opened: re.Match[str] | None = None
    ended = -1
    for mark in _MARK.finditer(text):
        what, label = mark.groups()
        if what == "BEGIN":
            if mark.start() == ended:
                raise PemError(_GLUED)
            if opened is not None:
                raise PemError(f"has a BEGIN {opened[2]} without its END; give the whole text")
            opened = mark
            continue
        if opened is None or opened[2] != label:
            raise PemError(f"has an END {label} without its BEGIN; give the whole text")
        if text.startswith(("BEGIN ", "-BEGIN "), mark.end()):
            raise PemError(_GLUED)
        yield _block(label, text[opened.end() : mark.start()])
        opened, ended = None, mark.end()
    if opened is not None:
        raise PemError(f"has a BEGIN {opened[2]} without its END; give the whole text")


_GLUED = (
    "has two blocks without a line break between END and BEGIN, of which programs see the first alone; join files "
    "that end in a line break"
)


def _block(label: str, inside: str) -> Block:
    if "\\n" in inside:
        raise PemError(r"has \n written out where its lines end; give a text of several lines, in YAML after a |")
    encrypted = "ENCRYPTED" in label or "Proc-Type:" in inside
    body = "".join(_ATTRIBUTE.sub("", inside).split()) if ":" in inside else "".join(inside.split())
    try:
        return Block(label, base64.b64decode(body, validate=True), encrypted)
    except (binascii.Error, ValueError):
        raise PemError(f"has a {label} that is not the base64 it should be; give the PEM file as it was made") from None


# How files begin that people take for PEM.
_TURN = "turn it into PEM with"
_NO_PEM = "is no PEM; give a text with -----BEGIN and -----END lines, or the path of a file that has it"


def _kind(content: bytes, text: str) -> str:
    """What it is instead, as a phrase with the remedy."""
    if not content.strip():
        return "is empty; give the text of a PEM file, or the path of one"
    if content.startswith(b"\xfe\xed\xfe\xed"):
        return "is a Java key store; export the certificates with keytool -exportcert -rfc"
    if text.startswith("$ANSIBLE_VAULT"):
        return "is still encrypted by ansible-vault; give the password, or the text of the file"
    if content.startswith(b"0") and any(byte > 0x7E or byte < 9 for byte in content[:16]):
        return _der(content)
    if _is_base64(text):
        return "is base64 without its BEGIN and END lines; give the whole text of the PEM file"
    return _NO_PEM


def _der(content: bytes) -> str:
    # What it begins with after its own length: a version, or what it is.
    if b"\x02\x01\x03" in content[2:9]:
        return f"is PKCS#12; {_TURN} openssl pkcs12 -nokeys for the certificates and -nocerts -noenc for the key"
    if _PKCS7 in content[:24]:
        return f"is PKCS#7; {_TURN} openssl pkcs7 -inform der -print_certs"
    if b"\x02\x01" in content[2:9]:
        return f"is a private key in DER; {_TURN} openssl pkey -inform der"
    return f"is DER, not PEM; {_TURN} openssl x509 -inform der"


def _is_base64(text: str) -> bool:
    body = "".join(text.split())
    try:
        return len(body) > 40 and base64.b64decode(body, validate=True).startswith(b"0")
    except (binascii.Error, ValueError):
        return False
