# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What an upgrade would do to a host, what that solves and brings, and which hosts it leaves alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.this_run import run_id
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_plan import upgrade_plan
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.upgrade_plan_text import upgrade_plan_text
from tests.unit.plugins.plugin_utils.engine_world import Host, Package, ce, docker_host, docker_offers
from tests.unit.plugins.plugin_utils.readiness_world import answers, layer, probe
from tests.unit.plugins.plugin_utils.test_engine_plan_laws import all_settings, hosts
from tests.unit.plugins.plugin_utils.test_readiness_laws import FACTS, PROBES
from tests.unit.plugins.plugin_utils.upgrade_world import BOOKWORM, BULLSEYE, engine, facts, host, runner

MARK = {
    "by": "upgrade", "since": "2026-11-22T17:40:00Z", "reason": "", "before": {"smoke": ["failing"]},
    "paused": [{"id": 5, "name": "build", "url": "https://gitlab.example"}],
}  # fmt: skip
DRAINED = {"by": "drain", "since": "2026-11-22T17:40:00Z", "reason": "new disk", "paused": [], "before": {}}
OLD, STAYS = host(BULLSEYE, BOOKWORM), host(BOOKWORM)
OF_NOW = runner("18.2.0", "18.2.0")


def moves(found: Host, *plans: dict[str, Any] | None, **more: Any) -> list[tuple[str, str | None, str | None]]:
    plan = upgrade_plan(facts(found, **more), *plans)
    return [(move["what"], move["from"], move["to"]) for move in plan["moves"]]


@pytest.mark.parametrize(
    ("found", "plans", "told"),
    [
        pytest.param(
            OLD, (engine(OLD), runner("17.11.0", "18.2.0")),
            [("Docker Engine", "20.10.5", "20.10.24"), ("GitLab Runner", "17.11.0", "18.2.0"),
             ("containerd", "1.4.13", "1.6.20"), ("runc", "1.0.0-rc93", "1.1.5")],
            id="engine and runner come first, in releases",
        ),
        pytest.param(STAYS, (engine(STAYS), OF_NOW), [], id="nothing moves"),
        pytest.param(
            STAYS, (engine(STAYS), runner("17.11.0", "18.2.0")), [("GitLab Runner", "17.11.0", "18.2.0")],
            id="the helper images are no line of their own",
        ),
        pytest.param(OLD, (None, runner(None, "18.2.0")), [("GitLab Runner", None, "18.2.0")], id="a new runner"),
        pytest.param(
            Host(), (engine(Host(offers=docker_offers("28.5.2")), "docker"),),
            [("Docker Engine", None, "28.5.2"), ("containerd.io", None, "1.7.28"),
             ("docker-buildx-plugin", None, "0.29.1"), ("docker-compose-plugin", None, "2.40.3")],
            id="a new engine, whose client is no line of its own",
        ),
        pytest.param(
            STAYS, (engine(host(BOOKWORM, {**BOOKWORM, "docker.io": "20.10.24+dfsg1-1+deb12u1"})),),
            [("Docker Engine", "20.10.24+dfsg1-1", "20.10.24+dfsg1-1+deb12u1")],
            id="another build of the same release is told by whole versions",
        ),
        pytest.param(
            STAYS, (engine(host(BOOKWORM, {**BOOKWORM, "runc": "1.1.5+ds1-2"})),),
            [("runc", "1.1.5+ds1-1", "1.1.5+ds1-2")], id="and so is a package's",
        ),
    ],
)  # fmt: skip
def test_moves(found: Host, plans: tuple[Any, ...], told: list[Any]) -> None:
    assert moves(found, *plans) == told
    assert upgrade_plan(facts(found), *plans)["changes"] is bool(told)


def test_the_packages_of_another_source_go_and_come() -> None:
    found = Host(packages=OLD.packages, offers=docker_offers("28.5.2"))
    assert moves(found, engine(found, "docker")) == [
        ("Docker Engine", "20.10.5", "28.5.2"),
        ("containerd", "1.4.13", None),
        ("containerd.io", None, "1.7.28"),
        ("runc", "1.0.0-rc93", None),
        ("docker-buildx-plugin", None, "0.29.1"),
        ("docker-compose-plugin", None, "2.40.3"),
        ("docker.io", "20.10.5", None),
    ]


def test_a_library_comes_from_what_is_there() -> None:
    found = docker_host("28.5.2", faccessat2=-1, offers={**docker_offers("28.5.2"), "libseccomp2": ["2.5.4-1"]})
    found.packages["libseccomp2"] = Package("2.3.3-4")
    known: dict[str, Any] = {
        "libseccomp": {"version": "2.3.3", "faccessat2": -1},
        "runc": {"version": "1.1.5", "libseccomp": "2.5.1"},
    }
    assert moves(found, engine(found, "docker"), **known) == [("libseccomp2", "2.3.3", "2.5.4")]
    # Its runc has a library of its own, so containers do not notice.
    plan = upgrade_plan(facts(found, **known), engine(found, "docker"))
    assert [each["id"] for each in plan["solves"]] == ["libseccomp_old"]
    assert plan["brings"] == []


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        pytest.param(
            runner("17.11.0", None, source="binary", program="/usr/local/bin/gitlab-runner", checksum="sha256:1"),
            ("GitLab Runner", "17.11.0", "of gitlab_runner_binary_url"), id="a program whose version nobody knows yet",
        ),
        pytest.param(
            runner(
                "17.11.0", None, source="binary", program="/usr/local/bin/gitlab-runner", checksum="sha256:1",
                version="18.2.0",
            ),
            ("GitLab Runner", "17.11.0", "18.2.0"), id="a program of a known version",
        ),
        pytest.param(
            {**OF_NOW, "runner_moves": True, "set_aside": ["/usr/local/bin/gitlab-runner"]},
            ("GitLab Runner", "17.0.1", "18.2.0"), id="a program in front of the package's, which is the one that runs",
        ),
    ],
)  # fmt: skip
def test_runners_that_are_no_package(plan: dict[str, Any], told: Any) -> None:
    assert told in moves(STAYS, engine(STAYS), plan, runner="17.0.1")


@pytest.mark.parametrize(
    ("target", "way_back", "told"),
    [
        pytest.param("20.10.24", "20.10.5", [("Docker Engine", "20.10.5", "20.10.24")], id="killed after the packages"),
        pytest.param("20.10.24", "20.10.24", [], id="killed on the way back, when all was back"),
    ],
)
def test_what_an_interrupted_run_moved_is_a_part_of_it(target: str, way_back: str, told: list[Any]) -> None:
    found = docker_host(target)
    found.way_back = {"before": {"docker-ce": ce(way_back)}, "absent": [], "held": [], "foreign": []}
    plan = upgrade_plan(facts(found), engine(found, "docker", version=target))
    assert [(move["what"], move["from"], move["to"]) for move in plan["moves"]] == told
    assert plan["changes"] is True
    assert plan["notes"][0] == (
        "an earlier change of Docker Engine did not get to its end; this one finishes it, or goes back to " + way_back
    )


def test_dpkg_is_put_right_first_and_that_is_said_once() -> None:
    interrupted = [{**plan, "heal": True} for plan in (engine(STAYS), OF_NOW)]
    plan = upgrade_plan(facts(STAYS), *interrupted)
    assert (plan["changes"], plan["moves"]) == (True, [])
    assert plan["notes"] == ["dpkg was interrupted on this host, which is put right first"]


def test_a_plan_with_errors_moves_nothing() -> None:
    plan = upgrade_plan(facts(STAYS), engine(STAYS, version="1.2.3"))
    assert (plan["changes"], plan["moves"]) == (False, [])


@pytest.mark.parametrize(
    ("plans", "notes"),
    [
        pytest.param(
            (engine(Host(packages={name: Package(version) for name, version in BOOKWORM.items()},
                         offers=STAYS.offers)), OF_NOW),
            ["left to playbooks/site.yml: the hold of containerd, docker.io and runc"], id="to be set",
        ),
        pytest.param(
            (engine(STAYS), runner("18.2.0", "18.2.0", hold=False)),
            ["left to playbooks/site.yml: lifting the hold of gitlab-runner and gitlab-runner-helper-images"],
            id="to be lifted",
        ),
        pytest.param((engine(STAYS), OF_NOW), [], id="as they should be"),
    ],
)  # fmt: skip
def test_holds_alone_are_no_reason_to_pause_a_host(plans: Any, notes: list[str]) -> None:
    plan = upgrade_plan(facts(STAYS), *plans)
    assert (plan["changes"], plan["moves"], plan["notes"]) == (False, [], notes)


# Who has it out of service.


@pytest.mark.parametrize(
    ("known", "interrupted", "skip"),
    [
        pytest.param({"maintenance": None}, None, "", id="in service"),
        pytest.param({"maintenance": MARK}, MARK, "", id="an interrupted upgrade"),
        pytest.param(
            {"maintenance": DRAINED}, None,
            "taken out of service by playbooks/drain.yml since 2026-11-22T17:40:00Z: new disk; "
            "run playbooks/resume.yml first", id="drained by hand",
        ),
        pytest.param(
            {"maintenance": {"error": "it is no JSON"}}, None,
            "/var/lib/runnerkit/maintenance.json cannot be read (it is no JSON), so nobody knows what is paused; see "
            "that the runners of this host are not paused in GitLab, remove the file and run this again",
            id="a mark that cannot be read",
        ),
        pytest.param(
            {"gitlab_runner": {"service": {"held": {"by": "upgrade", "since": "x"}}}},
            {"by": "upgrade", "since": "x", "reason": "", "paused": [], "before": {}, "run": ""}, "",
            id="an upgrade's hold without a mark",
        ),
        pytest.param(
            {"gitlab_runner": {"service": {"held": {"by": "drain"}}}}, None,
            "taken out of service by playbooks/drain.yml since some time; run playbooks/resume.yml first",
            id="a drain's hold without a mark",
        ),
        pytest.param(
            {"gitlab_runner": {"service": {"held": {"by": "docker_engine", "since": "x"}}}}, None, "",
            id="a hold that role docker_engine puts right",
        ),
        pytest.param(
            {"maintenance": MARK, "gitlab_runner": {"service": {"held": {"by": "unknown", "since": None}}}}, None,
            "/var/lib/runnerkit/gitlab-runner-hold cannot be read, so nobody knows who holds GitLab Runner; remove the "
            "file and run this again", id="a hold that nobody would release",
        ),
    ],
)  # fmt: skip
def test_hosts_out_of_service(known: dict[str, Any], interrupted: Any, skip: str) -> None:
    plan = upgrade_plan(facts(STAYS, **known), engine(STAYS), OF_NOW)
    assert (plan["interrupted"], plan["skip"]) == (interrupted, skip)
    assert plan["changes"] is (interrupted is not None)
    json.dumps(plan)


RUN = "ctl1.example:123:456@boot/1"
AT_IT = (
    "another run of playbooks/upgrade.yml works on this host since 2026-11-22T17:40:00Z: on ctl1.example (process 123)"
    ", which last touched this host 14 min ago; wait for its end, or, if it is dead, until it has been silent for 15 "
    "min"
)


@pytest.mark.parametrize(
    ("mark", "skip"),
    [
        pytest.param({"run": RUN, "idle": 14 * 60 + 59}, AT_IT, id="another controller that is silent for 14 min"),
        pytest.param({"run": RUN, "idle": 16 * 60}, "", id="another controller that is silent for 16 min"),
        pytest.param(
            {"run": RUN, "idle": "odd"}, AT_IT.replace(", which last touched this host 14 min ago", ""),
            id="another controller, and nobody knows since when it is silent",
        ),
        pytest.param({"run": run_id(), "idle": 0}, "", id="this run"),
        pytest.param({"run": "", "idle": 0}, "", id="a mark that names no run"),
        pytest.param({}, "", id="a mark of an earlier version"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("found", [OLD, STAYS], ids=["something moves", "nothing moves"])
def test_hosts_that_another_run_works_on(found: Host, mark: dict[str, Any], skip: str) -> None:
    known = {**MARK, **mark}
    plan = upgrade_plan(facts(found, maintenance=known), engine(found), OF_NOW)
    assert (plan["skip"], plan["interrupted"]) == (skip, None if skip else known)
    assert plan["changes"] is (not skip or found is OLD)
    if skip:
        assert f"host: skipped, {skip}" in upgrade_plan_text({"host": plan}, 1000)


# What it solves and brings.


def found_by(known: dict[str, Any], *plans: Any, **more: Any) -> dict[str, list[str]]:
    plan = upgrade_plan(known, *plans, **more)
    return {part: [f"{each['id']}@{each['layer']}" for each in plan[part]] for part in ("solves", "brings")}


def test_a_newer_engine_solves_what_the_old_one_blocks() -> None:
    told = found_by(facts(OLD), engine(OLD))
    assert {"call_blocked_clone3@host", "floor@host"} <= set(told["solves"])
    assert told["brings"] == []


def test_without_a_measurement_that_is_said_and_with_one_it_is_not() -> None:
    said = "nothing was measured on this host; what this solves and brings follows from versions alone"
    assert said in upgrade_plan(facts(OLD), engine(OLD))["notes"]
    seen = probe(layer(calls=answers(clone3="EPERM")))
    assert said not in upgrade_plan(facts(OLD), engine(OLD), probe=seen)["notes"]
    assert upgrade_plan(facts(OLD), None, runner("17.11.0", "18.2.0"))["notes"] == []


def test_the_new_runner_counts_with_the_new_engine() -> None:
    found = docker_host("20.10.24", offers=docker_offers("29.7.2"))
    plan, known = engine(found, "docker"), facts(found, "17.0.1")
    assert "api_too_new@runner" in found_by(known, plan)["brings"]
    assert "api_too_new@runner" not in found_by(known, plan, runner("17.0.1", "19.2.0"))["brings"]


def test_a_runner_alone_changes_nothing_about_containers() -> None:
    # The engine stays, so what was measured stays, too, whatever versions say.
    found = docker_host("29.7.2", offers=docker_offers("29.7.2"))
    known = facts(found, "17.0.1")
    known["docker"] |= {"api_version": "1.52", "minimum_api_version": "1.44"}
    seen = probe(layer(calls=answers(clone3="EPERM")))
    told = found_by(known, engine(found, "docker"), runner("17.0.1", "19.2.0"), probe=seen)
    assert told == {"solves": ["api_too_new@runner"], "brings": []}


def test_what_the_new_runner_solves_is_told_beside_a_new_engine() -> None:
    found = docker_host("29.0.0", offers=docker_offers("29.7.2"))
    known = facts(found, "17.0.1")
    known["docker"] |= {"api_version": "1.52", "minimum_api_version": "1.44"}
    told = found_by(known, engine(found, "docker"), runner("17.0.1", "19.2.0"))
    assert told == {"solves": ["api_too_new@runner"], "brings": []}


def test_a_newer_runc_alone_solves_what_the_old_one_blocks() -> None:
    found = host({**BOOKWORM, "runc": "1.0.0~rc10+ds1-1"}, BOOKWORM)
    known = facts(found)
    known["libseccomp"]["version"] = known["runc"]["libseccomp"] = "2.4.3"
    told = found_by(known, engine(found))
    assert {"call_blocked_faccessat2@host", "call_blocked_clone3@host"} <= set(told["solves"])
    assert told["brings"] == []


def test_a_runner_that_the_engine_is_too_old_for() -> None:
    known = facts(host({**BULLSEYE, "docker.io": "18.09.1+dfsg1-7"}), "17.0.1")
    known["docker"]["api_version"] = "1.39"
    assert found_by(known, None, runner("17.0.1", "19.2.0"))["brings"] == ["runner_api@runner"]


def test_a_runc_in_a_bundle_is_not_known_before() -> None:
    found = Host(packages=OLD.packages, offers=docker_offers("28.5.2"))
    assert upgrade_plan(facts(found), engine(found, "docker"))["notes"][-1] == (
        "which runc comes with containerd.io 1.7.28 shows when it is there; until then what containers may do is "
        "predicted with runc 1.0.0~rc93+ds1-5 of now"
    )


def test_a_profile_of_which_versions_say_nothing() -> None:
    known = facts(OLD)
    known["docker"]["seccomp_profile"] = "/etc/docker/own.json"
    [note, _] = upgrade_plan(known, engine(OLD))["notes"]
    assert note.startswith("of host nothing can be said: the engine runs with the seccomp profile /etc/docker/own.json")


def test_settings_are_those_of_the_report() -> None:
    with pytest.raises(ValueError, match="the settings have 'minimum', which is none of"):
        upgrade_plan(facts(OLD), engine(OLD), settings={"minimum": "1"})
    told = found_by(facts(OLD), engine(OLD), settings={"minimum_version": "28.0.0"})
    assert "floor@host" not in told["solves"]


# Laws.


@given(found=hosts(), settings=all_settings())
def test_a_host_that_was_upgraded_has_nothing_to_do(found: Host, settings: Any) -> None:
    plan = found.plan(settings)
    first = upgrade_plan(facts(found), plan.as_dict())
    again = upgrade_plan(facts(found.after(plan)), found.after(plan).plan(settings).as_dict())
    if not plan.errors and not found.after(plan).plan(settings).errors:
        assert (again["changes"], again["moves"]) == (False, [])
    assert first["changes"] or not first["moves"]
    names = [move["what"] for move in first["moves"]]
    assert len(names) == len(set(names))
    keys = [[(each["id"], each["layer"], each["summary"]) for each in first[part]] for part in ("solves", "brings")]
    assert not set(keys[0]) & set(keys[1])


@given(known=FACTS, seen=st.none() | PROBES)
@tried(max_examples=100)
def test_whatever_a_host_says_there_is_a_plan_and_nothing_is_touched(known: Any, seen: Any) -> None:
    if not isinstance(known, dict):
        return
    before = copy.deepcopy((known, seen))
    plan = upgrade_plan(known, engine(OLD), runner("17.11.0", "18.2.0"), seen)
    json.dumps(plan)
    assert plan["changes"]
    assert json.dumps((known, seen)) == json.dumps(before)
