# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Runs that are killed, disks that are full, programs that fail: all of it, or nothing, and the next run heals."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    RUNNER,
    KilledError,
    World,
    die_at,
    fail_at,
    fill_disk,
    key,
    pem,
)

ANCHOR = f"{DEBIAN_ANCHORS}/runnerkit-1.crt"
FIRST: dict[str, bytes] = {CA: pem("first"), KEY: key("first"), CERT: pem("client"), RUNNER: pem("gitlab")}
SECOND: dict[str, bytes] = {CA: pem("second"), f"{PODMAN}/ca.crt": pem("second"), KEY: key("second"), CERT: pem("next")}
NOTHING: dict[str, bytes] = {}


def somebody(world: World) -> None:
    """What others have on the host."""
    world.file(CA, pem("somebody's"), 0o640)
    world.file("/srv/company.crt", pem("company"))
    world.link(f"{PODMAN}/ca.crt", "/srv/company.crt")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    somebody(made)
    return made


def after(world: World, files: Mapping[str, bytes], anchors: Mapping[str, bytes]) -> dict[str, tuple[str, object]]:
    """What the host looks like when that is declared and nothing went wrong."""
    world.keep(files, anchors)
    return world.tree()


ANCHORS = {"runnerkit-1": pem("first")}
OTHERS = {"runnerkit-2": pem("second")}
STEPS = [
    pytest.param(NOTHING, {}, FIRST, ANCHORS, id="coming"),
    pytest.param(FIRST, ANCHORS, SECOND, OTHERS, id="changing"),
    pytest.param(FIRST, ANCHORS, NOTHING, {}, id="going"),
]


def changes(folder: Path, before: Mapping[str, bytes], had: Mapping[str, bytes], files: Mapping[str, bytes],
            anchors: Mapping[str, bytes]) -> int:  # fmt: skip
    """How many changes of the file system a run takes."""
    world = World(folder)
    somebody(world)
    world.keep(before, had)
    with pytest.MonkeyPatch.context() as patch:
        done = die_at(patch, 10_000)
        world.keep(files, anchors)
    return len(done)


@pytest.mark.parametrize(("before", "had", "files", "anchors"), STEPS)
def test_a_run_that_is_killed_is_healed_by_the_next_one_whatever_that_declares(
    tmp_path: Path, before: dict[str, bytes], had: dict[str, bytes], files: dict[str, bytes], anchors: dict[str, bytes]
) -> None:
    total = changes(tmp_path / "all", before, had, files, anchors)
    assert total > 15
    for number in range(total):
        for again in (True, False):
            world = World(tmp_path / f"{number}{again}")
            somebody(world)
            was = world.tree()
            world.keep(before, had)
            with pytest.MonkeyPatch.context() as patch:
                die_at(patch, number)
                with pytest.raises(KilledError):
                    world.keep(files, anchors)
            if again:
                world.keep(files, anchors)
                assert {path: world.at(path).read_bytes() for path in files} == files
                assert all(each in world.at(DEBIAN_BUNDLE).read_bytes() for each in anchors.values())
                settled = world.keep(files, anchors)
                assert (settled["changed"], settled["warnings"]) == (False, [])
            assert world.keep({})["warnings"] == []
            assert (number, again, world.tree()) == (number, again, was)
            assert not world.at(RECORD).exists()


def test_between_the_certificate_and_its_key_there_is_never_one_without_the_other(tmp_path: Path) -> None:
    for before, files in ((NOTHING, FIRST), (FIRST, NOTHING)):
        for number in range(changes(tmp_path / f"all{len(before)}", before, {}, files, {})):
            world = World(tmp_path / f"{len(before)}-{number}")
            world.keep(before)
            with pytest.MonkeyPatch.context() as patch:
                die_at(patch, number)
                with contextlib.suppress(KilledError):
                    world.keep(files)
            assert world.at(KEY).exists() >= world.at(CERT).exists()


@pytest.mark.parametrize(("before", "had", "files", "anchors"), STEPS)
def test_a_disk_that_is_full_and_stays_so_leaves_all_as_it_was(
    tmp_path: Path, before: dict[str, bytes], had: dict[str, bytes], files: dict[str, bytes], anchors: dict[str, bytes]
) -> None:
    number, sentence = 0, ""
    while "all is as declared" not in sentence:
        world = World(tmp_path / str(number))
        somebody(world)
        world.keep(before, had)
        was, record = world.tree(), world.at(RECORD).exists() and world.at(RECORD).read_bytes()
        with pytest.MonkeyPatch.context() as patch:
            fill_disk(patch, number)
            try:
                world.keep(files, anchors)
                break  # the rest needs no space
            except CaError as error:
                sentence = str(error).replace(world.root, "")
        assert sentence.startswith(("cannot write /", "all is as declared, but /var/lib/runnerkit/registry-ca.json"))
        assert "No space left on device (free some space there); " in sentence
        if sentence.startswith("cannot"):
            assert sentence.endswith("; everything is as it was before")
            assert world.tree() == was
            assert (world.at(RECORD).exists() and world.at(RECORD).read_bytes()) == record
        world.keep(files, anchors)
        assert {path: world.at(path).read_bytes() for path in files} == files
        assert world.keep(files, anchors)["changed"] is False
        number += 1
    assert number > 1


@pytest.mark.parametrize(("before", "had", "files", "anchors"), STEPS)
def test_any_one_thing_that_fails_leaves_all_as_it_was_or_is_told(
    tmp_path: Path, before: dict[str, bytes], had: dict[str, bytes], files: dict[str, bytes], anchors: dict[str, bytes]
) -> None:
    for number in range(changes(tmp_path / "all", before, had, files, anchors)):
        world = World(tmp_path / str(number))
        somebody(world)
        world.keep(before, had)
        was = world.tree()
        with pytest.MonkeyPatch.context() as patch:
            fail_at(patch, number)
            try:
                world.keep(files, anchors)
            except CaError as error:
                sentence = str(error)
                assert "Input/output error (look at the disk)" in sentence
                assert "could not be brought back" not in sentence
                if sentence.endswith("everything is as it was before"):
                    assert world.tree() == was
                else:
                    assert sentence.startswith("all is as declared, but ")
        world.keep(files, anchors)
        assert {path: world.at(path).read_bytes() for path in files} == files
        assert world.keep(files, anchors)["changed"] is False


def test_where_there_are_no_second_names_files_come_back_by_what_they_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = world.tree()

    def refuse_links(*arguments: object, **options: object) -> None:
        raise OSError(95, "Operation not supported")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse_links)
        world.updates_fail = lambda: (1, "", "broken")
        with pytest.raises(CaError, match=r"; everything is as it was before$"):
            world.keep(SECOND, OTHERS)
        assert world.tree() == was
        # Two for each file, as one that has no name yet cannot get one.
        fill_disk(patch, 6)
        with pytest.raises(CaError) as raised:
            world.keep(SECOND, OTHERS)
    sentence = str(raised.value).replace(world.root, "")
    assert sentence == (
        f"cannot write {KEY}: No space left on device (free some space there); {CA} could not be brought back (No "
        "space left on device (free some space there)); run again once that can be done"
    )
    assert json.loads(world.at(RECORD).read_text())["files"]
    world.updates_fail = lambda: None
    world.keep({})
    assert world.tree() == was


# The update program


def refuse(world: World) -> tuple[int, str, str]:
    return 1, "Updating certificates in /etc/ssl/certs...\n", "mktemp: failed to create file\nno space\n"


def say_nothing(world: World) -> tuple[int, str, str]:
    return 2, "", ""


def break_off_in_the_middle(world: World) -> tuple[int, str, str]:
    world.file(DEBIAN_BUNDLE, pem("half"))
    world.updates_fail = lambda: None
    return 1, "", "rehash failed\n"


@pytest.mark.parametrize(
    ("fault", "code", "last", "runs"),
    [
        (
            refuse,
            1,
            "Updating certificates in /etc/ssl/certs... | mktemp: failed to create file | no space",
            1,
        ),
        (
            say_nothing,
            2,
            "nothing",
            1,
        ),
        (
            break_off_in_the_middle,
            1,
            "rehash failed",
            2,
        ),
    ],
)
def test_an_update_program_that_fails(
    world: World, fault: Callable[[World], tuple[int, str, str]], code: int, last: str, runs: int
) -> None:
    was = world.tree()
    world.updates_fail = lambda: fault(world)
    with pytest.raises(CaError) as raised:
        world.keep(FIRST, ANCHORS)
    assert str(raised.value) == (
        f"update-ca-certificates failed on this host (return code {code}); its last words: {last}; everything is as it "
        "was before"
    )
    assert (world.tree(), len(world.updates), world.at(RECORD).exists()) == (was, runs, False)
    world.updates_fail = lambda: None
    assert world.keep(FIRST, ANCHORS)["store_updated"]


def test_an_update_program_that_fails_twice_is_due_in_the_next_run(world: World) -> None:
    was = world.tree()

    def fail() -> tuple[int, str, str]:
        world.file(DEBIAN_BUNDLE, pem("half"))
        return 1, "", "broken"

    world.updates_fail = fail
    with pytest.raises(CaError) as raised:
        world.keep(FIRST, ANCHORS)
    assert str(raised.value).endswith(
        "; the files are as they were before, and the bundle is not (update-ca-certificates failed on this host "
        "(return code 1); its last words: broken)"
    )
    assert json.loads(world.at(RECORD).read_text()) == {
        "version": 1, "files": {}, "folders": [str(world.at(RECORD).parent)], "store_pending": True,
    }  # fmt: skip
    world.updates_fail = lambda: None
    assert world.keep({})["store_updated"]
    assert (world.tree(), world.at(RECORD).parent.exists()) == (was, False)


def test_a_hook_that_fails_each_time_after_the_bundle_was_made_leaves_all_as_it_was(world: World) -> None:
    was = world.tree()
    run = world.run

    def with_hook(command: Sequence[str]) -> tuple[int, str, str]:
        run(command)
        return 1, "", "hook failed"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "run", with_hook)
        with pytest.raises(CaError, match=r"its last words: hook failed; everything is as it was before$"):
            world.keep(FIRST, ANCHORS)
    assert (world.tree(), world.at(RECORD).exists(), len(world.updates)) == (was, False, 2)


def test_a_certificate_that_does_not_come_to_the_bundle(world: World) -> None:
    was = world.tree()
    world.refuses.add(pem("first"))
    with pytest.raises(CaError) as raised:
        world.keep(FIRST, ANCHORS)
    assert str(raised.value).replace(world.root, "") == (
        "update-ca-certificates ran, and not all certificates came to /etc/ssl/certs/ca-certificates.crt: some leave "
        "out what is no authority, and what was taken out by hand stays out; take os out of their trust; everything is "
        "as it was before"
    )
    assert world.tree() == was


def test_the_store_is_brought_up_to_date_when_its_bundle_lacks_what_is_declared(world: World) -> None:
    world.keep({}, ANCHORS)
    world.file(DEBIAN_BUNDLE, pem("one"))
    foretold = world.keep({}, ANCHORS, check=True)
    assert (foretold["changed"], foretold["store_updated"], foretold["files"]) == (True, True, {})
    assert world.keep({}, ANCHORS) == foretold
    assert world.keep({}, ANCHORS)["changed"] is False
    assert world.updates == [["update-ca-certificates"]] * 2


def test_debian_s_program_is_told_what_is_gone(world: World) -> None:
    world.keep({}, ANCHORS)
    world.keep({}, OTHERS)
    assert world.updates == [["update-ca-certificates"], ["update-ca-certificates", "--certsconf"]]
    links = sorted(path.name for path in world.at("/etc/ssl/certs").iterdir())
    assert links == ["ca-certificates.crt", "runnerkit-2.pem"]


def test_what_a_hook_complains_about_is_a_warning(world: World) -> None:
    world.says = "Running hooks\nE: /etc/ca-certificates/update.d/jks-keystore exited with code 1.\ndone.\n"
    assert world.keep({}, ANCHORS)["warnings"] == [
        "the trust store's update says: E: /etc/ca-certificates/update.d/jks-keystore exited with code 1."
    ]


def test_what_stays_in_the_bundle_although_it_was_taken_out_is_a_warning(tmp_path: Path) -> None:
    world = World(tmp_path, "redhat")
    world.keep({}, {**ANCHORS, **OTHERS})
    assert world.keep({}, OTHERS)["warnings"] == []
    world.updates_fail = lambda: (0, "", "p11-kit: couldn't write")
    (warning,) = world.keep({})["warnings"]
    assert warning == (
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem still has 1 of the certificates that were taken out of "
        "/etc/pki/ca-trust/source/anchors: either update-ca-trust did not do its work, or the system itself brings "
        "them; run it by hand and see what it says"
    )


def test_leftovers_of_killed_writes_go_with_the_next_one(world: World) -> None:
    stale = f"{ENGINE}/.client.key.0a1b2c3d.runnerkit"
    world.file(stale, key("stale"))
    world.keep(FIRST, check=True)
    assert world.at(stale).exists()
    world.keep(FIRST)
    assert not world.at(stale).exists()


# A law


PATHS = (CA, KEY, CERT, f"{PODMAN}/ca.crt")
DECLARATIONS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["a", "b"]).map(pem), max_size=4)
ANCHORED = st.dictionaries(st.sampled_from(["runnerkit-1", "runnerkit-2"]), st.sampled_from(["a", "b"]).map(pem))
FAULTS = st.none() | st.tuples(st.sampled_from([die_at, fail_at, fill_disk]), st.integers(0, 40))
RUNS = st.lists(st.tuples(DECLARATIONS, ANCHORED, FAULTS), max_size=4)


@settings(max_examples=50, deadline=None)
@given(found=DECLARATIONS, runs=RUNS)
def test_whatever_was_declared_and_went_wrong_the_host_is_as_it_was_when_nothing_is_declared(
    tmp_path_factory: pytest.TempPathFactory,
    found: dict[str, bytes],
    runs: list[tuple[dict[str, bytes], dict[str, bytes], tuple[Callable[..., object], int] | None]],
) -> None:
    world = World(tmp_path_factory.mktemp("law", numbered=True) / "host")
    for path, content in found.items():
        world.file(path, content)
    was = world.tree()
    for files, anchors, fault in runs:
        if fault is None:
            world.keep(files, anchors)
            assert world.keep(files, anchors)["changed"] is False
            assert {path: world.at(path).read_bytes() for path in files} == files
            continue
        with pytest.MonkeyPatch.context() as patch:
            fault[0](patch, fault[1])
            with contextlib.suppress(KilledError, CaError):
                world.keep(files, anchors)
    world.keep({})
    assert world.tree() == was
    assert world.keep({})["changed"] is False
