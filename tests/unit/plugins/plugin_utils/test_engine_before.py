# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The way back of a plan, candidates of the host's own sources, given files and optional packages."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Settings
from tests.unit.plugins.plugin_utils.engine_world import (
    PACKAGES,
    Host,
    Package,
    ce,
    debian_host,
    docker_host,
    docker_offers,
    io,
    settings,
)
from tests.unit.plugins.plugin_utils.test_engine_plan_laws import all_settings, hosts


@pytest.mark.parametrize("state", ["half-configured", "unpacked", "triggers-pending", "half-installed"])
def test_what_is_there_by_halves_is_part_of_the_way_back(state: str) -> None:
    host = docker_host("20.10.24", offers=docker_offers("28.5.2"), interrupted=True)
    host.packages["docker-ce"].state = state
    plan = host.plan(settings())
    assert plan.before["docker-ce"] == ce("20.10.24")
    assert plan.new == []
    assert (plan.back_to, plan.unfinished) == ("20.10.24", False)


def test_an_interrupted_run_goes_back_to_what_was_there_before_it() -> None:
    # Debian's engine was being replaced: its packages are gone, docker's are there in part.
    host = docker_host("28.5.2", held=False, offers=docker_offers("28.5.2"), interrupted=True)
    host.packages["docker-ce"].state = "half-configured"
    del host.packages["docker-buildx-plugin"]
    before = {"docker.io": io("20.10.24"), "containerd": "1.6.20~ds1-1", "docker-compose-plugin": "2.1-1"}
    absent = ["docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin"]
    host.way_back = {"before": before, "absent": absent, "held": ["docker.io"], "foreign": []}
    plan = host.plan(settings())
    assert (plan.unfinished, plan.changes, plan.errors) == (True, True, [])
    assert (plan.before, plan.held) == (before, ["docker.io"])
    assert plan.new == ["containerd.io", "docker-buildx-plugin", "docker-ce", "docker-ce-cli"]
    assert (plan.current, plan.back_to, plan.target) == ("28.5.2", "20.10.24", "28.5.2")


def test_a_run_that_was_killed_after_the_packages_is_not_over_yet() -> None:
    host = docker_host("28.5.2")
    host.way_back = {"before": {"docker-ce": ce("20.10.24")}, "absent": [], "held": [], "foreign": []}
    plan = host.plan(settings(version="28.5.2"))
    assert (plan.install, plan.unfinished, plan.changes) == ({}, True, True)
    # Of packages that the record does not speak of, what is there is what was there.
    assert plan.before["docker-ce"] == ce("20.10.24")
    assert plan.before["docker-ce-cli"] == ce("28.5.2")
    assert plan.held == ["docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin"]


def test_a_host_that_had_no_engine_has_none_to_go_back_to() -> None:
    host = docker_host("28.5.2", held=False)
    host.way_back = {"before": {}, "absent": list(host.packages), "held": [], "foreign": []}
    plan = host.plan(settings(version="28.5.2"))
    assert (plan.before, plan.new, plan.back_to) == ({}, sorted(host.packages), None)


def test_libseccomp_does_not_go_back() -> None:
    host = docker_host("20.10.24", faccessat2=-1, offers={**docker_offers("28.5.2"), "libseccomp2": ["2.5.4-1"]})
    host.packages["libseccomp2"] = Package("2.3.3-4")
    host.way_back = {"before": {"libseccomp2": "2.3.3-4"}, "absent": [], "held": ["libseccomp2"], "foreign": []}
    plan = host.plan(settings())
    assert plan.install["libseccomp2"] == "2.5.4-1"
    assert "libseccomp2" not in {*plan.before, *plan.held, *plan.new}


def test_a_plan_with_errors_is_not_unfinished() -> None:
    host = Host(service_manager="other", way_back={"before": {}, "absent": [], "held": [], "foreign": []})
    plan = host.plan(settings())
    assert (len(plan.errors), plan.unfinished, plan.changes) == (1, False, False)


@given(hosts(), all_settings(), st.data())
def test_whatever_was_cut_off_the_way_back_stays_the_same(host: Host, wanted: Settings, data: st.DataObject) -> None:
    plan = host.plan(wanted)
    if plan.errors or not plan.install:
        return
    names = {*plan.install, *plan.remove, *plan.hold}
    cut = copy.deepcopy(host)
    cut.interrupted = True
    cut.way_back = {
        "before": {name: package.version for name, package in host.packages.items() if name in names},
        "absent": sorted(names - set(host.packages)),
        "held": [name for name, package in host.packages.items() if name in names and package.held],
        "foreign": [],
    }
    done = host.after(plan)
    for name in names:
        if data.draw(st.booleans(), label=name):
            cut.packages.pop(name, None)
            if name in plan.install:
                state = data.draw(st.sampled_from(["installed", "unpacked", "half-installed"]), label=f"{name} is")
                cut.packages[name] = Package(done.packages[name].version, state)
    again = cut.plan(wanted)
    if again.errors:  # what is there in part can look like a downgrade
        return
    assert again.unfinished
    assert (again.before, sorted(again.held)) == (plan.before, sorted(plan.held))
    assert again.back_to == plan.back_to or cut.docker.get("package") or plan.back_to is None
    assert set(plan.new) <= {*again.new, *plan.install}
    assert not set(again.new) & set(again.before)


@pytest.mark.parametrize(
    ("source", "candidate", "installed", "expected"),
    [
        pytest.param("distribution", io("20.10.24"), None, io("20.10.24"), id="backports do not count"),
        pytest.param("distribution", None, None, io("26.1.5"), id="unless apt has no candidate"),
        pytest.param("distribution", io("20.10.24"), io("26.1.5"), None, id="what came from backports stays"),
    ],
)
def test_latest_of_the_distribution_is_what_apt_would_choose(
    source: str, candidate: str | None, installed: str | None, expected: str | None
) -> None:
    offers = {"docker.io": [io("26.1.5"), io("20.10.24")], "containerd": ["2.0-1", "1.6-1"], "runc": ["1.1-1"]}
    host = Host(offers=offers, candidates={"docker.io": candidate} if candidate else {})
    host.candidates["containerd"] = "1.6-1"
    if installed:
        host.packages["docker.io"] = Package(installed)
    plan = host.plan(settings(source))
    assert plan.errors == []
    assert plan.install.get("docker.io") == expected
    assert plan.install["containerd"] == "1.6-1"


def test_a_pin_may_be_in_backports() -> None:
    offers = {"docker.io": [io("26.1.5"), io("20.10.24")], "containerd": ["1.6-1"], "runc": ["1.1-1"]}
    host = Host(offers=offers, candidates={"docker.io": io("20.10.24")})
    assert host.plan(settings("distribution", "26.1.5")).install["docker.io"] == io("26.1.5")


def test_a_candidate_that_knows_faccessat2_is_enough() -> None:
    host = docker_host("28.5.2", faccessat2=-1, offers={"libseccomp2": ["2.6.0-1", "2.5.4-1"]})
    host.packages["libseccomp2"] = Package("2.3.3-4")
    host.candidates["libseccomp2"] = "2.5.4-1"
    assert host.plan(settings(version="28.5.2")).install == {"libseccomp2": "2.5.4-1"}
    host.candidates["libseccomp2"] = "2.3.3-4"
    assert host.plan(settings(version="28.5.2")).install == {"libseccomp2": "2.6.0-1"}


ENGINE = {"docker-ce": ce("28.5.2")[2:], "docker-ce-cli": ce("28.5.2")[2:], "containerd.io": "1.7.28-1"}


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        pytest.param(None, {"iptables": "1.8.9-2"}, id="it is not there"),
        pytest.param(Package("1.8.7-1"), {"iptables": "1.8.9-2"}, id="an older one is there"),
        pytest.param(Package("1.8.9-2"), {}, id="it is there"),
        pytest.param(Package("1.8.10-1"), {}, id="a newer one is there"),
        pytest.param(Package("5:1.8.9-2"), {}, id="it is there, with its epoch"),
    ],
)
def test_whatever_else_is_given_as_a_file_is_installed(installed: Package | None, expected: dict[str, str]) -> None:
    host = docker_host("28.5.2")
    if installed:
        host.packages["iptables"] = installed
    plan = host.plan(settings("files", files={**ENGINE, "iptables": "1.8.9-2"}))
    assert (plan.install, plan.errors) == (expected, [])
    assert "iptables" not in plan.hold
    assert plan.new == ([] if installed else ["iptables"])
    assert plan.before.get("iptables") == (installed.version if installed else None)


@pytest.mark.parametrize(
    ("faccessat2", "version", "expected", "notes"),
    [
        pytest.param(-1, "2.5.4-1", True, 1, id="one that knows faccessat2, to a host that does not"),
        pytest.param(-1, "2.4.1-1", False, 1, id="one that does not know it either"),
        pytest.param(439, "2.5.4-1", True, 0, id="a newer one that other files may need"),
        pytest.param(439, "2.3.0-1", False, 0, id="an older one"),
    ],
)
def test_libseccomp_among_the_files(faccessat2: int, version: str, expected: bool, notes: int) -> None:
    host = docker_host("28.5.2", faccessat2=faccessat2)
    host.packages["libseccomp2"] = Package("2.3.3-4")
    plan = host.plan(settings("files", files={**ENGINE, "libseccomp2": version}))
    assert plan.install == ({"libseccomp2": version} if expected else {})
    assert (len(plan.notes), plan.errors) == (notes, [])


def test_a_package_that_was_given_is_not_removed() -> None:
    host = docker_host("28.5.2")
    host.packages["docker-buildx"] = Package("0.13-1")
    files = {**ENGINE, "docker-buildx": "0.13-1"}
    assert host.plan(settings("files", files=files)).remove == []
    assert host.plan(settings("files", files=ENGINE)).remove == ["docker-buildx"]


def with_rivals(**changes: Any) -> Settings:
    """The role's settings with a package that the compose plugin does not go with."""
    packages = {**PACKAGES["docker"], "rivals": {"docker-compose-plugin": ["docker-compose"]}}
    return settings(**{**changes, "packages": packages})


def test_an_optional_package_is_left_out_beside_its_rival() -> None:
    host = debian_host("20.10.5", offers=docker_offers("28.5.2"))
    host.packages["docker-compose"] = Package("1.29.2-3")
    plan = host.plan(with_rivals())
    assert "docker-compose-plugin is left out, since docker-compose is on this host" in plan.notes
    assert (plan.optional, plan.errors) == (["docker-buildx-plugin"], [])
    assert "docker-compose-plugin" not in {*plan.install, *plan.hold, *plan.new}
    assert not host.after(plan).plan(with_rivals()).changes


def test_optional_packages_are_named_for_those_who_carry_out_the_plan() -> None:
    plan = Host(offers=docker_offers("28.5.2")).plan(with_rivals())
    assert plan.optional == ["docker-buildx-plugin", "docker-compose-plugin"]


def test_a_client_that_is_missing_is_repaired() -> None:
    host = docker_host("28.5.2", offers=docker_offers("28.5.2"))
    del host.packages["docker-ce-cli"]
    assert host.plan(settings(version="28.5.2")).install == {"docker-ce-cli": ce("28.5.2")}
