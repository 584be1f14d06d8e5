"""The trouble this project began with, from end to end: seen, found, mended."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.support.audits import answers, audit
from tests.support.hosts import engine_version
from tests.support.plays import play

testinfra_hosts = ["ansible://blocked-upgrade"]
# So that they run in the order of the file: the last of them mend the host.
pytestmark = pytest.mark.usefixtures("host")

HOST, RECENT = "blocked-upgrade", "blocked-recent"
# A shell built with musl: `test -x` asks with faccessat2, as in Alpine 3.14.
TEST_X = "docker run --rm lab/musl:1 sh -c 'test -x /bin/sh && echo yes || echo no'"
ALPINE = {"readiness_images": ["alpine:3.13", "alpine:3.14", "debian:bookworm"]}


def test_a_program_of_musl_fails_there(host: Host) -> None:
    assert engine_version(host) == "20.10.5+dfsg1"
    assert host.check_output(TEST_X) == "no"


def test_the_audit_finds_it_by_measuring() -> None:
    seen = audit(
        HOST, {**ALPINE, "docker_engine_minimum_version": "20.10.5", "readiness_behaviour_images": ["lab/musl:1"]}
    )
    assert seen.played.code == 2
    entry = seen.host(HOST)
    assert entry["state"] == "broken"
    assert answers(entry)["faccessat2"] == "EPERM"
    finding = seen.findings(HOST)["call_blocked_faccessat2", "host"]
    assert finding["severity"] == "broken"
    assert finding["evidence"]["kind"] == "measured"
    assert {image: entry["cells"][image]["state"] for image in ALPINE["readiness_images"]} == {
        "alpine:3.13": "ready",
        "alpine:3.14": "broken",
        "debian:bookworm": "broken",
    }
    # What the job would have met is seen as well, not only the answer of the call.
    assert seen.findings(HOST)["behaviour_fails", "host"]["severity"] == "broken"
    assert any("is not ready" in message and "faccessat2" in message for message in seen.played.failures)


def test_the_reason_is_named() -> None:
    seen = audit(HOST, {"docker_engine_minimum_version": "20.10.5"})
    finding = seen.findings(HOST)["call_blocked_faccessat2", "host"]
    assert "libseccomp" in str(finding)
    assert "docker_engine" in finding["fix"]
    assert [row for row in seen.host(HOST)["calls"] if not row["explained"]] == []


def test_the_same_engine_with_a_recent_libseccomp_is_not_blocked() -> None:
    seen = audit(RECENT, {"docker_engine_minimum_version": "20.10.5"})
    entry = seen.host(RECENT)
    assert answers(entry)["faccessat2"] == "allowed"
    assert entry["cells"]["faccessat2"]["state"] == "ready"
    assert [row for row in entry["calls"] if not row["explained"]] == []


def test_what_an_upgrade_would_do_is_told_beforehand(host: Host) -> None:
    told = {"readiness_what_if": "docker:29.7.2,runc:1.3.6,libseccomp:2.6.1", "readiness_fail_on": "never"}
    seen = audit(HOST, {"docker_engine_minimum_version": "20.10.6", **told})
    what_if = seen.host(HOST)["what_if"]
    assert {"call_blocked_faccessat2", "floor"} <= {each["id"] for each in what_if["solved"]}
    assert "io_uring_blocked" in {each["id"] for each in what_if["brought"]}
    assert engine_version(host) == "20.10.5+dfsg1"


# In the order of the file: from here on the host is a good one.
def test_after_the_upgrade_the_program_works_and_the_host_is_ready(host: Host) -> None:
    provisioned = play(HOST)
    assert provisioned.code == 0, provisioned.output
    assert host.check_output(TEST_X) == "yes"
    seen = audit(HOST, {**ALPINE, "readiness_behaviour_images": ["lab/musl:1"]})
    assert seen.played.code == 0, seen.played.output
    assert answers(seen.host(HOST))["faccessat2"] == "allowed"
    assert seen.host(HOST)["state"] == "ready"


def test_both_hosts_are_in_one_report() -> None:
    seen = audit("runner_hosts", {"docker_engine_minimum_version": "20.10.5", "readiness_fail_on": "never"})
    assert [entry["name"] for entry in seen.report["hosts"]] == [RECENT, HOST]
    assert seen.played.changed == []
