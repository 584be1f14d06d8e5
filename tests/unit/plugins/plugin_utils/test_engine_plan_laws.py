# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What holds for every plan, whatever the host, its package sources and the settings are."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_plan import needs_index
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_settings import Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion, compare_packages
from tests.unit.plugins.plugin_utils.engine_world import Host, Package, ce, io, settings

RELEASES = ["19.03.15", "20.10.5", "20.10.6", "20.10.24", "28.5.2", "29.0.0"]
SPELLINGS = {
    "docker-ce": [ce(release) for release in RELEASES],
    "docker-ce-cli": [ce(release) for release in RELEASES],
    "docker.io": [io(release) for release in RELEASES],
    "docker-cli": [io(release) for release in RELEASES],
    "containerd.io": ["1.4.3-1", "1.7.28-1"],
    "containerd": ["1.4.13~ds1-1", "1.7.24~ds1-6"],
    "runc": ["1.0.0~rc93+ds1-5", "1.1.15+ds1-2"],
    "docker-buildx-plugin": ["0.10.2-1", "0.29.1-1"],
    "docker-compose-plugin": ["2.40.3-1"],
    "libseccomp2": ["2.3.3-4", "2.4.4-1", "2.5.4-1"],
}
DOCKER = ("docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin")
DEBIAN = ("docker.io", "containerd", "runc", "docker-cli")


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """Hosts with docker's engine, with Debian's or with none, in any state of repair."""
    kind = draw(st.sampled_from(["fresh", "docker", "debian"]))
    release = draw(st.integers(0, len(RELEASES) - 1))
    host = Host(interrupted=draw(st.booleans()), faccessat2=draw(st.sampled_from([439, -1])))
    for name in {"fresh": (), "docker": DOCKER, "debian": DEBIAN}[kind]:
        spellings = SPELLINGS[name]
        # The engine's packages move together; what it stands on goes its own way.
        together = len(spellings) == len(RELEASES) and draw(st.integers(0, 4)) > 0
        version = spellings[release] if together else draw(st.sampled_from(spellings))
        held = draw(st.booleans())
        host.packages[name] = Package(version, held=held, ours=held and draw(st.booleans()))
    host.packages["libseccomp2"] = Package(draw(st.sampled_from(SPELLINGS["libseccomp2"])))
    for name, spellings in SPELLINGS.items():
        host.offers[name] = sorted(draw(st.sets(st.sampled_from(spellings))), key=spellings.index, reverse=True)
    if draw(st.integers(0, 3)) > 0:
        # A source in order: all packages of all releases.
        host.offers = {name: spellings[::-1] for name, spellings in SPELLINGS.items()}
    host.docker = {"swarm": draw(st.integers(0, 9)) == 0, "containers_running": draw(st.integers(0, 2))}
    return host


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    """Any settings of the role."""
    source = draw(st.sampled_from(["docker", "distribution", "files"]))
    files = {}
    if source == "files":
        release = draw(st.integers(0, len(RELEASES) - 1))
        for name in draw(st.sampled_from([DOCKER, DOCKER[:3], DEBIAN[:3]])):
            spelling = SPELLINGS[name][release % len(SPELLINGS[name])]
            files[name] = spelling.rpartition(":")[2] if draw(st.booleans()) else spelling
    return settings(
        source,
        draw(st.sampled_from(["latest", *RELEASES])),
        files=files,
        minimum_version=draw(st.sampled_from(["20.10.6", "20.10.6", "28.0.0"])),
        hold=draw(st.booleans()),
        allow_downgrade=draw(st.booleans()),
        lift_foreign_holds=draw(st.booleans()),
        live_restore=draw(st.booleans()),
    )


@given(hosts(), all_settings())
def test_a_plan_carried_out_leaves_nothing_to_do(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    if plan.errors:
        return
    after = host.after(plan)
    again = after.plan(wanted)
    assert (again.errors, again.changes) == ([], False)
    assert again.current == again.target == plan.target
    if not needs_index(wanted, after.facts):
        assert not after.without_offers().plan(wanted).changes


@given(hosts(), all_settings())
def test_a_plan_with_errors_has_no_actions(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    if plan.errors:
        assert not plan.changes
        assert not plan.engine_moves
        assert all(error.strip() == error and "None" not in error for error in plan.errors)


@given(hosts(), all_settings())
def test_no_plan_ends_below_the_floor(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    if not plan.errors:
        assert plan.target is not None
        assert EngineVersion.parse(plan.target) >= EngineVersion.parse(wanted.minimum_version)
    engine = plan.install.get(wanted.packages.engine)
    if engine:
        assert EngineVersion.parse(engine) == EngineVersion.parse(plan.target or "")


@given(hosts(), all_settings())
def test_no_plan_goes_back_without_leave(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    if plan.errors or wanted.allow_downgrade:
        return
    if plan.current and plan.target:
        assert EngineVersion.parse(plan.target) >= EngineVersion.parse(plan.current)
    for name, version in plan.install.items():
        if name in plan.before:
            assert compare_packages(version, plan.before[name]) > 0


@given(hosts(), all_settings())
def test_no_plan_touches_a_foreign_hold_without_leave(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    foreign = {name for name, package in host.packages.items() if package.held and not package.ours}
    assert not foreign & set(plan.release)
    if not wanted.lift_foreign_holds:
        assert not foreign & {*plan.install, *plan.remove, *plan.hold}


@given(hosts(), all_settings())
def test_a_pinned_plan_ends_on_the_pin_and_moves_engine_and_client_together(host: Host, wanted: Settings) -> None:
    plan = host.plan(wanted)
    if plan.errors or wanted.version == "latest":
        return
    assert plan.target == wanted.version
    after = host.after(plan)
    client = after.packages.get(wanted.packages.client or "")
    if client and host.offers.get(wanted.packages.client or "") and wanted.source != "files":
        assert client.version == (after.packages[wanted.packages.engine].version)


@given(hosts(), all_settings(), st.data())
def test_a_run_that_was_cut_off_is_finished_by_the_next(host: Host, wanted: Settings, data: st.DataObject) -> None:
    plan = host.plan(wanted)
    if plan.errors or not plan.install:
        return
    done = host.after(plan)
    cut = copy.deepcopy(host)
    cut.interrupted = True
    if data.draw(st.booleans(), label="removals done"):
        for name in plan.remove:
            cut.packages.pop(name, None)
    states = st.sampled_from(["as before", "unpacked", "half-configured"])
    for name in plan.install:
        state = data.draw(states, label=name)
        if state != "as before":
            cut.packages[name] = Package(done.packages[name].version, state, ours=done.packages[name].ours)
        elif name in cut.packages:
            cut.packages[name].held = False  # holds are lifted before anything else
    if not needs_index(wanted, cut.facts):
        cut = cut.without_offers()
    healing = cut.plan(wanted)
    assert (healing.errors, healing.heal) == ([], True)
    healed = cut.after(healing)
    assert not healed.plan(wanted).changes
    engine = wanted.packages.engine
    assert healed.packages[engine].version == done.packages[engine].version
