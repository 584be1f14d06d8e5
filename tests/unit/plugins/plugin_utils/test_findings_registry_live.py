# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What is said of the answers of registries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.plugin_utils.registry_world import HOST, PAST, authority, check, client, found, known, said

CA = known(authority())


@pytest.mark.parametrize(
    ("answer", "identifier", "severity", "words"),
    [
        pytest.param({"kind": "dns"}, "registry_unreachable", "degraded", "finds no address", id="no name"),
        pytest.param({"kind": "refused"}, "registry_unreachable", "degraded", "refuses the connection", id="refused"),
        pytest.param({"kind": "timeout"}, "registry_unreachable", "degraded", "does not answer in time", id="timeout"),
        pytest.param({"kind": "unreachable"}, "registry_unreachable", "degraded", "finds no way", id="no way there"),
        pytest.param({"kind": "plain_http"}, "registry_plain_http", "broken", "answers plain HTTP", id="no TLS"),
        pytest.param(
            {"kind": "other_ca", "issuer": "CN=Other CA"}, "registry_other_ca", "broken",
            "is signed by CN=Other CA, and what is there for it is CN=Example CA", id="another CA",
        ),
        pytest.param(
            {"kind": "other_ca"}, "registry_other_ca", "broken", "has the same name and another key", id="another key"
        ),
        pytest.param(
            {"kind": "other_ca", "subject": "CN=registry", "issuer": "CN=registry"}, "registry_other_ca", "broken",
            "shows a certificate that it signed itself (CN=registry)", id="self-signed",
        ),
        pytest.param(
            {"kind": "other_ca", "issuer": None}, "registry_other_ca", "broken", "an authority that is not known",
            id="nothing was seen",
        ),
        pytest.param(
            {"kind": "name_mismatch", "names": ["one.example", "10.0.0.5"]}, "registry_name_mismatch", "broken",
            "its certificate is for one.example and 10.0.0.5, and not for this address", id="other names",
        ),
        pytest.param(
            {"kind": "name_mismatch", "names": []}, "registry_name_mismatch", "broken", "no subject alternative name",
            id="no names",
        ),
        pytest.param(
            {"kind": "name_mismatch", "names": [f"n{number}.example" for number in range(9)]},
            "registry_name_mismatch", "broken", "n5.example and others", id="many names",
        ),
        pytest.param(
            {"kind": "server_expired", "not_after": PAST}, "registry_server_expired", "broken", "expired on 2026-01-31",
            id="expired",
        ),
        pytest.param(
            {"kind": "server_not_yet_valid"}, "registry_server_not_yet_valid", "broken", "is not valid yet", id="early"
        ),
        pytest.param({"kind": "ca_expired"}, "registry_ca_expired", "broken", "has expired", id="its CA expired"),
        pytest.param(
            {"kind": "ca_not_yet_valid"}, "registry_ca_not_yet_valid", "broken", "is not valid yet", id="an early CA"
        ),
        pytest.param(
            {"kind": "unfit", "detail": "its certificate cannot be used: unsuitable purpose"},
            "registry_certificate_unfit", "broken", f"{HOST}: its certificate cannot be used: unsuitable purpose",
            id="not for servers",
        ),
        pytest.param(
            {"kind": "client_wanted"}, "registry_client_wanted", "broken", "the host has none to show", id="a client"
        ),
        pytest.param({"kind": "client_refused"}, "registry_client_refused", "broken", "it refuses", id="another"),
        pytest.param(
            {"kind": "trust_unreadable", "detail": "x.key: no pair"}, "registry_ca_unreadable", "broken",
            "what is there for it cannot be used: x.key: no pair", id="the folder is unusable",
        ),
        pytest.param(
            {"kind": "protocol", "detail": "it speaks TLS 1.1"}, "registry_protocol", "broken", "it speaks TLS 1.1",
            id="no TLS in common",
        ),
        pytest.param(
            {"kind": "not_a_registry", "status": 503}, "registry_not_a_registry", "degraded",
            "overloaded or in trouble (GET /v2/ gave 503)", id="a registry that is down behind its proxy",
        ),
        pytest.param(
            {"kind": "not_a_registry", "status": 404}, "registry_not_a_registry", "degraded", "GET /v2/ gave 404",
            id="something else answers",
        ),
        pytest.param({"kind": "moon_phase", "detail": "odd"}, "unknown", "unknown", "odd", id="a kind of tomorrow"),
        pytest.param({"kind": "ok", "ok": False}, "unknown", "unknown", "could not be found out", id="yes and no"),
    ],
)  # fmt: skip
def test_answers_are_judged(answer: dict[str, Any], identifier: str, severity: str, words: str) -> None:
    [finding] = found(CA, [check(**answer)])
    assert (finding.id, finding.layer, finding.severity) == (identifier, "registry", severity)
    assert finding.summary.startswith(f"{HOST}: ")
    assert words in finding.summary
    assert finding.fix
    assert finding.evidence["kind"] == "measured"


def test_a_registry_that_answers_is_no_finding() -> None:
    assert said(CA, [check()]) == {}


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param("2026-11-27T00:00:00Z", {"registry_server_expires_soon": "note"}, id="within a week"),
        pytest.param("2026-12-01T00:00:00Z", {}, id="later"),
        pytest.param(None, {}, id="not known"),
    ],
)
def test_the_end_of_a_servers_certificate_is_told(until: str | None, expected: dict[str, str]) -> None:
    assert said(CA, [check(not_after=until)]) == expected


@pytest.mark.parametrize(
    ("layers", "severity"), [(["engine", "dind"], "degraded"), (["engine"], "note")], ids=["with dind", "without"]
)
def test_what_only_the_store_trusts_is_not_trusted_in_dind(layers: list[str], severity: str) -> None:
    [finding] = found(known(authority(layers=layers)), [check(trust="store")])
    assert (finding.id, finding.severity) == ("registry_other_ca", severity)
    assert "trusted by the OS store, and not by the CA that is there for it (CN=Example CA)" in finding.summary


def test_a_registry_that_only_the_store_is_there_for_is_no_finding() -> None:
    assert said(known(), [check(trust="store")]) == {}


def test_what_was_said_of_a_certificate_is_not_said_again() -> None:
    [finding] = found(known(authority(not_after=PAST)), [check(kind="ca_expired")])
    assert finding.evidence["subject"] == "CN=Example CA"


def test_a_missing_ca_is_not_told_as_another_one() -> None:
    expected = [{"host": HOST, "layers": ["engine"]}]
    assert said(known(), [check(kind="other_ca")], expected) == {"registry_ca_missing": "broken"}


def test_the_client_that_is_refused_is_named() -> None:
    [finding] = found(known(authority(), clients=[client()]), [check(kind="client_refused")])
    assert finding.summary.endswith("it refuses the client certificate that the host shows (CN=runner01)")


def test_several_that_do_not_answer_are_one_finding_each_way() -> None:
    checks = [check(f"r{number}.example", "timeout") for number in range(5)] + [check(kind="refused")]
    late, refused = found(known(), checks)
    assert late.summary == "r0.example, r1.example, r2.example and 2 more: it does not answer in time"
    assert refused.evidence["registries"] == [HOST]


@pytest.mark.parametrize(
    ("named", "kind", "severity"),
    [
        pytest.param(HOST, "plain_http", "risk", id="by its name"),
        pytest.param("10.0.0.0/24", "other_ca", "risk", id="by its network"),
        pytest.param("fd00::/8", "other_ca", "broken", id="a network of another kind"),
        pytest.param("10.1.0.0/24", "other_ca", "broken", id="another network"),
        pytest.param("other.example", "other_ca", "broken", id="another name"),
        pytest.param(HOST, "client_wanted", "broken", id="what it does not help against"),
    ],
)
def test_engines_that_were_told_not_to_look_do_not_mind(named: str, kind: str, severity: str) -> None:
    docker = {"daemon_config": {"insecure-registries": [named]}}
    told = found(CA, [check(kind=kind)], docker={"installed": True, "running": True, **docker})
    assert [each.severity for each in told if each.layer == "registry"] == [severity]


def test_what_the_engine_says_of_insecure_registries_counts_as_well() -> None:
    docker = {"installed": True, "running": True, "insecure_registries": ["127.0.0.0/8", "10.0.0.0/8"]}
    told = found(CA, [check(kind="plain_http")], docker=docker)
    assert [each.severity for each in told if each.layer == "registry"] == ["risk"]


PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("kind", "spared", "expected"),
    [
        pytest.param("timeout", [], ("registry_proxied", "note"), id="not reached without it"),
        pytest.param("dns", [], ("registry_proxied", "note"), id="not known without it"),
        pytest.param("ok", [], ("registry_proxied", "note"), id="answers without it"),
        pytest.param("other_ca", [], ("registry_other_ca", "degraded"), id="another server, perhaps"),
        pytest.param("trust_unreadable", [], ("registry_ca_unreadable", "broken"), id="what lies on the host"),
        pytest.param("timeout", [".example"], ("registry_unreachable", "degraded"), id="the engine does without it"),
        pytest.param("other_ca", [".example"], ("registry_other_ca", "broken"), id="the engine sees the same"),
    ],
)
def test_an_engine_behind_a_proxy_may_see_what_the_host_does_not(
    kind: str, spared: list[str], expected: tuple[str, str]
) -> None:
    docker = {"installed": True, "running": True, "https_proxy": PROXY, "no_proxy": spared}
    [finding] = [each for each in found(CA, [check(kind=kind)], docker=docker) if each.layer == "registry"]
    assert (finding.id, finding.severity) == expected
    assert (PROXY in finding.summary) == (not spared and kind != "trust_unreadable")


def test_a_key_that_is_missing_is_told_once() -> None:
    told = found(known(authority(), clients=[client(key=False)]), [check(kind="trust_unreadable")])
    assert [each.id for each in told] == ["registry_client_key_missing"]
