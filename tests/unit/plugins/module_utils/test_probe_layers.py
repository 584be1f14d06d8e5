# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import probe_layers
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layers import probe
from tests.unit.plugins.module_utils.probe_world import FakeJanitor, FakeKernel


@pytest.fixture(autouse=True)
def only_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured: each function tells how it was called."""

    class QuietJanitor(FakeJanitor):
        def __enter__(self) -> QuietJanitor:
            return self

        def __exit__(self, *_: object) -> None:
            return

    def echo(layer: str) -> Any:
        return lambda **settings: {"layer": layer, **settings}

    monkeypatch.setattr(probe_layers, "Janitor", QuietJanitor)
    monkeypatch.setattr(probe_layers, "Kernel", lambda: FakeKernel({"statx": "present"}))
    monkeypatch.setattr(probe_layers, "_measure_host", echo("host"))
    monkeypatch.setattr(probe_layers, "measure_dind", echo("dind"))
    monkeypatch.setattr(probe_layers, "measure_podman", echo("podman"))


def shown(params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(layer, profile, image or user) of each measurement, in order."""
    keys = ("layer", "profile", "image", "user")
    return [tuple(layer[key] for key in keys if key in layer) for layer in probe(params)["layers"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, [("host", "default")], id="the host's engine, unless told otherwise"),
        pytest.param(
            {"profiles": ["default", "/p.json", "default"]},
            [("host", "default"), ("host", "/p.json")],
            id="each profile once",
        ),
        pytest.param({"layers": ["dind"]}, [("dind", "default", None)], id="no image is the host's own dockerd"),
        pytest.param(
            {"layers": ["dind", "host"], "dind_images": ["docker:27-dind", "docker:20.10-dind"]},
            [("host", "default"), ("dind", "default", "docker:27-dind"), ("dind", "default", "docker:20.10-dind")],
            id="each image of a dind layer",
        ),
        pytest.param(
            {"layers": ["podman", "podman_rootless"], "podman_users": ["alice", "bob"]},
            [("podman", "default", None), ("podman", "default", "alice"), ("podman", "default", "bob")],
            id="podman as root and as each user",
        ),
        pytest.param(
            {"layers": ["host"], "podman_users": ["alice"]}, [("host", "default")], id="users without the layer"
        ),
    ],
)
def test_what_is_measured(params: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert shown(params) == expected


def test_the_kernel_comes_along() -> None:
    found = probe({"images": ["a:1", "a:1", "b:1"]})
    assert found["kernel"] == {"release": "6.1.0", "calls": {"statx": "present"}, "reason": None}
    assert found["layers"][0]["images"] == ("a:1", "b:1")
