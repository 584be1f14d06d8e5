"""What containers may do on hosts with the engines of their distributions."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import pytest
import testinfra
from testinfra.host import Host

from tests.support.audits import Audit, answers, audit
from tests.support.hosts import inspect, name_of, note_time, touched
from tests.support.plays import inventory, module_seconds

ALLOWED, EPERM, ENOSYS = "allowed", "EPERM", "ENOSYS"
# Seen with a program of another make (a container started by hand, the calls made one by one).
SEEN_BY_HAND: dict[str, tuple[str, str, str]] = {
    # call: Debian 11 with 20.10.5, Debian 12 with 20.10.24, Debian 13 with 26.1.5
    "clone3": (ENOSYS, ENOSYS, ENOSYS),
    "close_range": (ALLOWED, ALLOWED, ALLOWED),
    "openat2": (ALLOWED, ALLOWED, ALLOWED),
    "faccessat2": (ALLOWED, ALLOWED, ALLOWED),
    "epoll_pwait2": (ALLOWED, ALLOWED, ALLOWED),
    "io_uring_setup": (ALLOWED, ALLOWED, EPERM),
    "pidfd_getfd": (EPERM, EPERM, EPERM),
    "process_madvise": (EPERM, EPERM, EPERM),
    "mount_setattr": (ENOSYS, EPERM, EPERM),
    "quotactl_fd": (ENOSYS, EPERM, EPERM),
    "landlock_create_ruleset": (ENOSYS, ALLOWED, ALLOWED),
    "memfd_secret": (ENOSYS, ALLOWED, ALLOWED),
    "process_mrelease": (ENOSYS, ALLOWED, ALLOWED),
    "futex_waitv": (ENOSYS, ALLOWED, ALLOWED),
    "set_mempolicy_home_node": (ENOSYS, ENOSYS, EPERM),
    "cachestat": (ENOSYS, ENOSYS, ALLOWED),
    "fchmodat2": (ENOSYS, ENOSYS, ALLOWED),
    "futex_wake": (ENOSYS, ENOSYS, ALLOWED),
    "statmount": (ENOSYS, ENOSYS, ENOSYS),
    "mseal": (ENOSYS, ENOSYS, ENOSYS),
    "setxattrat": (ENOSYS, ENOSYS, ENOSYS),
    "file_getattr": (ENOSYS, ENOSYS, ENOSYS),
}
HOSTS = ("readiness-debian11", "readiness-debian12", "readiness-debian13")
STATE = (
    "docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}'",
    "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Image}}'",
    "docker volume ls",
    "docker network ls --no-trunc",
    "ls -A /run /tmp /var/lib/runnerkit",
)


class Looked(NamedTuple):
    """One audit of all hosts, and what it found changed on each afterwards."""

    seen: Audit
    touched: dict[str, list[str]]
    before: dict[str, Any]
    after: dict[str, Any]


def state(host: Host) -> dict[str, Any]:
    """What the engine and its folders hold; it lists images of one second in any order."""
    held = {command: sorted(host.check_output(command).splitlines()) for command in STATE}
    return {**held, "canary": inspect(host)}


@functools.cache
def looked(inventory: str) -> Looked:
    """As loud as it gets, with programs of musl on top: for all tests that only read."""
    hosts = {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory) for name in HOSTS}
    for host in hosts.values():
        note_time(host)
    before = {name: state(host) for name, host in hosts.items()}
    wanted = {
        "docker_engine_minimum_version": "20.10.5",
        "readiness_show_calls": True,
        "readiness_behaviour_images": ["lab/musl:1"],
    }
    seen = audit(",".join(HOSTS), wanted)
    changed = {name: touched(host) for name, host in hosts.items()}
    return Looked(seen, changed, before, {name: state(host) for name, host in hosts.items()})


@functools.cache
def checked() -> Audit:
    """The same in check mode."""
    return audit(",".join(HOSTS), {"docker_engine_minimum_version": "20.10.5"}, ["--check"])


@pytest.fixture(name="all_of_it")
def _all_of_it() -> Looked:
    return looked(inventory())


@pytest.fixture(name="entry")
def _entry(host: Host, all_of_it: Looked) -> dict[str, Any]:
    return all_of_it.seen.host(name_of(host))


def test_the_measured_table_is_the_one_that_was_seen_by_hand(host: Host, entry: dict[str, Any]) -> None:
    column = HOSTS.index(name_of(host))
    measured = answers(entry)
    assert {call: measured[call] for call in SEEN_BY_HAND} == {call: row[column] for call, row in SEEN_BY_HAND.items()}


def test_every_recent_call_of_the_architecture_was_measured(entry: dict[str, Any]) -> None:
    assert len(answers(entry)) == 49
    assert entry["layers"][0]["state"] == "measured"


def test_where_the_versions_would_have_said_something_else_the_reason_is_known(entry: dict[str, Any]) -> None:
    differ = [row for row in entry["calls"] if row["measured"] != row["model"]]
    assert [row for row in differ if not row["explained"]] == []
    assert all(row["reason"] for row in differ)


def test_versions_alone_would_have_misled_on_debian_11(entry: dict[str, Any]) -> None:
    if entry["name"] != "readiness-debian11":
        return
    differ = {row["call"] for row in entry["calls"] if row["measured"] != row["model"]}
    assert {"clone3", "close_range"} <= differ


def test_the_table_is_printed_with_the_model_beside_it(host: Host, all_of_it: Looked) -> None:
    output = all_of_it.seen.played.output
    assert name_of(host) in output
    for call in SEEN_BY_HAND:
        assert call in output


def test_such_a_host_is_ready(entry: dict[str, Any]) -> None:
    assert entry["state"] == "ready", entry["findings"]
    assert {cell["state"] for cell in entry["cells"].values()} == {"ready"}


def test_the_layer_takes_at_most_a_second_and_a_half(host: Host) -> None:
    assert module_seconds(host, "seccomp_probe", runs=5).clock <= 1.5


def test_an_audit_leaves_the_host_as_it_was(host: Host, all_of_it: Looked) -> None:
    name = name_of(host)
    # Everything that the engine itself keeps is compared by what it says of it.
    kept = ("/var/lib/docker", "/var/lib/containerd")
    assert [path for path in all_of_it.touched[name] if not path.startswith(kept)] == []
    assert all_of_it.after[name] == all_of_it.before[name]
    assert all_of_it.seen.played.changed == []


def test_musl_programs_run(entry: dict[str, Any]) -> None:
    # They were among what was tried; one that fails is a finding.
    assert entry["state"] == "ready", entry["findings"]


def test_check_mode_looks_as_well(host: Host) -> None:
    assert checked().played.code == 0, checked().played.output
    assert len(answers(checked().host(name_of(host)))) == 49
