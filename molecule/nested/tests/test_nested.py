"""Each layer is measured, and each has its own faults."""

from __future__ import annotations

import functools

from testinfra.host import Host

from tests.support.audits import Audit, answers, audit
from tests.support.hosts import name_of

GOOD, BLOCKED = "nested-good", "nested-blocked"
NEW, OLD = "docker:26.1.5-dind", "docker:20.10.5-dind"
# What the tests of each host have looked at.
SEEN = {GOOD: (GOOD, NEW, OLD), BLOCKED: (BLOCKED, NEW)}
LEFT = "docker ps --all --quiet; docker volume ls --quiet; docker images --quiet --filter label=runnerkit.probe"


@functools.cache
def audited(name: str, *images: str) -> Audit:
    """An audit of the host's engine and a nested one, by image."""
    wanted = {"readiness_layers": ["host", "dind"], "readiness_dind_images": images}
    return audit(name, {**wanted, "readiness_fail_on": "never"})


def faccessat2(seen: Audit, name: str) -> dict[str, str]:
    """The answer at each layer that was measured."""
    return {row["name"]: row["measured"] for row in seen.host(name)["calls"] if row["call"] == "faccessat2"}


def test_a_dind_layer_that_is_too_old_is_that_layers_fault() -> None:
    seen = audited(GOOD, NEW, OLD)
    assert faccessat2(seen, GOOD) == {"host": "allowed", f"dind ({NEW})": "allowed", f"dind ({OLD})": "EPERM"}
    found = seen.findings(GOOD)
    assert found["call_blocked_faccessat2", "dind"]["severity"] == "broken"
    assert OLD in str(found["call_blocked_faccessat2", "dind"])
    assert ("call_blocked_faccessat2", "host") not in found
    assert seen.host(GOOD)["cells"]["faccessat2"]["state"] == "broken"


def test_the_fix_is_a_newer_image_not_a_newer_host() -> None:
    fix = audited(GOOD, NEW, OLD).findings(GOOD)["call_blocked_faccessat2", "dind"]["fix"]
    assert "dind" in fix
    assert "docker_engine_version" not in fix


def test_a_dind_engine_below_the_floor_is_a_finding_of_its_layer() -> None:
    assert ("floor", "dind") in audited(GOOD, NEW, OLD).findings(GOOD)
    assert ("floor", "host") not in audited(GOOD, NEW, OLD).findings(GOOD)


def test_a_host_that_is_too_old_under_a_good_dind_is_the_hosts_fault() -> None:
    seen = audited(BLOCKED, NEW)
    assert faccessat2(seen, BLOCKED) == {"host": "EPERM", f"dind ({NEW})": "allowed"}
    found = seen.findings(BLOCKED)
    assert found["call_blocked_faccessat2", "host"]["severity"] == "broken"
    assert "/etc/docker/without-faccessat2.json" in str(found["call_blocked_faccessat2", "host"])
    assert ("call_blocked_faccessat2", "dind") not in found


def test_every_difference_to_the_model_is_explained() -> None:
    for seen, name in ((audited(GOOD, NEW, OLD), GOOD), (audited(BLOCKED, NEW), BLOCKED)):
        assert [row for row in seen.host(name)["calls"] if not row["explained"]] == []


def test_without_an_image_the_hosts_own_engine_is_the_nested_one() -> None:
    seen = audited(GOOD)
    assert faccessat2(seen, GOOD) == {"host": "allowed", "dind (this host's dockerd)": "allowed"}


def test_an_image_that_is_not_on_the_host_is_unknown_and_never_pulled() -> None:
    seen = audited(GOOD, "docker:99-dind")
    assert seen.findings(GOOD)["unknown", "dind"]["severity"] == "unknown"
    assert "docker:99-dind" in seen.findings(GOOD)["unknown", "dind"]["summary"]
    assert seen.host(GOOD)["state"] == "unknown"


def test_podman_is_a_layer_of_its_own_for_root_and_for_each_user() -> None:
    layers = ["host", "podman", "podman_rootless"]
    seen = audit(GOOD, {"readiness_layers": layers, "readiness_podman_users": ["builder"]})
    assert seen.played.code == 0, seen.played.output
    states = {each["name"]: each["state"] for each in seen.host(GOOD)["layers"]}
    assert states == dict.fromkeys(("host", "podman (root)", "podman (builder)"), "measured")
    for name in states:
        assert len({row["call"] for row in seen.host(GOOD)["calls"] if row["name"] == name}) == 49


def test_nothing_is_left_behind(host: Host) -> None:
    seen = audited(*SEEN[name_of(host)])
    assert host.check_output(LEFT) == ""
    assert answers(seen.host(name_of(host)), "dind")
    assert seen.played.changed == []
