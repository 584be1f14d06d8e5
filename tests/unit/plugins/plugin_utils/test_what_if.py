# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What another engine would solve on a host, bring and leave."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_spec import EngineSpec
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.what_if import what_if
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, podman, probe, unknown

OLD = {"runc": "1.0.0-rc10", "library": "2.4.3"}


def told(found: dict[str, Any]) -> dict[str, list[str]]:
    return {key: [f"{each['id']}@{each['layer']}" for each in found[key]] for key in ("solved", "brought", "left")}


def of(version: str, **more: Any) -> dict[str, Any]:
    """The host's layer with that engine."""
    found = layer(**more)
    found["engine"]["version"] = version
    return found


@pytest.mark.parametrize(
    ("known", "spec", "images", "solved", "brought", "left"),
    [
        pytest.param(facts("20.10.9"), "docker:20.10.24", [], ["call_blocked_clone3@host"], [], [], id="clone3"),
        pytest.param(
            facts("20.10.5"), "docker:20.10.24", [], ["call_blocked_clone3@host", "floor@host"], [], [], id="the floor"
        ),
        pytest.param(facts("24.0.9"), "docker:28.5.2", [], [], ["io_uring_blocked@host"], [], id="io_uring since 25.0"),
        pytest.param(
            facts("20.10.24"), "docker:29.7.2", ["docker:24.0", "docker:20.10-dind"], [],
            ["api_too_new@pipeline", "api_too_new@dind", "io_uring_blocked@host"],
            ["client_differs@dind", "dind_line@dind"],
            id="old clients in images",
        ),
        pytest.param(
            facts("20.10.24", runner="17.0.1"), "docker:29.7.2", [], [],
            ["api_too_new@runner", "io_uring_blocked@host"], [], id="an old runner",
        ),
        pytest.param(
            facts("20.10.24", runner="17.0.1", daemon_config={"min-api-version": "1.24"}), "docker:29.7.2", [], [],
            ["io_uring_blocked@host"], [], id="an old runner, and a daemon that lets it in",
        ),
        pytest.param(
            facts("20.10.24"), "docker:20.10.5", [], [], ["call_blocked_clone3@host", "floor@host"], [],
            id="a step back"
        ),
        pytest.param(
            facts("26.1.5", runc="1.0.0-rc10", library="2.5.4", kernel="4.19"), "docker:18.09.9", [], [],
            ["call_blocked_faccessat2@host", "floor@host"], ["call_blocked_clone3@host", "io_uring_blocked@host"],
            id="a leap back, and a runc that makes EPERM of ENOSYS",
        ),
        pytest.param(
            facts("20.10.24", **OLD), "docker:20.10.24,libseccomp:2.5.4", [],
            ["call_blocked_faccessat2@host"], [], ["call_blocked_clone3@host"], id="a newer library",
        ),
        pytest.param(
            facts("20.10.24", **OLD), "docker:20.10.24,runc:1.1.5", [],
            ["call_blocked_faccessat2@host", "call_blocked_clone3@host"], [], [], id="a newer runc",
        ),
        pytest.param(
            facts("20.10.5", **OLD), "docker:20.10.24", [], ["floor@host"], [],
            ["call_blocked_faccessat2@host", "call_blocked_clone3@host"], id="a newer engine on the same old library",
        ),
        pytest.param(
            facts(client_version="19.03.9"), "docker:20.10.24", [], ["client_differs@host"], [], [],
            id="the client",
        ),
        pytest.param(facts(installed=False), "docker:24.0.9", [], ["engine_missing@host"], [], [], id="no engine yet"),
        pytest.param(
            facts(daemon_config_error="it is not JSON"), "docker:24.0.9", [], [], [], ["daemon_config@host"],
            id="what an engine does not mend",
        ),
    ],
)  # fmt: skip
def test_without_a_probe(
    known: dict[str, Any], spec: str, images: list[str], solved: list[str], brought: list[str], left: list[str]
) -> None:
    found = told(what_if(known, None, spec, images=images))
    weighty = {
        key: [each for each in value if each not in ("call_blocked_close_range@host", "call_blocked_fchmodat2@host")]
        for key, value in found.items()
    }
    assert {key: sorted(value) for key, value in weighty.items()} == {
        "solved": sorted(solved), "brought": sorted(brought), "left": sorted(left),
    }  # fmt: skip


BLOCKED = answers(clone3="EPERM")


@pytest.mark.parametrize(
    ("known", "layers", "spec", "solved", "left"),
    [
        pytest.param(
            facts("20.10.9"), [of("20.10.9", calls=BLOCKED)], "docker:20.10.24", ["call_blocked_clone3@host"], [],
            id="what was measured is solved by another engine",
        ),
        pytest.param(
            facts("20.10.9"), [of("20.10.9", calls=BLOCKED), dind("20.10.9", calls=BLOCKED)], "docker:20.10.24",
            ["call_blocked_clone3@host"], ["call_blocked_clone3@dind"], id="a dind image stays what it is",
        ),
        pytest.param(
            facts("20.10.9"), [of("20.10.9"), podman(calls=BLOCKED)], "docker:20.10.24", [],
            ["call_blocked_clone3@podman"], id="podman stays what it is",
        ),
        pytest.param(
            facts("20.10.9"),
            [layer("dind (this host's dockerd)", calls=BLOCKED) | {"engine": of("20.10.9")["engine"]}],
            "docker:20.10.24", ["call_blocked_clone3@dind", "call_blocked_clone3@host"], [],
            id="the host's programs as dind are upgraded too",
        ),
        pytest.param(
            facts("24.0.9"), [of("24.0.9", calls=answers(faccessat2="EPERM"))], "docker:28.5.2", [],
            ["call_blocked_faccessat2@host"], id="what nothing explains is not promised to go away",
        ),
        pytest.param(
            facts("20.10.9"), [unknown()], "docker:20.10.24", [], ["unknown@host"], id="what was not measured stays so"
        ),
        pytest.param(
            facts("20.10.9", seccomp_profile="/etc/own.json"),
            [
                of(
                    "20.10.9", calls=answers(faccessat2="EPERM"),
                    filter={
                        "default": "SCMP_ACT_ERRNO",
                        "rules": {"clone3": "SCMP_ACT_ERRNO:38", "close_range": "SCMP_ACT_ALLOW"},
                    },
                )
                | {"profile": "default"}
            ],
            "docker:28.5.2", [], ["call_blocked_faccessat2@host"], id="a profile of one's own stays",
        ),
    ],
)  # fmt: skip
def test_with_a_probe(known: dict[str, Any], layers: list[Any], spec: str, solved: list[str], left: list[str]) -> None:
    if known["docker"]["seccomp_profile"] != "default":
        layers[0]["engine"]["seccomp_profile"] = known["docker"]["seccomp_profile"]
    found = told(what_if(known, probe(*layers), spec))
    assert (found["solved"], [each for each in found["left"] if each.split("@")[0] != "seccomp_profile_custom"]) == (
        solved, left,
    )  # fmt: skip


def test_what_failed_goes_with_its_cause() -> None:
    behaviour = [{"image": "lab/musl:1", "access": {"result": "fails", "detail": "no"}}]
    blocked = of("19.03.15", calls=answers(faccessat2="EPERM"), behaviour=behaviour)
    blocked["engine"]["runc"] = "1.0.0-rc10"
    known = facts("19.03.15", runc="1.0.0-rc10")
    assert "behaviour_fails@host" in told(what_if(known, probe(blocked), "docker:20.10.24"))["solved"]
    puzzling = of("20.10.24", behaviour=behaviour)
    assert "behaviour_fails@host" in told(what_if(facts(), probe(puzzling), "docker:24.0.9"))["left"]


def test_what_failed_stays_as_long_as_its_cause_does() -> None:
    behaviour = [{"image": "lab/musl:1", "access": {"result": "fails", "detail": "no"}}]
    # By its versions this host does not block the call, so nothing says that others end it.
    measured = of("24.0.9", calls=answers(faccessat2="EPERM"), behaviour=behaviour)
    left = told(what_if(facts("24.0.9"), probe(measured), "docker:28.5.2"))["left"]
    assert {"call_blocked_faccessat2@host", "behaviour_fails@host"} <= set(left)


@pytest.mark.parametrize(
    ("known", "missed"),
    [
        pytest.param(facts(installed=False, server_version=None), "engine_missing@host", id="no engine"),
        pytest.param(facts(running=False), "engine_down@host", id="an engine that is down"),
    ],
)
def test_what_was_not_measured_for_want_of_an_engine_is_solved_by_one(known: dict[str, Any], missed: str) -> None:
    measured = probe(unknown(reason="there is no Docker Engine", error="absent"), unknown("podman (root)"))
    found = told(what_if(known, measured, "docker:24.0.9"))
    assert sorted(found["solved"]) == [missed, "unknown@host"]
    assert found["left"] == ["unknown@podman"]


def test_images_that_were_not_tried_stay_so() -> None:
    behaviour = [{"image": "lab/musl:1", **{what: {"result": "untested"} for what in ("access", "threads")}}]
    found = told(what_if(facts(), probe(layer(behaviour=behaviour)), "docker:24.0.9"))
    assert found["left"] == ["behaviour_untested@host"]


def test_a_step_back_is_no_upgrade() -> None:
    said = what_if(facts("29.7.2"), None, "docker:24.0.9")["assumptions"]
    assert not any("upgrade" in line or "newer runc" in line for line in said)
    assert any("the docker command on the host becomes 24.0.9" in line for line in said)


def test_a_package_that_differs_from_upstream_is_not_upgraded_in_vain() -> None:
    # Measured: this 20.10.5 answers ENOSYS to clone3. There is nothing to solve, and upstream's 20.10.9 would bring it.
    seen = {"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": {"clone3": "SCMP_ACT_ERRNO:38"}}
    found = told(what_if(facts("20.10.5+dfsg1"), probe(of("20.10.5+dfsg1", filter=seen)), "docker:20.10.9"))
    assert found["solved"] == ["floor@host"]
    assert "call_blocked_clone3@host" in found["brought"]


def test_a_profile_that_nobody_read_leaves_everything_open() -> None:
    found = what_if(facts(seccomp_profile="/etc/own.json"), None, "docker:29.7.2")
    assert any("of host nothing can be said" in line for line in found["assumptions"])
    assert "unknown@host" in told(found)["left"]


@pytest.mark.parametrize(
    ("known", "spec", "expected"),
    [
        pytest.param(
            facts(), "docker:29.7.2", "runc stays 1.1.5, libseccomp stays 2.5.4, the kernel stays",
            id="stays",
        ),
        pytest.param(
            facts(source="docker-ce"), "docker:29.7.2",
            "an upgrade of containerd.io, which comes with docker-ce, brings a newer runc; to count with that: "
            "readiness_what_if=docker:29.7.2,runc:1.3.6", id="docker's packages bring runc",
        ),
        pytest.param(
            facts(), "docker:29.7.2", "docker_engine_source: docker the engine comes with containerd.io",
            id="others",
        ),
        pytest.param(facts(runc=None), "docker:29.7.2", "runc's version is not known", id="no runc"),
        pytest.param(facts(), "docker:35.0.0", "Docker 35.0.0 is newer than the table", id="an engine of the future"),
    ],
)  # fmt: skip
def test_what_is_assumed_is_said(known: dict[str, Any], spec: str, expected: str) -> None:
    assert any(expected in line for line in what_if(known, None, spec)["assumptions"])


def test_a_given_runc_needs_no_hint() -> None:
    said = what_if(facts(source="docker-ce"), None, "docker:29.7.2,runc:1.3.6")["assumptions"]
    assert not any("to count with that" in line or "runc stays" in line for line in said)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("docker:29.7.2", EngineSpec("29.7.2")),
        (" docker:29.7.2,runc:1.3.6\n", EngineSpec("29.7.2", "1.3.6")),
        ("docker:v28.5.2-rc.1,runc:1.0.0~rc93+ds1", EngineSpec("v28.5.2-rc.1", "1.0.0~rc93+ds1")),
        ("docker:5:29.7.2-1~debian.12~bookworm", EngineSpec("5:29.7.2-1~debian.12~bookworm")),
        (
            "libseccomp:2.6.1,docker:5:20.10.24~3-0~debian-bookworm",
            EngineSpec("5:20.10.24~3-0~debian-bookworm", None, "2.6.1"),
        ),
    ],
)
def test_a_specification_is_read(spec: str, expected: EngineSpec) -> None:
    assert EngineSpec.parse(spec) == expected
    assert EngineSpec.parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "podman:5.0.0",
            "readiness_what_if is 'podman:5.0.0', and 'podman' is none of docker, runc, libseccomp; give docker:",
        ),
        ("runc:1.3.6", "readiness_what_if is 'runc:1.3.6', which does not name docker; give docker:VERSION"),
        ("docker:latest", "readiness_what_if is 'docker:latest', and 'latest' is no version of docker; give"),
        ("docker", "readiness_what_if is 'docker', and '' is no version of docker; give"),
        (
            "docker:29.7.2 runc:1.3.6",
            "readiness_what_if is 'docker:29.7.2 runc:1.3.6', which has white space in it; give",
        ),
        ("docker:29..7", "readiness_what_if is 'docker:29..7', and '29..7' is no version of docker; give"),
        ("docker:29.7.2;", "readiness_what_if is 'docker:29.7.2;', and '29.7.2;' is no version of docker; give"),
        ("docker:29.7.2-bad!", "readiness_what_if is 'docker:29.7.2-bad!', and '29.7.2-bad!' is no version of docker"),
        ("docker:29.7.2-", "readiness_what_if is 'docker:29.7.2-', and '29.7.2-' is no version of docker"),
        ("docker:29,docker:28", "readiness_what_if is 'docker:29,docker:28', which names docker twice; give"),
        ("29.7.2", "readiness_what_if is '29.7.2', and '29.7.2' is none of docker"),
        ("", "readiness_what_if is ''; give docker:VERSION"),
        (29.7, "readiness_what_if is 29.7; give docker:VERSION"),
        (None, "readiness_what_if is None; give docker:VERSION"),
    ],
)
def test_what_is_no_specification_says_the_form(spec: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}.* such as docker:29.7.2,runc:1.3.6$") as caught:
        what_if(facts(), None, spec)
    # Ansible tells a cause as well, which would be a second sentence.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
