# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Docker's images among those that jobs use: a dind image is an engine of its own, and a CLI may talk to it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import assess
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import Finding, find
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_names import dind_layers, engine_of, same_image
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion
from ansible_collections.runnerkit.gitlab.plugins.test.readiness import ready_for
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, probe, unknown

DIGEST = f"sha256:{'a' * 64}"
NEW = {"minimum_api_version": "1.44", "api_version": "1.52", "client_version": "29.7.2"}


def named(found: list[Finding], *identifiers: str) -> list[tuple[str, str, str]]:
    return [(each.id, each.layer, each.severity) for each in found if each.id in identifiers]


def test_a_dind_image_is_a_layer_by_its_tag() -> None:
    images = ["docker:20.10.7-dind", "debian:12"]
    cells = assess(facts(), probe(layer()), images)
    assert (cells["clone3"].state, cells["clone3"].kind) == ("broken", "predicted")
    assert "dind (docker:20.10.7-dind): clone3 answers EPERM by the profile (predicted)" in cells["clone3"].evidence
    assert "instead of docker:20.10.7-dind" in cells["clone3"].fix
    assert cells["debian:12"].state == "broken"
    assert (cells["faccessat2"].state, cells["docker:20.10.7-dind"].state) == ("ready", "ready")
    [blocked] = [each for each in find(facts(), probe=probe(layer()), images=images) if each.severity == "broken"]
    assert (blocked.id, blocked.layer) == ("call_blocked_clone3", "dind")
    assert (blocked.evidence["kind"], blocked.evidence["image"]) == ("predicted", "docker:20.10.7-dind")


def test_a_dind_image_that_is_new_enough_leaves_the_host_as_it_is() -> None:
    assert not any(
        each.severity in ("broken", "unknown", "degraded")
        for each in find(facts(), probe=probe(layer()), images=["docker:28.5.2-dind"])
    )


def test_whether_a_dind_image_runs_on_the_host_is_another_question() -> None:
    assert ready_for(facts(), "docker:20.10.7-dind", probe=probe(layer())) is True
    blocked = probe(layer(calls=answers(faccessat2="EPERM")))
    assert ready_for(facts(), "docker:28.5.2-dind", probe=blocked) is False


@pytest.mark.parametrize(
    ("spelled", "seen", "kinds"),
    [
        pytest.param("docker:20.10.7-dind", dind("20.10.7"), [], id="by the same name"),
        pytest.param("docker.io/library/docker:20.10.7-dind", dind("20.10.7"), [], id="by another name"),
        pytest.param(
            "docker:20.10.7-dind", unknown("dind (docker:20.10.7-dind)") | {"image": "docker:20.10.7-dind"}, [],
            id="in vain",
        ),
        pytest.param("docker:20.10.7-dind", dind("20.10.9"), ["call_blocked_clone3"], id="another one"),
    ],
)  # fmt: skip
def test_what_was_measured_is_not_predicted_too(spelled: str, seen: dict[str, Any], kinds: list[str]) -> None:
    found = find(facts(), probe=probe(layer(), seen), images=[spelled])
    assert [each.id for each in found if each.evidence["kind"] == "predicted" and each.severity == "broken"] == kinds


def test_a_dind_image_that_could_not_be_measured_is_still_below_the_floor() -> None:
    seen = unknown("dind (docker:19.03.15-dind)") | {"image": "docker:19.03.15-dind"}
    found = find(facts(), probe=probe(layer(), seen), images=["docker:19.03.15-dind"])
    assert named(found, "floor", "unknown") == [("floor", "dind", "broken"), ("unknown", "dind", "unknown")]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        pytest.param("20.10.7", "20.10.7", id="a release"),
        pytest.param("20.10", "20.10.27", id="a line that has ended"),
        pytest.param("19.03", "19.03.15", id="a line of old"),
        pytest.param("24", "24.0.9", id="a year"),
        pytest.param("27", "27", id="a line within one profile"),
        pytest.param("28", "28.2.0", id="a line whose newest releases are of one profile"),
        pytest.param("99", None, id="a line newer than the table"),
        pytest.param("17.06", None, id="a line older than the table"),
        pytest.param("22.06", None, id="a line that never was"),
    ],
)
def test_a_line_is_its_newest_release_if_the_table_has_it(tag: str, expected: str | None) -> None:
    assert engine_of(EngineVersion.parse(tag)) == expected


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("docker:20.10-dind", "it is taken as 20.10.27, the newest of it that is known"),
        ("docker:99-dind", "which one it is cannot be told, so what containers in it may do is not predicted"),
        (f"docker:20.10-dind@{DIGEST}", "which one it is cannot be told"),
        ("docker:20.10.7-dind", None),
        ("docker:28", None),
    ],
    ids=["a line", "a line that nobody knows", "one build of a line", "a release", "a CLI"],
)
def test_what_a_line_is_taken_as_is_noted(image: str, says: str | None) -> None:
    found = [each for each in find(facts(), images=[image]) if each.id == "dind_line"]
    assert [each.severity for each in found] == (["note"] if says else [])
    assert all(says and says in each.summary for each in found)


def test_an_image_of_somebody_who_calls_it_docker_is_no_engine() -> None:
    assert dind_layers(facts(), "x86_64", ["registry.gitlab.com/acme/docker:19.03-dind", "docker:28", "alpine:3"]) == []
    assert dind_layers(facts(), None, ["docker:19.03.15-dind"]) == []
    assert not named(find(facts(), images=["registry.gitlab.com/acme/docker:latest"]), "dind_tag_floats")


def test_one_image_by_two_names() -> None:
    assert same_image("docker.io/library/docker:dind", "docker:dind")
    assert not same_image("docker:24-dind", "docker:25-dind")
    assert not same_image(None, "docker:dind")
    assert same_image("two words", "two words")


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        pytest.param(["docker:24-dind"], [("api_too_new", "dind", "note")], id="a service alone"),
        pytest.param(
            ["docker:24", "docker:24.0.7-dind"], [("api_too_new", "dind", "note"), ("api_too_new", "pipeline", "note")],
            id="a CLI with a service of its line",
        ),
        pytest.param(
            ["docker:24", "docker:28.5.2-dind"], [("api_too_new", "pipeline", "degraded")],
            id="a CLI with a service of another line",
        ),
        pytest.param(["docker:24-cli"], [("api_too_new", "pipeline", "degraded")], id="a CLI alone"),
        pytest.param(["docker:25", "docker:25-dind"], [], id="new enough"),
    ],
)  # fmt: skip
def test_a_cli_that_talks_to_its_own_service_does_not_mind_the_host(images: list[str], expected: list[Any]) -> None:
    found = find(facts("29.7.2", **NEW), images=images)
    assert named(found, "api_too_new") == expected
    assert all(each.severity != "broken" for each in found)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        *[
            pytest.param(tag, ("dind", "degraded"), id=tag)
            for tag in ("latest", "dind", "stable-dind", "edge-dind", "test-dind", "dind-rootless", "rc-dind", "stable")
        ],
        *[pytest.param(tag, ("pipeline", "note"), id=tag) for tag in ("cli", "git")],
        *[pytest.param(tag, None, id=tag) for tag in ("28-dind", "28.5.2-cli", f"dind@{DIGEST}", "acme-dind")],
    ],
)
def test_tags_without_a_version_float(tag: str, expected: tuple[str, str] | None) -> None:
    found = [each for each in find(facts(), images=[f"docker:{tag}"]) if each.id == "dind_tag_floats"]
    assert [(each.layer, each.severity) for each in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("tag", "says"),
    [("stable-dind", "is no longer renewed"), ("dind", "is another Docker from one day to the next")],
)
def test_a_tag_that_nobody_renews_is_not_said_to_change(tag: str, says: str) -> None:
    [found] = [each for each in find(facts(), images=[f"docker:{tag}"]) if each.id == "dind_tag_floats"]
    assert found.summary.startswith(f"docker:{tag} {says}")
