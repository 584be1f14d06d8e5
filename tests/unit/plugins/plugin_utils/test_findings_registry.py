# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What is said of the certificates that lie on a host for registries, and of what was declared."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find
from tests.unit.plugins.plugin_utils import readiness_world as world
from tests.unit.plugins.plugin_utils.registry_world import (
    FUTURE,
    HOST,
    NOW,
    PAST,
    SOON,
    authority,
    check,
    client,
    facts,
    found,
    known,
    said,
)

OLD = authority(not_after=PAST, subject="CN=Old CA")
ENDING = authority(not_after=SOON, subject="CN=Old CA")
NEW = authority(subject="CN=New CA")
GITLAB = {
    "gitlab_runner": {"version": "18.2.0", "runners": [{"name": "one", "url": "https://gitlab.example.com:8443/"}]}
}


@pytest.mark.parametrize(
    ("registries", "expected"),
    [
        pytest.param(None, {}, id="nothing is known"),
        pytest.param([], {}, id="an earlier release left it empty"),
        pytest.param(known(), {}, id="nothing is there"),
        pytest.param(known(NEW), {}, id="a valid CA"),
        pytest.param(known(OLD), {"registry_ca_expired": "broken"}, id="an expired one alone"),
        pytest.param(known(OLD, NEW), {"registry_ca_expired": "note"}, id="an expired one beside a valid one"),
        pytest.param(
            known(OLD, authority("other.example", subject="CN=New CA")), {"registry_ca_expired": "broken"},
            id="beside a valid one of another registry",
        ),
        pytest.param(
            known(OLD, authority(layers=["engine"], subject="CN=New CA")),
            {"registry_ca_expired": "broken", "registry_ca_differs": "degraded"}, id="a valid one at one layer only",
        ),
        pytest.param(known(ENDING), {"registry_ca_expires_soon": "degraded"}, id="one that ends soon"),
        pytest.param(known(ENDING, NEW), {"registry_ca_expires_soon": "note"}, id="beside one that lasts longer"),
        pytest.param(
            known(ENDING, authority(not_after=SOON, subject="CN=Other CA")), {"registry_ca_expires_soon": "degraded"},
            id="two that end soon",
        ),
        pytest.param(
            known(authority(not_before=FUTURE)), {"registry_ca_not_yet_valid": "broken"}, id="one whose time comes"
        ),
        pytest.param(
            known(authority(not_before=FUTURE), NEW), {"registry_ca_not_yet_valid": "note"},
            id="one whose time comes beside one that is valid",
        ),
        pytest.param(
            known(authority(ca=False)), {"registry_ca_not_authority": "note"}, id="the server's own certificate"
        ),
        pytest.param(
            known(authority(ca=False, self_signed=False, issuer="CN=Real CA")), {"registry_ca_not_authority": "broken"},
            id="a server's certificate that another signed",
        ),
        pytest.param(
            known(authority(ca=False, self_signed=False), NEW), {"registry_ca_not_authority": "note"},
            id="a server's certificate beside a CA",
        ),
        pytest.param(known(clients=[client()]), {}, id="a client certificate"),
        pytest.param(
            known(clients=[client(not_after=PAST)]), {"registry_client_expired": "broken"}, id="an expired client"
        ),
        pytest.param(
            known(clients=[client(not_after=SOON)]), {"registry_client_expires_soon": "degraded"}, id="its end is near"
        ),
        pytest.param(
            known(clients=[client(not_before=FUTURE)]), {"registry_client_not_yet_valid": "broken"},
            id="a client's whose time comes",
        ),
        pytest.param(
            known(clients=[client(key=False)]), {"registry_client_key_missing": "broken"}, id="a client without its key"
        ),
        pytest.param(
            known(NEW, store_current=False), {"registry_ca_store_stale": "broken"}, id="a store that was not updated"
        ),
        pytest.param(
            known(authority(None, ["os"], not_after=PAST)), {"registry_ca_expired": "note"},
            id="an old file of others in the OS store",
        ),
        pytest.param(
            known(
                authority(None, ["os"], not_after=PAST), managed=["/usr/local/share/ca-certificates/company.crt"]
            ),
            {"registry_ca_expired": "degraded"}, id="our own in the OS store",
        ),
        pytest.param(
            known(authority(None, ["runner"], name="gone.example.com", not_after=PAST)),
            {"registry_ca_expired": "note"}, id="a file for a GitLab that no runner knows",
        ),
    ],
)  # fmt: skip
def test_certificates_are_judged(registries: Any, expected: dict[str, str]) -> None:
    assert said(registries) == expected


def test_a_file_for_the_gitlab_of_a_runner_matters() -> None:
    old = authority(None, ["runner"], name="gitlab.example.com", not_after=PAST)
    [finding] = found(known(old), **GITLAB)
    assert (finding.id, finding.severity) == ("registry_ca_expired", "broken")
    assert finding.summary.startswith("GitLab at gitlab.example.com: the CA CN=Example CA expired on 2026-01-31")
    assert "registry_ca_gitlab" in finding.fix


@pytest.mark.parametrize("days", [13, 12], ids=["in time", "not yet"])
def test_how_soon_is_soon_can_be_set(days: int) -> None:
    seen = [each.id for each in find(facts(known(ENDING)), ca_days=days, now=NOW) if each.layer == "registry"]
    assert seen == (["registry_ca_expires_soon"] if days == 13 else [])


def test_a_finding_says_what_when_why_and_what_to_do() -> None:
    [finding] = found(known(ENDING))
    assert finding.as_dict() == {
        "id": "registry_ca_expires_soon",
        "layer": "registry",
        "severity": "degraded",
        "summary": "registry.example:5000: the CA CN=Old CA expires on 2026-12-04, in 12 days",
        "evidence": {
            "kind": "measured",
            "registries": [HOST],
            "layers": ["engine", "podman", "dind"],
            "subject": "CN=Old CA",
            "issuer": "CN=Old CA",
            "not_before": "2020-01-01T00:00:00Z",
            "not_after": SOON,
            "sha256": ENDING["sha256"],
            "paths": ENDING["paths"],
        },
        "fix": "give the new CA as ca in registry_ca_registries, beside the old one as long as a server shows "
        "certificates of that, and run playbooks/site.yml (role registry_ca); or replace the file by hand, where "
        "nobody declares it",
    }


def test_what_is_seen_to_work_is_not_broken() -> None:
    old = known(OLD, clients=[client(not_after=PAST)])
    assert said(old, [check(trust="store", detail="the host's own store trusts it")]) == {
        "registry_ca_expired": "degraded", "registry_client_expired": "degraded", "registry_other_ca": "degraded",
    }  # fmt: skip


def test_the_same_trouble_of_many_is_one_finding() -> None:
    many = [authority(f"registry{number:03}.example", not_after=PAST) for number in range(300)]
    [finding] = found(known(*many))
    assert finding.summary.startswith(
        "registry000.example, registry001.example, registry002.example and 297 more: the CA CN=Example CA expired on"
    )
    assert len(finding.evidence["registries"]) == 300
    assert finding.evidence["paths"][-1] == "and 888 more"
    assert finding.evidence["sha256"] == many[0]["sha256"]


def test_a_certificate_that_is_alone_somewhere_is_told_of_there() -> None:
    [finding] = [
        each
        for each in found(known(OLD, authority("other.example", not_after=PAST, subject="CN=Old CA"), NEW))
        if each.id == "registry_ca_expired"
    ]
    assert (finding.severity, finding.evidence["registries"]) == ("broken", ["other.example"])


CA_CRT = "/etc/docker/certs.d/registry.example:5000/ca.crt"


@pytest.mark.parametrize(
    ("error", "severity"),
    [
        pytest.param({"path": CA_CRT, "error": "it is empty", "certificates": 0}, "broken", id="nothing in it"),
        pytest.param({"path": CA_CRT, "error": "a block is cut", "certificates": 2}, "degraded", id="something in it"),
        pytest.param(
            {"path": CA_CRT, "error": "it cannot be read: Permission denied"}, "unknown", id="one may not read it"
        ),
        pytest.param(
            {"path": "/usr/local/share/ca-certificates/x.crt", "error": "it is empty"}, "note", id="of others"
        ),
        pytest.param(
            {"path": "/var/lib/runnerkit/registry-ca.json", "error": "it is no record"}, "degraded", id="our record"
        ),
    ],
)
def test_files_that_cannot_be_read(error: dict[str, Any], severity: str) -> None:
    [finding] = found(known(errors=[error]))
    assert (finding.id, finding.severity) == ("registry_ca_unreadable", severity)
    assert error["path"] in finding.summary
    assert error["error"] in finding.summary


def test_a_missing_key_is_told_once() -> None:
    path = client()["paths"][0]
    error = {"path": path, "error": "it has no key client.key beside it", "certificates": 0}
    assert said(known(clients=[client(key=False)], errors=[error])) == {"registry_client_key_missing": "broken"}


def test_nothing_of_registries_is_said_of_a_host_without_any() -> None:
    assert find(facts(known())) == find(world.facts())
