# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_host import Declared
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError
from tests.unit.plugins.module_utils.ca_world import (
    CA,
    CERT,
    DEBIAN_ANCHORS,
    DEBIAN_BUNDLE,
    ENGINE,
    KEY,
    PODMAN,
    RECORD,
    REDHAT_BUNDLE,
    RUNNER,
    World,
    key,
    pem,
)

NEW = pem("new")
OURS = {CA: NEW, f"{PODMAN}/ca.crt": NEW, KEY: key("us"), CERT: pem("us"), RUNNER: pem("gitlab")}
ANCHORS = {"runnerkit-1": NEW}

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def nothing(world: World) -> None:
    """A host on which nobody put anything."""


def another_ca(world: World) -> None:
    world.file(CA, pem("another"), 0o640)


def a_file_of_somebody(world: World) -> None:
    world.file(KEY, key("somebody"), 0o644)
    if os.geteuid() == 0:
        os.chown(world.at(KEY), 12, 34)


def a_link(world: World) -> None:
    world.file("/srv/company.crt", pem("company"))
    world.link(CA, "/srv/company.crt")


def a_link_that_leads_to_a_file_here(world: World) -> None:
    world.file("/srv/company.crt", pem("company"))
    world.link(CA, str(world.at("/srv/company.crt")))


def the_same(world: World) -> None:
    world.file(CA, NEW)


def the_same_in_the_store(world: World) -> None:
    world.file(f"{DEBIAN_ANCHORS}/company.crt", NEW)
    world.run(["update-ca-certificates"])
    world.updates.clear()


def one_folder_for_both(world: World) -> None:
    world.at("/etc/docker/certs.d").mkdir(parents=True)
    world.link("/etc/containers/certs.d", str(world.at("/etc/docker/certs.d")))


def empty_folders(world: World) -> None:
    world.at(ENGINE).mkdir(parents=True, mode=0o700)


def other_registries(world: World) -> None:
    world.file("/etc/docker/certs.d/other:5000/ca.crt", pem("other"))
    world.file(f"{ENGINE}/more.crt", pem("more"))


BEFORE = [
    nothing, another_ca, a_file_of_somebody, a_link, a_link_that_leads_to_a_file_here, the_same, the_same_in_the_store,
    one_folder_for_both, empty_folders, other_registries,
]  # fmt: skip


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("family", ["debian", "redhat"])
def test_what_is_declared_comes_stays_and_goes_without_a_trace(
    tmp_path: Path, before: Callable[[World], None], family: str
) -> None:
    if family == "redhat" and before is the_same_in_the_store:
        return
    world = World(tmp_path, family)
    before(world)
    was = world.tree()
    foretold = world.keep(OURS, ANCHORS, check=True)
    assert (world.tree(), world.updates, world.at("/var/lib/runnerkit").exists()) == (was, [], False)
    told = world.keep(OURS, ANCHORS)
    assert (told, told["changed"], told["store_updated"], told["warnings"]) == (foretold, True, True, [])
    assert {path: world.at(path).read_bytes() for path in OURS} == OURS
    bundle = DEBIAN_BUNDLE if family == "debian" else REDHAT_BUNDLE
    assert NEW in world.at(bundle).read_bytes()
    assert told["store_path"] == str(world.at(bundle))
    applied = world.tree()
    for check in (True, False):
        again = world.keep(OURS, ANCHORS, check=check)
        assert (again["changed"], again["files"], again["diff"], again["warnings"]) == (False, {}, [], [])
    assert (world.tree(), len(world.updates)) == (applied, 1)
    gone = world.keep({})
    assert (gone["changed"], gone["store_updated"], gone["warnings"]) == (True, True, [])
    assert world.tree() == was
    assert not world.at("/var/lib/runnerkit").exists()
    assert world.keep({})["changed"] is False


def test_nothing_declared_and_nothing_recorded_touches_nothing(world: World) -> None:
    world.file(CA, pem("somebody's"))
    was = world.tree()
    told = world.keep({})
    assert (told["changed"], told["store_path"], told["diff"], world.updates) == (False, None, [], [])
    assert (world.tree(), world.at("/var/lib/runnerkit").exists()) == (was, False)


def test_modes_of_what_is_made(world: World) -> None:
    before = os.umask(0o077)
    try:
        world.keep(OURS, ANCHORS)
    finally:
        os.umask(before)
    assert {mode(world.at(path)) for path in (ENGINE, PODMAN, "/etc/docker", "/etc/containers/certs.d")} == {0o755}
    assert {mode(world.at(path)) for path in ("/etc/gitlab-runner", "/etc/gitlab-runner/certs")} == {0o700}
    assert (mode(world.at(RECORD)), mode(world.at(RECORD).parent)) == (0o600, 0o700)
    assert (mode(world.at(KEY)), mode(world.at(CA))) == (0o600, 0o644)


def test_the_record_says_what_was_there_and_no_key_of_ours(world: World) -> None:
    world.file(CA, pem("another"), 0o640)
    world.keep(OURS)
    record = json.loads(world.at(RECORD).read_text())
    assert sorted(record["files"]) == sorted(str(world.at(path)) for path in OURS)
    assert record["files"][str(world.at(CA))]["before"]["mode"] == 0o640
    assert "secret" not in world.at(RECORD).read_text()
    assert record["store_pending"] is False


@pytest.mark.parametrize(
    ("path", "found", "changed"),
    [
        pytest.param(CA, 0o644, False, id="an authority for all to read"),
        pytest.param(CA, 0o444, False, id="an authority that nobody changes"),
        pytest.param(CA, 0o600, True, id="an authority that podman's users cannot read"),
        pytest.param(CA, 0o664, True, id="an authority that others may change"),
        pytest.param(KEY, 0o600, False, id="a key for root"),
        pytest.param(KEY, 0o400, False, id="a key for root to read"),
        pytest.param(KEY, 0o640, True, id="a key for a group"),
        pytest.param(KEY, 0o644, True, id="a key for all"),
    ],
)
def test_a_file_with_the_right_content_and_a_mode(world: World, path: str, found: int, changed: bool) -> None:
    world.file(path, OURS[path], found)
    told = world.keep({path: OURS[path]})
    assert told["changed"] is changed
    assert world.at(RECORD).exists() is changed
    if changed:
        assert told["diff"][0]["before_header"].endswith(f"(mode {found:04o})")
    world.keep({})
    assert (world.at(path).read_bytes(), mode(world.at(path))) == (OURS[path], found)


@root_only
def test_a_key_does_not_go_to_whom_the_file_belonged(world: World) -> None:
    world.file(KEY, key("somebody"), 0o600)
    os.chown(world.at(KEY), 12, 34)
    world.keep({KEY: key("us")})
    assert (world.at(KEY).stat().st_uid, world.at(KEY).stat().st_gid) == (0, 0)
    world.keep({})
    assert (world.at(KEY).stat().st_uid, world.at(KEY).stat().st_gid) == (12, 34)


def test_rotation_and_what_is_declared_no_more_for_one_layer(world: World) -> None:
    world.keep({CA: pem("old"), f"{PODMAN}/ca.crt": pem("old")})
    world.keep({CA: pem("old") + NEW, f"{PODMAN}/ca.crt": pem("old") + NEW})
    told = world.keep({CA: NEW})
    assert told["files"] == {"written": [CA], "removed": [f"{PODMAN}/ca.crt"]}
    assert world.at(CA).read_bytes() == NEW
    assert not world.at("/etc/containers").exists()


def test_what_was_there_before_comes_back_however_often_ours_was_changed(world: World) -> None:
    world.file(CA, pem("before"), 0o640)
    for name in ("a", "b", "c"):
        world.keep({CA: pem(name)})
    assert world.keep({})["files"] == {"restored": [CA]}
    assert (world.at(CA).read_bytes(), mode(world.at(CA))) == (pem("before"), 0o640)


def test_a_file_that_becomes_another_s_name_by_a_link_stays_ours(world: World) -> None:
    world.keep({CA: NEW})
    world.link("/etc/containers/certs.d", str(world.at("/etc/docker/certs.d")))
    assert world.keep({f"{PODMAN}/ca.crt": NEW})["changed"] is False
    assert world.at(CA).exists()
    world.keep({})
    assert not world.at(CA).exists()


# Hands of others


CHANGED = (
    "/etc/docker/certs.d/registry.example:5000/ca.crt is not declared any more, but somebody changed it since it was "
    "written, so it stays; remove it by hand, or declare what it holds"
)


def rewrite(world: World) -> None:
    world.file(CA, pem("by hand"))


def replace_by_a_link(world: World) -> None:
    world.at(CA).unlink()
    world.link(CA, "/srv/company.crt")


def replace_by_a_folder(world: World) -> None:
    world.at(CA).unlink()
    world.at(CA).mkdir()


@pytest.mark.parametrize("change", [rewrite, replace_by_a_link, replace_by_a_folder])
@pytest.mark.parametrize("before", [nothing, another_ca])
def test_what_somebody_changed_since_stays_and_is_told_until_it_is_gone(
    world: World, change: Callable[[World], None], before: Callable[[World], None]
) -> None:
    before(world)
    world.keep({CA: NEW})
    change(world)
    was = world.tree()
    for _ in range(2):
        told = world.keep({})
        assert (told["changed"], told["files"], told["warnings"]) == (False, {"kept": [CA]}, [CHANGED])
    assert world.tree() == was
    world.at(CA).rmdir() if change is replace_by_a_folder else world.at(CA).unlink()
    world.keep({})
    assert world.keep({})["warnings"] == []
    assert not world.at(RECORD).exists()


def test_what_somebody_changed_since_is_ours_again_when_it_is_declared(world: World) -> None:
    world.keep({CA: NEW})
    rewrite(world)
    assert world.keep({CA: pem("by hand")})["changed"] is False
    assert world.keep({})["files"] == {"removed": [CA]}
    assert not world.at("/etc/docker").exists()


def test_what_somebody_changed_or_removed_is_written_again_while_it_is_declared(world: World) -> None:
    world.file(CA, pem("before"))
    world.keep({CA: NEW})
    rewrite(world)
    assert world.keep({CA: NEW})["files"] == {"written": [CA]}
    world.at(CA).unlink()
    assert world.keep({CA: NEW})["files"] == {"written": [CA]}
    world.keep({})
    assert world.at(CA).read_bytes() == pem("before")


def test_what_somebody_removed_does_not_come_back(world: World) -> None:
    world.file(CA, pem("before"))
    world.keep({CA: NEW})
    world.at(CA).unlink()
    told = world.keep({})
    assert (told["changed"], told["warnings"]) == (
        False,
        [f"{CA} was removed by somebody since it was written; what had stood there before that is not brought back"],
    )
    assert not world.at(CA).exists()
    assert world.keep({})["warnings"] == []


def test_folders_in_which_others_have_put_something_stay(world: World) -> None:
    world.keep({CA: NEW})
    world.file("/etc/docker/daemon.json", b"{}")
    world.keep({})
    assert [path for path in world.tree() if path.startswith("/etc/docker")] == [
        "/etc/docker",
        "/etc/docker/daemon.json",
    ]


def test_without_its_record_nothing_is_ours(world: World) -> None:
    world.keep({CA: NEW})
    world.at(RECORD).unlink()
    assert world.keep({CA: NEW})["changed"] is False
    assert world.keep({CA: pem("next")})["changed"]
    world.keep({})
    assert world.at(CA).read_bytes() == NEW


# What cannot be


def a_folder(world: World) -> None:
    world.at(CA).mkdir(parents=True)


def a_pipe(world: World) -> None:
    world.at(ENGINE).mkdir(parents=True)
    os.mkfifo(world.at(CA))


def a_giant(world: World) -> None:
    world.file(CA, b"")
    os.truncate(world.at(CA), 5 << 20)


def a_file_for_a_folder(world: World) -> None:
    world.file("/etc/docker/certs.d", b"")


def a_link_to_nowhere_for_a_folder(world: World) -> None:
    world.link("/etc/docker/certs.d", "/nowhere")


def two_names(world: World) -> None:
    world.at(ENGINE).mkdir(parents=True)
    world.link("/etc/containers/certs.d", str(world.at("/etc/docker/certs.d")))


@pytest.mark.parametrize(
    ("before", "files", "message"),
    [
        pytest.param(a_folder, {CA: NEW}, f"{CA} on this host is not a file; move it away", id="a folder"),
        pytest.param(a_pipe, {CA: NEW}, f"{CA} on this host is not a file; move it away", id="a pipe"),
        pytest.param(
            a_giant, {CA: NEW},
            f"{CA} on this host is no certificate, as it is bigger than 4 MiB; move it away", id="something big",
        ),
        pytest.param(
            a_file_for_a_folder, {CA: NEW},
            f"/etc/docker/certs.d on this host is not a folder, and {CA} belongs below it; move it away",
            id="a file for a folder",
        ),
        pytest.param(
            a_link_to_nowhere_for_a_folder, {CA: NEW},
            f"/etc/docker/certs.d on this host is a link that leads nowhere, and {CA} belongs below it; move it away",
            id="a link to nowhere",
        ),
        pytest.param(
            two_names, {CA: NEW, f"{PODMAN}/ca.crt": pem("other")},
            f"{CA} and {PODMAN}/ca.crt are one file on this host ({CA}), and not the same is declared for both; take "
            "the link away, or declare the same",
            id="two names of one file",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_before_anything_is_touched(
    world: World, before: Callable[[World], None], files: dict[str, bytes], message: str
) -> None:
    before(world)
    was = world.tree()
    for check in (True, False):
        with pytest.raises(CaError) as raised:
            world.keep({RUNNER: NEW, **files}, check=check)
        assert str(raised.value).replace(world.root, "") == message
    assert (world.tree(), world.at("/var/lib/runnerkit").exists()) == (was, False)


def test_a_host_without_a_store_is_refused_only_where_one_is_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path, "none")
    with pytest.raises(CaError) as raised:
        world.keep({CA: NEW}, ANCHORS)
    assert str(raised.value) == (
        "trust 'os' is declared, and this host has neither update-ca-certificates nor update-ca-trust; install the "
        "package ca-certificates, or take 'os' out of the trust"
    )
    assert not world.at(ENGINE).exists()
    assert world.keep({CA: NEW})["changed"]


def test_a_store_that_is_gone_keeps_nobody_from_removing(world: World) -> None:
    world.keep({}, ANCHORS)
    world.at("/usr/sbin/update-ca-certificates").unlink()
    told = world.keep({})
    assert (told["files"], told["store_updated"]) == ({"removed": [f"{DEBIAN_ANCHORS}/runnerkit-1.crt"]}, False)
    assert not world.at(RECORD).exists()


def test_two_runs_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_file_store, "PATIENCE", 0.1)
    message = r"^another run is writing in .*/var/lib; wait for its end, then run again$"
    with runner_file_store.locked(str(world.at("/var/lib"))), pytest.raises(CaError, match=message):
        world.keep({CA: NEW})
    assert world.keep({CA: NEW})["changed"]


@pytest.mark.parametrize(
    "plan",
    [
        None,
        [],
        {},
        {"files": [], "anchors": [{"name": "../x", "content": ""}]},
        {"files": [{"path": "etc/x", "content": "", "mode": "0644"}], "anchors": []},
        {"files": [{"path": "/etc/../x", "content": "", "mode": "0644"}], "anchors": []},
        {"files": [{"path": "/etc/x", "content": None, "mode": "0644"}], "anchors": []},
        {"files": [{"path": "/etc/x", "content": "", "mode": "rw"}], "anchors": []},
    ],
    ids=str,
)
def test_a_plan_that_nobody_made(plan: Any) -> None:
    with pytest.raises(CaError, match=r"^the plan is not one of runnerkit\.gitlab\.ca_certificates"):
        Declared.read(plan)


def test_daemons_are_remembered_that_may_trust_what_was_taken_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    mark = world.at("/run/runnerkit/registry-ca-distrusted")
    assert world.keep(OURS, ANCHORS)["distrusted"] is False
    assert world.keep(OURS, {}, check=True)["distrusted"] is True
    assert not mark.exists()
    assert world.keep(OURS, {})["distrusted"] is True
    # Nobody saw to it, whatever came between: the next run says it again, and where the store is.
    again = world.keep(OURS, {})
    assert (again["changed"], again["distrusted"]) == (False, True)
    assert again["store_path"] == str(world.at(DEBIAN_BUNDLE))
    said = mark.read_text()
    mark.unlink()
    assert world.keep(OURS, {})["distrusted"] is False
    # An engine that was restarted for the first one has noted what that held.
    world.keep(OURS, ANCHORS)
    world.keep(OURS, {})
    assert mark.read_text() != said
    mark.unlink()
    # What does not touch the store leaves daemons alone.
    assert world.keep({})["distrusted"] is False
