# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Rules about the host's programs, its seccomp profile and the images that jobs use."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import Finding, find
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion
from tests.unit.plugins.plugin_utils.readiness_world import WORKAROUND, answers, dind, facts, layer, podman, probe

NEW = {"minimum_api_version": "1.44", "api_version": "1.52", "client_version": "29.7.2"}
TRACE = {"default": "SCMP_ACT_TRACE", "default_errno": None}


def named(found: list[Finding], *identifiers: str) -> list[tuple[str, str, str]]:
    return [(each.id, each.layer, each.severity) for each in found if each.id in identifiers]


def own_rules(engine: str = "20.10.24") -> dict[str, str]:
    """The rules of the workaround's profile as role docker_engine writes it for a release."""
    rules = syscall_profile.docker_default(EngineVersion.parse(engine)).rules
    return {
        call: "SCMP_ACT_ALLOW" if action.allows else f"SCMP_ACT_ERRNO:{action.errno}" for call, action in rules.items()
    }


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(facts("29.7.2", **NEW), [], id="an engine and a client of today"),
        pytest.param(
            facts("29.7.2", **{**NEW, "client_version": "24.0.9"}), [("api_too_new", "host", "broken")],
            id="a docker command that is too old",
        ),
        pytest.param(
            facts("29.7.2", runner="17.0.1", **NEW), [("api_too_new", "runner", "broken")],
            id="a runner that is too old"
        ),
        pytest.param(
            facts("29.7.2", runner="18.5.0", **NEW), [("api_too_new", "runner", "note")],
            id="a runner of which nothing is known",
        ),
        pytest.param(facts("29.7.2", runner="19.2.0", **NEW), [], id="a runner of today"),
        pytest.param(facts("28.5.2", runner="18.5.0"), [], id="an engine that takes whatever the runner speaks"),
        pytest.param(
            facts("28.5.2", runner="16.0.0", client_version="20.10.5"), [],
            id="an engine that takes them all",
        ),
        pytest.param(
            facts("18.09.9", runner="19.2.0", api_version="1.39"), [("runner_api", "runner", "broken")],
            id="a runner that wants more than the engine speaks",
        ),
        pytest.param(
            facts("19.03.15", runner="19.2.0", api_version="1.40"), [],
            id="an engine that speaks just enough",
        ),
        pytest.param(facts("18.09.9", runner="19.1.0", api_version="1.39"), [], id="a runner that is content"),
        pytest.param(facts("29.7.2", runner="development", **NEW), [], id="a runner that does not say its version"),
    ],
)  # fmt: skip
def test_programs_that_do_not_speak_one_api(known: dict[str, Any], expected: list[Any]) -> None:
    assert named(find(known), "api_too_new", "runner_api") == expected


def test_a_new_api_says_how_to_let_old_clients_in() -> None:
    [found] = [
        each for each in find(facts("29.7.2", **{**NEW, "client_version": "24.0.9"})) if each.id == "api_too_new"
    ]
    assert found.summary == (
        "the engine refuses clients that do not speak API 1.44, which came with Docker 25.0: the docker command on the "
        "host is 24.0.9"
    )
    assert "min-api-version" in found.fix


@pytest.mark.parametrize(
    ("engine", "image", "expected"),
    [
        pytest.param("20.10.24", "alpine:3.21", [], id="a base image"),
        pytest.param("20.10.24", "docker:latest", [("dind_tag_floats", "dind", "degraded")], id="docker:latest"),
        pytest.param("20.10.24", "docker", [("dind_tag_floats", "dind", "degraded")], id="docker without a tag"),
        pytest.param("20.10.24", "docker:dind", [("dind_tag_floats", "dind", "degraded")], id="docker:dind"),
        pytest.param(
            "20.10.24", "docker:stable",
            [("dind_tag_floats", "dind", "degraded")], id="docker:stable",
        ),
        pytest.param("20.10.24", "docker:28.5.2-dind", [], id="a dind with its version"),
        pytest.param(
            "20.10.24", "docker:19.03.15-dind-alpine3.13",
            [("floor", "dind", "broken"), ("image_pinned_workaround", "pipeline", "note")],
            id="the way around of its time, whose engine is below the floor all the same",
        ),
        pytest.param(
            "20.10.24", "ruby:2.7-alpine3.13", [("image_pinned_workaround", "pipeline", "note")], id="ruby pinned"
        ),
        pytest.param("20.10.24", "docker:19.03.15-dind", [("floor", "dind", "broken")], id="a dind below the floor"),
        pytest.param("20.10.24", "docker:19.03-dind", [("floor", "dind", "broken")], id="a line below the floor"),
        pytest.param("20.10.24", "docker:20.10-dind", [], id="a line that may be above the floor"),
        pytest.param("20.10.24", "acme/builder:7", [("image_unknown", "pipeline", "note")], id="an image of one's own"),
        pytest.param("29.7.2", "docker:24.0", [("api_too_new", "pipeline", "degraded")], id="a CLI that is refused"),
        pytest.param("29.7.2", "docker:20.10-dind", [("api_too_new", "dind", "note")], id="a CLI in an old dind"),
        pytest.param("29.7.2", "docker:25.0.3-cli", [], id="the first CLI that is not refused"),
    ],
)  # fmt: skip
def test_names_of_images_tell_what_they_tell(engine: str, image: str, expected: list[Any]) -> None:
    known = facts(engine, **NEW) if engine == "29.7.2" else facts(engine)
    about = ("dind_tag_floats", "image_pinned_workaround", "image_unknown", "floor", "api_too_new")
    assert named(find(known, images=[image]), *about) == expected


def test_a_dind_that_was_measured_is_not_judged_by_its_name_too() -> None:
    found = find(facts(), probe=probe(layer(), dind("20.10.5")), images=["docker:20.10.5-dind"])
    assert named(found, "floor") == [("floor", "dind", "broken")]


@pytest.mark.parametrize(
    ("images", "differ"),
    [
        pytest.param(["docker:28.5.2", "docker:28.5.2-dind"], False, id="one version"),
        pytest.param(["docker:28.5.1", "docker:28.5.2-dind"], False, id="one line"),
        pytest.param(["docker:24.0", "docker:28.5.2-dind"], True, id="two lines"),
        pytest.param(["docker:28.5.2-dind"], False, id="no CLI"),
        pytest.param(["docker:24.0", "docker:28.5.2", "docker:28.5.2-dind"], False, id="a CLI for each"),
    ],
)
def test_cli_and_service_should_be_of_one_line(images: list[str], differ: bool) -> None:
    assert bool(named(find(facts(), images=images), "client_differs")) is differ


PROFILE = ("seccomp_unconfined", "seccomp_profile_custom", "seccomp_workaround", "seccomp_workaround_stale")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [], id="the engine's own profile"),
        pytest.param({"seccomp_profile": "builtin"}, [], id="as newer engines call it"),
        pytest.param({"seccomp_profile": "unconfined"}, [("seccomp_unconfined", "host", "risk")], id="none"),
        pytest.param(
            {"seccomp_profile": None, "security_options": ["name=apparmor"]}, [("seccomp_unconfined", "host", "risk")],
            id="an engine without seccomp",
        ),
        pytest.param(
            {"seccomp_profile": "/etc/own.json"}, [("seccomp_profile_custom", "host", "note")],
            id="one's own",
        ),
        pytest.param(
            {"seccomp_profile": WORKAROUND}, [("seccomp_workaround", "host", "risk")], id="the workaround's"
        ),
        pytest.param(
            {"seccomp_profile": None, "daemon_config": {"seccomp-profile": WORKAROUND}},
            [("seccomp_workaround", "host", "risk")], id="the workaround's, from daemon.json",
        ),
        pytest.param(
            {"daemon_config": {"seccomp-profile": WORKAROUND}}, [("seccomp_workaround_stale", "host", "degraded")],
            id="the workaround's in daemon.json, not in force",
        ),
    ],
)  # fmt: skip
def test_the_profile_in_force_is_told(changes: dict[str, Any], expected: list[Any]) -> None:
    assert named(find(facts(**changes)), *PROFILE) == expected


@pytest.mark.parametrize(
    ("seen", "calls", "says"),
    [
        pytest.param({**TRACE, "rules": own_rules()}, answers(), "it works", id="nothing is blocked"),
        pytest.param(
            {**TRACE, "rules": own_rules()}, answers(faccessat2="EPERM"),
            "it does not help: faccessat2 is still blocked",
            id="a call is blocked all the same",
        ),
        pytest.param(None, answers(), "could not be read", id="the filter is not known"),
        pytest.param(
            {"default": "SCMP_ACT_ERRNO", "rules": own_rules()}, answers(), "SCMP_ACT_ERRNO, so it is something else",
            id="another filter than that",
        ),
    ],
)  # fmt: skip
def test_whether_the_workaround_works_is_measured(seen: Any, calls: dict[str, Any], says: str) -> None:
    measured = layer(filter=seen, calls=calls)
    measured["engine"]["seccomp_profile"] = WORKAROUND
    found = find(facts(seccomp_profile=WORKAROUND), probe=probe(measured))
    [workaround] = [each for each in found if each.id == "seccomp_workaround"]
    assert says in workaround.summary
    assert "ptrace" in workaround.summary
    assert workaround.evidence["kind"] == "measured"
    blocked = [each for each in found if each.id == "call_blocked_faccessat2"]
    assert len(blocked) == (1 if "EPERM" in str(calls["faccessat2"]) else 0)
    assert all(WORKAROUND in each.evidence["why"] for each in blocked)
    assert named(found, "seccomp_workaround_stale") == []


@pytest.mark.parametrize(
    ("engine", "written_for", "says"),
    [
        pytest.param("25.0.3", "20.10.24", "it lacks", id="after an upgrade"),
        pytest.param("25.0.3", "23.0.10", "it allows io_uring_enter", id="what the newer engine took back"),
    ],
)
def test_a_profile_of_another_release_is_stale(engine: str, written_for: str, says: str) -> None:
    measured = layer(filter={**TRACE, "rules": own_rules(written_for)})
    measured["engine"] |= {"version": engine, "seccomp_profile": WORKAROUND}
    found = find(facts(engine, seccomp_profile=WORKAROUND), probe=probe(measured))
    [stale] = [each for each in found if each.id == "seccomp_workaround_stale"]
    assert says in stale.summary


@pytest.mark.parametrize(("engine", "expected"), [("20.10.24+dfsg1", 0), ("20.10.5", 1)], ids=["its own", "another's"])
def test_what_the_profile_was_made_for_is_remembered(engine: str, expected: int) -> None:
    known = facts(seccomp_profile=WORKAROUND, seccomp_workaround={"engine": engine})
    assert len(named(find(known), "seccomp_workaround_stale")) == expected


def test_without_a_probe_the_workaround_blocks_nothing() -> None:
    found = find(facts("19.03.15", runc="1.0.0-rc10", library="2.4.3", seccomp_profile=WORKAROUND), "19.03.0")
    assert [each.id for each in found if each.severity in ("broken", "unknown")] == []


def test_another_place_for_the_workaround_can_be_named() -> None:
    found = find(facts(seccomp_profile="/srv/trace.json"), workaround_path="/srv/trace.json")
    assert named(found, *PROFILE) == [("seccomp_workaround", "host", "risk")]


@pytest.mark.parametrize(
    ("layers", "severity"),
    [
        pytest.param(None, "degraded", id="not measured"),
        pytest.param([layer()], "note", id="measured, and runc has a library of its own"),
        pytest.param([layer(calls=answers(faccessat2="EPERM"))], "degraded", id="measured and blocked"),
        pytest.param([podman()], "degraded", id="measured elsewhere"),
    ],
)
def test_an_old_library_matters_unless_it_was_seen_not_to(layers: list[Any] | None, severity: str) -> None:
    known = facts() | {"libseccomp": {"version": "2.4.3", "faccessat2": -1}}
    found = find(known, probe=None if layers is None else probe(*layers))
    assert named(found, "libseccomp_old") == [("libseccomp_old", "host", severity)]
