"""The workaround comes, is kept right, and goes again; in the order in which a host may see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.audits import answers, audit
from tests.support.hosts import inspect, name_of, note_time, start_canary, touched
from tests.support.plays import Played, play

CONVERGE = Path(__file__).parents[1] / "converge.yml"
DAEMON_JSON = "/etc/docker/daemon.json"
PROFILE = "/etc/docker/runnerkit-seccomp-trace.json"
RECORD = "/var/lib/runnerkit/seccomp_workaround.json"
ON = {"docker_engine_seccomp_workaround": True}
FLOOR = {"docker_engine_minimum_version": "20.10.5"}
# A shell built with musl, whose `test -x` asks with faccessat2.
TEST_X = "docker run --rm lab/musl:1 sh -c 'test -x /bin/sh && echo yes || echo no'"


def provision(host: Host, variables: dict[str, Any], *arguments: str) -> Played:
    """The engine stays where it is."""
    return play(name_of(host), variables, list(arguments), playbook=CONVERGE)


def ask(host: Host, what: str) -> dict[str, Any]:
    """What containers get."""
    found: dict[str, Any] = json.loads(host.check_output("python3 /usr/local/bin/ask-engine %s", what))
    return found


def settings(host: Host) -> dict[str, Any]:
    """daemon.json as it is."""
    found: dict[str, Any] = json.loads(host.file(DAEMON_JSON).content_string)
    return found


def invocation(host: Host) -> str:
    """Changes with each start of the daemon."""
    return str(host.check_output("systemctl show docker -p InvocationID"))


def derived(played: Played) -> list[int]:
    """How many containers the profile took, for each time it was looked at."""
    return [row["result"]["containers"] for row in played.of("seccomp_profile")]


@pytest.fixture(name="canary", scope="module")
def _canary(host: Host) -> dict[str, Any]:
    return start_canary(host)


@pytest.fixture(name="own", scope="module")
def _own(host: Host, canary: dict[str, Any]) -> dict[str, Any]:
    """What the engine hands to runc by itself, before anything was done."""
    assert canary
    return ask(host, "rules")


@pytest.fixture(autouse=True)
def _alive(host: Host, canary: dict[str, Any], own: dict[str, Any]) -> Iterator[None]:
    """Whatever a test does, the container does not notice, and nothing of it is left behind."""
    assert own
    yield
    now = inspect(host)["State"]
    assert (now["Running"], now["Pid"], now["StartedAt"]) == (
        True,
        canary["State"]["Pid"],
        canary["State"]["StartedAt"],
    )
    assert host.check_output("docker ps -a --format '{{.Names}}'") == "canary"
    assert set(host.check_output("docker images -a --format '{{.Repository}}'").split()) == {"lab/busybox", "lab/musl"}


def test_without_it_the_engine_blocks_the_call(host: Host) -> None:
    told = ask(host, "calls")
    assert told["faccessat2"] == "EPERM"
    assert told["keyctl"] == "EPERM"
    assert host.check_output(TEST_X) == "no"
    found = audit(name_of(host), FLOOR).findings(name_of(host))
    assert found["call_blocked_faccessat2", "host"]["severity"] == "broken"
    assert "docker_engine_seccomp_workaround" in found["call_blocked_faccessat2", "host"]["fix"]


def test_check_mode_shows_the_profile_and_changes_nothing(host: Host) -> None:
    before = invocation(host)
    note_time(host)
    played = provision(host, ON, "--check", "--diff")
    assert played.code == 0, played.output
    assert len(played.changed) == 2
    assert '+  "defaultAction": "SCMP_ACT_TRACE",' in played.output
    assert "faccessat2" in played.output
    # The engine itself keeps a record of the containers that it was asked with.
    assert [path for path in touched(host) if not path.startswith("/var/lib/containerd/")] == []
    assert invocation(host) == before


def test_a_second_profile_is_refused(host: Host) -> None:
    note_time(host)
    played = provision(host, {**ON, "docker_engine_daemon_config": {"seccomp-profile": "/etc/docker/mine.json"}})
    assert played.failures == [
        (
            "docker_engine_seccomp_workaround is true, but docker_engine_daemon_config has the key 'seccomp-profile' "
            "with '/etc/docker/mine.json'; an engine has one profile, leave one of the two out"
        )
    ]
    assert touched(host) == []


def test_a_profile_of_somebody_else_is_refused(host: Host) -> None:
    text = host.file(DAEMON_JSON).content_string
    host.check_output("""echo '{"live-restore": true, "seccomp-profile": "/etc/docker/mine.json"}' > %s""", DAEMON_JSON)
    try:
        note_time(host)
        played = provision(host, ON)
        assert touched(host) == []
    finally:
        host.check_output("printf %%s %s > %s", text, DAEMON_JSON)
    assert played.changed == []
    assert played.failures == [
        (
            "docker_engine_seccomp_workaround is true, but somebody else gave the engine on this host the seccomp "
            "profile '/etc/docker/mine.json', and it can have one only; take that out of /etc/docker/daemon.json or "
            "the unit's arguments and restart docker, or set docker_engine_seccomp_workaround: false"
        )
    ]


def test_with_it_the_call_is_unknown(host: Host) -> None:
    before = invocation(host)
    played = provision(host, ON)
    assert played.code == 0, played.output
    assert invocation(host) != before
    assert settings(host) == {"live-restore": True, "seccomp-profile": PROFILE}
    assert host.check_output("stat -c '%%U %%G %%a' %s", PROFILE) == "root root 644"
    told = ask(host, "calls")
    assert told == {
        "openat2": told["openat2"],
        **dict.fromkeys(["faccessat2", "process_madvise", "keyctl"], "ENOSYS"),
    }
    assert told["openat2"] not in {"EPERM", "ENOSYS"}


def test_readiness_says_that_it_is_in_force_what_it_weakens_and_measures_that_it_works(host: Host) -> None:
    assert host.check_output(TEST_X) == "yes"
    seen = audit(name_of(host), FLOOR)
    assert seen.played.code == 0, seen.played.output
    found = seen.findings(name_of(host))
    assert found["seccomp_workaround", "host"]["severity"] == "risk"
    assert "ptrace" in found["seccomp_workaround", "host"]["summary"]
    assert "it works: no call that images need is blocked" in found["seccomp_workaround", "host"]["summary"]
    assert ("call_blocked_faccessat2", "host") not in found
    assert ("seccomp_workaround_stale", "host") not in found
    assert answers(seen.host(name_of(host)))["faccessat2"] == "ENOSYS"


def test_the_engine_hands_over_its_own_rules_whatever_the_capabilities(host: Host, own: dict[str, Any]) -> None:
    now = ask(host, "rules")
    assert {section.pop("defaultAction") for section in now.values()} == {"SCMP_ACT_TRACE"}
    expected = {
        name: {key: value for key, value in section.items() if key not in {"defaultAction", "defaultErrnoRet"}}
        for name, section in own.items()
    }
    assert now == expected
    # Or else the comparison would show little.
    assert len({json.dumps(section) for section in now.values()}) > 10


def test_a_second_run_changes_nothing_and_starts_no_container(host: Host) -> None:
    before = invocation(host)
    note_time(host)
    played = provision(host, ON)
    assert played.code == 0, played.output
    assert played.changed == []
    assert derived(played) == [0]
    assert len(played.of("docker_daemon")) == 1
    assert touched(host) == []
    assert invocation(host) == before


def test_a_profile_that_was_edited_is_put_right_and_loaded(host: Host) -> None:
    text, before = host.file(PROFILE).content_string, invocation(host)
    host.check_output("sed -i 's/SCMP_ACT_TRACE/SCMP_ACT_ALLOW/' %s && chmod 666 %s", PROFILE, PROFILE)
    # The daemon may have been started with it.
    host.check_output("systemctl restart docker")
    played = provision(host, ON, "--diff")
    assert played.code == 0, played.output
    assert '-  "defaultAction": "SCMP_ACT_ALLOW",' in played.output
    assert derived(played) == [0]
    assert host.file(PROFILE).content_string == text
    assert host.file(PROFILE).mode == 0o644
    assert invocation(host) != before
    assert ask(host, "calls")["keyctl"] == "ENOSYS"


def test_a_profile_of_another_engine_is_derived_anew(host: Host) -> None:
    text = host.file(PROFILE).content_string
    record = json.loads(host.file(RECORD).content_string)
    host.check_output("sed -i 's/20[.]10[.]5/20.10.4/' %s", RECORD)
    played = provision(host, ON)
    assert played.code == 0, played.output
    assert [count > 0 for count in derived(played)] == [False, True]
    assert [row["result"]["keys"] for row in played.of("docker_daemon")][1:] == [["seccomp-profile"]] * 2
    assert host.file(PROFILE).content_string == text
    assert json.loads(host.file(RECORD).content_string) == record
    assert ask(host, "calls")["faccessat2"] == "ENOSYS"


def test_a_profile_that_cannot_be_derived_anew_leaves_the_one_of_before_in_force(host: Host) -> None:
    images = "/var/lib/docker/image/overlay2/imagedb/content/sha256"
    record = host.file(RECORD).content_string
    host.check_output("sed -i 's/20[.]10[.]5/20.10.4/' %s", RECORD)
    # No image can be made, and so no container to ask with.
    host.check_output("mount --bind %s %s && mount -o remount,ro,bind %s", images, images, images)
    try:
        played = provision(host, ON)
    finally:
        host.check_output("umount %s && printf %%s %s > %s", images, record, RECORD)
    assert played.code == 2
    assert "so the one of before is in force again" in played.failures[-1]
    assert settings(host)["seccomp-profile"] == PROFILE
    assert ask(host, "calls")["faccessat2"] == "ENOSYS"


def test_an_engine_that_is_down_for_want_of_the_file_comes_up_again(host: Host) -> None:
    text = host.file(PROFILE).content_string
    host.check_output("rm %s %s && systemctl stop docker.service docker.socket", RECORD, PROFILE)
    # Without the file that daemon.json names the engine does not start.
    played = provision(host, ON)
    assert played.code == 0, played.output
    assert derived(played)[-1] > 0
    assert host.file(PROFILE).content_string == text
    assert settings(host)["seccomp-profile"] == PROFILE


def test_it_goes_without_a_trace(host: Host) -> None:
    host.check_output("touch /etc/docker/mine.json /var/lib/runnerkit/mine.json")
    played = provision(host, {})
    assert played.code == 0, played.output
    assert settings(host) == {"live-restore": True}
    assert not host.file(PROFILE).exists
    assert not host.file(RECORD).exists
    assert host.file("/etc/docker/mine.json").exists
    assert host.file("/var/lib/runnerkit/mine.json").exists
    assert ask(host, "calls")["faccessat2"] == "EPERM"
