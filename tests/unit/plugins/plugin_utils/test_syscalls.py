# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscalls import predict

OLD = ("19.03.15", "1.0.0-rc10", "2.4.3", "5.10.0")
STOCK = ("20.10.24", "1.1.5", "2.5.4", "6.1.0")
NEW = ("29.7.2", "1.3.6", "2.6.1", "6.18.0")


@pytest.mark.parametrize(
    ("versions", "arch", "call", "answer", "telling"),
    [
        pytest.param(OLD, "x86_64", "faccessat2", "EPERM", "has no working ENOSYS stub", id="the trouble of 2021"),
        pytest.param(
            ("19.03.15", "1.0.0-rc93", "2.4.3", "5.10.0"),
            "x86_64",
            "faccessat2",
            "ENOSYS",
            "439 is above 333 (io_pgetevents)",
            id="any one will do: runc with the stub",
        ),
        pytest.param(
            ("20.10.0", "1.0.0-rc92", "2.4.4", "5.10.0"),
            "x86_64",
            "faccessat2",
            "allowed",
            "allows faccessat2 (439)",
            id="any one will do: Docker 20.10 and libseccomp 2.4.4",
        ),
        pytest.param(
            ("20.10.0", "1.0.0-rc92", "2.4.3", "5.10.0"),
            "x86_64",
            "faccessat2",
            "EPERM",
            "libseccomp 2.4.3 does not know it (since 2.4.4): no rule",
            id="Docker 20.10 alone is not enough",
        ),
        pytest.param(
            ("20.10.6", "1.0.0-rc93", "2.5.1", "5.10.0"),
            "x86_64",
            "clone3",
            "EPERM",
            "435 is not above 439 (faccessat2)",
            id="GitLab's floor does not let glibc 2.34 fall back",
        ),
        pytest.param(
            ("20.10.10", "1.0.0-rc93", "2.5.1", "5.10.0"),
            "x86_64",
            "clone3",
            "ENOSYS",
            "answers ENOSYS to clone3",
            id="since 20.10.10 a rule of the profile lets it",
        ),
        pytest.param(
            ("20.10.10", "1.0.0-rc90", "2.5.1", "5.10.0"),
            "x86_64",
            "clone3",
            "EPERM",
            "error numbers are passed on since 1.0.0-rc91",
            id="but not with a runc that drops error numbers",
        ),
        pytest.param(
            ("20.10.10", "1.0.0-rc93", "2.4.1", "5.10.0"),
            "x86_64",
            "clone3",
            "ENOSYS",
            "435 is above 334 (rseq)",
            id="and with a library that does not know the call the stub does it",
        ),
        pytest.param(
            STOCK, "x86_64", "close_range", "allowed", "kernel 6.1.0 has it (since 5.9)", id="allowed and there"
        ),
        pytest.param(
            ("20.10.24", "1.1.5", "2.5.4", "5.4.0-150-generic"),
            "x86_64",
            "close_range",
            "ENOSYS",
            "kernel 5.4.0 does not have it (since 5.9)",
            id="allowed by the filter and unknown to an old kernel",
        ),
        pytest.param(
            ("19.03.15", "1.0.0-rc10", "2.4.3", "4.19.0"),
            "x86_64",
            "faccessat2",
            "EPERM",
            "does not name faccessat2",
            id="the filter comes before the kernel",
        ),
        pytest.param(
            STOCK, "x86_64", "process_madvise", "EPERM", "only with CAP_SYS_PTRACE", id="a call for a capability"
        ),
        pytest.param(
            STOCK, "x86_64", "cachestat", "ENOSYS", "451 is above 449 (futex_waitv)", id="newer than the profile"
        ),
        pytest.param(
            NEW, "x86_64", "io_uring_setup", "EPERM", "does not name io_uring_setup", id="taken out on purpose"
        ),
        pytest.param(NEW, "x86_64", "mseal", "allowed", "Docker 29.7.2 allows mseal", id="the newest row"),
        pytest.param(NEW, "x86_64", "file_getattr", "ENOSYS", "468 is above 466", id="newer than every profile"),
        pytest.param(
            NEW, "aarch64", "statx", "allowed", "statx (291)", id="aarch64 has numbers of its own for old ones"
        ),
        pytest.param(NEW, "arm64", "faccessat2", "allowed", "faccessat2 (439)", id="and the common ones for new ones"),
        pytest.param(
            NEW,
            "x86_64",
            "futex_time64",
            "ENOSYS",
            "no call of this architecture (x86_64)",
            id="a 64-bit architecture has no time64 calls",
        ),
        pytest.param(
            ("19.03.8", "1.0.0-rc10", "2.4.3", "5.10.0"),
            "armv7l",
            "clock_gettime64",
            "EPERM",
            "does not name",
            id="32-bit ARM before 19.03.9: the clock reads 1970",
        ),
        pytest.param(
            ("19.03.9", "1.0.0-rc10", "2.4.3", "5.10.0"),
            "armv7l",
            "clock_gettime64",
            "allowed",
            "clock_gettime64 (403)",
            id="32-bit ARM since 19.03.9",
        ),
        pytest.param(
            ("19.03.9", "1.0.0-rc10", "2.4.1", "5.10.0"),
            "i686",
            "clock_gettime64",
            "EPERM",
            "does not know it (since 2.4.2)",
            id="32-bit x86 with a library that is too old",
        ),
        pytest.param(STOCK, "armv7l", "cachestat", "EPERM", "set_tls", id="the stub never works on 32-bit ARM"),
        pytest.param(
            ("20.10.24", "1.1.2", "2.5.4", "6.1.0"),
            "s390x",
            "cachestat",
            "EPERM",
            "since 1.1.3",
            id="s390x before 1.1.3",
        ),
        pytest.param(
            ("20.10.24", "1.1.3", "2.5.4", "6.1.0"), "s390x", "cachestat", "ENOSYS", "above", id="s390x since 1.1.3"
        ),
        pytest.param(
            ("20.10.24", "1.1.14", "2.5.4", "6.1.0"),
            "ppc64le",
            "cachestat",
            "EPERM",
            "since 1.1.15 and 1.2.0",
            id="ppc64le before 1.1.15",
        ),
        pytest.param(
            ("20.10.24", "1.1.15", "2.5.4", "6.1.0"),
            "ppc64le",
            "cachestat",
            "ENOSYS",
            "above",
            id="ppc64le since 1.1.15",
        ),
        pytest.param(
            ("20.10.24", "1.2.0-rc.3", "2.5.4", "6.1.0"),
            "ppc64le",
            "cachestat",
            "EPERM",
            "since 1.1.15 and 1.2.0",
            id="ppc64le: a candidate of 1.2.0 is newer than 1.1.15 and does not have it",
        ),
        pytest.param(
            ("5:20.10.24~3-0~debian-bookworm", "1.1.5+ds1", "2.5.4", "6.1.0-18-amd64"),
            "x86_64",
            "cachestat",
            "ENOSYS",
            "the default profile of Docker 20.10.24 does not name",
            id="versions as packages spell them",
        ),
    ],
)
def test_an_answer_and_what_tells_it(
    versions: tuple[str, str, str, str], arch: str, call: str, answer: str, telling: str
) -> None:
    found = predict(*versions, arch, call)
    assert found.answer == answer
    assert telling in found.reason
    assert found.certain


@pytest.mark.parametrize(
    ("engine", "runc", "libseccomp", "kernel", "answer", "assumed"),
    [
        pytest.param(
            "20.10.28", *STOCK[1:], "allowed", "Docker 20.10.28 is not in the table; taken as 20.10.27", id="a gap"
        ),
        pytest.param(
            "31.0.0", *NEW[1:], "allowed", "Docker 31.0.0 is newer than the table; taken as 29.7.2", id="the future"
        ),
        pytest.param(
            "17.12.1", *OLD[1:], "EPERM", "Docker 17.12.1 is older than the table; taken as 18.09.0", id="the past"
        ),
        pytest.param(
            "20.10.4",
            None,
            *STOCK[2:],
            "allowed",
            "taken as 1.0.0-rc93, the least that Docker 20.10.4 came with",
            id="runc not known, of an engine that came with the stub",
        ),
        pytest.param(
            "19.03.15",
            None,
            *STOCK[2:],
            "EPERM",
            "taken as one without the ENOSYS stub",
            id="runc not known, of an old engine",
        ),
        pytest.param(
            "20.10.4",
            "1.0.0-rc93",
            None,
            STOCK[3],
            "allowed",
            "taken to know every call that the profile names",
            id="the library of a recent runc not known",
        ),
        pytest.param(
            "20.10.4",
            "1.0.0-rc92",
            None,
            STOCK[3],
            "EPERM",
            "taken as 2.3.3 with a runc this old",
            id="the library of an old runc not known",
        ),
        pytest.param(
            "20.10.4", *STOCK[1:3], None, "allowed", "the kernel's release is not known", id="kernel not known"
        ),
    ],
)
def test_what_is_not_known_is_assumed_aloud(
    engine: str, runc: str | None, libseccomp: str | None, kernel: str | None, answer: str, assumed: str
) -> None:
    found = predict(engine, runc, libseccomp, kernel, "x86_64", "faccessat2")
    assert (found.answer, found.certain) == (answer, False)
    assert assumed in found.reason


@pytest.mark.parametrize(
    ("engine", "call", "capabilities", "answer", "telling"),
    [
        pytest.param(
            "podman 4.3.1", "faccessat2", (), "allowed", "podman 4.3.1 allows faccessat2", id="an allowed call"
        ),
        pytest.param(
            "podman:4.3.1", "fchmodat2", (), "ENOSYS", "answers ENOSYS to what it does not name", id="one not named"
        ),
        pytest.param(
            "podman 5.0.0", "fchmodat2", (), "allowed", "allows fchmodat2", id="fchmodat2 since containers-common 0.58"
        ),
        pytest.param("podman 4.3.1", "clone3", (), "allowed", "allows clone3", id="clone3 is let through"),
        pytest.param("podman 4.3.1", "io_uring_setup", (), "ENOSYS", "does not name", id="io_uring is not"),
        pytest.param("podman 4.3.1", "process_madvise", (), "EPERM", "answers EPERM", id="a capability is missing"),
        pytest.param(
            "podman 4.3.1", "process_madvise", ("SYS_PTRACE",), "allowed", "allows", id="a capability is there"
        ),
        pytest.param(
            "podman 3.0.1", "faccessat2", (), "EPERM", "is not known; taken as blocked", id="an unknown default"
        ),
    ],
)
def test_podman(engine: str, call: str, capabilities: tuple[str, ...], answer: str, telling: str) -> None:
    found = predict(engine, "crun", "2.5.5", "6.18.0", "x86_64", call, capabilities=capabilities)
    assert found.answer == answer
    assert telling in found.reason
    assert found.certain == (engine != "podman 3.0.1")


def test_podman_without_a_known_runtime_is_taken_for_crun() -> None:
    found = predict("podman 4.3.1", None, "2.5.4", "6.18.0", "x86_64", "cachestat")
    assert (found.answer, found.certain) == ("ENOSYS", False)
    assert "taken as crun" in found.reason


@pytest.mark.parametrize("capabilities", [("CAP_SYS_ADMIN",), ("SYS_ADMIN",)], ids=["with its prefix", "without"])
def test_a_capability_brings_its_calls(capabilities: tuple[str, ...]) -> None:
    assert predict(*STOCK, "x86_64", "clone3", capabilities=capabilities).answer == "allowed"
    assert predict(*STOCK, "x86_64", "fsopen", capabilities=capabilities).answer == "allowed"
    assert predict(*STOCK, "x86_64", "process_madvise", capabilities=capabilities).answer == "EPERM"


@pytest.mark.parametrize(
    ("rules", "default", "errno", "call", "answer"),
    [
        pytest.param(
            {"clone3": "SCMP_ACT_ERRNO:38"}, "SCMP_ACT_ERRNO", None, "clone3", "ENOSYS", id="a rule with a number"
        ),
        pytest.param({"clone3": "SCMP_ACT_ERRNO"}, "SCMP_ACT_ERRNO", None, "clone3", "EPERM", id="a rule without one"),
        pytest.param(
            {"clone3": "SCMP_ACT_ERRNO:22"}, "SCMP_ACT_ERRNO", None, "clone3", "allowed", id="like the kernel's own"
        ),
        pytest.param(
            {"clone3": "SCMP_ACT_ALLOW conditional"}, "SCMP_ACT_ERRNO", 1, "clone3", "allowed", id="with arguments"
        ),
        pytest.param({"openat2": "SCMP_ACT_ALLOW"}, "SCMP_ACT_ERRNO", 1, "clone3", "EPERM", id="below the highest"),
        pytest.param({"fsopen": "SCMP_ACT_ALLOW"}, "SCMP_ACT_ERRNO", 1, "clone3", "ENOSYS", id="above the highest"),
        pytest.param({}, "SCMP_ACT_ERRNO", 1, "clone3", "ENOSYS", id="no recent call in the filter at all"),
        pytest.param({"openat2": "SCMP_ACT_ALLOW"}, "SCMP_ACT_ERRNO", 38, "clone3", "ENOSYS", id="ENOSYS by default"),
        pytest.param({"openat2": "SCMP_ACT_ALLOW"}, "SCMP_ACT_TRACE", None, "clone3", "ENOSYS", id="the workaround"),
        pytest.param({"clone3": "SCMP_ACT_KILL_PROCESS"}, "SCMP_ACT_ALLOW", None, "clone3", "killed", id="deadly"),
        pytest.param({"openat2": "SCMP_ACT_ALLOW"}, "SCMP_ACT_KILL", None, "clone3", "killed", id="deadly by default"),
        pytest.param(
            {"clone3": "SCMP_ACT_ERRNO"}, "SCMP_ACT_ALLOW", None, "openat2", "allowed", id="a list of what is not"
        ),
        pytest.param({}, None, None, "clone3", "allowed", id="no seccomp section: unconfined"),
    ],
)
def test_the_filter_that_was_handed_over_counts_more_than_versions(
    rules: dict[str, str], default: str | None, errno: int | None, call: str, answer: str
) -> None:
    given = {"default": default, "default_errno": errno, "rules": rules}
    assert predict(*STOCK, "x86_64", call, filter_=given).answer == answer


def test_the_workaround_helps_with_an_old_runc_and_library_too() -> None:
    given: dict[str, Any] = {"default": "SCMP_ACT_TRACE", "default_errno": None, "rules": {"statx": "SCMP_ACT_ALLOW"}}
    assert predict(*OLD, "x86_64", "faccessat2", filter_=given).answer == "ENOSYS"


def test_what_the_library_answers_counts_more_than_its_version() -> None:
    assert predict("20.10.5", "1.0.0-rc93", "2.5.1", "6.1", "x86_64", "close_range").answer == "EPERM"
    carried = predict("20.10.5", "1.0.0-rc93", "2.5.1", "6.1", "x86_64", "close_range", knows={"close_range": 436})
    assert carried.answer == "allowed"
    lost = predict(*STOCK, "x86_64", "close_range", knows={"close_range": -1})
    assert lost.answer == "EPERM"


@pytest.mark.parametrize(
    ("kernel", "answered", "answer", "telling"),
    [
        pytest.param(
            "6.18.0", "ENOSYS", "ENOSYS", "does not have it, although upstream's came with 6.6", id="built without"
        ),
        pytest.param("4.18.0", "present", "allowed", "has it, although upstream's came with 6.6", id="carried back"),
    ],
)
def test_what_the_kernel_answers_counts_more_than_its_release(
    kernel: str, answered: str, answer: str, telling: str
) -> None:
    found = predict(*NEW[:3], kernel, "x86_64", "fchmodat2", kernel_calls={"fchmodat2": answered})
    assert found.answer == answer
    assert telling in found.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            (*STOCK, "x86_64", "open"), "system call 'open' is not in the table", id="a call that is not here"
        ),
        pytest.param((*STOCK, "sparc64", "statx"), "architecture 'sparc64' is not in the table", id="an architecture"),
        pytest.param(("latest", *STOCK[1:], "x86_64", "statx"), "'latest' is not a version", id="an engine"),
        pytest.param(("podman x", *STOCK[1:], "x86_64", "statx"), "'x' is not a version", id="a podman"),
        pytest.param((STOCK[0], "git", *STOCK[2:], "x86_64", "statx"), "'git' is not a version", id="a runc"),
        pytest.param((*STOCK[:2], "?", STOCK[3], "x86_64", "statx"), "'\\?' is not a version", id="a libseccomp"),
        pytest.param((*STOCK[:3], "linux", "x86_64", "statx"), "'linux' is not a version", id="a kernel"),
    ],
)
def test_what_cannot_be_read_is_named(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(*arguments)


def test_an_action_that_cannot_be_read_is_named() -> None:
    given = {"default": "SCMP_ACT_ERRNO", "default_errno": None, "rules": {"statx": "ALLOW"}}
    with pytest.raises(ValueError, match="'ALLOW' is not an action"):
        predict(*STOCK, "x86_64", "statx", filter_=given)
