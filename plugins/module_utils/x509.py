# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a certificate says of itself, read from its DER with the standard library alone (RFC 5280).

Nothing is verified here: a certificate may say what it likes. That is for the one who connects (registry_probe.py).
Bytes of any origin are taken; what is no certificate is a `CertificateError` and nothing else.
"""

from __future__ import annotations

import calendar
import hashlib
import ipaddress
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable

# Certificates are a few KiB. There are some with hundreds of names; what is longer is not read any further.
MAX_DER_BYTES = 256 * 1024
MAX_NAMES = 100
MAX_NAME_LETTERS = 300

_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID, _SEQUENCE, _SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _ISSUER_UID, _SUBJECT_UID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3
_DNS_NAME, _IP_ADDRESS, _KEY_IDENTIFIER = 0x82, 0x87, 0x80

# Strings of names: UTF8, Numeric, Printable, Teletex (in practice Latin-1), IA5, Visible, Universal and BMP. Those that
# should be ASCII have UTF-8 in them here and there.
_ENCODINGS = {
    0x0C: "utf-8", 0x12: "utf-8", 0x13: "utf-8", 0x14: "latin-1", 0x16: "utf-8", 0x1A: "utf-8",
    0x1C: "utf-32-be", 0x1E: "utf-16-be",
}  # fmt: skip
_ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip
_SUBJECT_KEY, _ALTERNATIVE_NAMES, _BASIC_CONSTRAINTS, _AUTHORITY_KEY = (
    "2.5.29.14",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.35",
)


class CertificateError(ValueError):
    """The bytes are no certificate; the message says what is wrong with `it`."""


class Certificate(NamedTuple):
    """What one certificate says."""

    # Of the DER, in hex: what other programs call its fingerprint.
    sha256: str
    # In one line, CN first: `CN=Example Root,O=Example` (RFC 4514).
    subject: str
    issuer: str
    # `2027-01-31T00:00:00Z`.
    not_before: str
    not_after: str
    # Whether it may sign others: basicConstraints say so, or it is of version 1, which has none, and its own issuer.
    ca: bool
    # Whether it names itself as issuer. The signature is not checked, the keys' identifiers are compared.
    self_signed: bool
    # Host names and addresses that it is for. The CN is none of them: engines do not look at it.
    names: tuple[str, ...]


class _Element(NamedTuple):
    tag: int
    body: bytes
    # With tag and length.
    whole: bytes


class _Reader:
    """The elements of a constructed one, in their order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def peek(self) -> int | None:
        return self.data[self.at] if self else None

    def take(self, *tags: int) -> _Element:
        """The next element, which has to be one of TAGS where some are given."""
        start, head = self.at, self.data[self.at : self.at + 2]
        if len(head) < 2:
            raise CertificateError("it is cut off")
        if head[0] & 0x1F == 0x1F or (tags and head[0] not in tags):
            raise CertificateError("it is no certificate in DER")
        length, self.at = head[1], start + 2
        if length & 0x80:
            length = self._long(length & 0x7F)
        body = self.data[self.at : self.at + length]
        if len(body) < length:
            raise CertificateError("it is cut off")
        self.at += length
        return _Element(head[0], body, self.data[start : self.at])

    def _long(self, size: int) -> int:
        digits = self.data[self.at : self.at + size]
        self.at += size
        length = int.from_bytes(digits, "big")
        # DER has one way to write a length, the shortest.
        if not 1 <= size <= 4 or len(digits) < size or not digits[0] or length < 0x80:
            raise CertificateError("it is no certificate in DER")
        return length

    def end(self) -> None:
        if self:
            raise CertificateError("it has something behind its end")


def certificate(der: bytes) -> Certificate:
    """What a certificate in DER says."""
    if len(der) > MAX_DER_BYTES:
        raise CertificateError(f"it is larger than {MAX_DER_BYTES >> 10} KiB")
    outer = _Reader(der)
    whole = _Reader(outer.take(_SEQUENCE).body)
    outer.end()
    signed = _Reader(whole.take(_SEQUENCE).body)
    whole.take(_SEQUENCE)
    whole.take(_BIT_STRING)
    whole.end()
    version = _version(signed)
    signed.take(_INTEGER)
    signed.take(_SEQUENCE)
    issuer = signed.take(_SEQUENCE)
    validity = _Reader(signed.take(_SEQUENCE).body)
    subject = signed.take(_SEQUENCE)
    signed.take(_SEQUENCE)
    extensions = _extensions(signed)
    itself = issuer.body == subject.body and _same_key(extensions)
    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        subject=_name(subject.body),
        issuer=_name(issuer.body),
        not_before=_time(validity.take(_UTC_TIME, _GENERALIZED_TIME)),
        not_after=_time(validity.take(_UTC_TIME, _GENERALIZED_TIME)),
        ca=_may_sign(extensions) or (version == 1 and itself),
        self_signed=itself,
        names=_names(extensions),
    )


def _version(signed: _Reader) -> int:
    if signed.peek() != _VERSION:
        return 1
    number = _Reader(signed.take().body).take(_INTEGER).body
    return int.from_bytes(number[:2], "big") + 1


def _extensions(signed: _Reader) -> dict[str, bytes]:
    """The content of each extension by its identifier."""
    for tag in (_ISSUER_UID, _SUBJECT_UID):
        if signed.peek() == tag:
            signed.take()
    if not signed:
        return {}
    each = _Reader(_Reader(signed.take(_EXTENSIONS).body).take(_SEQUENCE).body)
    signed.end()
    found: dict[str, bytes] = {}
    while each:
        one = _Reader(each.take(_SEQUENCE).body)
        identifier = _identifier(one.take(_OID).body)
        if one.peek() == _BOOLEAN:
            one.take()
        found[identifier] = one.take(_OCTET_STRING).body
    return found


def _may_sign(extensions: dict[str, bytes]) -> bool:
    if _BASIC_CONSTRAINTS not in extensions:
        return False
    constraints = _Reader(_Reader(extensions[_BASIC_CONSTRAINTS]).take(_SEQUENCE).body)
    return constraints.peek() == _BOOLEAN and constraints.take().body not in (b"", b"\x00")


def _same_key(extensions: dict[str, bytes]) -> bool:
    """Whether subject and issuer may have one key; where one of them is not told, they may.

    Two authorities of one name, an old and a new one that signed each other, are told apart by this.
    """
    if _SUBJECT_KEY not in extensions or _AUTHORITY_KEY not in extensions:
        return True
    own = _Reader(extensions[_SUBJECT_KEY]).take(_OCTET_STRING).body
    signer = _Reader(_Reader(extensions[_AUTHORITY_KEY]).take(_SEQUENCE).body)
    return signer.peek() != _KEY_IDENTIFIER or signer.take().body == own


def _names(extensions: dict[str, bytes]) -> tuple[str, ...]:
    if _ALTERNATIVE_NAMES not in extensions:
        return ()
    each = _Reader(_Reader(extensions[_ALTERNATIVE_NAMES]).take(_SEQUENCE).body)
    names: list[str] = []
    while each and len(names) < MAX_NAMES:
        element = each.take()
        if element.tag == _DNS_NAME:
            names.append(_short(element.body.decode("ascii", "replace")))
        elif element.tag == _IP_ADDRESS and len(element.body) in (4, 16):
            names.append(str(ipaddress.ip_address(element.body)))
    return tuple(names)


def _identifier(body: bytes) -> str:
    """An object identifier with its dots."""
    if not body or body[-1] & 0x80 or len(body) > 64:
        raise CertificateError("it is no certificate in DER")
    numbers, value = [], 0
    for octet in body:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in (first, numbers[0] - first * 40, *numbers[1:]))


def _name(body: bytes) -> str:
    """A name in one line; RFC 4514 begins with what stands last."""
    parts, each = [], _Reader(body)
    while each:
        values, one = [], _Reader(each.take(_SET).body)
        while one:
            pair = _Reader(one.take(_SEQUENCE).body)
            identifier = _identifier(pair.take(_OID).body)
            values.append(f"{_ATTRIBUTES.get(identifier, identifier)}={_value(pair.take())}")
        parts.append("+".join(values))
    return _short(",".join(reversed(parts)))


def _value(element: _Element) -> str:
    """A name's value, escaped as RFC 4514 wants it; what is no text in hex."""
    try:
        text = element.body.decode(_ENCODINGS[element.tag])
    except (KeyError, UnicodeDecodeError):
        return f"#{element.whole.hex()}"
    escaped = "".join(f"\\{letter}" if letter in '\\"+,;<>' else letter for letter in text)
    if escaped[:1] in ("#", " "):
        escaped = f"\\{escaped}"
    if escaped.endswith(" ") and len(text) > 1:
        escaped = f"{escaped[:-1]}\\ "
    return escaped.replace("\0", "\\00")


def _short(text: str) -> str:
    """TEXT as a terminal and a report can take it."""
    return printable(text if len(text) <= MAX_NAME_LETTERS else f"{text[: MAX_NAME_LETTERS - 3]}...")


def _time(element: _Element) -> str:
    """`2027-01-31T00:00:00Z` of either form; RFC 5280 allows UTC with seconds, and nothing else."""
    digits = element.body[:-1]
    if element.tag == _UTC_TIME and len(digits) == 12:
        digits = (b"19" if digits >= b"50" else b"20") + digits
    if len(digits) != 14 or not digits.isdigit() or element.body[-1:] != b"Z":
        raise CertificateError("it has a date that RFC 5280 does not allow")
    text = digits.decode("ascii")
    year, month, day, hour, minute, second = (int(text[start:stop]) for start, stop in _FIELDS)
    whole = 1 <= month <= 12 and year >= 1 and 1 <= day <= calendar.monthrange(year, month)[1]
    if not (whole and hour < 24 and minute < 60 and second < 60):
        raise CertificateError("it has a date that does not exist")
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


_FIELDS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
