# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The authorities of the tests are ones that TLS believes."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.support import pki
from tests.support.pki_handshake import handshake

LAB = pki.Authority("Lab CA")
TEAM = pki.Authority("Team CA", parent=LAB)


@pytest.mark.parametrize("authority", [pytest.param(LAB, id="a root"), pytest.param(TEAM, id="one below it")])
@pytest.mark.parametrize("name", ["registry.example", "10.0.0.4"])
def test_both_sides_believe_each_other(tmp_path: Path, authority: pki.Authority, name: str) -> None:
    server = authority.issue(["registry.example", "10.0.0.4"])
    handshake(tmp_path, server, LAB.pem, name, authority.issue(["builder"], client=True), LAB.pem)


def test_a_self_signed_server_is_believed_for_itself(tmp_path: Path) -> None:
    server = pki.self_signed(["registry.example"])
    handshake(tmp_path, server, server.cert_pem, "registry.example")


@pytest.mark.parametrize(
    ("server", "name"),
    [
        pytest.param(LAB.issue(["registry.example"]), "other.example", id="another name"),
        pytest.param(LAB.issue(["registry.example"], not_after=pki.days(-0.5)), "registry.example", id="expired"),
        pytest.param(LAB.issue(["registry.example"], not_before=pki.days(2)), "registry.example", id="not yet valid"),
        pytest.param(pki.Authority("Other CA").issue(["registry.example"]), "registry.example", id="another authority"),
        pytest.param(
            pki.Authority("Team CA", parent=LAB, ca=False).issue(["registry.example"]), "registry.example",
            id="signed by what is no authority",
        ),
    ],
)  # fmt: skip
def test_what_is_made_wrong_is_wrong(tmp_path: Path, server: pki.Issued, name: str) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tmp_path, server, LAB.pem, name)


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(pki.Authority("Other CA").issue(["builder"], client=True), id="of another authority"),
        pytest.param(LAB.issue(["builder"]), id="made for a server"),
        pytest.param(None, id="none"),
    ],
)
def test_a_server_that_wants_a_client_refuses_another(tmp_path: Path, client: pki.Issued | None) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tmp_path, LAB.issue(["registry.example"]), LAB.pem, "registry.example", client, LAB.pem)
