# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Certificates and private keys out of PEM, in the form in which they are judged and written."""

from __future__ import annotations

import datetime
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_blocks import Block, PemError, blocks, text_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

try:
    import cryptography
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:
    # Without it the action says so (runner_options.need); this file can still be loaded.
    pass

MIN_RSA_BITS = 2048
# What OpenSSL called them in its youth; today's programs know the first alone, and that one is written.
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE")

_NOT_AUTHORITIES = {
    "TRUSTED CERTIFICATE": "a TRUSTED CERTIFICATE, a form that OpenSSL alone can read; turn it into a plain one "
    "with openssl x509",
    "PKCS7": "PKCS#7; turn it into certificates with openssl pkcs7 -print_certs",
    "PKCS #7 SIGNED DATA": "PKCS#7; turn it into certificates with openssl pkcs7 -print_certs",
    "CMS": "PKCS#7; turn it into certificates with openssl pkcs7 -print_certs",
    "CERTIFICATE REQUEST": "a request for a certificate; give the certificate that was made of it",
    "NEW CERTIFICATE REQUEST": "a request for a certificate; give the certificate that was made of it",
}


@dataclass(frozen=True)
class Certificate:
    """What has to be known of one, and itself."""

    pem: str = field(repr=False)
    sha256: str
    subject: str
    issuer: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    # True and False as its basic constraints say; None when it has none.
    ca: bool | None
    version1: bool
    # Whether it may sign others; true without a word about it.
    signs: bool
    # Whether servers may be vouched for with it; true without a word about it.
    for_servers: bool
    # Whether it may be shown by a client; true without a word about it.
    for_clients: bool
    names: tuple[str, ...]
    # What is weak about it, such as `an RSA key of 1024 bits`.
    weak: tuple[str, ...]
    # The public key, to compare it with others.
    public: bytes = field(repr=False)
    loaded: x509.Certificate = field(repr=False, compare=False)

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer."""
        return bool(self.loaded.issuer == self.loaded.subject)

    @property
    def authority(self) -> bool:
        """Whether it can vouch for others. The roots of the first version of X.509 have no word for it."""
        return self.signs and (bool(self.ca) or (self.version1 and self.self_issued))

    def signed_by(self, other: Certificate) -> bool:
        """Whether OTHER's key made its signature."""
        if self.loaded.issuer != other.loaded.subject:
            return False
        try:
            self.loaded.verify_directly_issued_by(other.loaded)
        except (ValueError, TypeError, InvalidSignature):
            return False
        except UnsupportedAlgorithm:
            # Of another age, or of the next one: the names have to do.
            return True
        return True

    def valid(self, now: datetime.datetime) -> bool:
        """Whether it is in force."""
        return self.not_before <= now <= self.not_after


@dataclass(frozen=True)
class PrivateKey:
    """A private key: what is written, and what it is recognised by."""

    pem: str = field(repr=False)
    public: bytes = field(repr=False)


def too_old() -> str | None:
    """A sentence where the controller's library is one that cannot do all of it."""
    if hasattr(x509.Certificate, "not_valid_after_utc"):
        return None
    return (
        f"the controller's Python ({sys.executable}) has cryptography {cryptography.__version__}, which is too old; "
        f"install version 42 or a newer one there with `{sys.executable} -m pip install --upgrade cryptography`"
    )


def certificates(content: bytes) -> tuple[Certificate, ...]:
    """The certificates of a text, each once, in its order; PemError when there is anything else in it, or nothing."""
    found = blocks(content)
    if any("PRIVATE KEY" in block.label for block in found):
        raise PemError("has a private key in it; give the certificates alone")
    for block in found:
        if block.label not in _CERTIFICATES:
            other = _NOT_AUTHORITIES.get(block.label, f"a block {block.label}; give the certificates alone")
            raise PemError(f"has {other}")
    made = [_certificate(block.content, number, len(found)) for number, block in enumerate(found, 1)]
    return tuple({one.sha256: one for one in made}.values())


def joined(lists: Iterable[Iterable[Certificate]]) -> str:
    """The text of certificates, each once, in their order."""
    return "".join({one.sha256: one.pem for each in lists for one in each}.values())


def private_key(content: bytes) -> PrivateKey:
    """The only private key of a text; certificates beside it are left out. PemError says what is wrong with it."""
    found = blocks(content)
    keys = [block for block in found if "PRIVATE KEY" in block.label]
    if not keys:
        what = "a certificate" if any(block.label in _CERTIFICATES for block in found) else f"a {found[0].label}"
        raise PemError(f"is {what}, where a private key is wanted; give the key that was made for client_cert")
    if len(keys) > 1:
        raise PemError("has several private keys; give the one that belongs to client_cert")
    return _private_key(keys[0])


def _private_key(block: Block) -> PrivateKey:
    if block.encrypted:
        raise PemError("is encrypted, and no engine asks for a password; decrypt it with openssl pkey, and vault it")
    if block.label == "OPENSSH PRIVATE KEY":
        raise PemError("is a key in OpenSSH's own form; turn it into PEM with ssh-keygen -p -m pem")
    text = text_of(block.label, block.content)
    try:
        # Whether an RSA key's primes are primes takes longer than all else, and who gave it gave it for himself.
        loaded = serialization.load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
        public = loaded.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PemError("is a private key that cannot be parsed; give the PEM file as it was made") from None
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise PemError("is a private key of a kind that engines do not know; use RSA, ECDSA or Ed25519")
    return PrivateKey(text, public)


def _certificate(content: bytes, number: int, count: int) -> Certificate:
    which = "a certificate" if count == 1 else f"a certificate (number {number} of {count})"
    try:
        with warnings.catch_warnings():
            # About what a later release will refuse; today's judgement is ours.
            warnings.simplefilter("ignore")
            return _read(x509.load_der_x509_certificate(content), content)
    except _unreadable():
        raise PemError(f"has {which} that cannot be parsed; give the PEM file as it was made") from None


def _unreadable() -> tuple[type[Exception], ...]:
    """What the library raises of a certificate that is none; a function, as it may not be there."""
    return (
        ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    )  # fmt: skip


def _read(loaded: x509.Certificate, content: bytes) -> Certificate:
    usage = _extension(loaded, x509.KeyUsage)
    extended = _extension(loaded, x509.ExtendedKeyUsage)
    constraints = _extension(loaded, x509.BasicConstraints)
    return Certificate(
        pem=text_of("CERTIFICATE", content),
        sha256=loaded.fingerprint(hashes.SHA256()).hex(),
        subject=_name(loaded.subject),
        issuer=_name(loaded.issuer),
        not_before=loaded.not_valid_before_utc,
        not_after=loaded.not_valid_after_utc,
        ca=None if constraints is None else constraints.ca,
        version1=loaded.version is x509.Version.v1,
        signs=usage is None or usage.key_cert_sign,
        for_servers=_is_for(extended, ExtendedKeyUsageOID.SERVER_AUTH),
        for_clients=_is_for(extended, ExtendedKeyUsageOID.CLIENT_AUTH),
        names=_names(loaded),
        weak=_weak(loaded),
        public=loaded.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        loaded=loaded,
    )


def _extension(loaded: x509.Certificate, kind: type[x509.ExtensionType]) -> Any:
    try:
        return loaded.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _is_for(extended: Any, purpose: Any) -> bool:
    """Whether an extended key usage, or the lack of one, allows a purpose."""
    return extended is None or purpose in extended or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in extended


def _name(name: x509.Name) -> str:
    return printable(name.rfc4514_string())[:120] or "(no name)"


def _names(loaded: x509.Certificate) -> tuple[str, ...]:
    """Names and addresses that a server's certificate is for."""
    found = _extension(loaded, x509.SubjectAlternativeName)
    if found is None:
        return ()
    addresses = [str(each) for each in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def _weak(loaded: x509.Certificate) -> tuple[str, ...]:
    found = []
    public = loaded.public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        found.append(f"an RSA key of {public.key_size} bits")
    algorithm = _signature_hash(loaded)
    # Nobody looks at the signature of a root: it is trusted for being there.
    if algorithm in ("md5", "sha1") and loaded.issuer != loaded.subject:
        found.append(f"a signature with {algorithm.upper()}")
    return tuple(found)


def _signature_hash(loaded: x509.Certificate) -> str:
    try:
        algorithm = loaded.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return "unknown"
    return "none" if algorithm is None else algorithm.name
