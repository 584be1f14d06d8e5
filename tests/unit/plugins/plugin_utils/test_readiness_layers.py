# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Which layers count: those that jobs meet, measured or by versions, and no profile that somebody tried."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import assess
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import Finding, find
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import report
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import evidence_text
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, podman, probe, unknown

BLOCKED = answers(faccessat2="EPERM")
ALLOWED = answers(**dict.fromkeys(answers(), "allowed"))
OLD = facts("20.10.9")


def entry(known: Any, measured: Any, images: tuple[str, ...] = ()) -> dict[str, Any]:
    """The host of a report."""
    hosts = [{"name": "a", "facts": known, "probe": measured, "error": None}]
    found: dict[str, Any] = report(hosts, {"images": list(images)})["hosts"][0]
    return found


def named(found: list[Finding], *identifiers: str) -> list[tuple[str, str, str]]:
    return [(each.id, each.layer, each.severity) for each in found if each.id in identifiers]


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([layer(profile="unconfined", calls=ALLOWED)], id="another profile alone"),
        pytest.param([dind("24.0.9")], id="a dind image alone"),
        pytest.param([podman()], id="podman alone, beside an engine that runs"),
    ],
)
def test_an_engine_that_was_not_measured_as_jobs_meet_it_is_predicted(layers: list[Any]) -> None:
    measured = probe(*layers)
    cells = assess(OLD, measured, ["debian:12"])
    assert (cells["debian:12"].state, cells["debian:12"].kind) == ("broken", "predicted")
    [blocked] = [each for each in find(OLD, probe=measured) if each.id == "call_blocked_clone3"]
    assert (blocked.layer, blocked.evidence["kind"]) == ("host", "predicted")
    assert entry(OLD, measured)["state"] == "broken"
    assert len(entry(OLD, measured)["layers"]) == 1, "what was not measured is not shown as if it had been"


def test_an_engine_that_could_not_be_measured_is_not_predicted() -> None:
    assert assess(OLD, probe(unknown(), dind("24.0.9")))["clone3"].state == "unknown"


def test_podman_alone_stays_alone_where_no_engine_runs() -> None:
    assert assess(facts(installed=False), probe(podman()))["clone3"].state == "ready"


@pytest.mark.parametrize(
    ("tried", "says"),
    [
        pytest.param(
            layer(profile="/srv/try.json", calls=BLOCKED),
            "host with profile /srv/try.json: under it faccessat2 is blocked; jobs do not get this profile",
            id="what it blocks",
        ),
        pytest.param(
            unknown(reason="/srv/try.json is not there") | {"profile": "/srv/try.json"},
            "host with profile /srv/try.json: not measured, and jobs do not get it: /srv/try.json is not there",
            id="why it was not measured",
        ),
        pytest.param(
            layer(
                profile="/srv/try.json",
                behaviour=[{"image": "alpine:3.20", "access": {"result": "fails"}, "threads": {"result": "works"}}],
            ),
            "host with profile /srv/try.json: under it `test -x` says no to a program that can be run with "
            "alpine:3.20; jobs do not get this profile",
            id="what fails under it",
        ),
        pytest.param(layer(profile="/srv/try.json"), None, id="nothing where nothing is blocked"),
    ],
)
def test_a_profile_that_jobs_do_not_get_is_a_note_at_most(tried: dict[str, Any], says: str | None) -> None:
    found = entry(facts(), probe(layer(), tried), ("alpine:3.20",))
    assert found["state"] == "ready"
    assert {cell["state"] for cell in found["cells"].values()} == {"ready"}
    told = [(each["id"], each["severity"], each["summary"]) for each in found["findings"]]
    assert told == ([("profile_tried", "note", says)] if says else [])
    assert [each["profile"] for each in found["layers"]] == ["default", "/srv/try.json"]


def test_a_profile_that_was_tried_hides_nothing() -> None:
    measured = probe(layer(calls=BLOCKED), layer(profile="unconfined", calls=ALLOWED))
    assert assess(facts(), measured)["faccessat2"].state == "broken"


def test_the_profile_of_the_engine_itself_is_what_jobs_get() -> None:
    measured = layer(profile="/etc/own.json", calls=BLOCKED)
    measured["engine"]["seccomp_profile"] = "/etc/own.json"
    found = find(facts(seccomp_profile="/etc/own.json"), probe=probe(measured))
    assert named(found, "call_blocked_faccessat2", "profile_tried") == [("call_blocked_faccessat2", "host", "broken")]


def test_nothing_measured_as_jobs_meet_it_is_not_ready() -> None:
    found = entry(facts(installed=False), probe(layer("podman (root)", profile="/srv/try.json")))
    assert found["state"] == "unknown"
    assert "name default in readiness_profiles" in found["findings"][0]["summary"]


def tried(access: str, threads: str) -> dict[str, Any]:
    results = {"access": access, "threads": threads}
    return {
        "image": "lab/musl:1",
        **{what: {"result": result, "detail": "lab/musl:1 is not on this host"} for what, result in results.items()},
    }


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param(
            layer(behaviour=[tried("untested", "untested")]), [("behaviour_untested", "host", "unknown")],
            id="the image is missing",
        ),
        pytest.param(
            layer(behaviour=[tried("works", "untested")]), [("behaviour_untested", "host", "note")],
            id="it has no program that starts threads",
        ),
        pytest.param(
            dind(behaviour=[tried("untested", "untested")]), [("behaviour_untested", "dind", "unknown")],
            id="in a dind image",
        ),
        pytest.param(
            podman(behaviour=[tried("untested", "untested")]), [("behaviour_untested", "podman", "note")],
            id="podman, whose storage is left alone",
        ),
        pytest.param(layer(behaviour=[tried("works", "works")]), [], id="all was tried"),
        pytest.param(
            layer(behaviour=[{**tried("untested", "untested"), "image": None}]), [],
            id="the host's own C library, which nobody asked for",
        ),
    ],
)  # fmt: skip
def test_an_image_that_was_asked_for_and_not_tried_is_told(measured: dict[str, Any], expected: list[Any]) -> None:
    found = find(facts(), probe=probe(measured))
    assert named(found, "behaviour_untested") == expected
    assert all("lab/musl:1 is not on this host" in each.summary for each in found if each.id == "behaviour_untested")


def test_where_podman_is_there_docker_need_not_be() -> None:
    for version, said in (({"version": "4.3.1"}, True), (None, False)):
        [missing] = [
            each for each in find({**facts(installed=False), "podman": version}) if each.id == "engine_missing"
        ]
        assert ("readiness_layers: [podman]" in missing.fix) is said


def test_what_was_not_measured_is_told_so_in_evidence() -> None:
    [lost] = [each for each in find(facts(), probe=probe(unknown())) if each.id == "unknown"]
    assert lost.evidence["kind"] == "unknown"
    assert evidence_text(lost.as_dict()).startswith("not measured: name=host")


@pytest.mark.parametrize(
    ("minimum", "says"),
    [
        pytest.param("20.10.6", "is older than 20.10.6, the least that GitLab advises", id="GitLab's advice"),
        pytest.param("29", "is older than 29, the least that readiness_minimum_version allows", id="one's own"),
    ],
)
def test_whose_least_version_it_is_is_told(minimum: str, says: str) -> None:
    summaries = [
        each.summary
        for each in find(
            facts("20.10.5"), minimum, probe(layer(), dind("20.10.5")), ["docker:19.03.15-dind", "docker:20.10.5-dind"]
        )
        if each.id == "floor"
    ]
    assert len(summaries) == 3
    assert all(says.removeprefix("is ") in each for each in summaries)


def test_no_remedy_is_below_the_floor() -> None:
    found = find(facts("18.09.9", runner="19.2.0", api_version="1.39"), "28.5.2")
    [wanted] = [each for each in found if each.id == "runner_api"]
    assert "docker_engine_version: 28.5.2 or newer" in wanted.fix


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(
            facts("19.03.8", runc="1.0.0-rc10", library="2.4.1", architecture="aarch64"), "broken",
            id="an engine whose filter is older than the calls of 32-bit programs",
        ),
        pytest.param(facts("28.5.2", runc="1.3.0", library="2.6.0", architecture="aarch64"), "ready", id="of today"),
    ],
)  # fmt: skip
def test_an_image_for_another_machine_is_judged_as_that(known: dict[str, Any], expected: str) -> None:
    image = "arm32v7/alpine:3.13"
    cell = assess(known, None, [image])[image]
    assert (cell.state, cell.kind) == (expected, "predicted")
    found = find(known, images=[image])
    assert named(found, "image_machine") == ([("image_machine", "host", expected)] if expected != "ready" else [])
    [pinned] = [each for each in found if each.id == "image_pinned_workaround"]
    assert "needs no new system call" not in pinned.summary
