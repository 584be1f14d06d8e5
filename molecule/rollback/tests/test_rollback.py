"""The engine on offer is poisoned: its daemon ends at once. The host goes back to the packages that worked."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from testinfra.host import Host

from tests.support.hosts import engine_version, held, inspect, name_of, start_canary
from tests.support.plays import Played, play

POISONED = {"docker_engine_source": "docker", "docker_engine_repository_channels": ["stable", "test"]}
PACKAGES = "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n'"


class Attempt(NamedTuple):
    """The host before, and the run that failed."""

    canary: dict[str, Any]
    engine: str
    held: set[str]
    installed: set[str]
    played: Played


def installed(host: Host) -> set[str]:
    """Packages and versions that are installed, held or not."""
    return {
        line.partition(" ")[2] for line in host.check_output(PACKAGES).splitlines() if line.startswith(("ii", "hi"))
    }


@pytest.fixture(name="attempt", scope="module")
def _attempt(host: Host) -> Attempt:
    canary = start_canary(host)
    before = engine_version(host), held(host), installed(host)
    return Attempt(canary, *before, play(name_of(host), POISONED))


def test_the_run_fails_and_says_why_in_the_daemons_own_words(attempt: Attempt) -> None:
    assert attempt.played.code != 0
    last = attempt.played.failures[-1]
    assert last.startswith("The move to Docker Engine 28.0.0 failed, and this host is back on 20.10.24. The reason: ")
    assert "lab: this daemon cannot start" in last


def test_the_engine_that_worked_runs_again(host: Host, attempt: Attempt) -> None:
    assert engine_version(host) == attempt.engine
    assert host.check_output("docker run --rm lab/busybox:1 echo from inside") == "from inside"


def test_the_same_packages_are_installed_and_held_as_before(host: Host, attempt: Attempt) -> None:
    # Libraries that the poisoned packages brought along may stay; nothing that was there may be missing.
    assert attempt.installed - installed(host) == set()
    assert held(host) == attempt.held
    assert host.check_output("dpkg --audit") == ""


def test_the_container_ran_through_it_all(host: Host, attempt: Attempt) -> None:
    after = inspect(host)
    assert after["State"]["Running"]
    assert after["State"]["StartedAt"] == attempt.canary["State"]["StartedAt"]
    assert after["State"]["Pid"] == attempt.canary["State"]["Pid"]


def test_a_good_engine_can_be_installed_afterwards(host: Host, attempt: Attempt) -> None:
    again = play(name_of(host), {"docker_engine_source": "docker"})
    assert again.code == 0, again.output
    assert engine_version(host).startswith("26.1.5")
    assert inspect(host)["State"]["Pid"] == attempt.canary["State"]["Pid"]
