# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Laws of the model over all releases in its tables; and by name each law that one would expect and that fails."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import NAMES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import predict
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

ROWS = [str(version) for row in tables.DOCKER for version in (row.first, row.last)]
ENGINES = ["17.12.1", *ROWS, "20.10.28", "24.0.10", "28.1.2", "30.0.0"]
PODMANS = ["podman 3.4.4", "podman 4.0.0", "podman 5.4.2"]
RUNCS = ["1.0.0-rc10", "1.0.0-rc91", "1.0.0-rc92", "1.0.0-rc93", "1.0.0-rc95", "1.0.3", "1.1.2", "1.1.3", "1.1.14",
         "1.1.15", "1.2.0-rc.1", "1.2.0", "1.3.6"]  # fmt: skip
LIBRARIES = ["2.3.1", *sorted({str(one.libseccomp) for one in tables.CALLS.values()}, key=EngineVersion.parse), "2.7.0"]
KERNELS = ["4.4.0", *sorted({str(one.kernel) for one in tables.CALLS.values()}, key=EngineVersion.parse), "7.0.0"]
CAPABILITIES = sorted(set(tables.CAPABILITIES.values()))

engines = st.sampled_from(ENGINES)
runcs = st.sampled_from(RUNCS)
libraries = st.sampled_from(LIBRARIES)
kernels = st.sampled_from(KERNELS)
architectures = st.sampled_from(tables.ARCHITECTURES)
calls = st.sampled_from(NAMES)
capability_sets = st.sampled_from(
    [frozenset(some) for size in range(len(CAPABILITIES) + 1) for some in itertools.combinations(CAPABILITIES, size)]
)


def older_and_newer(releases: list[str]) -> st.SearchStrategy[tuple[str, str]]:
    pairs = st.tuples(st.sampled_from(releases), st.sampled_from(releases))
    return pairs.map(lambda pair: tuple(sorted(pair, key=EngineVersion.parse)))  # type: ignore[arg-type, return-value]


@given(
    st.one_of(engines, st.sampled_from(PODMANS)), st.one_of(st.none(), st.just("crun"), runcs),
    st.one_of(st.none(), libraries), st.one_of(st.none(), kernels), architectures, calls, capability_sets,
)  # fmt: skip
def test_law_every_question_has_one_answer_and_reasons(
    engine: str,
    runc: str | None,
    library: str | None,
    kernel: str | None,
    arch: str,
    call: str,
    capabilities: frozenset[str],
) -> None:
    first = predict(engine, runc, library, kernel, arch, call, capabilities=capabilities)
    assert first == predict(engine, runc, library, kernel, arch, call, capabilities=capabilities)
    assert first.answer in ("allowed", "ENOSYS", "EPERM")
    assert first.reasons
    assert all(reason and not reason.endswith((" ", ".")) for reason in first.reasons)
    if None in (runc, library, kernel) and tables.numbers(arch).get(call) and first.answer == "allowed":
        assert not first.certain


@given(engines, runcs, libraries, older_and_newer(KERNELS), architectures, calls)
def test_law_a_newer_kernel_only_turns_enosys_into_allowed(
    engine: str, runc: str, library: str, pair: tuple[str, str], arch: str, call: str
) -> None:
    before, after = (predict(engine, runc, library, kernel, arch, call).answer for kernel in pair)
    assert before == after or (before, after) == ("ENOSYS", "allowed")


@given(engines, runcs, older_and_newer(LIBRARIES), kernels, architectures, calls)
def test_law_what_is_allowed_stays_allowed_when_libseccomp_grows(
    engine: str, runc: str, pair: tuple[str, str], kernel: str, arch: str, call: str
) -> None:
    before, after = (predict(engine, runc, library, kernel, arch, call).answer for library in pair)
    assert before != "allowed" or after == "allowed"


@given(engines, libraries, kernels, architectures, calls)
def test_law_the_stub_never_brings_an_eperm(engine: str, library: str, kernel: str, arch: str, call: str) -> None:
    without, stub = (predict(engine, runc, library, kernel, arch, call).answer for runc in ("1.0.0-rc92", "1.3.6"))
    assert stub == without or (without, stub) == ("EPERM", "ENOSYS")


@given(engines, older_and_newer(RUNCS), libraries, kernels, architectures, calls)
def test_law_a_newer_runc_only_turns_eperm_into_enosys_but_for_ppc64le(
    engine: str, pair: tuple[str, str], library: str, kernel: str, arch: str, call: str
) -> None:
    assume(arch != "ppc64le")
    before, after = (predict(engine, runc, library, kernel, arch, call).answer for runc in pair)
    assert before == after or (before, after) == ("EPERM", "ENOSYS")


@given(engines, runcs, libraries, kernels, architectures, calls, capability_sets, capability_sets)
def test_law_a_capability_never_takes_anything_away(
    engine: str, runc: str, library: str, kernel: str, arch: str, call: str, some: frozenset[str], more: frozenset[str]
) -> None:
    before, after = (
        predict(engine, runc, library, kernel, arch, call, capabilities=having).answer for having in (some, some | more)
    )
    # On a kernel without the call a blocked one comes to answer ENOSYS.
    assert before == after or after == "allowed" or (before, after) == ("EPERM", "ENOSYS")


@given(engines, runcs, libraries, kernels, calls)
def test_law_calls_with_common_numbers_are_the_same_on_x86_64_and_aarch64(
    engine: str, runc: str, library: str, kernel: str, call: str
) -> None:
    x86, arm = (predict(engine, runc, library, kernel, arch, call).answer for arch in ("x86_64", "aarch64"))
    assert x86 == arm


@given(engines, runcs, libraries, kernels, architectures, calls)
@example("20.10.10", "1.0.0-rc93", "2.4.2", "6.18", "x86_64", "clone3")
def test_law_a_profile_says_the_same_when_it_is_handed_over(
    engine: str, runc: str, library: str, kernel: str, arch: str, call: str
) -> None:
    row, _ = tables.docker_row(EngineVersion.parse(engine))
    rules = dict.fromkeys(row.allow, "SCMP_ACT_ALLOW") | dict.fromkeys(row.enosys, "SCMP_ACT_ERRNO:38")
    given_filter = {"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": rules}
    handed = predict(engine, runc, library, kernel, arch, call, filter_=given_filter)
    assert handed.answer == predict(engine, runc, library, kernel, arch, call).answer


@given(runcs, libraries, kernels, architectures, calls)
def test_law_without_a_filter_only_the_kernel_counts(
    runc: str, library: str, kernel: str, arch: str, call: str
) -> None:
    nothing: dict[str, Any] = {"default": None, "default_errno": None, "rules": {}}
    found = predict("18.09.0", runc, library, kernel, arch, call, filter_=nothing)
    has = call in tables.numbers(arch) and EngineVersion.parse(kernel) >= tables.CALLS[call].kernel
    assert found.answer == ("allowed" if has else "ENOSYS")


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_law_any_one_remedy_of_2021_is_enough_for_faccessat2(arch: str) -> None:
    recent = [runc for runc in RUNCS if EngineVersion.parse(runc) >= EngineVersion.parse("1.0.0-rc93")]
    for engine, runc, library in itertools.product(ENGINES, recent, LIBRARIES):
        assert predict(engine, runc, library, "5.10", arch, "faccessat2").answer != "EPERM"
    engines_since = [engine for engine in ENGINES if EngineVersion.parse(engine) >= EngineVersion.parse("20.10.0")]
    libraries_since = [one for one in LIBRARIES if EngineVersion.parse(one) >= EngineVersion.parse("2.4.4")]
    for engine, runc, library in itertools.product(engines_since, RUNCS, libraries_since):
        assert predict(engine, runc, library, "5.10", arch, "faccessat2").answer == "allowed"


# The laws that one would expect and that do not hold: a step forward that changes an answer for the worse.


def step(before: tuple[str, str, str], after: tuple[str, str, str], call: str, arch: str = "x86_64") -> tuple[str, str]:
    """The answers of two sets of (engine, runc, libseccomp) on a kernel that has everything."""
    return predict(*before, "7.0", arch, call).answer, predict(*after, "7.0", arch, call).answer


def test_no_law_a_newer_libseccomp_can_turn_enosys_into_eperm() -> None:
    # The library learns epoll_pwait2 (441), which the profile allows: process_madvise (440) comes to lie in between.
    before, after = ("20.10.5", "1.0.0-rc93", "2.4.4"), ("20.10.5", "1.0.0-rc93", "2.5.2")
    assert step(before, after, "process_madvise") == ("ENOSYS", "EPERM")


def test_no_law_a_longer_profile_can_turn_enosys_into_eperm() -> None:
    # 20.10.4 allows epoll_pwait2 and so lifts process_madvise's limit, which it does not allow.
    before, after = ("20.10.3", "1.0.0-rc93", "2.5.2"), ("20.10.4", "1.0.0-rc93", "2.5.2")
    assert step(before, after, "process_madvise") == ("ENOSYS", "EPERM")


def test_no_law_a_newer_engine_can_take_the_way_back_from_clone3() -> None:
    # 19.03 names nothing that high, so programs fall back; 20.10.0 allows faccessat2 (439), and threads fail.
    before, after = ("19.03.15", "1.0.0-rc93", "2.4.4"), ("20.10.0", "1.0.0-rc93", "2.4.4")
    assert step(before, after, "clone3") == ("ENOSYS", "EPERM")


def test_no_law_a_newer_engine_can_block_what_an_older_one_allowed() -> None:
    before, after = ("24.0.9", "1.1.12", "2.5.4"), ("25.0.0", "1.1.12", "2.5.4")
    for call in ("io_uring_setup", "io_uring_enter", "io_uring_register"):
        assert step(before, after, call) == ("allowed", "EPERM")


def test_no_law_a_newer_line_can_lack_what_was_carried_back_to_an_older_one() -> None:
    before, after = ("23.0.18", "1.1.12", "2.5.5"), ("24.0.0", "1.1.12", "2.5.5")
    assert step(before, after, "fchmodat2") == ("allowed", "ENOSYS")


def test_no_law_a_newer_runc_can_lack_the_stub_on_ppc64le() -> None:
    before, after = ("26.1.5", "1.1.15", "2.5.5"), ("26.1.5", "1.2.0-rc.1", "2.5.5")
    assert step(before, after, "mseal", "ppc64le") == ("ENOSYS", "EPERM")


def test_no_law_libseccomp_did_not_learn_calls_in_the_order_of_their_numbers() -> None:
    # 2.4.4 knows 437 to 439 and not 436 (close_range, since 2.5.2): allowed by the profile, and blocked all the same.
    older, old = ("20.10.5", "1.0.0-rc93", "2.4.2"), ("20.10.5", "1.0.0-rc93", "2.4.4")
    assert step(older, old, "close_range") == ("ENOSYS", "EPERM")
    assert step(old, ("20.10.5", "1.0.0-rc93", "2.5.2"), "close_range") == ("EPERM", "allowed")


def test_no_law_the_stub_does_not_make_everything_unknown_fall_back() -> None:
    assert predict("20.10.6", "1.0.0-rc93", "2.5.2", "6.1", "x86_64", "clone3").answer == "EPERM"


def test_no_law_gitlabs_floor_is_neither_needed_nor_enough() -> None:
    assert predict("19.03.15", "1.0.0-rc93", "2.4.1", "6.1", "x86_64", "faccessat2").answer == "ENOSYS"
    assert predict("20.10.6", "1.0.0-rc92", "2.4.3", "6.1", "x86_64", "faccessat2").answer == "EPERM"


def test_no_law_an_old_kernel_does_not_turn_a_blocked_call_into_one_that_falls_back() -> None:
    assert predict("19.03.15", "1.0.0-rc92", "2.4.4", "4.4.0", "x86_64", "faccessat2").answer == "EPERM"


def test_no_law_a_call_of_a_newer_engine_is_not_there_with_an_old_library() -> None:
    assert predict("29.7.2", "1.3.6", "2.4.1", "6.18", "x86_64", "faccessat2").answer == "ENOSYS"
    assert predict("29.7.2", "1.0.0-rc92", "2.4.1", "6.18", "x86_64", "faccessat2").answer == "EPERM"
