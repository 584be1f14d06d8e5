# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_checks import REMEDIES
from tests.unit.plugins.plugin_utils.engine_world import Host, ce, debian_host, docker_host, docker_offers, io, settings

STATIC = {"package": {"name": None, "version": None, "held": False, "state": "installed", "source": "static"}}
MANY = docker_offers(*(f"28.0.{number}" for number in range(11, -1, -1)))
OFFERS = docker_offers("28.5.2", "20.10.24", "20.10.5")


def without_client(version: str) -> dict[str, list[str]]:
    """docker's repository, in which one version of the client is missing."""
    return {**OFFERS, "docker-ce-cli": [other for other in OFFERS["docker-ce-cli"] if other != ce(version)]}


CASES = [
    pytest.param(
        Host(offers=OFFERS), {"version": "27.0.0"},
        "docker_engine_version '27.0.0' is not to be had from docker_engine_source 'docker', which offers 28.5.2, "
        "20.10.24, 20.10.5; choose one of these or 'latest'",
        id="a version that is not on offer",
    ),
    pytest.param(
        Host(offers=MANY), {"version": "27.0.0"},
        "docker_engine_version '27.0.0' is not to be had from docker_engine_source 'docker', which offers 28.0.11, "
        "28.0.10, 28.0.9, 28.0.8, 28.0.7, 28.0.6, 28.0.5, 28.0.4 and 4 older; choose one of these or 'latest'",
        id="a version that is not among many",
    ),
    pytest.param(
        Host(offers={"docker-ce": []}), {},
        "docker_engine_source 'docker' has no package docker-ce for this host; use another docker_engine_source",
        id="a source without the engine",
    ),
    pytest.param(
        Host(offers={**OFFERS, "containerd.io": []}), {},
        "docker_engine_source 'docker' has no package containerd.io for this host; use another docker_engine_source",
        id="a source without the runtime",
    ),
    pytest.param(
        Host(offers=without_client("28.5.2")), {},
        f"docker_engine_source 'docker' has docker-ce {ce('28.5.2')} but no docker-ce-cli of that version; "
        "use another docker_engine_version",
        id="a source without the client of that version",
    ),
    pytest.param(
        Host(offers=OFFERS), {"version": "20.10.5"},
        "docker_engine_source 'docker' with docker_engine_version '20.10.5' would end on 20.10.5, below "
        "docker_engine_minimum_version 20.10.6",
        id="a pin below the floor",
    ),
    pytest.param(
        debian_host("20.10.5", offers={"docker.io": [io("20.10.5")]}), {"source": "distribution"},
        "docker_engine_source 'distribution' with docker_engine_version 'latest' would end on 20.10.5, below "
        "docker_engine_minimum_version 20.10.6",
        id="the newest of the source is below the floor",
    ),
    pytest.param(
        docker_host("28.5.2", offers=OFFERS), {"version": "20.10.24"},
        "docker_engine_source 'docker' with docker_engine_version '20.10.24' would take the engine back from 28.5.2 to "
        "20.10.24; set docker_engine_allow_downgrade: true if that is what you want",
        id="an older version",
    ),
    pytest.param(
        docker_host("28.5.2", offers={"docker.io": [io("26.1.5")], "containerd": ["1.7"], "runc": ["1.1"]}),
        {"source": "distribution"},
        "docker_engine_source 'distribution' with docker_engine_version 'latest' would take the engine back from "
        "28.5.2 to 26.1.5; set docker_engine_allow_downgrade: true if that is what you want",
        id="another source with an older version",
    ),
    pytest.param(
        docker_host("20.10.24", ours=False, offers=OFFERS), {},
        "docker-ce, docker-ce-cli is held on this host by somebody else, and docker_engine_version 'latest' would "
        "change it; run 'apt-mark unhold docker-ce docker-ce-cli' there or set docker_engine_lift_foreign_holds: true",
        id="a hold of somebody else",
    ),
    pytest.param(
        Host(offers=OFFERS, docker=STATIC), {},
        "dockerd on this host does not come from a package, and docker_engine_source 'docker' would put a second one "
        "beside it; remove the binary first (images and volumes in /var/lib/docker stay)",
        id="a static binary",
    ),
    pytest.param(
        docker_host("28.5.2", docker={"swarm": True}), {"version": "28.5.2"},
        "docker_engine_live_restore is true, but this host is part of a swarm and an engine has either; "
        "set docker_engine_live_restore: false",
        id="live-restore in a swarm",
    ),
    pytest.param(
        Host(offers=OFFERS, service_manager="other"), {},
        "docker_engine needs systemd, which is not what manages services on this host; "
        "use a host that boots with systemd",
        id="a host without systemd",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("host", "changes", "message"), CASES)
def test_what_cannot_be_done_is_said_with_its_remedy_and_nothing_is_done(
    host: Host, changes: dict[str, Any], message: str
) -> None:
    plan = host.plan(settings(**changes))
    assert plan.errors == [message]
    assert not plan.changes
    assert (plan.install, plan.remove, plan.hold, plan.release, plan.heal, plan.notes) == ({}, [], [], [], False, [])
    assert plan.below_floor is ("below docker_engine_minimum_version" in message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("key_mismatch", "the key at http://mirror/gpg has the fingerprint AAAA, not BBBB"),
        ("key_invalid", "the key at http://mirror/gpg cannot be used: it is not an OpenPGP key"),
        ("key_unreachable", "the key at http://mirror/gpg cannot be read: Not Found"),
        ("index_unsigned", "GPG error: http://mirror bookworm InRelease: NO_PUBKEY 1234."),
        ("index_unreachable", "Failed to fetch http://mirror/dists/bookworm/InRelease."),
    ],
)
def test_a_repository_that_cannot_be_used(kind: str, message: str) -> None:
    host = Host(repository={"current": False, "error": {"kind": kind, "message": message}})
    plan = host.plan(settings())
    assert plan.errors == [f"docker_engine_source 'docker' cannot be used: {message.rstrip('.')}; {REMEDIES[kind]}"]
    assert not plan.changes


def test_all_that_is_wrong_with_a_host_is_said_at_once() -> None:
    host = Host(
        service_manager="other",
        docker={**STATIC, "swarm": True},
        repository={"current": False, "error": {"kind": "key_invalid", "message": "no key"}},
    )
    assert len(host.plan(settings()).errors) == 4


def test_a_repository_in_order_is_no_error() -> None:
    host = Host(offers=OFFERS, repository={"current": True, "error": None})
    assert host.plan(settings()).errors == []


def test_a_swarm_without_live_restore_is_upgraded() -> None:
    host = docker_host("20.10.24", offers=OFFERS, docker={"swarm": True})
    assert host.plan(settings(live_restore=False)).target == "28.5.2"
