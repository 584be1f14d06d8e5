# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What was measured at each layer becomes a finding at that layer, with the remedy that fits."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import Finding, find
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, podman, probe, unknown

BLOCKED = answers(faccessat2="EPERM")


def ids(found: list[Finding]) -> list[str]:
    return [f"{finding.id}@{finding.layer}" for finding in found]


def the(found: list[Finding], identifier: str) -> Finding:
    """The one finding of that id."""
    [finding] = [finding for finding in found if finding.id == identifier]
    return finding


def weighty(found: list[Finding]) -> list[str]:
    # These measurements are made up, so versions do not explain them.
    return ids(
        [each for each in found if each.severity in ("broken", "unknown", "degraded") and each.id != "model_differs"]
    )


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([layer()], [], id="a host that lets everything through"),
        pytest.param([layer(calls=BLOCKED)], ["call_blocked_faccessat2@host"], id="the host's engine blocks"),
        pytest.param([layer(), dind()], [], id="a good host with a good dind image"),
        pytest.param([layer(), dind(calls=BLOCKED)], ["call_blocked_faccessat2@dind"], id="a dind image too old"),
        pytest.param([layer(calls=BLOCKED), dind()], ["call_blocked_faccessat2@host"], id="a host too old under dind"),
        pytest.param(
            [layer(calls=BLOCKED), dind(calls=BLOCKED)],
            ["call_blocked_faccessat2@dind", "call_blocked_faccessat2@host"],
            id="both too old",
        ),
        pytest.param([layer(), podman(calls=BLOCKED)], ["call_blocked_faccessat2@podman"], id="podman blocks"),
        pytest.param(
            [layer(calls=answers(clone3="killed"))], ["call_blocked_clone3@host"], id="a call that kills the program"
        ),
        pytest.param(
            [layer(calls=answers(close_range="EPERM"))], ["call_blocked_close_range@host"],
            id="a call that can be done without",
        ),
        pytest.param(
            [layer(), unknown("dind (docker:24.0-dind)")], ["unknown@dind"],
            id="a dind that was not measured",
        ),
        pytest.param([unknown()], ["unknown@host"], id="a host that was not measured"),
        pytest.param([], ["unknown@host"], id="a probe that measured nothing"),
        pytest.param(
            [layer(calls={"statx": {"answer": "allowed"}})], ["unknown@host"], id="a probe that asked half of it"
        ),
        pytest.param([layer(), dind("20.10.5")], ["floor@dind"], id="a dind image below the floor"),
    ],
)  # fmt: skip
def test_each_fault_is_named_at_its_layer(layers: list[Any], expected: list[str]) -> None:
    assert weighty(find(facts(), probe=probe(*layers))) == expected


def test_what_is_blocked_says_what_was_measured_and_why() -> None:
    found = the(
        find(facts(runc="1.0.0-rc10", library="2.4.3"), probe=probe(layer(calls=BLOCKED))), "call_blocked_faccessat2"
    )
    assert found.severity == "broken"
    assert found.summary.startswith("host: containers get EPERM from faccessat2, which images with musl >= 1.2.2")
    evidence = dict(found.evidence)
    why = evidence.pop("why")
    assert evidence == {
        "kind": "measured", "name": "host", "engine": "docker 20.10.24", "profile": "default", "call": "faccessat2",
        "answer": "EPERM", "by": "profile", "least_libseccomp": "2.4.4",
    }  # fmt: skip
    assert "libseccomp 2.4.3 does not know it (since 2.4.4)" in why
    assert "upgrade libseccomp to 2.4.4 or newer" in found.fix


@pytest.mark.parametrize(
    ("known", "measured", "expected"),
    [
        pytest.param(
            facts("19.03.15", runc="1.0.0-rc10"), layer(calls=BLOCKED), "docker_engine_version: 20.10.6 or newer",
            id="an engine that does not allow it is upgraded, not below the floor",
        ),
        pytest.param(
            facts("20.10.9"), layer(calls=answers(clone3="EPERM")), "docker_engine_version: 20.10.10 or newer",
            id="clone3 wants more than the floor",
        ),
        pytest.param(
            facts(runc="1.0.0-rc10", library="2.4.3"), layer(calls=BLOCKED), "upgrade libseccomp to 2.4.4",
            id="a library that does not know it",
        ),
        pytest.param(
            facts(), layer(calls=BLOCKED), "docker_engine_source: docker", id="what no version explains",
        ),
        pytest.param(
            facts(), dind("20.10.9", calls=answers(clone3="EPERM")), "use a dind image of 20.10.10 or newer instead of "
            "docker:20.10.9-dind", id="a dind image that does not allow clone3",
        ),
        pytest.param(
            facts(), dind("19.03.15", calls=BLOCKED), "use a dind image of 20.10.6 or newer",
            id="a dind image that does not allow faccessat2",
        ),
        pytest.param(facts(), podman(calls=BLOCKED), "containers-common", id="podman"),
        pytest.param(
            facts(seccomp_profile="/etc/own.json"), layer(calls=BLOCKED),
            "allow faccessat2 in /etc/own.json, or go back to the engine's own profile", id="a profile of one's own",
        ),
    ],
)  # fmt: skip
def test_the_remedy_fits_the_layer_and_the_cause(
    known: dict[str, Any], measured: dict[str, Any], expected: str
) -> None:
    if measured["layer"] != "podman" and measured["image"] is None:
        measured["engine"]["version"] = known["docker"]["server_version"]
        measured["engine"]["runc"] = known["runc"]["version"]
    [found] = [each for each in find(known, probe=probe(measured)) if each.id.startswith("call_blocked_")]
    assert expected in found.fix


@pytest.mark.parametrize(
    ("known", "path"),
    [
        pytest.param(facts("20.10.5", runc="1.0.0-rc10", library="2.4.3"), None, id="an engine that has to stay"),
        pytest.param(facts("20.10.24", runc="1.0.0-rc10", library="2.4.3"), None, id="a library that has to stay"),
    ],
)
def test_the_workaround_is_offered_where_the_engine_has_to_stay(known: dict[str, Any], path: str | None) -> None:
    found = the(find(known), "call_blocked_faccessat2")
    assert found.evidence["kind"] == "predicted"
    assert "docker_engine_seccomp_workaround: true" in found.fix


def test_the_hosts_own_programs_as_dind_are_upgraded_like_the_host() -> None:
    measured = layer("dind (this host's dockerd)", calls=answers(clone3="EPERM"))
    measured["engine"]["version"] = "20.10.9"
    found = [each for each in find(facts("20.10.9"), probe=probe(measured)) if each.id == "call_blocked_clone3"]
    assert [each.layer for each in found] == ["dind", "host"]
    assert all("docker_engine_version: 20.10.10" in each.fix for each in found)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(
            facts("24.0.9", runc="1.1.5", library="2.5.4", architecture="armv7l"),
            "docker_engine_version: 25.0.3 or newer (or latest) and upgrade libseccomp to 2.5.5 or newer",
            id="engine and library together",
        ),
        pytest.param(
            facts("24.0.9", runc="1.0.0-rc10", library="2.3.3", architecture="armv7l"),
            "docker_engine_version: 25.0.3 or newer (or latest) and upgrade libseccomp to 2.5.5 or newer",
            id="where an older runc makes no difference",
        ),
    ],
)  # fmt: skip
def test_where_no_single_upgrade_ends_it_two_are_named(known: dict[str, Any], expected: str) -> None:
    found = the(find(known), "call_blocked_fchmodat2")
    assert expected in found.fix
    assert "no version that is known" not in found.fix


def test_what_nothing_ends_is_not_said_of_all_versions() -> None:
    found = the(find(facts(), probe=probe(layer(calls=BLOCKED))), "call_blocked_faccessat2")
    assert found.fix.startswith("no single upgrade that is known ends this: ")


def test_a_custom_profile_is_the_reason() -> None:
    found = the(
        find(facts(seccomp_profile="/etc/own.json"), probe=probe(layer(calls=BLOCKED))), "call_blocked_faccessat2"
    )
    assert found.evidence["why"] == "the seccomp profile /etc/own.json is in force, and it does not allow faccessat2"


def test_what_the_engine_handed_over_is_the_reason() -> None:
    seen = {
        "default": "SCMP_ACT_ERRNO",
        "default_errno": 1,
        "rules": {"clone3": "SCMP_ACT_ERRNO:38", "close_range": "SCMP_ACT_ALLOW"},
    }
    found = the(find(facts(), probe=probe(layer(calls=BLOCKED, filter=seen))), "call_blocked_faccessat2")
    assert "does not name faccessat2" in found.evidence["why"]


def test_a_measurement_wins_and_the_difference_is_told() -> None:
    # By its version 20.10.5 blocks clone3; this package of it does not.
    measured = layer(
        filter={"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": {"clone3": "SCMP_ACT_ERRNO:38"}}
    )
    measured["engine"]["version"] = "20.10.5+dfsg1"
    found = find(facts("20.10.5+dfsg1"), probe=probe(measured))
    assert "call_blocked_clone3" not in {each.id for each in found}
    differs = the(found, "model_differs")
    [told] = [line for line in differs.evidence["differences"] if line.startswith("clone3")]
    assert told.startswith(
        "clone3: measured ENOSYS, by version EPERM: the default profile of this engine's package differs"
    )


def test_differences_of_one_reason_are_told_together() -> None:
    measured = layer(
        calls=answers(open_tree="allowed", fsopen="allowed"), filter={"default": "SCMP_ACT_ALLOW", "rules": {}}
    )
    told = the(find(facts(), probe=probe(measured)), "model_differs").evidence["differences"]
    assert any(line.startswith("open_tree, fsopen: measured allowed, by version EPERM: ") for line in told)
    measured["engine"]["seccomp_profile"] = "/srv/lax.json"
    [line] = the(find(facts(), probe=probe(measured)), "model_differs").evidence["differences"]
    assert "open_tree" in line
    assert line.endswith("the container ran under /srv/lax.json, not under the engine's default profile")


@pytest.mark.parametrize(
    ("answer", "severity"), [("EPERM", "degraded"), ("ENOSYS", None)], ids=["nothing explains it", "as predicted"]
)
def test_what_nothing_explains_is_worse_than_a_note(answer: str, severity: str | None) -> None:
    calls = {"statx": {"answer": "allowed", "by": None}, "mseal": {"answer": answer, "by": "profile"}}
    found = [each for each in find(facts(), probe=probe(layer(calls=calls))) if each.id == "model_differs"]
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all("nothing explains mseal" in each.summary for each in found)


def test_an_engine_that_the_model_cannot_read_is_measured_all_the_same() -> None:
    measured = layer()
    measured["engine"]["version"] = "dev"
    found = find(facts("dev"), probe=probe(measured))
    assert "the model cannot read what runs there" in the(found, "model_differs").summary
    assert the(found, "unknown").evidence["docker.server_version"] == "dev"


@pytest.mark.parametrize(
    ("engine", "answer", "expected"),
    [
        pytest.param("26.1.5", "EPERM", ["io_uring_blocked"], id="since 25.0"),
        pytest.param("24.0.9", "allowed", [], id="before"),
    ],
)
def test_io_uring_is_a_note(engine: str, answer: str, expected: list[str]) -> None:
    measured = layer(calls=answers(io_uring_setup=answer))
    found = [each for each in find(facts(engine), probe=probe(measured)) if each.id == "io_uring_blocked"]
    assert [each.id for each in found] == expected
    assert all(each.severity == "note" for each in found)


@pytest.mark.parametrize(
    ("tried", "calls", "summary", "fix"),
    [
        pytest.param(
            "access", BLOCKED, "`test -x` says no", "upgrade|docker_engine_source", id="test -x with the call blocked"
        ),
        pytest.param(
            "threads", answers(), "threads cannot be started", "look at the detail", id="threads, nobody knows why"
        ),
    ],
)
def test_what_fails_in_an_image_is_a_finding(tried: str, calls: dict[str, Any], summary: str, fix: str) -> None:
    other = "threads" if tried == "access" else "access"
    behaviour = {
        "image": "lab/musl:1", tried: {"result": "fails", "detail": "test -x /bin/sh: 1"},
        other: {"result": "works", "detail": ""},
    }  # fmt: skip
    found = the(find(facts(), probe=probe(layer(calls=calls, behaviour=[behaviour]))), "behaviour_fails")
    assert found.severity == "broken"
    assert summary in found.summary
    assert "test -x /bin/sh: 1" in found.summary
    assert any(word in found.fix for word in fix.split("|"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(unknown(reason="the disk is full; make room"), "the disk is full; make room", id="its reason"),
        pytest.param(unknown(reason=None, error="protocol"), "'protocol'", id="a word only"),
        pytest.param({}, "run it again", id="nothing at all"),
        pytest.param(None, "run it again", id="no layer"),
        pytest.param({"layer": "host", "state": "measured", "calls": None}, "has no answer of any call", id="no calls"),
        pytest.param(
            {"layer": "host", "state": "measured", "calls": {"clone3": {"answer": "perhaps"}}},
            "has no answer of any call",
            id="answers that are none",
        ),
    ],
)  # fmt: skip
def test_what_could_not_be_measured_says_why(given: Any, reason: str) -> None:
    found = the(find(facts(), probe=probe(given)), "unknown")
    assert found.severity == "unknown"
    assert reason in found.summary


def test_the_rules_of_32_bit_machines_are_for_them() -> None:
    known = facts("19.03.5", runc="1.0.0-rc10", library="2.4.1", architecture="armv7l", kernel="5.10.0")
    assert "call_blocked_musl_time64" in {each.id for each in find(known)}
    assert "call_blocked_musl_time64" not in {each.id for each in find(known | {"architecture": "x86_64"})}


def test_podman_alone_is_not_judged_by_docker_that_nobody_wants() -> None:
    assert weighty(find(facts(installed=False), probe=probe(podman()))) == []


def test_docker_that_was_asked_for_is_missed() -> None:
    found = find(facts(installed=False), probe=probe(unknown(reason="there is no socket"), podman()))
    assert weighty(found) == ["engine_missing@host", "unknown@host"]


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        pytest.param({"server_version": "dev"}, "docker.server_version is 'dev', which is no version", id="dev"),
        pytest.param({"server_version": ""}, "docker.server_version is '', which is no version", id="empty"),
        pytest.param({"server_version": None}, "docker.server_version is None", id="none"),
        pytest.param({"seccomp_profile": "/etc/own.json"}, "which versions say nothing about", id="a custom profile"),
        pytest.param(
            {"running": None, "error": "permission denied"}, "does not answer: permission denied", id="no right to ask"
        ),
    ],
)
def test_what_cannot_be_predicted_is_unknown(changes: dict[str, Any], summary: str) -> None:
    found = the(find(facts(**changes)), "unknown")
    assert summary in found.summary


def test_a_kernel_without_a_release_cannot_be_predicted() -> None:
    assert "kernel.release is None" in the(find(facts(kernel=None)), "unknown").summary


@pytest.mark.parametrize(
    ("known", "blocked", "expected"),
    [
        pytest.param(
            facts("20.10.24", runc="1.0.0-rc10"), "clone3",
            "docker_engine_source: docker and docker_engine_version: latest, whose containerd.io brings runc 1.0.0",
            id="runc alone is too old",
        ),
        pytest.param(
            facts("20.10.5", runc="1.0.0-rc10"), "clone3",
            "docker_engine_version: 20.10.10 or newer (or latest), whose containerd.io brings runc 1.0.0-rc93",
            id="engine and runc are too old",
        ),
        pytest.param(
            facts("19.03.15", runc="1.0.0-rc10"), "faccessat2", "docker_engine_version: 20.10.6 or newer (or latest;",
            id="the engine is enough",
        ),
    ],
)  # fmt: skip
def test_the_least_that_ends_it_is_named(known: dict[str, Any], blocked: str, expected: str) -> None:
    assert expected in the(find(known), f"call_blocked_{blocked}").fix
