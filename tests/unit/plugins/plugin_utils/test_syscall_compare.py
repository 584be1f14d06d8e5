# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What was measured on stock hosts beside the model: fixtures/measured-*.json hold real facts and a real probe."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import Row, compare

FIXTURES = pathlib.Path(__file__).with_name("fixtures")
HOSTS = ("debian11", "debian12", "debian13")


def measured(host: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Facts, probe and the host's layer."""
    content = json.loads((FIXTURES / f"measured-{host}.json").read_text(encoding="utf-8"))
    return content["facts"], content["probe"], content["probe"]["layers"][0]


def rows_of(host: str) -> dict[str, Row]:
    return {row.call: row for row in compare(*measured(host))}


@pytest.mark.parametrize("host", HOSTS)
def test_with_what_was_read_on_the_host_the_model_is_right_about_every_call(host: str) -> None:
    rows = rows_of(host)
    assert len(rows) == 49
    assert {call: row.refined for call, row in rows.items()} == {call: row.measured for call, row in rows.items()}


@pytest.mark.parametrize("host", HOSTS)
def test_every_difference_to_the_version_rules_is_explained(host: str) -> None:
    for row in rows_of(host).values():
        assert row.explained
        assert (row.reason is None) == (row.model == row.measured)


PROFILE = "the default profile of this engine's package differs from upstream's"
READ = "(read from the container's OCI configuration)"
FILE = "the container ran under /etc/docker/seccomp.json, not under the engine's default profile"
BETWEEN = "and process_madvise (440) is not above that"
LATER = "knows epoll_pwait2, upstream's learned it in 2.5.2"

# The differences that there are, each with its reason; everything else is as upstream's rules have it.
DIFFERENCES = {
    "debian11": {
        "clone3": ("ENOSYS", "EPERM", f"{PROFILE} 20.10.5: it answers ENOSYS to clone3 {READ}"),
        "close_range": (
            "allowed",
            "EPERM",
            "this host's libseccomp 2.5.1 knows close_range, upstream's learned it in 2.5.2",
        ),
        "process_madvise": (
            "EPERM",
            "ENOSYS",
            f"this host's libseccomp 2.5.1 {LATER}: so the highest known call is epoll_pwait2 (441), {BETWEEN}",
        ),
        "epoll_pwait2": ("allowed", "ENOSYS", f"this host's libseccomp 2.5.1 {LATER}"),
    },
    "debian12": {},
    "debian13": {
        "map_shadow_stack": (
            "ENOSYS",
            "allowed",
            "this kernel 6.18.44 answers ENOSYS to map_shadow_stack itself: built without it, or with it switched off",
        ),
    },
}


@pytest.mark.parametrize("host", HOSTS)
def test_the_differences_on_stock_hosts(host: str) -> None:
    found = {
        row.call: (row.measured, row.model, row.reason) for row in rows_of(host).values() if row.measured != row.model
    }
    assert found == DIFFERENCES[host]


def test_rows_come_in_the_order_of_their_numbers_and_as_plain_data() -> None:
    rows = compare(*measured("debian11"))
    numbers = [row.number for row in rows]
    assert numbers == sorted(number for number in numbers if number is not None)
    assert rows[0].as_dict() == {
        "call": "statx",
        "number": 332,
        "measured": "allowed",
        "by": None,
        "model": "allowed",
        "refined": "allowed",
        "reason": None,
        "explained": True,
    }


def changed(host: str, **changes: Any) -> dict[str, Row]:
    """The rows of a host whose layer, kernel or answers are not as they were measured."""
    facts, probe, layer = copy.deepcopy(measured(host))
    for call, answer in changes.pop("answers", {}).items():
        layer["calls"][call] = {"answer": answer, "by": "profile", "errno": None}
    for key in ("kernel",):
        probe[key] = changes.pop(key, probe[key])
    facts.update(changes.pop("facts", {}))
    layer.update(changes)
    return {row.call: row for row in compare(facts, probe, layer)}


@pytest.mark.parametrize(
    ("host", "changes", "call", "reason"),
    [
        pytest.param(
            "debian12",
            {
                "profile": "/etc/docker/seccomp.json",
                "filter": {"default": "SCMP_ACT_TRACE", "default_errno": None, "rules": {"statx": "SCMP_ACT_ALLOW"}},
                "answers": {"process_madvise": "ENOSYS"},
            },
            "process_madvise",
            f"{FILE}: it leaves to a tracer, and without one answers ENOSYS to what it does not name {READ}",
            id="a profile with another default",
        ),
        pytest.param(
            "debian12",
            {
                "profile": "/etc/docker/seccomp.json",
                "filter": {"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": {"openat2": "SCMP_ACT_ALLOW"}},
                "answers": {"faccessat2": "ENOSYS"},
            },
            "faccessat2",
            f"{FILE}: it does not name faccessat2 {READ}",
            id="a profile that lacks a call",
        ),
        pytest.param(
            "debian12",
            {
                "filter": {
                    "default": "SCMP_ACT_ERRNO",
                    "default_errno": None,
                    "rules": {"fchmodat2": "SCMP_ACT_ALLOW"},
                },
                "facts": {"libseccomp": {"version": "2.5.5", "syscalls": {}}, "runc": {"version": "1.1.5"}},
                "answers": {"set_mempolicy_home_node": "EPERM"},
            },
            "set_mempolicy_home_node",
            f"{PROFILE} 20.10.24: its highest known call is fchmodat2 (452), and set_mempolicy_home_node (450) is not "
            f"above that {READ}",
            id="a package's profile that names a higher call",
        ),
        pytest.param(
            "debian12",
            {"filter": {"default": None, "default_errno": None, "rules": {}}, "answers": {"fsopen": "allowed"}},
            "fsopen",
            f"the container ran without a seccomp profile {READ}",
            id="no profile although the engine says it has one",
        ),
        pytest.param(
            "debian13",
            {
                "kernel": {"release": "4.18.0", "calls": {"openat2": "present"}, "reason": None},
                "facts": {"kernel": {"release": "4.18.0"}},
            },
            "openat2",
            "this kernel 4.18.0 has openat2, upstream's came with 5.6: it was carried back",
            id="a kernel with a call carried back",
        ),
        pytest.param(
            "debian13",
            {"answers": {"mseal": "killed"}},
            "mseal",
            None,
            id="nothing that was read explains it",
        ),
        pytest.param(
            "debian11",
            {"filter": None},
            "clone3",
            None,
            id="a profile that could not be read explains nothing",
        ),
    ],
)
def test_reasons_are_drawn_from_evidence(host: str, changes: dict[str, Any], call: str, reason: str | None) -> None:
    row = changed(host, **changes)[call]
    assert row.model != row.measured
    assert (row.reason, row.explained) == (reason, reason is not None)


def test_evidence_is_combined_where_one_piece_is_not_enough() -> None:
    # A package's profile that allows fchmodat2, and a library that knows it ahead of its release.
    rules = {"fchmodat2": "SCMP_ACT_ALLOW"}
    row = changed(
        "debian12",
        filter={"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": rules},
        facts={"libseccomp": {"version": "2.5.4", "syscalls": {"fchmodat2": 452}}},
        answers={"fchmodat2": "allowed"},
    )["fchmodat2"]
    assert row.reason == (
        f"{PROFILE} 20.10.24: it allows fchmodat2 {READ}; "
        "this host's libseccomp 2.5.4 knows fchmodat2, upstream's learned it in 2.5.5"
    )


def test_the_hosts_library_explains_nothing_about_a_runc_with_its_own() -> None:
    rows = changed("debian11", facts={"runc": {"version": "1.0.0-rc93", "libseccomp": "2.5.2"}})
    assert rows["close_range"].model == "allowed"
    rows = changed(
        "debian11", image="docker:20.10.5-dind", layer="dind", engine={"name": "docker", "version": "20.10.5"}
    )
    assert rows["clone3"].explained
    assert "libseccomp" not in (rows["clone3"].reason or "")


def test_a_rule_that_got_lost_between_profile_and_filter_tells_what_the_layers_library_lacks() -> None:
    row = changed(
        "debian12",
        image="docker:20.10.5-dind", layer="dind", engine={"name": "docker", "version": "20.10.5", "runc": "1.1.5"},
        facts={"libseccomp": None}, answers={"faccessat2": "EPERM"},
    )["faccessat2"]  # fmt: skip
    assert (row.measured, row.model, row.refined) == ("EPERM", "allowed", "EPERM")
    assert row.reason == (
        "the profile lets faccessat2 through, and the filter refuses it all the same: the libseccomp of this layer's "
        "runtime does not know faccessat2, so that its rule was dropped"
    )


def test_a_kernel_that_was_not_asked_explains_nothing() -> None:
    rows = changed("debian13", kernel={"release": "6.18.0", "calls": None, "reason": "Seccomp: 2"})
    assert not rows["map_shadow_stack"].explained


def test_without_an_engine_there_is_a_row_and_no_model() -> None:
    rows = changed("debian11", engine={"name": "docker", "version": None})
    assert rows["statx"] == Row("statx", None, "allowed", None, None, None, None, explained=False)


def test_a_call_that_is_not_in_the_table_is_kept() -> None:
    rows = changed("debian11", answers={"uretprobe": "ENOSYS"})
    assert rows["uretprobe"] == Row("uretprobe", None, "ENOSYS", "profile", None, None, None, explained=False)


def test_a_layer_that_was_not_measured_has_no_rows() -> None:
    facts, probe, layer = measured("debian11")
    assert compare(facts, probe, {**layer, "state": "unknown", "calls": {}, "engine": None, "filter": None}) == []
