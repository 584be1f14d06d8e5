# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is read here from certificates is what `cryptography` reads from them."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import time

import pytest
from cryptography import x509 as reference
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import (
    MAX_DER_BYTES,
    MAX_NAME_LETTERS,
    MAX_NAMES,
    CertificateError,
    certificate,
)
from tests.support.pki import Authority, days, new_key, self_signed

KEY = new_key()
CA = Authority("Lab CA")
MIDDLE = Authority("Team CA", parent=CA)
ATTRIBUTES = [
    NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME, NameOID.DOMAIN_COMPONENT, NameOID.USER_ID,
    ObjectIdentifier("2.999.70000.1"), ObjectIdentifier("1.39.5"), ObjectIdentifier("0.9.2342.1"),
]  # fmt: skip


def made(
    name: reference.Name,
    between: tuple[datetime.datetime, datetime.datetime] | None = None,
    extensions: tuple[reference.ExtensionType, ...] = (),
) -> bytes:
    """A certificate of this name, in DER."""
    start, end = between or (days(-1), days(1))
    builder = reference.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(7).not_valid_before(start).not_valid_after(end)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def iso(moment: datetime.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


PARTS = st.lists(
    st.sets(st.tuples(st.sampled_from(ATTRIBUTES), st.text(min_size=1, max_size=12)), min_size=1, max_size=3),
    min_size=0,
    max_size=4,
)
# The forms of dates change in 2050, and a certificate without an end has the last day of the year 9999.
MOMENTS = st.datetimes(
    datetime.datetime(1950, 1, 1),
    datetime.datetime(9999, 12, 31, 23, 59, 59),
).map(lambda moment: moment.replace(microsecond=0, tzinfo=datetime.UTC))


@given(PARTS)
def test_names_are_read_as_the_reference_reads_them(parts: list[set[tuple[ObjectIdentifier, str]]]) -> None:
    name = reference.Name(
        [
            reference.RelativeDistinguishedName(
                reference.NameAttribute(oid, value, _validate=False) for oid, value in part
            )
            for part in parts
        ]
    )
    der = made(name)
    read = certificate(der)
    # The parts of a part are in the order of DER there. What a terminal cannot show is no part of the law.
    expected = "".join(
        each if each.isprintable() else "?"
        for each in reference.load_der_x509_certificate(der).subject.rfc4514_string()
    )
    if len(expected) <= MAX_NAME_LETTERS:
        assert read.subject == read.issuer == expected
    assert len(read.subject) <= MAX_NAME_LETTERS


@given(MOMENTS, MOMENTS)
def test_dates_are_read_as_the_reference_reads_them(one: datetime.datetime, other: datetime.datetime) -> None:
    read = certificate(made(reference.Name([]), (min(one, other), max(one, other))))
    assert (read.not_before, read.not_after) == (iso(min(one, other)), iso(max(one, other)))


@given(st.lists(st.ip_addresses() | st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,3}", fullmatch=True), max_size=9))
def test_alternative_names_are_read_as_they_were_written(names: list[object]) -> None:
    general = [
        reference.DNSName(name) if isinstance(name, str) else reference.IPAddress(ipaddress.ip_address(str(name)))
        for name in names
    ]
    extensions = (reference.SubjectAlternativeName(general),) if general else ()
    assert certificate(made(reference.Name([]), extensions=extensions)).names == tuple(str(name) for name in names)


def test_names_that_no_client_compares_are_left_out_and_hundreds_are_cut() -> None:
    others = [reference.RFC822Name("admin@registry.example"), reference.UniformResourceIdentifier("https://a.example")]
    names = [reference.DNSName(f"n{number}.example") for number in range(200)]
    read = certificate(made(reference.Name([]), extensions=(reference.SubjectAlternativeName([*others, *names]),)))
    assert read.names == tuple(f"n{number}.example" for number in range(MAX_NAMES))


@pytest.mark.parametrize(
    ("der", "ca", "itself"),
    [
        pytest.param(CA.der, True, True, id="a root"),
        pytest.param(MIDDLE.der, True, False, id="an intermediate"),
        pytest.param(CA.issue(["a.example"]).der, False, False, id="a server"),
        pytest.param(self_signed(["a.example"]).der, False, True, id="a server that signed itself"),
        pytest.param(self_signed(["a.example"], ca=None).der, False, True, id="one without constraints"),
        pytest.param(Authority("x", ca=False).der, False, True, id="one that says that it is none"),
        pytest.param(
            Authority("Lab CA", parent=CA).der, True, False, id="one that an authority of the same name signed"
        ),
    ],
)
def test_who_may_sign_and_who_signed_itself(der: bytes, ca: bool, itself: bool) -> None:
    read = certificate(der)
    assert (read.ca, read.self_signed) == (ca, itself)
    assert read.sha256 == reference.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex()


def element(tag: int, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def text(value: bytes, tag: int = 0x0C) -> bytes:
    """CN=VALUE."""
    return element(0x30, element(0x31, element(0x30, bytes.fromhex("0603550403"), element(tag, value))))


def by_hand(
    *,
    version: bytes = b"",
    name: bytes = text(b"x"),
    start: bytes = element(0x17, b"250101000000Z"),
    end: bytes = element(0x17, b"350101000000Z"),
    rest: bytes = b"",
) -> bytes:
    """A certificate of parts, as no library would make it."""
    empty = element(0x30)
    signed = element(0x30, version, element(0x02, b"\1"), empty, name, element(0x30, start, end), name, empty, rest)
    return element(0x30, signed, empty, element(0x03, b"\0"))


def test_a_certificate_of_version_1_is_an_authority_if_it_is_its_own_issuer() -> None:
    read = certificate(by_hand())
    assert (read.ca, read.self_signed, read.subject) == (True, True, "CN=x")
    assert (read.not_before, read.not_after) == ("2025-01-01T00:00:00Z", "2035-01-01T00:00:00Z")
    assert certificate(by_hand(version=element(0xA0, element(0x02, b"\2")))).ca is False


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param(text("Prüfstelle".encode("latin-1"), 0x14), "CN=Prüfstelle", id="in the way of the eighties"),
        pytest.param(text("Prüf".encode("utf-16-be"), 0x1E), "CN=Prüf", id="in 16 bits"),
        pytest.param(text("Prüf".encode("utf-32-be"), 0x1C), "CN=Prüf", id="in 32 bits"),
        pytest.param(text(b"\xff"), "CN=#0c01ff", id="that is no text"),
        pytest.param(text(b"\0", 0x03), "CN=#030100", id="of bits"),
        pytest.param(text(b"a\x1b[31m\nb"), "CN=a?[31m?b", id="that would colour a terminal"),
        pytest.param(text(b"x" * 400), f"CN={'x' * 294}...", id="without end"),
        pytest.param(text(b'#a,b+c"d '), 'CN=\\#a\\,b\\+c\\"d\\ ', id="with signs that mean something"),
        pytest.param(
            element(0x30, element(0x31, element(0x30, bytes.fromhex("06092a864886f70d010901"), element(0x16, b"a@b")))),
            "emailAddress=a@b", id="of somebody",
        ),
    ],
)  # fmt: skip
def test_names_of_every_kind_are_fit_for_a_terminal(name: bytes, shown: str) -> None:
    assert certificate(by_hand(name=name)).subject == shown


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        pytest.param(element(0x17, b"2501010000Z"), "it has a date that RFC 5280 does not allow", id="no seconds"),
        pytest.param(
            element(0x17, b"250101000000+0100"), "it has a date that RFC 5280 does not allow", id="another zone"
        ),
        pytest.param(element(0x18, b"20250101000000.5Z"), "it has a date that RFC 5280 does not allow", id="halves"),
        pytest.param(element(0x17, b"25-101000000Z"), "it has a date that RFC 5280 does not allow", id="a sign"),
        pytest.param(element(0x17, b""), "it has a date that RFC 5280 does not allow", id="nothing"),
        pytest.param(element(0x18, b"20250230000000Z"), "it has a date that does not exist", id="30 February"),
        pytest.param(element(0x18, b"20251301000000Z"), "it has a date that does not exist", id="a thirteenth month"),
        pytest.param(element(0x18, b"00000101000000Z"), "it has a date that does not exist", id="the year zero"),
        pytest.param(element(0x18, b"20250101240000Z"), "it has a date that does not exist", id="24 o'clock"),
        pytest.param(element(0x0C, b"today"), "it is no certificate in DER", id="a text"),
    ],
)
def test_a_date_that_is_none_says_so(date: bytes, reason: str) -> None:
    with pytest.raises(CertificateError) as caught:
        certificate(by_hand(end=date))
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        pytest.param(b"", "it is cut off", id="nothing"),
        pytest.param(b"\x30", "it is cut off", id="one byte"),
        pytest.param(CA.der[:-1], "it is cut off", id="one that misses a byte"),
        pytest.param(CA.der + b"\n", "it has something behind its end", id="one with a line break behind it"),
        pytest.param(CA.pem.encode(), "it is no certificate in DER", id="PEM"),
        pytest.param(b"\x30\x80\x00\x00", "it is no certificate in DER", id="a length that is not told"),
        pytest.param(b"\x30\x81\x01\x00", "it is no certificate in DER", id="a length that is too long"),
        pytest.param(b"\x30\x85\x01\x00\x00\x00\x00", "it is no certificate in DER", id="a length of five bytes"),
        pytest.param(b"\x3f\x81\x00", "it is no certificate in DER", id="a tag of two bytes"),
        pytest.param(b"\x30\x00", "it is cut off", id="an empty sequence"),
        pytest.param(bytes(MAX_DER_BYTES + 1), "it is larger than 256 KiB", id="a large file"),
        pytest.param(
            by_hand(rest=element(0x04)), "it is no certificate in DER", id="something in the extensions' place"
        ),
    ],
)
def test_what_is_no_certificate_says_why(der: bytes, reason: str) -> None:
    with pytest.raises(CertificateError) as caught:
        certificate(der)
    assert str(caught.value) == reason


@given(
    st.binary(max_size=300)
    | st.tuples(st.integers(0, len(CA.der) - 1), st.integers(0, 255)).map(
        lambda change: CA.der[: change[0]] + bytes([change[1]]) + CA.der[change[0] + 1 :]
    )
    | st.integers(0, len(CA.der)).map(lambda cut: CA.der[:cut])
)
def test_whatever_the_bytes_are_the_answer_is_a_certificate_or_a_reason(der: bytes) -> None:
    with contextlib.suppress(CertificateError):
        read = certificate(der)
        assert read.subject.isprintable()
        assert len(read.not_after) == len("2027-01-31T00:00:00Z")


def test_hostile_bytes_take_no_time() -> None:
    many = element(0x30, *[element(0x31, element(0x30, bytes.fromhex("0603550403"), element(0x0C)))] * 20_000)
    started = time.perf_counter()
    with contextlib.suppress(CertificateError):
        certificate(by_hand(name=many))
    assert time.perf_counter() - started < 2
