# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_pem as pem
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_blocks import MAX_BYTES, PemError, text_of
from tests.support import pki

LAB, OTHER = pki.Authority("Lab CA"), pki.Authority("Other CA")
SERVER = LAB.issue(["registry.example"])
KEY = pki.new_key()
BOTH = LAB.pem + OTHER.pem
PLAIN = serialization.NoEncryption()
DER_KEY = KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, PLAIN)
STORE = pkcs12.serialize_key_and_certificates(b"lab", None, LAB.certificate, None, PLAIN)
MESSAGE = pkcs7.serialize_certificates([LAB.certificate], serialization.Encoding.DER)
MESSAGE_TEXT = pkcs7.serialize_certificates([LAB.certificate], serialization.Encoding.PEM)


def relabelled(label: str) -> str:
    """The certificate with another word in its first and last line."""
    return LAB.pem.replace("CERTIFICATE", label)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOTH.encode(), id="as OpenSSL writes it"),
        pytest.param(BOTH.replace("\n", "\r\n").encode(), id="with the line ends of Windows"),
        pytest.param(b"\xef\xbb\xbf" + BOTH.encode(), id="with Windows' byte order mark"),
        pytest.param(BOTH.encode("utf-16"), id="as PowerShell redirects it"),
        pytest.param(f"Főtanúsítvány\n{LAB.pem}# next\n{OTHER.pem}-- \nend".encode(), id="with text around it"),
        pytest.param(b"\xff\xfe caf\xe9\n".replace(b"\xff\xfe", b"") + BOTH.encode(), id="with text in Latin-1"),
        pytest.param(BOTH.strip().encode(), id="without a line break at the end"),
        pytest.param(BOTH.replace("\n", "\n    ").encode(), id="indented"),
        pytest.param(BOTH.replace("\n", " ").encode(), id="folded into one line"),
        pytest.param((BOTH + LAB.pem).encode(), id="with one of them twice"),
        pytest.param((relabelled("X509 CERTIFICATE") + OTHER.pem).encode(), id="with the word of OpenSSL's youth"),
    ],
)
def test_certificates_are_written_in_one_form(text: bytes) -> None:
    assert pem.joined([pem.certificates(text)]) == BOTH


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \n\t", "is empty", id="blanks"),
        pytest.param(LAB.der, "is DER, not PEM; turn it into PEM with openssl x509 -inform der", id="DER"),
        pytest.param(STORE, "is PKCS#12; turn it into PEM with openssl pkcs12", id="PKCS#12"),
        pytest.param(MESSAGE, "is PKCS#7; turn it into PEM with openssl pkcs7 -inform der", id="PKCS#7"),
        pytest.param(MESSAGE_TEXT, "has PKCS#7; turn it into certificates with openssl pkcs7", id="PKCS#7 as PEM"),
        pytest.param(DER_KEY, "is a private key in DER", id="a key in DER"),
        pytest.param(b"\xfe\xed\xfe\xed\0\0", "is a Java key store", id="a Java key store"),
        pytest.param(b"$ANSIBLE_VAULT;1.1;AES256\n33", "is still encrypted by ansible-vault", id="a vaulted file"),
        pytest.param(base64.encodebytes(LAB.der), "is base64 without its BEGIN and END lines", id="base64 alone"),
        pytest.param(b"0123456789", "is no PEM; give a text with -----BEGIN", id="some text"),
        pytest.param(b"-----BEGIN", "is no PEM; give a text with -----BEGIN", id="a beginning of nothing"),
        pytest.param(
            (LAB.pem.strip() + OTHER.pem).encode(), "two blocks without a line break between END and BEGIN", id="glued"
        ),
        pytest.param(
            (LAB.pem.strip() + OTHER.pem[5:]).encode(), "two blocks without a line break", id="glued, with five dashes"
        ),
        pytest.param(
            (LAB.pem.strip() + OTHER.pem[4:]).encode(), "two blocks without a line break", id="glued, with six dashes"
        ),
        pytest.param((LAB.pem + LAB.key_pem).encode(), "has a private key in it; give the", id="a key inside"),
        pytest.param(
            (pki.key_text(KEY, b"word") + LAB.pem).encode(), "has a private key in it", id="an encrypted key inside"
        ),
        pytest.param(relabelled("TRUSTED CERTIFICATE").encode(), "has a TRUSTED CERTIFICATE, a form", id="trusted"),
        pytest.param(relabelled("CERTIFICATE REQUEST").encode(), "has a request for a certificate", id="a request"),
        pytest.param(relabelled("X509 CRL").encode(), "has a block X509 CRL; give the certificates", id="a list"),
        pytest.param(LAB.pem[:200].encode(), "has a BEGIN CERTIFICATE without its END", id="its first half"),
        pytest.param(LAB.pem[200:].encode(), "is no PEM", id="its second half"),
        pytest.param((LAB.pem[:200] + "\n" + OTHER.pem).encode(), "BEGIN CERTIFICATE without", id="one and a half"),
        pytest.param((LAB.pem + OTHER.pem[200:]).encode(), "END CERTIFICATE without its BEGIN", id="an end too many"),
        pytest.param(LAB.pem.replace("\n", "\\n").encode(), r"has \n written out", id="line ends written out"),
        pytest.param(LAB.pem.replace("MII", "M!!").encode(), "is not the base64 it should be", id="broken base64"),
        pytest.param(text_of("CERTIFICATE", b"0\x03\x02\x01\x05").encode(), "cannot be parsed", id="no certificate"),
        pytest.param(
            (LAB.pem + text_of("CERTIFICATE", LAB.der[:-9])).encode(), "(number 2 of 2) that cannot", id="cut short"
        ),
        pytest.param(text_of("CERTIFICATE", LAB.der + b"x").encode(), "cannot be parsed", id="a byte too many"),
        pytest.param(b"x" * (MAX_BYTES + 1), "has more than 1 MiB", id="too much"),
    ],
)
def test_what_is_no_certificate_is_told_with_the_remedy(content: bytes, said: str) -> None:
    with pytest.raises(PemError) as caught:
        pem.certificates(content)
    assert said in str(caught.value)
    assert "MI" not in str(caught.value)


def private(key: object, password: bytes | None = None, traditional: bool = False) -> bytes:
    """A key as PEM."""
    return pki.key_text(key, password, traditional=traditional).encode()


def openssh() -> bytes:
    """A key as ssh-keygen makes it."""
    return KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, PLAIN)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(private(KEY), id="PKCS#8"),
        pytest.param(private(KEY, traditional=True), id="the form before it"),
        pytest.param(private(rsa.generate_private_key(65537, 2048)), id="RSA"),
        pytest.param(private(ed25519.Ed25519PrivateKey.generate()), id="Ed25519"),
        pytest.param(
            text_of("EC PARAMETERS", b"\x06\x08*\x86H\xce=\x03\x01\x07").encode() + private(KEY, traditional=True),
            id="with the parameters that openssl ecparam writes before it",
        ),
        pytest.param(LAB.pem.encode() + private(KEY), id="beside its certificate"),
        pytest.param(private(KEY).replace(b"\n", b"\r\n"), id="with the line ends of Windows"),
    ],
)
def test_keys_are_written_alone(content: bytes) -> None:
    found = pem.private_key(content)
    assert found.pem.count("-----BEGIN") == 1
    again = serialization.load_pem_private_key(found.pem.encode(), None)
    public = again.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == found.public
    assert "BEGIN" not in repr(found)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(private(KEY, b"word"), "is encrypted, and no engine asks", id="encrypted"),
        pytest.param(private(KEY, b"word", traditional=True), "is encrypted, and no engine asks", id="the old way"),
        pytest.param(LAB.pem.encode(), "is a certificate, where a private key is wanted", id="a certificate"),
        pytest.param(text_of("PUBLIC KEY", b"0").encode(), "is a PUBLIC KEY, where a private", id="the public half"),
        pytest.param(private(KEY) + private(pki.new_key()), "has several private keys", id="two of them"),
        pytest.param(openssh(), "is a key in OpenSSH's own form", id="a key for SSH"),
        pytest.param(DER_KEY, "is a private key in DER; turn it into PEM with openssl pkey", id="DER"),
        pytest.param(text_of("PRIVATE KEY", DER_KEY[:-9]).encode(), "cannot be parsed", id="cut short"),
        pytest.param(private(dsa.generate_private_key(1024)), "of a kind that engines do not know", id="DSA"),
        pytest.param(private(ed448.Ed448PrivateKey.generate()), "of a kind that engines do not know", id="Ed448"),
        pytest.param(b"", "is empty", id="nothing"),
    ],
)
def test_keys_that_are_of_no_use_are_not_quoted(content: bytes, said: str) -> None:
    with pytest.raises(PemError) as caught:
        pem.private_key(content)
    assert said in str(caught.value)
    text = content.decode("latin-1").replace("-----", "")
    assert not any(line in str(caught.value) for line in text.split("\n") if len(line) > 30)


def test_a_certificate_is_read() -> None:
    server = LAB.issue(["registry.example", "10.0.0.4"], not_after=pki.days(20))
    (found,) = pem.certificates(server.cert_pem.encode())
    assert (found.subject, found.issuer) == ("CN=registry.example", "CN=Lab CA")
    assert found.names == ("registry.example", "10.0.0.4")
    assert found.not_after == server.certificate.not_valid_after_utc
    assert found.sha256 == server.certificate.fingerprint(hashes.SHA256()).hex()
    assert (found.ca, found.authority, found.self_issued, found.for_clients) == (False, False, False, False)
    (root,) = pem.certificates(LAB.pem.encode())
    assert root.authority
    assert found.signed_by(root)
    assert not root.signed_by(found)


def test_a_namesake_did_not_sign() -> None:
    (found,) = pem.certificates(LAB.issue(["registry.example"]).cert_pem.encode())
    (namesake,) = pem.certificates(pki.Authority("Lab CA").pem.encode())
    assert not found.signed_by(namesake)


@pytest.mark.parametrize(
    ("bits", "weak"),
    [pytest.param(1024, ("an RSA key of 1024 bits",), id="too short"), pytest.param(2048, (), id="enough")],
)
def test_short_keys_are_weak(bits: int, weak: tuple[str, ...]) -> None:
    issued = LAB.issue(["registry.example"], key=rsa.generate_private_key(65537, bits))
    assert pem.certificates(issued.cert_pem.encode())[0].weak == weak


@pytest.mark.parametrize(
    ("algorithm", "weak"),
    [
        pytest.param(4, ("a signature with MD5",), id="MD5"),
        pytest.param(5, ("a signature with SHA1",), id="SHA-1"),
        pytest.param(11, (), id="SHA-256"),
        pytest.param(99, (), id="one that is not known"),
    ],
)
def test_old_signatures_are_weak(algorithm: int, weak: tuple[str, ...]) -> None:
    with_rsa = pki.Authority("Lab CA", key=rsa.generate_private_key(65537, 2048)).issue(["registry.example"])
    named = bytes.fromhex("2a864886f70d0101")
    # Nobody signs like that any more, so the name of the algorithm has to do.
    other = with_rsa.der.replace(named + bytes([11]), named + bytes([algorithm]))
    (found,) = pem.certificates(text_of("CERTIFICATE", other).encode())
    assert found.weak == weak


def test_a_certificate_that_ends_after_all_of_us() -> None:
    far = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    (found,) = pem.certificates(pki.Authority("Lab CA", not_after=far).pem.encode())
    assert found.not_after == far


def test_names_move_no_terminals_cursor() -> None:
    (found,) = pem.certificates(pki.Authority("Lab\x1b[31m CA").pem.encode())
    assert found.subject.isprintable()


@given(st.lists(st.tuples(st.integers(0, 299), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_became_of_a_certificate_is_read_or_told(changes: list[tuple[int, int]]) -> None:
    spoiled = bytearray(SERVER.der)
    for place, value in changes:
        spoiled[place] = value
    try:
        (found,) = pem.certificates(text_of("CERTIFICATE", bytes(spoiled)).encode())
    except PemError:
        return
    assert found.subject.isprintable()
    found.signed_by(found)
    assert found.authority in (True, False)


@given(st.binary(max_size=200) | st.text(alphabet="-BEGIND CRTFAKY\n\\:x=", max_size=200).map(str.encode))
def test_whatever_is_given_is_told(content: bytes) -> None:
    for read in (pem.certificates, pem.private_key):
        with pytest.raises(PemError):
            read(content)


def test_curves_and_versions_are_all_right() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    (found,) = pem.certificates(pki.Authority("Lab CA", key=key).pem.encode())
    assert found.authority
    assert found.loaded.version is x509.Version.v3
