# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Certificates in PEM files, found as Go's programs find them: what those pass over is told, and not taken.

An engine that is given a file in which it finds nothing says nothing about it. The pull fails later, with words about
an unknown authority. So each thing that is not taken gets a sentence here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Iterator, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate, CertificateError, certificate

# Somebody's copy of all the world's authorities has some 150.
MAX_CERTIFICATES = 500
MAX_BLOCKS = 2 * MAX_CERTIFICATES

_CERTIFICATE = b"CERTIFICATE"
_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"
_BOM = b"\xef\xbb\xbf"
_INDENTATION = re.compile(rb"^[ \t]+-----(?:BEGIN|END) CERTIFICATE-----", re.MULTILINE)

_TO_PEM = "convert it with 'openssl x509 -inform der -outform pem'"
_GLUED = "two certificates in it are glued together; put a line break between END and BEGIN"
_MARKED = "it begins with a byte order mark, so that its first certificate is passed over; save it without"
_INDENTED = "BEGIN or END in it is indented, so that the certificate is passed over; remove the blanks before it"
_OTHER_LABELS = {
    b"TRUSTED CERTIFICATE": "it has a certificate in OpenSSL's own form, TRUSTED CERTIFICATE, which is passed over; "
    "convert it with 'openssl x509'",
    b"PKCS7": "it has a PKCS#7 bundle, which is passed over; convert it with 'openssl pkcs7 -print_certs'",
}


class Block(NamedTuple):
    """One block of a PEM file; `body` is None where it cannot be decoded."""

    label: bytes
    body: bytes | None


class Content(NamedTuple):
    """What a file of certificates has: the certificates with their DER, and what is wrong, one sentence each."""

    certificates: tuple[Certificate, ...]
    ders: tuple[bytes, ...]
    problems: tuple[str, ...]


def blocks(data: bytes) -> Iterator[Block]:
    """The blocks in their order, in one go over the lines, however hostile those are.

    As Go has it, BEGIN and END stand at the beginning of a line, which is where a byte order mark is in the way too.
    """
    label = b""
    body: list[bytes] = []
    for line in data.split(b"\n"):
        line = line.rstrip(b" \t\r")
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            if label:
                yield Block(label, None)
            label, body = line[len(_BEGIN) : -len(_DASHES)], []
        elif label and line == _END + label + _DASHES:
            yield Block(label, _decoded(body))
            label = b""
        elif label:
            body.append(line)
    if label:
        yield Block(label, None)


def _decoded(lines: list[bytes]) -> bytes | None:
    try:
        return base64.b64decode(b"".join(lines).translate(None, b" \t\r"), validate=True)
    except (binascii.Error, ValueError):
        return None


def ders(data: bytes) -> Iterator[bytes]:
    """The certificates of a bundle in DER, whatever is in them."""
    return (block.body for block in blocks(data) if block.label == _CERTIFICATE and block.body)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, as `Certificate.sha256` has it."""
    return hashlib.sha256(der).hexdigest()


def read(data: bytes) -> Content:
    """The certificates of a PEM file, and what is wrong with it."""
    found: list[Certificate] = []
    taken: list[bytes] = []
    problems: list[str] = []
    if data.startswith(_BOM + _BEGIN):
        problems.append(_MARKED)
    # What damages blocks, where that can be told.
    known = _GLUED if _END + _CERTIFICATE + _DASHES + _BEGIN in data else ""
    if _INDENTATION.search(data):
        known = _INDENTED
        problems.append(known)
    for number, block in enumerate(blocks(data), 1):
        if len(found) == MAX_CERTIFICATES or number > MAX_BLOCKS:
            problems.append(f"it has more than {number - 1} blocks; the rest was not looked at")
            break
        try:
            if block.label != _CERTIFICATE:
                problems.extend(_other(block.label))
            elif block.body is None:
                problems.append(known or f"block {number} in it is cut off or damaged; copy it anew")
            else:
                found.append(certificate(block.body))
                taken.append(block.body)
        except CertificateError as error:
            problems.append(f"block {number} in it is no certificate: {error}")
    if not found and not problems:
        problems.append(_nothing(data))
    return Content(tuple(found), tuple(taken), tuple(dict.fromkeys(problems)))


def _other(label: bytes) -> list[str]:
    if label.endswith(b"PRIVATE KEY"):
        return ["it has a private key in it, which does not belong there; take that out"]
    return [_OTHER_LABELS[label]] if label in _OTHER_LABELS else []


def _nothing(data: bytes) -> str:
    if not data.strip():
        return "it is empty"
    if not is_der(data):
        return "it has no certificate in PEM"
    return f"it is in DER, not in PEM, and is passed over; {_TO_PEM}"


def is_der(data: bytes) -> bool:
    """Whether it begins as a certificate in DER does: a sequence that is longer than 127 bytes."""
    return data[:1] == b"\x30" and data[1:2] in (b"\x81", b"\x82", b"\x83")


def read_either(data: bytes) -> Content:
    """The same for a store that takes DER as well."""
    if not is_der(data):
        return read(data)
    try:
        return Content((certificate(data),), (data,), ())
    except CertificateError as error:
        return Content((), (), (f"it is no certificate: {error}",))
