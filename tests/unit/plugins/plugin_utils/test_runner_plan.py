# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_plan import (
    HELPER_IMAGES_SINCE,
    make_plan,
    needs_index,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_settings import Plan, Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

ROLE = Path(__file__).parents[4] / "roles" / "gitlab_runner"
NAMES = yaml.safe_load((ROLE / "vars" / "debian.yml").read_text())["__gitlab_runner_packages"]
RUNNER, IMAGES, OLD = NAMES["runner"], NAMES["helper_images"], NAMES["replaces"][0]
LOCAL = "/usr/local/bin/gitlab-runner"
SUM = "sha256:" + "a" * 64


def settings(source: str = "gitlab", **changes: Any) -> Settings:
    program = {"program": LOCAL} if source == "binary" else {}
    return Settings.from_mapping({"source": source, "version": "latest", **NAMES, **program, **changes})


def package(version: str | None, state: str = "installed", held: bool = True, ours: bool = True) -> dict[str, Any]:
    return {"installed": version, "state": state, "held": held, "held_by_us": ours, "available": []}


def both(version: str, **changes: Any) -> dict[str, Any]:
    return {RUNNER: package(version, **changes), IMAGES: package(version, **changes)}


def has_images(version: str) -> bool:
    """Whether the helper images were a package already."""
    return EngineVersion.parse(version) >= HELPER_IMAGES_SINCE


class Host:
    """What is there and what could be there."""

    def __init__(
        self,
        packages: dict[str, Any] | None = None,
        offers: tuple[str, ...] = (),
        program: tuple[str, str] | None = None,
        **info: Any,
    ) -> None:
        found = (packages or {}).get(RUNNER)
        seen = program or (("/usr/bin/gitlab-runner", found["installed"].partition("-")[0]) if found else None)
        self.facts = {
            "service_manager": info.pop("service_manager", "systemd"),
            "gitlab_runner": {"path": seen[0], "version": seen[1]} if seen else None,
        }
        nothing: dict[str, Any] = {
            "installed": None,
            "state": None,
            "held": False,
            "held_by_us": False,
            "available": [],
        }
        every = {name: dict((packages or {}).get(name, nothing)) for name in (RUNNER, IMAGES, OLD)}
        for version in offers:
            for name in (RUNNER, *([IMAGES] if has_images(version) else [])):
                every[name]["available"] = [*every[name]["available"], {"version": version, "origin": "x"}]
        self.info = {"packages": every, **info}

    def plan(self, wanted: Settings) -> Plan:
        return make_plan(wanted, self.facts, self.info)


def test_a_fresh_host_gets_the_newest_with_its_helper_images_and_holds_both() -> None:
    plan = Host(offers=("18.2.0-1", "17.11.0-1")).plan(settings())
    assert plan.install == {RUNNER: "18.2.0-1", IMAGES: "18.2.0-1"}
    assert plan.hold == [RUNNER, IMAGES]
    assert (plan.current, plan.target, plan.runner_moves, plan.new) == (None, "18.2.0", True, [RUNNER, IMAGES])
    assert (plan.before, plan.errors, plan.notes, plan.set_aside) == ({}, [], [], [])


def test_an_upgrade_names_both_packages_and_how_they_were() -> None:
    plan = Host(both("17.11.0-1"), ("18.2.0-1", "17.11.0-1")).plan(settings(version="18.2.0"))
    assert plan.install == {RUNNER: "18.2.0-1", IMAGES: "18.2.0-1"}
    assert plan.before == {RUNNER: "17.11.0-1", IMAGES: "17.11.0-1"}
    assert (plan.held, plan.new, plan.back_to, plan.runner_moves) == ([RUNNER, IMAGES], [], "17.11.0", True)


@pytest.mark.parametrize(
    ("host", "changes"),
    [
        pytest.param(Host(both("18.2.0-1")), {"version": "18.2.0"}, id="the pinned version, and nobody read an index"),
        pytest.param(Host(both("18.2.0-1"), ("18.3.0-1",)), {"version": "18.2.0"}, id="a newer one is on offer"),
        pytest.param(Host(both("18.2.0-1"), ("18.2.0-1",)), {}, id="the newest"),
        pytest.param(Host(both("18.2.0-2"), ("18.2.0-1",)), {"version": "18.2.0"}, id="another build of the release"),
        pytest.param(Host(both("18.2.0-1", held=False)), {"version": "18.2.0", "hold": False}, id="no hold is wanted"),
        pytest.param(
            Host({RUNNER: package("18.2.0-1")}), {"version": "18.2.0"}, id="a package that needs no helper images"
        ),
        pytest.param(
            Host(both("18.2.0-1"), program=(LOCAL, "18.2.0")), {"version": "18.2.0"}, id="a link to the program"
        ),
    ],
)
def test_a_host_that_is_right_is_left_alone(host: Host, changes: dict[str, Any]) -> None:
    plan = host.plan(settings(**changes))
    assert (plan.errors, plan.changes, plan.install, plan.set_aside) == ([], False, {}, [])


@pytest.mark.parametrize(
    ("offer", "wanted", "install"),
    [
        pytest.param("17.6.1-1", True, {RUNNER: "17.6.1-1"}, id="before 17.7.0 there is no such package"),
        pytest.param("18.2.0-1", False, {RUNNER: "18.2.0-1"}, id="not wanted, so left to the package's dependencies"),
    ],
)
def test_without_helper_images(offer: str, wanted: bool, install: dict[str, str]) -> None:
    assert Host(offers=(offer,)).plan(settings(want_helper_images=wanted)).install == install


def test_helper_images_that_are_there_follow_the_runner_even_when_they_are_not_wanted() -> None:
    plan = Host(both("17.11.0-1"), ("18.2.0-1",)).plan(settings(want_helper_images=False))
    assert plan.install == {RUNNER: "18.2.0-1", IMAGES: "18.2.0-1"}


@pytest.mark.parametrize(
    ("packages", "program", "aside"),
    [
        pytest.param({}, (LOCAL, "16.0.0"), [LOCAL], id="a binary with its own unit"),
        pytest.param(
            {}, ("/usr/bin/gitlab-runner", "16.0.0"), ["/usr/bin/gitlab-runner"], id="a binary where the package's goes"
        ),
        pytest.param(both("18.2.0-1"), (LOCAL, "16.0.0"), [LOCAL], id="a binary that hides the package's"),
        pytest.param(both("18.2.0-1"), (LOCAL, "development version"), [LOCAL], id="somebody's own build"),
        pytest.param(both("17.11.0-1"), None, [], id="the package's own"),
    ],
)
def test_a_program_of_no_package_is_taken_over(
    packages: dict[str, Any], program: tuple[str, str] | None, aside: list[str]
) -> None:
    plan = Host(packages, ("18.2.0-1",), program).plan(settings())
    assert (plan.set_aside, plan.runner_moves, plan.errors) == (aside, True, [])
    assert all(path in plan.notes[-1] for path in aside)


def test_what_the_runner_was_called_before_goes_and_its_configuration_stays() -> None:
    plan = Host({OLD: package("9.5.0", held=False)}, ("18.2.0-1",), ("/usr/bin/gitlab-runner", "9.5.0")).plan(
        settings()
    )
    assert plan.remove == [OLD]
    assert plan.notes[0] == "gitlab-ci-multi-runner will be replaced; /etc/gitlab-runner stays as it is"


def test_an_interrupted_run_is_finished_and_its_way_back_kept() -> None:
    record = {"before": {RUNNER: "17.11.0-1", IMAGES: "17.11.0-1"}, "absent": [], "held": [RUNNER], "foreign": []}
    plan = Host(both("18.2.0-1"), interrupted=True, way_back=record).plan(settings(version="18.2.0"))
    assert (plan.heal, plan.unfinished, plan.changes, plan.back_to) == (True, True, True, "17.11.0")
    assert (plan.before, plan.held) == (record["before"], [RUNNER])


FILES = {RUNNER: "18.2.0-1", IMAGES: "18.2.0-1"}


@pytest.mark.parametrize(
    ("host", "wanted", "error"),
    [
        pytest.param(
            Host(both("18.2.0-1"), ("17.11.0-1",)), settings(version="17.11.0"),
            "gitlab_runner_source 'gitlab' with gitlab_runner_version '17.11.0' would take GitLab Runner back from "
            "18.2.0 to 17.11.0; set gitlab_runner_allow_downgrade: true if that is what you want", id="downgrade",
        ),
        pytest.param(
            Host(offers=("18.2.0-1", "17.11.0-1")), settings(version="18.9.0"),
            "gitlab_runner_version '18.9.0' is not to be had from gitlab_runner_source 'gitlab', which offers 18.2.0, "
            "17.11.0; choose one of these or 'latest'", id="unknown version",
        ),
        pytest.param(
            Host(), settings(),
            "gitlab_runner_source 'gitlab' has no package gitlab-runner for this host; use another "
            "gitlab_runner_source", id="nothing on offer",
        ),
        pytest.param(
            Host(both("17.11.0-1", ours=False), ("18.2.0-1",)), settings(),
            "gitlab-runner, gitlab-runner-helper-images is held on this host by somebody else, and "
            "gitlab_runner_version 'latest' would change it; run 'apt-mark unhold gitlab-runner "
            "gitlab-runner-helper-images' there or set gitlab_runner_lift_foreign_holds: true", id="foreign hold",
        ),
        pytest.param(
            Host(), settings("files", files={RUNNER: "18.2.0-1"}),
            "gitlab_runner_source 'files' has gitlab-runner 18.2.0-1 but no gitlab-runner-helper-images of that "
            "version; add it to gitlab_runner_files, or set gitlab_runner_helper_images: false for a package that does "
            "not depend on it", id="file of the helper images missing",
        ),
        pytest.param(
            Host(service_manager="other"), settings(),
            "gitlab_runner needs systemd, which is not what manages services on this host; use a host that boots with "
            "systemd", id="no systemd",
        ),
        pytest.param(
            Host(repository={"error": {"kind": "key_mismatch", "message": "it has another fingerprint."}}), settings(),
            "gitlab_runner_source 'gitlab' cannot be used: it has another fingerprint; compare "
            "gitlab_runner_repository_key_fingerprint with what the repository's owner publishes", id="another key",
        ),
        pytest.param(
            Host(program=(LOCAL, "18.1.0"), checksum=SUM), settings("binary", checksum=SUM, version="18.2.0"),
            f"the program with gitlab_runner_binary_checksum '{SUM}' says that it is 18.1.0, not gitlab_runner_version "
            "'18.2.0'; correct one of the two", id="binary of another version",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_nothing_is_planned(host: Host, wanted: Settings, error: str) -> None:
    plan = host.plan(wanted)
    assert plan.errors == [error]
    assert not plan.changes
    assert not plan.runner_moves


def test_given_files_are_installed_with_what_else_was_given() -> None:
    plan = Host(both("17.11.0-1")).plan(settings("files", version="18.2.0", files={**FILES, "git": "1:2.47-1"}))
    assert plan.install == {**FILES, "git": "1:2.47-1"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param(Host(checksum=""), (True, True, [], None), id="none yet"),
        pytest.param(Host(program=(LOCAL, "18.2.0"), checksum=SUM), (False, False, [], "18.2.0"), id="this one"),
        pytest.param(Host(program=(LOCAL, "18.1.0"), checksum="x"), (True, True, [], None), id="another one"),
        pytest.param(Host(both("18.2.0-1")), (True, True, [RUNNER, IMAGES], None), id="the packages"),
    ],
)
def test_a_binary_is_known_by_its_checksum(host: Host, expected: tuple[Any, ...]) -> None:
    plan = host.plan(settings("binary", checksum=SUM))
    assert (plan.binary, plan.runner_moves, plan.remove, plan.target) == expected
    assert (plan.install, plan.errors) == ({}, [])


@pytest.mark.parametrize(
    ("facts", "changes", "expected"),
    [
        pytest.param(None, {"version": "18.2.0"}, True, id="no runner"),
        pytest.param({"version": "18.2.0"}, {}, True, id="the newest is wanted"),
        pytest.param({"version": "18.2.0"}, {"version": "18.2.0"}, False, id="the pinned one is there"),
        pytest.param({"version": "18.1.0"}, {"version": "18.2.0"}, True, id="another one is there"),
        pytest.param({"version": None}, {"version": "18.2.0"}, True, id="one that does not say its version"),
        pytest.param(
            {"version": "18.2.0", "package": {"state": "half-configured"}}, {"version": "18.2.0"}, True, id="by halves"
        ),
        pytest.param(None, {"source": "files"}, False, id="given files"),
        pytest.param(None, {"source": "binary"}, False, id="a binary"),
    ],
)
def test_the_index_is_read_only_where_something_is_to_be_had(
    facts: dict[str, Any] | None, changes: dict[str, Any], expected: bool
) -> None:
    assert needs_index(settings(**{"source": "gitlab", **changes}), {"gitlab_runner": facts}) is expected


versions = st.sampled_from(["16.0.0-1", "17.6.0-1", "17.11.0-1", "18.2.0-1", "18.3.0-1"])


@given(st.none() | versions, st.lists(versions, unique=True), st.none() | versions, st.booleans())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    installed: str | None, offers: list[str], pinned: str | None, hold: bool
) -> None:
    there: dict[str, Any] = {}
    if installed:
        there = both(installed) if has_images(installed) else {RUNNER: package(installed)}
    wanted = settings(version=pinned.partition("-")[0] if pinned else "latest", hold=hold, allow_downgrade=True)
    plan = Host(there, tuple(offers)).plan(wanted)
    if plan.errors:
        assert not plan.changes
        return
    after = {**there, **{name: package(version) for name, version in plan.install.items()}}
    after = {name: {**found, "held": hold, "held_by_us": hold} for name, found in after.items()}
    again = Host(after, tuple(offers)).plan(wanted)
    assert (again.changes, again.errors, again.install) == (False, [], {})
