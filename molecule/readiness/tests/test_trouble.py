"""What cannot be measured is unknown, with its reason, and never ready."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.audits import AUDIT, Audit, audit
from tests.support.hosts import inspect, name_of
from tests.support.plays import CHECKOUT, command_line, environment, play

testinfra_hosts = ["ansible://readiness-debian12"]

LEFT = (
    "docker ps --all --quiet --filter label=runnerkit.probe; docker images --all --quiet --filter label=runnerkit.probe"
)
GARBAGE = """
import os, socket
os.path.exists("/var/run/docker.sock") and os.unlink("/var/run/docker.sock")
listening = socket.socket(socket.AF_UNIX)
listening.bind("/var/run/docker.sock")
listening.listen()
while True:
    connection = listening.accept()[0]
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 27\\r\\n\\r\\n\\x00<html>not an engine\\x1b[31m</")
    connection.close()
"""
# The module, killed as soon as it has a container: everything of Python but the leaders of a session.
KILL = """
import os, signal, subprocess, time
for _ in range(600):
    if subprocess.run(["docker", "ps", "-q", "--filter", "label=runnerkit.probe"], capture_output=True).stdout:
        break
    time.sleep(0.01)
else:
    raise SystemExit("no probe was seen")
killed = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        name, _, rest = open(f"/proc/{pid}/stat").read().partition("(")[2].rpartition(")")
        if name == "python3" and int(pid) not in (int(rest.split()[3]), os.getpid()):
            os.kill(int(pid), signal.SIGKILL)
            killed += 1
    except (OSError, IndexError):
        continue
print(killed)
"""


def unknown(seen: Audit) -> str:
    """The reason why the host's layer is unknown, on an audit that ended as it should."""
    name = "readiness-debian12"
    entry = seen.host(name)
    assert entry["state"] != "ready"
    assert seen.played.code == 2
    assert "Traceback" not in seen.played.output
    assert {cell["state"] for cell in entry["cells"].values()} == {"unknown"}
    finding = seen.findings(name)["unknown", "host"]
    assert finding["severity"] == "unknown"
    return str(finding["summary"])


@pytest.fixture(name="stopped")
def _stopped(host: Host) -> Iterator[None]:
    host.check_output("systemctl stop docker.socket docker.service")
    yield
    host.check_output(
        "systemctl stop garbage 2>/dev/null; rm -f /var/run/docker.sock; systemctl reset-failed; "
        "systemctl start docker.socket docker"
    )


@pytest.mark.usefixtures("stopped")
def test_a_daemon_that_is_down(host: Host) -> None:
    seen = audit(name_of(host))
    assert "; start the engine" in unknown(seen)
    assert seen.findings(name_of(host))["engine_down", "host"]["severity"] == "broken"


def test_a_daemon_that_was_stopped_is_not_started_by_looking(host: Host) -> None:
    host.check_output("systemctl stop docker.service && systemctl start docker.socket")
    try:
        assert "held by systemd, whose service for it does not run" in unknown(audit(name_of(host)))
        assert not host.service("docker").is_running
    finally:
        host.check_output("systemctl start docker.service")


def test_a_daemon_that_hangs_costs_no_more_than_the_time_limit(host: Host) -> None:
    pid = host.check_output("systemctl show docker --property MainPID --value")
    host.check_output("kill -STOP %s", pid)
    try:
        began = time.monotonic()
        reason = unknown(audit(name_of(host), {"readiness_timeout": 4}))
        assert time.monotonic() - began < 30
    finally:
        host.check_output("kill -CONT %s", pid)
    assert "gave no answer within" in reason


@pytest.mark.usefixtures("stopped")
def test_garbage_instead_of_an_engine(host: Host) -> None:
    host.check_output("systemd-run --quiet --unit garbage python3 -c %s", GARBAGE)
    host.check_output("for i in $(seq 50); do test -S /var/run/docker.sock && break; sleep 0.1; done")
    reason = unknown(audit(name_of(host)))
    assert "/var/run/docker.sock" in reason or "not JSON" in reason
    assert "\x1b" not in reason


def test_a_socket_that_this_user_may_not_open(host: Host) -> None:
    assert "may not be opened by this user; become root" in unknown(
        audit(name_of(host), {"ansible_become_user": "nobody"})
    )


def test_a_disk_that_is_full(host: Host) -> None:
    # Where the engine makes a folder for each container; those that run are not touched by it.
    host.check_output("mount -t tmpfs -o size=4k,nr_inodes=1 full /var/lib/docker/containers")
    try:
        reason = unknown(audit(name_of(host)))
    finally:
        host.check_output("umount /var/lib/docker/containers")
    assert "no space left on device" in reason
    assert host.check_output(LEFT) == ""
    assert inspect(host)["State"]["Running"]


def test_a_probe_that_is_killed_leaves_nothing(host: Host) -> None:
    began = subprocess.Popen(
        command_line(AUDIT, name_of(host)), cwd=CHECKOUT, env=environment("/dev/null"), stdout=-3, stderr=-3
    )
    assert int(host.check_output("python3 -c %s", KILL)) > 0
    assert began.wait(timeout=60) == 2
    for _ in range(20):
        if not host.check_output(LEFT):
            return
        time.sleep(0.5)
    pytest.fail(f"left behind: {host.check_output(LEFT)}")


def test_podman_that_is_asked_for_alone_and_not_there_is_missed(host: Host) -> None:
    # A list may come from the command line as well.
    seen = audit(name_of(host), {"readiness_layers": "podman"})
    assert seen.played.code == 2
    assert seen.host(name_of(host))["state"] == "unknown"
    assert seen.findings(name_of(host))["unknown", "podman"]["severity"] == "unknown"


@pytest.mark.usefixtures("stopped")
def test_a_pure_report_does_not_fail(host: Host) -> None:
    seen = audit(name_of(host), {"readiness_fail_on": "never"})
    assert seen.played.code == 0
    assert seen.host(name_of(host))["state"] == "broken"


@pytest.mark.parametrize(
    ("variables", "sentences"),
    [
        pytest.param(
            {"readiness_fail_on": "sometimes"}, ["value of readiness_fail_on must be one of"], id="no such choice"
        ),
        pytest.param(
            {
                "readiness_layers": ["moon", "podman_rootless"],
                "readiness_profiles": ["strict.json"],
                "readiness_timeout": 0,
                "readiness_dind_images": ["docker:28-dind"],
            },
            [
                "readiness_layers has 'moon'; choose from host, dind, podman",
                "but readiness_podman_users is empty; name the users",
                "readiness_profiles names 'strict.json'; give `default`, or the path",
                "readiness_timeout is 0",
                "but readiness_layers lacks dind; add it there",
            ],
            id="five mistakes at once",
        ),
        pytest.param({"readiness_images": ["Alpine:3.14"]}, ["readiness_images"], id="an image that is none"),
        pytest.param({"readiness_what_if": "dokcer:29"}, ["readiness_what_if"], id="a program that is none"),
    ],
)
def test_bad_input_ends_before_the_host_is_looked_at(
    host: Host, variables: dict[str, object], sentences: list[str]
) -> None:
    played = play(name_of(host), variables, playbook=AUDIT)
    assert played.code == 2
    assert [each for each in sentences if not any(each in message for message in played.failures)] == []
    assert played.of("runtime_facts") == []
