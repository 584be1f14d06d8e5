# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_plan import needs_index
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import newest_first
from tests.unit.plugins.plugin_utils.engine_world import (
    Host,
    Package,
    ce,
    debian_host,
    docker_host,
    docker_offers,
    io,
    settings,
)

DOCKER_SET = ["containerd.io", "docker-buildx-plugin", "docker-ce", "docker-ce-cli", "docker-compose-plugin"]


def test_a_fresh_host_gets_the_newest_of_everything_and_holds_it() -> None:
    plan = Host(offers=docker_offers("28.5.2", "20.10.24")).plan(settings())
    assert plan.install == {
        "docker-ce": ce("28.5.2"),
        "docker-ce-cli": ce("28.5.2"),
        "containerd.io": "1.7.28-1",
        "docker-buildx-plugin": "0.29.1-1",
        "docker-compose-plugin": "2.40.3-1",
    }
    assert plan.hold == DOCKER_SET
    assert (plan.remove, plan.before, plan.errors, plan.notes) == ([], {}, [], [])
    assert (plan.current, plan.target, plan.engine_moves, plan.changes) == (None, "28.5.2", True, True)


def test_debians_engine_is_replaced_by_dockers() -> None:
    plan = debian_host("20.10.5", offers=docker_offers("28.5.2")).plan(settings(version="28.5.2"))
    assert plan.remove == ["docker.io", "containerd", "runc"]
    assert plan.before == {"docker.io": io("20.10.5"), "containerd": "1.6.20~ds1-1", "runc": "1.1.5+ds1-1"}
    assert (plan.current, plan.target, plan.engine_moves, plan.errors) == ("20.10.5", "28.5.2", True, [])
    assert plan.notes == ["docker.io, containerd, runc will be replaced; /var/lib/docker stays as it is"]


def test_debians_own_engine_has_its_command_where_no_client_is_on_offer() -> None:
    offers = {"docker.io": [io("20.10.24")], "containerd": ["1.6.20~ds1-1"], "runc": ["1.1.5+ds1-1"]}
    plan = Host(offers=offers).plan(settings("distribution"))
    assert plan.install == {"docker.io": io("20.10.24"), "containerd": "1.6.20~ds1-1", "runc": "1.1.5+ds1-1"}
    plan = Host(offers={**offers, "docker-cli": [io("20.10.24")]}).plan(settings("distribution"))
    assert plan.install["docker-cli"] == io("20.10.24")


@pytest.mark.parametrize(
    ("host", "version"),
    [
        pytest.param(docker_host("28.5.2"), "28.5.2", id="the pinned version is there and no index was read"),
        pytest.param(
            docker_host("28.5.2", offers=docker_offers("29.0.0", "28.5.2")), "28.5.2", id="a newer one is on offer"
        ),
        pytest.param(docker_host("28.5.2", offers=docker_offers("28.5.2")), "latest", id="the newest is there"),
        pytest.param(docker_host("29.0.0", offers=docker_offers("28.5.2")), "latest", id="a newer one is there"),
        pytest.param(docker_host("28.5.2", ours=False), "28.5.2", id="somebody else holds the packages"),
    ],
)  # fmt: skip
def test_a_host_that_is_right_has_nothing_to_do(host: Host, version: str) -> None:
    plan = host.plan(settings(version=version))
    assert not plan.changes
    assert (plan.install, plan.remove, plan.hold, plan.release, plan.errors) == ({}, [], [], [], [])
    assert plan.target == plan.current


def test_another_build_of_the_pinned_release_is_no_reason_to_move() -> None:
    rebuilt = ["5:28.5.2-2~debian.12~bookworm"]
    host = docker_host("28.5.2", offers={**docker_offers("28.5.2"), "docker-ce": rebuilt, "docker-ce-cli": rebuilt})
    plan = host.plan(settings(version="28.5.2"))
    assert (plan.changes, plan.errors) == (False, [])
    assert host.plan(settings()).install["docker-ce"] == rebuilt[0]


def test_latest_moves_the_whole_set_and_holds_it_again() -> None:
    host = docker_host("20.10.24", offers=docker_offers("28.5.2", "20.10.24"))
    plan = host.plan(settings())
    assert plan.install == {"docker-ce": ce("28.5.2"), "docker-ce-cli": ce("28.5.2")}
    assert plan.hold == ["docker-ce", "docker-ce-cli"]
    assert plan.held == list(host.packages)


def test_latest_moves_the_runtime_when_the_engine_stays_and_a_pin_does_not() -> None:
    host = docker_host("28.5.2", offers=docker_offers("28.5.2"))
    host.packages["containerd.io"].version = "1.6.20-1"
    plan = host.plan(settings())
    assert (plan.install, plan.engine_moves) == ({"containerd.io": "1.7.28-1"}, False)
    assert not host.plan(settings(version="28.5.2")).changes


def test_plugins_are_left_out_where_the_source_has_none() -> None:
    offers = docker_offers("20.10.24")
    del offers["docker-buildx-plugin"], offers["docker-compose-plugin"]
    plan = Host(offers=offers).plan(settings())
    assert (sorted(plan.install), plan.errors) == (["containerd.io", "docker-ce", "docker-ce-cli"], [])


@pytest.mark.parametrize(
    ("installed", "in_files", "expected"),
    [
        pytest.param("20.10.24", ce("28.5.2"), ce("28.5.2"), id="the epoch is in the name"),
        pytest.param("20.10.24", ce("28.5.2")[2:], ce("28.5.2")[2:], id="docker's names have no epoch"),
        pytest.param("28.5.2", ce("28.5.2")[2:], None, id="the file's version is there already"),
    ],
)
@pytest.mark.parametrize("version", ["latest", "28.5.2"])
def test_files(installed: str, in_files: str, expected: str | None, version: str) -> None:
    files = {"docker-ce": in_files, "docker-ce-cli": in_files, "containerd.io": "1.7.28-1"}
    plan = docker_host(installed).plan(settings("files", version, files=files))
    assert plan.errors == []
    assert plan.install == ({"docker-ce": expected, "docker-ce-cli": expected} if expected else {})


def test_files_without_epochs_finish_what_was_interrupted() -> None:
    host = docker_host("28.5.2", held=False, interrupted=True)
    host.packages["docker-ce"].state = "unpacked"
    version = ce("28.5.2")[2:]
    files = {"docker-ce": version, "docker-ce-cli": version, "containerd.io": "1.7.28-1"}
    plan = host.plan(settings("files", files=files))
    assert (plan.errors, plan.install, plan.heal) == ([], {"docker-ce": version}, True)


def test_files_of_an_older_engine_are_a_downgrade() -> None:
    files = {"docker-ce": ce("24.0.9")[2:], "docker-ce-cli": ce("24.0.9")[2:], "containerd.io": "1.7.28-1"}
    plan = docker_host("28.5.2").plan(settings("files", "24.0.9", files=files))
    message = (
        "docker_engine_source 'files' with docker_engine_version '24.0.9' would take the engine back from 28.5.2 to "
        "24.0.9; set docker_engine_allow_downgrade: true if that is what you want"
    )
    assert plan.errors == [message]


@pytest.mark.parametrize("state", ["half-configured", "unpacked", "triggers-pending"])
def test_a_half_configured_engine_counts_as_not_installed(state: str) -> None:
    host = docker_host("28.5.2", interrupted=True)
    host.packages["docker-ce"].state = state
    plan = host.plan(settings(version="28.5.2"))
    assert plan.install == {"docker-ce": ce("28.5.2")}
    assert (plan.heal, plan.engine_moves, plan.current, plan.errors) == (True, True, "28.5.2", [])
    assert plan.before["docker-ce"] == ce("28.5.2")
    assert "docker-ce" not in plan.new


def test_an_interrupted_run_is_healed_even_where_nothing_else_is_to_do() -> None:
    plan = docker_host("28.5.2", interrupted=True).plan(settings(version="28.5.2"))
    assert (plan.heal, plan.changes, plan.install) == (True, True, {})


@pytest.mark.parametrize(
    ("hold", "held", "ours", "expected_hold", "expected_release"),
    [
        pytest.param(True, False, False, DOCKER_SET, [], id="what is not held gets a hold"),
        pytest.param(True, True, True, [], [], id="our holds stay"),
        pytest.param(True, True, False, [], [], id="holds of others stay"),
        pytest.param(False, True, True, [], DOCKER_SET, id="our holds go"),
        pytest.param(False, True, False, [], [], id="holds of others are not ours to release"),
        pytest.param(False, False, True, [], [], id="a hold that somebody lifted already is gone"),
    ],
)
def test_holds(hold: bool, held: bool, ours: bool, expected_hold: list[str], expected_release: list[str]) -> None:
    plan = docker_host("28.5.2", held, ours).plan(settings(version="28.5.2", hold=hold))
    assert (plan.hold, plan.release, plan.errors) == (expected_hold, expected_release, [])


def test_a_hold_of_somebody_else_is_lifted_with_leave() -> None:
    host = docker_host("20.10.24", ours=False, offers=docker_offers("28.5.2"))
    plan = host.plan(settings(lift_foreign_holds=True))
    assert (sorted(plan.install), plan.hold) == (["docker-ce", "docker-ce-cli"], ["docker-ce", "docker-ce-cli"])


def test_a_downgrade_happens_with_leave() -> None:
    host = docker_host("28.5.2", offers=docker_offers("28.5.2", "24.0.9"))
    plan = host.plan(settings(version="24.0.9", allow_downgrade=True))
    assert (plan.install["docker-ce"], plan.current, plan.target, plan.errors) == (ce("24.0.9"), "28.5.2", "24.0.9", [])


@pytest.mark.parametrize(
    ("faccessat2", "offered", "expected", "note"),
    [
        pytest.param(439, ["2.5.4-1"], None, None, id="a library that knows faccessat2 stays"),
        pytest.param(
            -1, ["2.5.4-1", "2.4.4-1~bpo10+1"], "2.5.4-1",
            "libseccomp2 2.3.3-4 does not know faccessat2 and goes to 2.5.4-1",
            id="the newest that knows it",
        ),
        pytest.param(
            -1, ["2.4.1-1"], None,
            "libseccomp2 2.3.3-4 does not know faccessat2, and no package source of this host has one that does",
            id="newer, but not new enough",
        ),
        pytest.param(
            -1, [], None,
            "libseccomp2 2.3.3-4 does not know faccessat2, and no package source of this host has one that does",
            id="nothing on offer",
        ),
    ],
)  # fmt: skip
def test_libseccomp(faccessat2: int, offered: list[str], expected: str | None, note: str | None) -> None:
    host = docker_host("28.5.2", faccessat2=faccessat2, offers={"libseccomp2": offered})
    host.packages["libseccomp2"] = Package("2.3.3-4")
    plan = host.plan(settings(version="28.5.2"))
    assert plan.install == ({"libseccomp2": expected} if expected else {})
    assert (plan.notes, plan.hold, plan.engine_moves) == ([note] if note else [], [], False)


@pytest.mark.parametrize(
    ("live_restore", "running", "notes"),
    [
        pytest.param(True, 3, [], id="live-restore keeps containers running"),
        pytest.param(
            False, 3, ["3 running containers will be stopped, since docker_engine_live_restore is false"],
            id="without it the run says what stops",
        ),
        pytest.param(False, 0, [], id="nothing runs"),
    ],
)  # fmt: skip
def test_running_containers(live_restore: bool, running: int, notes: list[str]) -> None:
    host = docker_host("20.10.24", offers=docker_offers("28.5.2"), docker={"containers_running": running})
    assert host.plan(settings(live_restore=live_restore)).notes == notes


@pytest.mark.parametrize(
    ("host", "version", "expected"),
    [
        pytest.param(docker_host("28.5.2"), "28.5.2", False, id="the pinned version and a good library need none"),
        pytest.param(docker_host("28.5.2"), "latest", True, id="latest does"),
        pytest.param(docker_host("20.10.24"), "28.5.2", True, id="another version does"),
        pytest.param(docker_host("28.5.2", faccessat2=-1), "28.5.2", True, id="an old libseccomp does"),
        pytest.param(debian_host("28.5.2"), "28.5.2", True, id="another package of that release does"),
        pytest.param(Host(), "28.5.2", True, id="a fresh host does"),
        pytest.param(
            docker_host("28.5.2", docker={"client_version": "20.10.24"}), "28.5.2", True, id="an old client does"
        ),
        pytest.param(
            docker_host("28.5.2", docker={"client_version": None}), "28.5.2", True, id="a missing client does"
        ),
        pytest.param(
            docker_host("28.5.2", docker={"client_version": "dev"}), "28.5.2", True, id="somebody's own client does"
        ),
        pytest.param(
            Host(packages={"docker-ce": Package(ce("28.5.2"), "unpacked")}), "28.5.2", True,
            id="an unpacked engine does",
        ),
        pytest.param(
            Host(packages={"docker-ce": Package(None, "half-installed")}), "28.5.2", True,
            id="an engine without a version does",
        ),
    ],
)  # fmt: skip
def test_when_the_index_has_to_be_read(host: Host, version: str, expected: bool) -> None:
    assert needs_index(settings(version=version), host.facts) is expected


def test_a_host_that_could_not_be_looked_at_needs_the_index() -> None:
    assert needs_index(settings(version="28.5.2"), {"docker": None, "libseccomp": None})


def test_newest_first_orders_versions_with_and_without_epochs() -> None:
    assert newest_first([ce("20.10.24"), ce("28.5.2")[2:]]) == [ce("28.5.2")[2:], ce("20.10.24")]


def test_a_plan_is_a_dictionary_for_ansible() -> None:
    plan = Plan(install={"docker-ce": "1"}).as_dict()
    assert (plan["install"], plan["changes"], plan["errors"]) == ({"docker-ce": "1"}, True, [])
