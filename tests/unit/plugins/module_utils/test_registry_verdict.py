# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import ssl

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_verdict import covers, refusal


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        pytest.param(["registry.example"], "registry.example", True, id="the name"),
        pytest.param(["Registry.Example"], "registry.example.", True, id="the name in another spelling"),
        pytest.param(["*.example"], "registry.example", True, id="a star"),
        pytest.param(["*.example"], "a.registry.example", False, id="a star is one label"),
        pytest.param(["*.example"], "example", False, id="a star is no nothing"),
        pytest.param(["*"], "registry", False, id="a star alone"),
        pytest.param(["r*.example"], "registry.example", False, id="a star in a label"),
        pytest.param(["10.0.0.4"], "10.0.0.4", True, id="the address"),
        pytest.param(["fd00::4"], "fd00:0::4", True, id="the address in another spelling"),
        pytest.param(["*.0.0.4"], "10.0.0.4", False, id="a star for an address"),
        pytest.param([], "registry.example", False, id="no name"),
    ],
)
def test_who_a_certificate_is_for(names: list[str], name: str, expected: bool) -> None:
    assert covers(names, name) is expected


CERT = "/etc/docker/certs.d/registry.example/client.cert"


@pytest.mark.parametrize(
    ("words", "given", "asked", "opened", "kind"),
    [
        pytest.param("tlsv13 alert certificate required", None, False, True, "client_wanted", id="TLS 1.3, none"),
        pytest.param("sslv3 alert bad certificate", None, False, True, "client_wanted", id="an old Go, TLS 1.3, none"),
        pytest.param("sslv3 alert bad certificate", None, True, False, "client_wanted", id="an old Go, TLS 1.2, none"),
        pytest.param("sslv3 alert handshake failure", None, True, False, "client_wanted", id="OpenSSL, TLS 1.2, none"),
        pytest.param("ssl/tls alert handshake failure", None, False, False, None, id="no cipher in common"),
        pytest.param("ssl/tls alert bad certificate", None, False, False, None, id="who did not ask"),
        pytest.param("tlsv1 alert unknown ca", CERT, True, False, "client_refused", id="TLS 1.2, another CA"),
        pytest.param("ssl/tls alert certificate expired", CERT, False, True, "client_refused", id="TLS 1.3, expired"),
        pytest.param("tlsv1 alert protocol version", None, False, False, None, id="no version in common"),
        pytest.param("tlsv1 unrecognized name", None, False, False, "name_mismatch", id="an unknown name"),
        pytest.param("unexpected eof while reading", None, True, True, None, id="who hangs up"),
    ],
)  # fmt: skip
def test_what_an_alert_means(words: str, given: str | None, asked: bool, opened: bool, kind: str | None) -> None:
    found = refusal(ssl.SSLError(1, f"[SSL] {words} (_ssl.c:1000)"), given, asked, opened)
    assert (found[0] if found else None) == kind
