# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import (
    Apt,
    AptError,
    AptLockedError,
    Change,
    reasons,
)

LOCKED = "dpkg: error: dpkg frontend lock was locked by another process with pid 812"
MADISON = """\
 docker-ce | 5:28.5.2-1~debian.12~bookworm | https://download.docker.com/linux/debian bookworm/stable amd64 Packages
 docker-ce | 5:20.10.24~3-0~debian-bookworm | https://download.docker.com/linux/debian bookworm/stable amd64 Packages
 docker.io | 20.10.24+dfsg1-1+b3 | http://deb.debian.org/debian bookworm/main amd64 Packages
 docker.io | 20.10.24+dfsg1-1 | http://deb.debian.org/debian bookworm/main Sources
 surprise | 1.0 | http://deb.debian.org/debian bookworm/main amd64 Packages
N: Unable to locate package libnothing
"""
SIMULATED = """\
NOTE: This is only a simulation!
Reading package lists...
Remv docker.io [20.10.24+dfsg1-1+b3]
Remv libold:i386 [1.0] [docker-ce:amd64 ]
Inst libc6:amd64 [2.36-9] (2.36-9+deb12u1 Debian:12.1/stable [amd64]) []
Inst docker-ce-cli [5:20.10.5~3-0~debian-bookworm] (5:28.5.2-1~debian.12~bookworm Docker CE:bookworm [amd64])
Inst docker-ce (5:28.5.2-1~debian.12~bookworm Docker CE:bookworm [amd64])
Conf docker-ce-cli (5:28.5.2-1~debian.12~bookworm Docker CE:bookworm [amd64])
"""


class FakeRun:
    """Answers command lines one after the other, the last answer for ever, and remembers what was asked."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers or [(0, "", "")])
        self.calls: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(command))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(
            "Reading package lists...\nE: Version '1' for 'docker-ce' was not found\n",
            "Version '1' for 'docker-ce' was not found", id="one error",
        ),
        pytest.param("E: no\nW: odd\nE: no\n", "no; odd", id="the same error twice"),
        pytest.param(
            "dpkg: error processing package x (--configure):\n exit status 1\n",
            "dpkg: error processing package x (--configure): exit status 1", id="dpkg's own error",
        ),
        pytest.param("Err:1 http://m x\n  404", "Err:1 http://m x", id="a source that failed"),
        pytest.param("Segmentation\n fault", "Segmentation fault", id="no error line at all"),
        pytest.param("", "", id="silence"),
        pytest.param("\n".join(f"E: {n}" for n in range(9)), "0; 1; 2; 3; 4; 5", id="many errors"),
        pytest.param("x" * 999, "x" * 400, id="a long text without an error line"),
    ],
)  # fmt: skip
def test_reasons(output: str, expected: str) -> None:
    assert reasons(output) == expected


def test_versions_on_offer() -> None:
    run = FakeRun((0, MADISON, ""))
    found = Apt(run, options=["-o", "x=y"]).available(["docker-ce", "docker.io", "libnothing"])
    origin = "https://download.docker.com/linux/debian bookworm/stable"
    assert found == {
        "docker-ce": [
            {"version": "5:28.5.2-1~debian.12~bookworm", "origin": origin},
            {"version": "5:20.10.24~3-0~debian-bookworm", "origin": origin},
        ],
        "docker.io": [{"version": "20.10.24+dfsg1-1+b3", "origin": "http://deb.debian.org/debian bookworm/main"}],
        "libnothing": [],
    }
    assert run.calls == [["apt-cache", "-o", "x=y", "madison", "docker-ce", "docker.io", "libnothing"]]


def test_nothing_is_asked_about_no_packages() -> None:
    run = FakeRun()
    apt = Apt(run)
    assert apt.available([]) == {}
    apt.mark("hold", [])
    assert run.calls == []


def test_a_simulated_transaction() -> None:
    run = FakeRun((0, SIMULATED, ""))
    assert Apt(run).simulate(["docker-ce", "docker.io-"]) == [
        Change("docker.io", "20.10.24+dfsg1-1+b3", None),
        Change("libold", "1.0", None),
        Change("libc6", "2.36-9", "2.36-9+deb12u1"),
        Change("docker-ce-cli", "5:20.10.5~3-0~debian-bookworm", "5:28.5.2-1~debian.12~bookworm"),
        Change("docker-ce", None, "5:28.5.2-1~debian.12~bookworm"),
    ]
    [call] = run.calls
    assert (call[0], call[-3:], "-s" in call) == ("apt-get", ["install", "docker-ce", "docker.io-"], True)


def test_downloading_is_installing_without_the_end() -> None:
    run = FakeRun()
    apt = Apt(run, lock_timeout=7)
    apt.fetch(["docker-ce=1"])
    apt.install(["docker-ce=1"])
    first, second = run.calls
    assert "--download-only" in first
    assert [word for word in first if word != "--download-only"] == second
    assert second[:3] == ["apt-get", "-o", "DPkg::Lock::Timeout=7"]


def test_a_download_that_fails_is_an_error_about_offers() -> None:
    run = FakeRun((100, "", "E: Failed to fetch http://m/x.deb\n"))
    with pytest.raises(AptError, match=r"^Failed to fetch http://m/x\.deb$") as caught:
        Apt(run).fetch(["docker-ce=1"])
    assert caught.value.is_about_offers
    assert not AptError("Sub-process /usr/bin/dpkg returned an error code (1)").is_about_offers


@pytest.mark.parametrize(
    ("answer", "complaints"),
    [
        pytest.param((0, "Hit:1 http://m\n", ""), [], id="all is well"),
        pytest.param((0, "", "W: Failed to fetch x\n"), ["W: Failed to fetch x"], id="a source that is not there"),
        pytest.param(
            (100, "Err:1 x\n", "E: The repository is not signed.\nN: see apt-secure\n"),
            ["E: The repository is not signed."], id="a source without a signature",
        ),
    ],
)  # fmt: skip
def test_complaints_about_single_sources_come_back(answer: tuple[int, str, str], complaints: list[str]) -> None:
    assert Apt(FakeRun(answer)).update() == complaints


def test_an_update_that_fails_without_a_word_is_an_error() -> None:
    with pytest.raises(AptError, match=r"^killed$"):
        Apt(FakeRun((137, "", "killed"))).update()


@pytest.mark.parametrize("verb", ["hold", "unhold"])
def test_marks(verb: str) -> None:
    run = FakeRun()
    Apt(run).mark(verb, ["docker-ce", "containerd.io"])
    assert run.calls == [["apt-mark", verb, "docker-ce", "containerd.io"]]


@pytest.mark.parametrize(
    "call", [lambda apt: apt.mark("hold", ["x"]), lambda apt: apt.available(["x"]), lambda apt: apt.simulate(["x"])]
)  # fmt: skip
def test_what_apt_refuses_is_an_error_with_its_reason(call: object) -> None:
    assert callable(call)
    with pytest.raises(AptError, match=r"^no such package$"):
        call(Apt(FakeRun((100, "noise", "E: no such package"))))


@pytest.mark.parametrize(("rc", "expected"), [(0, True), (100, False)], ids=["a source has it", "no source has it"])
def test_a_single_file_is_fetched_into_a_folder(rc: int, expected: bool) -> None:
    run = FakeRun((rc, "", ""))
    assert Apt(run).download("docker-ce", "5:1", "/store") is expected
    assert run.calls[0][-2:] == ["/store", "docker-ce=5:1"]


@pytest.mark.parametrize(
    ("simulated", "repaired"),
    [
        pytest.param("Conf docker-ce (1 Docker CE:bookworm [amd64])\n", True, id="nothing goes"),
        pytest.param("Remv docker-ce-cli [1]\n", False, id="a package would go"),
    ],
)
def test_healing_configures_and_then_repairs_what_costs_no_package(simulated: str, repaired: bool) -> None:
    run = FakeRun((1, "", "dependency problems"), (0, simulated, ""), (0, "", ""))
    Apt(run).heal()
    assert [(call[0], "-s" in call) for call in run.calls] == (
        [("dpkg", False), ("apt-get", True), ("apt-get", False)][: 3 if repaired else 2]
    )
    assert all("--fix-broken" in call for call in run.calls[1:])


@pytest.mark.parametrize("answers", [1, 2], ids=["it cannot be looked at", "it cannot be done"])
def test_a_package_that_cannot_be_configured_does_not_stop_the_healing(answers: int) -> None:
    broken = (100, "", "E: Sub-process /usr/bin/dpkg returned an error code (1)")
    Apt(FakeRun(*[(0, "", "")] * answers, broken)).heal()


def test_what_apt_does_not_do_dpkg_does() -> None:
    run = FakeRun((1, "", "no"))
    Apt(run).unpack("/store/x.deb")
    Apt(run).tear_out("x")
    assert [(call[0], call[-2:]) for call in run.calls] == [
        ("dpkg", ["--unpack", "/store/x.deb"]),
        ("dpkg", ["--remove", "x"]),
    ]


def test_the_version_that_apt_would_choose() -> None:
    policy = (
        "docker.io:\n  Installed: (none)\n  Candidate: 20.10.24+dfsg1-1\n  Version table:\n"
        "     26.1.5+dfsg1-4~bpo12+1 100\n        100 http://m bookworm-backports/main amd64 Packages\n"
        "gone:\n  Installed: 1\n  Candidate: (none)\n  Version table:\n"
    )
    run = FakeRun((0, policy, ""))
    assert Apt(run).candidates(["docker.io", "gone", "unknown"]) == {"docker.io": "20.10.24+dfsg1-1"}
    assert Apt(run).candidates([]) == {}
    assert len(run.calls) == 1


def test_passwords_in_addresses_are_not_shown() -> None:
    complaint = "W: Failed to fetch http://user:pA55@m/x  404"
    assert Apt(FakeRun((0, "", complaint))).update() == ["W: Failed to fetch http://********@m/x  404"]
    assert reasons(f"E: {complaint[3:]}\n") == "Failed to fetch http://********@m/x  404"
    assert reasons("odd http://user:pA55@m/x") == "odd http://********@m/x"
    origin = " x | 1 | http://user:pA55@m stable/main amd64 Packages\n"
    assert Apt(FakeRun((0, origin, ""))).available(["x"])["x"][0]["origin"] == "http://********@m stable/main"


LISTS = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 9 (apt-get)\n"
ARCHIVES = "E: Unable to lock directory /var/cache/apt/archives/\n"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda apt: apt.update(), LISTS, id="reading an index"),
        pytest.param(lambda apt: apt.fetch(["x"]), ARCHIVES, id="downloading"),
        pytest.param(lambda apt: apt.install(["x"]), LOCKED, id="installing"),
        pytest.param(lambda apt: apt.heal(), ARCHIVES, id="healing"),
    ],
)  # fmt: skip
def test_every_lock_is_waited_for(monkeypatch: pytest.MonkeyPatch, call: Callable[[Apt], None], said: str) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    run = FakeRun((100, "", said), (0, "", ""))
    call(Apt(run))
    assert run.calls[0] == run.calls[1]
    clock = iter(range(0, 10_000, 400))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(AptLockedError, match=r"locked, also after 300 s: .*; see what it is doing, or raise lock_t"):
        call(Apt(FakeRun((100, "", said))))


def test_a_program_that_waited_by_itself_is_not_run_twice() -> None:
    run = FakeRun((0, "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by 9", ""))
    Apt(run).install(["x"])
    Apt(FakeRun((0, LISTS, ""))).install(["x"])
    assert len(run.calls) == 1


def test_marks_wait_for_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    run = FakeRun((100, "", LOCKED), (0, "", ""))
    Apt(run).mark("hold", ["docker-ce"])
    assert run.calls == [["apt-mark", "hold", "docker-ce"]] * 2


def test_healing_waits_for_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    run = FakeRun((2, "", LOCKED), (2, "", LOCKED), (0, "", ""))
    Apt(run).heal()
    assert [call[0] for call in run.calls] == ["dpkg", "dpkg", "dpkg", "apt-get", "apt-get"]


def test_healing_gives_up_on_the_lock_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    message = r"^another program keeps the package database locked, also after 30 s: dpkg: error: .* pid 812; "
    with pytest.raises(AptError, match=message):
        Apt(FakeRun((2, "", LOCKED)), lock_timeout=30).heal()
