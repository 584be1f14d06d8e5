# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_program, ca_store
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError
from tests.support.pki import Authority
from tests.unit.plugins.module_utils.ca_world import DEBIAN_ANCHORS, DEBIAN_BUNDLE, REDHAT_BUNDLE, World, pem


@pytest.mark.parametrize(
    ("family", "bundle", "anchor"),
    [
        ("debian", DEBIAN_BUNDLE, f"{DEBIAN_ANCHORS}/runnerkit-1.crt"),
        ("redhat", REDHAT_BUNDLE, "/etc/pki/ca-trust/source/anchors/runnerkit-1.pem"),
        ("none", None, None),
    ],
)
def test_the_store_of_a_host(tmp_path: Path, family: str, bundle: str | None, anchor: str | None) -> None:
    world = World(tmp_path, family)
    store = ca_store.find(world.root)
    assert (store and store.bundle) == (bundle and world.root + bundle)
    assert (store and store.anchor("runnerkit-1")) == (anchor and world.root + anchor)
    if anchor:
        assert ca_store.is_anchor(world.root + anchor, world.root)


def test_a_program_of_that_name_that_takes_another_folder_is_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    shutil.rmtree(world.at("/usr/share/ca-certificates"))
    assert ca_store.find(world.root) is None


def test_nor_is_one_of_redhats_that_reads_elsewhere(tmp_path: Path) -> None:
    world = World(tmp_path, "redhat")
    shutil.rmtree(world.at("/etc/pki/ca-trust/source"))
    assert ca_store.find(world.root) is None


def test_what_is_no_anchor() -> None:
    assert not ca_store.is_anchor("/etc/docker/certs.d/h/ca.crt")
    assert not ca_store.is_anchor(f"{DEBIAN_ANCHORS}/below/x.crt")


def test_fingerprints_are_those_of_the_certificates() -> None:
    one, two = Authority("one"), Authority("two")
    expected = {hashlib.sha256(each.der).hexdigest() for each in (one, two)}
    trusted = two.pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE")
    text = f"# One\n{one.pem}\nnothing\r\n{trusted.replace(chr(10), chr(13) + chr(10))}"
    assert ca_store.fingerprints(text.encode()) == expected
    assert ca_store.fingerprints(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n\xff") == set()


@pytest.mark.parametrize(
    ("bundle", "anchors", "expected"),
    [
        pytest.param(pem("a") + pem("b"), [pem("b")], False, id="it has it"),
        pytest.param(pem("a"), [pem("a"), pem("b")], True, id="it lacks one"),
        pytest.param(None, [pem("a")], True, id="there is none"),
        pytest.param(None, [], False, id="nothing is wanted"),
    ],
)
def test_what_a_bundle_lacks(tmp_path: Path, bundle: bytes | None, anchors: list[bytes], expected: bool) -> None:
    world = World(tmp_path)
    world.at(DEBIAN_BUNDLE).unlink()
    if bundle is not None:
        world.file(DEBIAN_BUNDLE, bundle)
    store = ca_store.find(world.root)
    assert store
    assert ca_store.missing(store, anchors) is expected


@pytest.mark.parametrize("configuration", [b"mozilla/One.crt", b"mozilla/One.crt\n", b"", None])
def test_debian_s_list_with_what_is_gone(tmp_path: Path, configuration: bytes | None) -> None:
    world = World(tmp_path)
    world.at("/etc/ca-certificates.conf").unlink()
    if configuration is not None:
        world.file("/etc/ca-certificates.conf", configuration)
    world.file(f"{DEBIAN_ANCHORS}/runnerkit-here.crt", pem("here"))
    for name, target in (("runnerkit-here", "runnerkit-here"), ("runnerkit-gone", "gone"), ("other", "gone")):
        world.link(f"/etc/ssl/certs/{name}.pem", str(world.at(f"{DEBIAN_ANCHORS}/{target}.crt")))
    lists: list[str] = []

    def run(command: Sequence[str]) -> tuple[int, str, str]:
        lists.append(Path(command[2]).read_text())
        return 0, "", ""

    store = ca_store.find(world.root)
    assert store
    assert ca_store.update(run, store) == []
    beginning = "mozilla/One.crt\n" if configuration else ""
    assert lists == [beginning + "!runnerkit-gone.crt\n"]


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    def run(command: Sequence[str]) -> tuple[int, str, str]:
        raise OSError(8, "Exec format error")

    store = ca_store.find(World(tmp_path).root)
    assert store
    with pytest.raises(CaError, match=r"^cannot run update-ca-certificates: Exec format error$"):
        ca_store.update(run, store)


@pytest.mark.parametrize(
    ("family", "hooks"),
    [("debian", "; see what the hooks in /etc/ca-certificates/update.d wait for"), ("redhat", "")],
)
def test_a_program_that_does_not_end(tmp_path: Path, family: str, hooks: str) -> None:
    world = World(tmp_path, family)

    def run(command: Sequence[str]) -> tuple[int, str, str]:
        world.file(f"{DEBIAN_BUNDLE}.new", pem("half"))
        raise ca_program.StoppedError("Running hooks\n\nwaiting\n")

    store = ca_store.find(world.root)
    assert store
    with pytest.raises(CaError) as raised:
        ca_store.update(run, store)
    assert str(raised.value) == (
        f"{Path(store.program).name} did not end within 300 s on this host and was stopped; its last words: Running "
        f"hooks | waiting{hooks}"
    )
    assert world.at(f"{DEBIAN_BUNDLE}.new").exists() is (family == "redhat")


@pytest.mark.parametrize(
    ("age", "there"),
    [pytest.param(3600, False, id="of a run that was killed"), pytest.param(1, True, id="of one that may go on")],
)
def test_half_a_bundle_is_not_what_the_next_one_begins_with(tmp_path: Path, age: float, there: bool) -> None:
    world = World(tmp_path)
    world.file(f"{DEBIAN_BUNDLE}.new", pem("withdrawn"))
    os.utime(world.at(f"{DEBIAN_BUNDLE}.new"), (time.time() - age,) * 2)
    found: list[bool] = []

    def run(command: Sequence[str]) -> tuple[int, str, str]:
        found.append(world.at(f"{DEBIAN_BUNDLE}.new").exists())
        return 0, "", ""

    store = ca_store.find(world.root)
    assert store
    assert ca_store.update(run, store) == []
    assert found == [there]
