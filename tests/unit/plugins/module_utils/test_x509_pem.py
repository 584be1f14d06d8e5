# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import x509_pem
from tests.support.pki import Authority

ONE = Authority("One CA")
TWO = Authority("Two CA")
DAMAGED = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def block(label: str, body: bytes = b"something") -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(body).decode()}\n-----END {label}-----\n"


@pytest.mark.parametrize(
    ("content", "subjects"),
    [
        pytest.param(ONE.pem, ["CN=One CA"], id="one"),
        pytest.param(ONE.pem.strip(), ["CN=One CA"], id="one without a last line break"),
        pytest.param(ONE.pem + TWO.pem, ["CN=One CA", "CN=Two CA"], id="two"),
        pytest.param(f"# mine\n{ONE.pem}\n\nand his:\n{TWO.pem}", ["CN=One CA", "CN=Two CA"], id="words between them"),
        pytest.param(ONE.pem.replace("\n", "\r\n"), ["CN=One CA"], id="a file from Windows"),
        pytest.param(ONE.pem.replace("\nM", "\n \tM"), ["CN=One CA"], id="blanks before what is between"),
        pytest.param(ONE.pem.replace("\n", " \n"), ["CN=One CA"], id="blanks at the ends of lines"),
        pytest.param(ONE.pem + block("X509 CRL") + block("DH PARAMETERS"), ["CN=One CA"], id="other things beside it"),
    ],
)
def test_certificates_are_found(content: str, subjects: list[str]) -> None:
    read = x509_pem.read(content.encode())
    assert [each.subject for each in read.certificates] == subjects
    assert read.problems == ()
    assert [x509_pem.fingerprint(der) for der in read.ders] == [each.sha256 for each in read.certificates]
    assert list(x509_pem.ders(content.encode())) == list(read.ders)


@pytest.mark.parametrize(
    ("content", "found", "problem"),
    [
        pytest.param(b"", 0, "it is empty", id="nothing"),
        pytest.param(b" \n", 0, "it is empty", id="a blank line"),
        pytest.param(b"<html>404</html>", 0, "it has no certificate in PEM", id="a web page"),
        pytest.param(
            ONE.der, 0,
            "it is in DER, not in PEM, and is passed over; convert it with 'openssl x509 -inform der -outform pem'",
            id="DER",
        ),
        pytest.param(
            (ONE.pem.strip() + TWO.pem).encode(), 0,
            "two certificates in it are glued together; put a line break between END and BEGIN", id="glued together",
        ),
        pytest.param(
            ONE.pem[:200].encode(), 0, "block 1 in it is cut off or damaged; copy it anew", id="cut off"
        ),
        pytest.param(
            (ONE.pem[:200] + "\n" + TWO.pem).encode(), 1,
            "block 1 in it is cut off or damaged; copy it anew", id="cut off before another",
        ),
        pytest.param(
            (ONE.pem + TWO.pem.replace("MII", "M*I", 1)).encode(), 1,
            "block 2 in it is cut off or damaged; copy it anew", id="a sign that is not base64",
        ),
        pytest.param(
            (ONE.pem + DAMAGED).encode(), 1, "block 2 in it is no certificate: it is no certificate in DER",
            id="base64 of something else",
        ),
        pytest.param(
            ("\ufeff" + ONE.pem + TWO.pem).encode(), 1,
            "it begins with a byte order mark, so that its first certificate is passed over; save it without",
            id="a byte order mark",
        ),
        pytest.param(
            (ONE.pem + TWO.pem.replace("-----B", "  -----B")).encode(), 1,
            "BEGIN or END in it is indented, so that the certificate is passed over; remove the blanks before it",
            id="an indented one",
        ),
        pytest.param(
            ONE.pem.replace("\n", "\n  ").encode(), 0,
            "BEGIN or END in it is indented, so that the certificate is passed over; remove the blanks before it",
            id="an indented one but for its first line",
        ),
        pytest.param(
            ONE.pem.replace("\n", "\r").encode(), 0, "it has no certificate in PEM", id="lines of an old Macintosh"
        ),
        pytest.param(
            (ONE.pem + ONE.key_pem).encode(), 1,
            "it has a private key in it, which does not belong there; take that out", id="with its key",
        ),
        pytest.param(
            block("EC PRIVATE KEY").encode(), 0,
            "it has a private key in it, which does not belong there; take that out", id="a key alone",
        ),
        pytest.param(
            block("TRUSTED CERTIFICATE").encode(), 0,
            "it has a certificate in OpenSSL's own form, TRUSTED CERTIFICATE, which is passed over; convert it with "
            "'openssl x509'", id="OpenSSL's own form",
        ),
        pytest.param(
            block("PKCS7").encode(), 0,
            "it has a PKCS#7 bundle, which is passed over; convert it with 'openssl pkcs7 -print_certs'", id="PKCS#7",
        ),
        pytest.param(block("CERTIFICATE REQUEST").encode(), 0, "it has no certificate in PEM", id="a request"),
    ],
)  # fmt: skip
def test_what_an_engine_passes_over_is_told(content: bytes, found: int, problem: str) -> None:
    read = x509_pem.read(content)
    assert (len(read.certificates), len(read.ders), read.problems) == (found, found, (problem,))


def test_the_same_problem_is_told_once_and_a_world_of_certificates_is_bounded() -> None:
    assert len(x509_pem.read((ONE.key_pem * 3).encode()).problems) == 1
    read = x509_pem.read((ONE.pem * (x509_pem.MAX_CERTIFICATES + 2)).encode())
    assert len(read.certificates) == x509_pem.MAX_CERTIFICATES
    assert read.problems == ("it has more than 500 blocks; the rest was not looked at",)


def test_a_store_takes_der_as_well() -> None:
    assert [each.subject for each in x509_pem.read_either(ONE.der).certificates] == ["CN=One CA"]
    assert [each.subject for each in x509_pem.read_either(ONE.pem.encode()).certificates] == ["CN=One CA"]
    assert x509_pem.read_either(ONE.der[:-1]).problems == ("it is no certificate: it is cut off",)


def test_lines_that_begin_and_never_end_take_no_time() -> None:
    started = time.perf_counter()
    read = x509_pem.read(b"-----BEGIN CERTIFICATE-----\n" * 40_000)
    assert time.perf_counter() - started < 2
    assert (read.certificates, len(read.problems) > 1) == ((), True)


@given(st.lists(st.sampled_from([ONE.pem, TWO.pem, DAMAGED, "words\n", "-----BEGIN X-----\n", "-----END X-----\n"])))
def test_every_whole_certificate_is_found_whatever_stands_around_it(parts: list[str]) -> None:
    content = "".join(parts).encode()
    expected = [{ONE.pem: "CN=One CA", TWO.pem: "CN=Two CA"}[part] for part in parts if part in (ONE.pem, TWO.pem)]
    assert [each.subject for each in x509_pem.read(content).certificates] == expected


@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_there_is_a_certificate_or_a_problem(content: bytes) -> None:
    read = x509_pem.read(content)
    assert read.certificates or read.problems
