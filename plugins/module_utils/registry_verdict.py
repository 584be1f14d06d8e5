# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What is wrong when a registry is not trusted, or does not trust: a kind and a sentence, from what TLS said."""

from __future__ import annotations

import ipaddress
import ssl
from typing import Iterable, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.x509 import Certificate

# X509_V_ERR_*: numbers of OpenSSL, the same in all its releases.
_NOT_YET_VALID, _EXPIRED = 9, 10
_NAME_MISMATCHES = (62, 64)
# No issuer, not signed by the issuer, self-signed, a chain that ends nowhere.
_UNTRUSTED = (2, 7, 18, 19, 20, 21, 27)

# Alerts by which servers refuse clients. OpenSSL changes what stands before `alert` now and then.
_CLIENT_ALERTS = (
    "alert certificate required", "alert bad certificate", "alert unsupported certificate", "alert certificate revoked",
    "alert certificate expired", "alert certificate unknown", "alert unknown ca", "alert access denied",
    "alert decrypt error",
)  # fmt: skip
_HANDSHAKE_FAILURE = "alert handshake failure"
_UNKNOWN_NAME = ("unrecognized name",)

# More names than these do not help.
_LISTED = 5


class Shown(NamedTuple):
    """Who was asked, by which trust, and the certificate that was shown, as far as it was seen."""

    name: str
    trusted_by: str
    trusted: tuple[Certificate, ...]
    certificate: Certificate | None
    now: str


def covers(names: Iterable[str], name: str) -> bool:
    """Whether one of a certificate's names is NAME; a star stands for the whole first label (RFC 6125)."""
    try:
        address = str(ipaddress.ip_address(name))
    except ValueError:
        wanted = name.lower().rstrip(".")
    else:
        return address in names
    first, dot, rest = wanted.partition(".")
    starred = f"*.{rest}" if first and dot and rest else wanted
    return any(each.lower() in (wanted, starred) for each in names)


def mistrust(error: ssl.SSLCertVerificationError, shown: Shown) -> tuple[str, str]:
    """Kind and sentence for a server whose certificate was refused."""
    kind, sentence = _mistrust(error, shown)
    rest = [each for each in _flaws(shown) if each[0] != kind]
    return kind, "; ".join([sentence, *(f"besides, {text}" for _kind, text in rest)])


def _mistrust(error: ssl.SSLCertVerificationError, shown: Shown) -> tuple[str, str]:
    flaws = dict(_flaws(shown))
    if error.verify_code in _NAME_MISMATCHES:
        return "name_mismatch", flaws.get("name_mismatch", f"its certificate is not for {shown.name}")
    if error.verify_code == _EXPIRED:
        return _in_time("server_expired", "ca_expired", flaws, shown)
    if error.verify_code == _NOT_YET_VALID:
        return _in_time("server_not_yet_valid", "ca_not_yet_valid", flaws, shown)
    if error.verify_code in _UNTRUSTED:
        return "other_ca", _other_authority(shown)
    return "unfit", f"its certificate cannot be used: {error.verify_message}"


def _in_time(server: str, authority: str, flaws: dict[str, str], shown: Shown) -> tuple[str, str]:
    """A date is wrong: the server's own where that is so, else that of an authority."""
    if server in flaws:
        return server, flaws[server]
    for one in shown.trusted:
        if authority == "ca_expired" and one.not_after < shown.now:
            return authority, f"the CA {one.subject} in {shown.trusted_by} expired on {one.not_after}"
        if authority == "ca_not_yet_valid" and one.not_before > shown.now:
            return authority, f"the CA {one.subject} in {shown.trusted_by} is not valid before {one.not_before}"
    words = "has expired" if authority == "ca_expired" else "is not yet valid"
    return authority, f"a CA between its certificate and {shown.trusted_by} {words}"


def _flaws(shown: Shown) -> list[tuple[str, str]]:
    """What is wrong with the server's certificate whoever signed it."""
    one = shown.certificate
    if one is None:
        return []
    found = []
    if not one.names:
        words = "has no alternative names (SAN), and engines do not look at the common name"
        found.append(("name_mismatch", f"its certificate {words}"))
    elif not covers(one.names, shown.name):
        more = f" and {len(one.names) - _LISTED} more" if len(one.names) > _LISTED else ""
        found.append(
            ("name_mismatch", f"its certificate is for {', '.join(one.names[:_LISTED])}{more}, not for {shown.name}")
        )
    if one.not_after < shown.now:
        found.append(("server_expired", f"its certificate expired on {one.not_after}"))
    if one.not_before > shown.now:
        found.append(("server_not_yet_valid", f"its certificate is not valid before {one.not_before}"))
    return found


def _other_authority(shown: Shown) -> str:
    one = shown.certificate
    if one is None:
        signer = "its certificate is"
    elif one.self_signed:
        signer = f"its certificate is its own issuer ({one.subject}), and"
    else:
        signer = f"its certificate is signed by {one.issuer}, which is"
    subjects = list(dict.fromkeys(each.subject for each in shown.trusted))
    listed = f" ({', '.join(subjects[:_LISTED])}{' and more' if len(subjects) > _LISTED else ''})" if subjects else ""
    if one is not None and not one.self_signed and one.issuer in subjects:
        # Of the same name and another key: a CA that was made anew, or an intermediate that the server keeps to itself.
        return f"{signer} in {shown.trusted_by} by its name, but with another key{listed}"
    return f"{signer} not trusted by {shown.trusted_by}{listed}"


def refusal(error: ssl.SSLError, given: str | None, asked: bool, opened: bool) -> tuple[str, str] | None:
    """Kind and sentence where a server refused the client; None for whatever else went wrong.

    GIVEN is the file of the certificate that was shown to it, ASKED whether it asked for one, OPENED whether the
    handshake had been done on this side. Then TLS 1.3 is spoken, which is how a server refuses late.
    """
    words = str(error).lower()
    if any(each in words for each in _UNKNOWN_NAME):
        return "name_mismatch", "it says that it has no certificate for this name"
    named = next((each for each in _CLIENT_ALERTS if each in words), None)
    if named is None and not (_HANDSHAKE_FAILURE in words and (asked or opened)):
        return None
    if given is not None:
        said = named or _HANDSHAKE_FAILURE
        return "client_refused", f"it refuses the client certificate {given} (it says: {said[len('alert ') :]})"
    if asked or opened or named == _CLIENT_ALERTS[0]:
        return "client_wanted", "it wants a client certificate, and there is none for it"
    return None
