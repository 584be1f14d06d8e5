# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Certificate authorities that are made in a moment, and what they sign, good and bad.

    lab = Authority("Lab CA")
    server = lab.issue(["registry.example", "10.0.0.4"])
    client = lab.issue(["builder"], client=True)
    old = Authority("Old CA", not_before=days(-400), not_after=days(-30))
    middle = Authority("Team CA", parent=lab)

Everything is PEM as text, and every key is one of P-256, unless another is given: they take no time.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def now() -> datetime.datetime:
    """This moment, as certificates write it."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def days(count: float) -> datetime.datetime:
    """So many days from now; before it for negative ones."""
    return now() + datetime.timedelta(days=count)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key of its own."""
    return ec.generate_private_key(ec.SECP256R1())


def key_text(key: Any, password: bytes | None = None, *, traditional: bool = False) -> str:
    """A private key as PEM; with a password it is encrypted."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, encryption)
    return text.decode()


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def der(certificate: x509.Certificate) -> bytes:
    """A certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def subject(name: str) -> x509.Name:
    """CN=NAME."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    """Names and addresses as a server's certificate has them."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(found)


def extensions(*, ca: bool | None, names: Sequence[str] = (), usages: Sequence[Any] = ()) -> list[tuple[Any, bool]]:
    """Extensions with whether they are critical; CA None leaves the basic constraints out."""
    found: list[tuple[Any, bool]] = []
    if ca is not None:
        found.append((x509.BasicConstraints(ca=ca, path_length=None), True))
    if ca:
        # One that is a server's as well signs handshakes, too.
        own = ("digital_signature",) if names else ()
        found.append((key_usage("key_cert_sign", "crl_sign", *own), True))
    if names:
        found.append((alternative_names(names), False))
    if usages:
        found.append((x509.ExtendedKeyUsage(list(usages)), False))
    return found


def key_usage(*named: str) -> x509.KeyUsage:
    """What a key may be used for, by the names that x509.KeyUsage has for it."""
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: usage in named for usage in every})


def signed(
    name: str,
    issuer: x509.Name,
    public: Any,
    signer: Any,
    extended: Iterable[tuple[Any, bool]],
    between: tuple[datetime.datetime, datetime.datetime],
) -> x509.Certificate:
    """A certificate; key identifiers are always in it, as strict clients want them."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(between[0])
        .not_valid_after(between[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extended:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and the text of it with those that signed it, the root left out."""

    certificate: x509.Certificate
    cert_pem: str
    key_pem: str
    chain_pem: str

    @property
    def der(self) -> bytes:
        return der(self.certificate)


class Authority:
    """A certificate authority, or, with CA false, something that was mistaken for one."""

    def __init__(
        self,
        name: str,
        *,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        ca: bool = True,
        parent: Authority | None = None,
        key: Any = None,
    ) -> None:
        self.name = name
        self.parent = parent
        self.key = key or new_key()
        signer = parent or self
        self.certificate = signed(
            name, subject(signer.name), self.key.public_key(), signer.key, extensions(ca=ca),
            (not_before or days(-1), not_after or days(3650)),
        )  # fmt: skip

    @functools.cached_property
    def pem(self) -> str:
        """Its certificate."""
        return pem(self.certificate)

    @functools.cached_property
    def der(self) -> bytes:
        """Its certificate, as Windows likes to export it."""
        return der(self.certificate)

    @functools.cached_property
    def key_pem(self) -> str:
        """Its private key."""
        return key_text(self.key)

    def issue(
        self,
        names: Sequence[str],
        *,
        client: bool = False,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        usages: Sequence[Any] | None = None,
        key: Any = None,
    ) -> Issued:
        """A certificate for a server with these names, or for a client that has the first as its own."""
        key = key or new_key()
        wanted = ((CLIENT,) if client else (SERVER,)) if usages is None else usages
        made = signed(
            names[0], subject(self.name), key.public_key(), self.key,
            extensions(ca=False, names=() if client else names, usages=wanted),
            (not_before or days(-1), not_after or days(365)),
        )  # fmt: skip
        return Issued(made, pem(made), key_text(key), "".join([pem(made), *self._above()]))

    def _above(self) -> list[str]:
        """Those between what was issued and the root."""
        return [self.pem, *self.parent._above()] if self.parent else []


def self_signed(
    names: Sequence[str],
    *,
    ca: bool | None = False,
    client: bool = False,
    common_name: str | None = None,
    not_before: datetime.datetime | None = None,
    not_after: datetime.datetime | None = None,
) -> Issued:
    """A server's certificate that nobody else signed, or a client's; without names it has none but the common one."""
    key = new_key()
    name = common_name or (names[0] if names else "localhost")
    usages = (CLIENT,) if client else (SERVER,)
    made = signed(
        name, subject(name), key.public_key(), key, extensions(ca=ca, names=names, usages=usages),
        (not_before or days(-1), not_after or days(365)),
    )  # fmt: skip
    return Issued(made, pem(made), key_text(key), pem(made))
