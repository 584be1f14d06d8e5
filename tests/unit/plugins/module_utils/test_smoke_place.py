# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_place import (
    Place,
    host_folders,
    remove_left_behind,
    settled,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import read_plan
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import MARK, FakeJanitor
from tests.unit.plugins.module_utils.smoke_world import GONE, Answers, deleted

MADE = r"runnerkit-probe-[0-9a-f]{12}"
WELL = {
    "/volumes/create": answer({"Name": "x"}, "201 Created"),
    "/networks/create": answer({"Id": "n"}, "201 Created"),
    f"/(?:volumes|networks)/{MADE}": GONE,
    "/volumes/there": answer({"Name": "there"}),
}


def settle(tmp_path: Path, **changes: Any) -> tuple[Place, list[tuple[str, Any]], list[str], FakeJanitor]:
    """(the place, what was made, what was removed, the janitor) for a runner with such settings."""
    flags = changes.pop("feature_flags", {})
    runner = {
        "name": "one", "mode": "socket", "executor": "docker", "builds_dir": str(tmp_path / "builds"),
        "feature_flags": flags, "docker": {"image": "i", "volumes": [], **changes},
    }  # fmt: skip
    janitor = FakeJanitor()
    with fake_engine(Answers(WELL)) as fake:
        with settled(Engine(fake.path), janitor, read_plan(runner), MARK, time.monotonic() + 5) as place:
            for checkout in (tmp_path / "builds", tmp_path / "host"):
                (checkout / f"runnerkit-smoke-{MARK}" / "0").mkdir(parents=True, exist_ok=True)
        made = [(target, json.loads(body)) for method, target, body in fake.requests if method == "POST"]
        return place, made, deleted(fake.requests), janitor


def test_volumes_without_a_source_are_made_and_removed(tmp_path: Path) -> None:
    place, made, removed, janitor = settle(tmp_path, volumes=["/cache", "there:/there", "missing:/missing:ro"])
    # The builds folder is one of them.
    assert [target for target, _ in made] == ["/volumes/create"] * 3
    assert [bind.split(":")[1] for bind in place.binds] == ["/cache", "/there", "/missing", str(tmp_path / "builds")]
    assert (place.binds[1], place.binds[2][-3:]) == ("there:/there", ":ro")
    assert sorted(removed) == sorted(f"/volumes/{body['Name']}" for _, body in made)
    assert all(body["Labels"]["runnerkit.probe"] == MARK for _, body in made)
    known = [json.loads(line).get("delete") for line in janitor.lines]
    assert {f"/volumes/{body['Name']}" for _, body in made} <= set(known)


def test_without_cache_volumes_there_is_that_of_the_builds_folder_alone(tmp_path: Path) -> None:
    place, _, _, _ = settle(tmp_path, volumes=["/certs/client", "there:/there"], disable_cache=True)
    assert [bind.split(":")[1] for bind in place.binds] == ["/there", str(tmp_path / "builds")]


def test_a_builds_folder_of_the_host_is_used_and_tidied(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    place, made, _, _ = settle(tmp_path, volumes=[f"{tmp_path}/host:{tmp_path}/builds"])
    assert made == []
    assert place.folder == f"{tmp_path}/builds/runnerkit-smoke-{MARK}/0/group/project"
    assert list((tmp_path / "host").iterdir()) == []
    # An engine that was asked for the job's path made it; it was not there before.
    assert not (tmp_path / "builds").exists()


@pytest.mark.parametrize(
    ("changes", "network", "links"),
    [
        pytest.param({"services": ["docker:dind"]}, "default", True, id="links on the default bridge"),
        pytest.param({"services": ["docker:dind"], "network_mode": "own"}, "own", False, id="a network of the host's"),
        pytest.param(
            {"feature_flags": {"FF_NETWORK_PER_BUILD": True}}, "default", True, id="none is made for no service"
        ),
    ],
)
def test_services_are_reached(tmp_path: Path, changes: dict[str, Any], network: str, links: bool) -> None:
    changes = dict(changes)
    place, made, _, _ = settle(tmp_path, **changes)
    plan = read_plan({"docker": {"image": "i", "services": ["docker:dind"]}})
    assert (place.host_config["NetworkMode"], place.links) == (network, links)
    assert "/networks/create" not in dict(made)
    assert bool(place.known_as(plan.services[0])) is not links


def test_a_network_per_build_is_made_and_removed(tmp_path: Path) -> None:
    place, made, removed, _ = settle(tmp_path, services=["docker:dind"], feature_flags={"FF_NETWORK_PER_BUILD": True})
    name = dict(made)["/networks/create"]["Name"]
    assert place.network == name
    assert f"/networks/{name}" in removed
    plan = read_plan({"docker": {"services": ["docker:dind"]}})
    config = place.known_as(plan.services[0])["NetworkingConfig"]["EndpointsConfig"]
    assert config == {name: {"Aliases": ["docker"]}}


def test_the_host_without_a_network_of_names_knows_no_aliases() -> None:
    plan = read_plan({"docker": {"services": ["docker:dind"]}})
    assert Place((), "host", "/x").known_as(plan.services[0]) == {}


def test_folders_that_others_use_meanwhile_stay(tmp_path: Path) -> None:
    checkout = tmp_path / "builds" / "mine"
    with host_folders(FakeJanitor(), [str(tmp_path / "new")], [str(checkout)]):
        checkout.mkdir(parents=True)
        (tmp_path / "builds" / "somebody").mkdir()
        (tmp_path / "new").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["builds"]
    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["somebody"]


def test_what_was_left_behind_long_ago_is_removed_and_nothing_else() -> None:
    labels = {"runnerkit.probe": MARK, "runnerkit.probe.made": "100"}
    old = {"Name": "runnerkit-probe-1", "Labels": labels}
    others = [
        {"Name": "theirs", "Labels": labels},
        {"Name": "runnerkit-probe-2", "Labels": {**labels, "runnerkit.probe.made": "900"}},
        {"Name": "runnerkit-probe-3", "Labels": {"runnerkit.probe": MARK}},
        {"Name": "runnerkit-probe-4", "Labels": None},
    ]
    table = {"/networks": answer([old, *others]), "/volumes": answer({"Volumes": [*others, old]}), "/.*/.*": GONE}
    with fake_engine(Answers(table)) as fake:
        assert remove_left_behind(Engine(fake.path), 500.0) == 2
        assert deleted(fake.requests) == ["/networks/runnerkit-probe-1", "/volumes/runnerkit-probe-1"]
