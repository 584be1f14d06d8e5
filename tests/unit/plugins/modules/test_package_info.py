# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import holds, way_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_index import Offer
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dpkg import Package
from ansible_collections.runnerkit.gitlab.plugins.modules import package_info
from ansible_collections.runnerkit.gitlab.plugins.modules.package_info import look

RECORD: dict[str, Any] = {"before": {"docker.io": "1"}, "absent": ["docker-ce"], "held": [], "foreign": []}


class Module:
    """What the module is given."""

    def __init__(self, **params: Any) -> None:
        defaults = {
            "names": ["docker.io"], "system_names": [], "index": True, "repository": None, "way_back": None,
        }  # fmt: skip
        self.params = {**defaults, **params}


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with Debian's engine, held by runnerkit, and sources that have a newer one."""

    def read_packages(names: Iterable[str]) -> dict[str, Package]:
        return {"docker.io": Package("docker.io", "1", "amd64", "hold", "installed")}

    def look_around(module: Any, names: list[str]) -> Offer:
        available = {name: [{"version": "3", "origin": "backports"}] for name in names}
        return Offer(["W: one source is gone"], available, dict.fromkeys(names, "2"))

    monkeypatch.setattr(package_info, "read_packages", read_packages)
    monkeypatch.setattr(package_info, "look_around", look_around)
    monkeypatch.setattr(package_info, "interrupted", lambda: False)
    monkeypatch.setattr(holds, "read", lambda: {"docker.io"})
    monkeypatch.setattr(way_back, "DIRECTORY", str(tmp_path))


def found(**params: Any) -> dict[str, Any]:
    module: Any = Module(**params)
    return look(module)


def test_what_there_is_and_what_there_could_be() -> None:
    result = found(system_names=["libseccomp2"])
    assert result["packages"]["docker.io"] == {
        "installed": "1", "state": "installed", "held": True, "held_by_us": True,
        "available": [{"version": "3", "origin": "backports"}], "candidate": "2",
    }  # fmt: skip
    assert result["packages"]["libseccomp2"]["installed"] is None
    assert (result["complaints"], result["interrupted"]) == (["W: one source is gone"], False)


def test_nothing_is_looked_up_where_nobody_wants_it() -> None:
    result = found(index=False)
    assert (result["packages"]["docker.io"]["available"], result["packages"]["docker.io"]["candidate"]) == ([], None)
    assert result["complaints"] == []


def test_the_way_back_of_a_run_that_did_not_get_to_its_end() -> None:
    assert found(way_back="docker_engine")["way_back"] is None
    way_back.keep("docker_engine", RECORD)
    assert found(way_back="docker_engine")["way_back"] == RECORD
    assert found()["way_back"] is None
