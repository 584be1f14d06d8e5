# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Whether a host can run each generation of images and each image that is named."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.assessment import Cell, assess
from tests.unit.plugins.plugin_utils.readiness_world import answers, dind, facts, layer, podman, probe, unknown

GENERATIONS = ("musl-time64", "faccessat2", "clone3", "close_range", "fchmodat2")


def states(cells: dict[str, Cell]) -> dict[str, str]:
    return {key: cell.state for key, cell in cells.items() if cell.state != "ready"}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([layer()], {}, id="everything is let through"),
        pytest.param([layer(calls=answers(faccessat2="ENOSYS", fchmodat2="ENOSYS"))], {}, id="programs fall back"),
        pytest.param([layer(calls=answers(faccessat2="EPERM"))], {"faccessat2": "broken"}, id="blocked"),
        pytest.param([layer(calls=answers(faccessat2="killed"))], {"faccessat2": "broken"}, id="killed"),
        pytest.param(
            [layer(calls=answers(close_range="EPERM"))], {"close_range": "degraded"}, id="blocked, not needed"
        ),
        pytest.param([layer(), dind(calls=answers(clone3="EPERM"))], {"clone3": "broken"}, id="blocked one layer down"),
        pytest.param([layer(calls=answers(clone3="EPERM")), dind()], {"clone3": "broken"}, id="blocked one layer up"),
        pytest.param(
            [layer(), unknown("podman (root)")], dict.fromkeys(GENERATIONS[1:], "unknown"), id="a layer not measured"
        ),
        pytest.param(
            [layer(calls=answers(clone3="EPERM")), unknown("podman (root)")],
            {**dict.fromkeys(GENERATIONS[1:], "unknown"), "clone3": "broken"},
            id="broken is worse than unknown",
        ),
        pytest.param([], dict.fromkeys(GENERATIONS[1:], "unknown"), id="nothing measured"),
    ],
)
def test_every_layer_has_to_pass(layers: list[Any], expected: dict[str, str]) -> None:
    cells = assess(facts(), probe(*layers))
    assert tuple(cells) == GENERATIONS
    assert states(cells) == expected


@pytest.mark.parametrize(
    ("known", "expected", "kind"),
    [
        pytest.param(facts(), {}, "predicted", id="an engine that is new enough"),
        pytest.param(
            facts("20.10.9"), {"clone3": "broken"}, "predicted",
            id="an engine above the floor, without clone3",
        ),
        pytest.param(
            facts("19.03.15", runc="1.0.0-rc10", library="2.4.3"),
            {"faccessat2": "broken", "clone3": "broken", "close_range": "degraded", "fchmodat2": "degraded"},
            "predicted", id="an engine of its time",
        ),
        pytest.param(facts(installed=False), dict.fromkeys(GENERATIONS[1:], "unknown"), "none", id="no engine"),
        pytest.param(
            facts(running=False), dict.fromkeys(GENERATIONS[1:], "unknown"), "none",
            id="an engine that is down",
        ),
        pytest.param(facts("dev"), dict.fromkeys(GENERATIONS[1:], "unknown"), "none", id="an engine without a version"),
        pytest.param(None, dict.fromkeys(GENERATIONS, "unknown"), "none", id="no facts"),
    ],
)  # fmt: skip
def test_without_a_probe_versions_have_to_do(known: Any, expected: dict[str, str], kind: str) -> None:
    cells = assess(known)
    assert states(cells) == expected
    assert cells["faccessat2"].kind == kind


def test_a_cell_says_what_was_answered_where_and_what_to_do() -> None:
    cell = assess(facts(), probe(layer(), dind("20.10.9", calls=answers(clone3="EPERM"))))["clone3"]
    assert cell.kind == "measured"
    assert cell.evidence[:2] == (
        "host: clone3 answers ENOSYS by the profile (measured)",
        "dind (docker:20.10.9-dind): clone3 answers EPERM by the profile (measured)",
    )
    assert "dind image of 20.10.10 or newer" in cell.fix
    assert cell.as_dict() == {"state": "broken", "kind": "measured", "evidence": list(cell.evidence), "fix": cell.fix}


@pytest.mark.parametrize(
    ("image", "calls", "expected"),
    [
        pytest.param(
            "alpine:3.13", answers(faccessat2="EPERM", clone3="EPERM"), "ready", id="an image that needs nothing"
        ),
        pytest.param("alpine:3.14", answers(faccessat2="EPERM"), "broken", id="an image that needs what is blocked"),
        pytest.param("alpine:3.14", answers(clone3="EPERM"), "ready", id="an image that does not need what is blocked"),
        pytest.param("debian:12", answers(clone3="EPERM"), "broken", id="a glibc that needs what is blocked"),
        pytest.param("debian:13", answers(fchmodat2="EPERM"), "degraded", id="an image that mostly works"),
        pytest.param("acme/own:1", answers(), "ready", id="an unknown image where all work"),
        pytest.param(
            "acme/own:1", answers(close_range="EPERM"), "degraded", id="an unknown image where all mostly work"
        ),
        pytest.param(
            "acme/own:1", answers(faccessat2="EPERM"), "unknown", id="an unknown image where some do not work"
        ),
    ],
)
def test_an_image_is_as_ready_as_what_it_needs(image: str, calls: dict[str, Any], expected: str) -> None:
    assert assess(facts(), probe(layer(calls=calls)), [image])[image].state == expected


@pytest.mark.parametrize("image", ["alpine:3.13", "alpine:3.14", "acme/own:1"])
def test_no_image_is_ready_where_nothing_is_known(image: str) -> None:
    for cells in (
        assess(None, None, [image]),
        assess(facts(), probe(unknown()), [image]),
        assess(facts(running=None), None, [image]),
    ):
        assert cells[image].state == "unknown"
        assert cells[image].evidence


@pytest.mark.parametrize(
    ("seen", "asked", "expected"),
    [
        pytest.param("alpine:3.14", "alpine:3.14", "broken", id="in that image"),
        pytest.param("docker.io/library/alpine:3.14", "alpine:3.14", "broken", id="in that image by another name"),
        pytest.param("acme/own:1", "acme/own:1", "broken", id="in an image that nobody knows"),
        pytest.param("alpine:3.13", "alpine:3.13", "broken", id="in an image that needs nothing"),
        pytest.param("debian:12", "alpine:3.14", "ready", id="in another image"),
        pytest.param(None, "alpine:3.14", "ready", id="with the host's library"),
    ],
)
def test_what_fails_in_an_image_breaks_it(seen: str | None, asked: str, expected: str) -> None:
    behaviour = [{"image": seen, "access": {"result": "fails", "detail": "no"}, "threads": {"result": "works"}}]
    assert assess(facts(), probe(layer(behaviour=behaviour)), [asked])[asked].state == expected


def test_a_generation_of_other_machines_does_not_matter() -> None:
    cell = assess(facts(), probe(layer()))["musl-time64"]
    assert (cell.state, cell.kind) == ("ready", "none")
    assert "x86_64" in cell.evidence[0]


@pytest.mark.parametrize("image", ["", "two words", "https://example.com/a", "$CI_IMAGE", "alpine:"])
def test_what_is_no_image_is_an_error_with_its_name(image: str) -> None:
    with pytest.raises(ValueError, match=r"^readiness_images: "):
        assess(facts(), None, [image])


def test_podman_counts_like_every_layer() -> None:
    assert states(assess(facts(), probe(layer(), podman(calls=answers(faccessat2="EPERM"))))) == {
        "faccessat2": "broken"
    }
