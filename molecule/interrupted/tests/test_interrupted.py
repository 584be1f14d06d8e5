"""A run is killed in the middle of the packages' transaction, controller and all, and the next one heals the host."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.hosts import engine_version, held, inspect, name_of, start_canary
from tests.support.plays import CHECKOUT, SITE, command_line, environment, play
from tests.support.trouble import holding, kill_run

OLD = {"docker_engine_version": "20.10.24", "docker_engine_allow_downgrade": True}
NEW = {"docker_engine_version": "26.1.5"}
STOPPER = Path(__file__).parents[1] / "files" / "stopping-dpkg"


@pytest.fixture(name="canary", scope="module")
def _canary(host: Host) -> dict[str, Any]:
    return start_canary(host)


@pytest.fixture(name="old_engine")
def _old_engine(host: Host) -> Iterator[None]:
    """Each test starts with the old engine."""
    if not engine_version(host).startswith("20.10.24"):
        back = play(name_of(host), OLD)
        assert back.code == 0, back.output
    yield
    host.check_output("rm -f /etc/apt/apt.conf.d/99stopping-dpkg /run/stopping-dpkg.reached")


def stop_at(host: Host, moment: str) -> None:
    """Have dpkg stop at a moment of the next transaction."""
    host.check_output("printf %%s %s > /usr/local/bin/stopping-dpkg", STOPPER.read_text())
    host.check_output("chmod 0755 /usr/local/bin/stopping-dpkg && echo %s > /etc/stopping-dpkg", moment)
    setting = 'Dir::Bin::dpkg "/usr/local/bin/stopping-dpkg";'
    host.check_output("echo %s > /etc/apt/apt.conf.d/99stopping-dpkg", setting)


def wait_for(host: Host, path: str, seconds: int = 120) -> None:
    """Until the file is there."""
    deadline = time.monotonic() + seconds
    while not host.file(path).exists:
        assert time.monotonic() < deadline, f"{path} did not appear within {seconds} s"
        time.sleep(0.3)


def kill_all(host: Host) -> None:
    """kill -9 for whatever works on packages there, and for our module."""
    for name in ("stopping-dpkg", "apt-get", "dpkg", "sleep", "python3"):
        # `sleep` is the stopper's; the canary runs tail.
        for pid in host.run("pgrep -x %s", name).stdout.split():
            host.run("kill -9 %s", pid)


def kill_a_run(host: Host, moment: str) -> None:
    """Start an upgrade, and kill controller, module and apt at a moment of it."""
    stop_at(host, moment)
    with tempfile.NamedTemporaryFile() as record, tempfile.TemporaryFile() as output:
        run = subprocess.Popen(
            command_line(SITE, name_of(host), NEW),
            cwd=CHECKOUT,
            env=environment(record.name),
            stdout=output,
            stderr=output,
        )
        try:
            wait_for(host, "/run/stopping-dpkg.reached")
        finally:
            kill_run(run.pid)
            run.wait()
    kill_all(host)
    host.check_output("rm -f /etc/apt/apt.conf.d/99stopping-dpkg")


@pytest.mark.parametrize(
    "moment",
    ["before --unpack", "middle --unpack", "after --unpack", "middle --configure"],
)
@pytest.mark.usefixtures("old_engine")
def test_the_next_run_heals_what_a_killed_run_left(host: Host, canary: dict[str, Any], moment: str) -> None:
    kill_a_run(host, moment)

    healed = play(name_of(host), NEW)

    assert healed.code == 0, healed.output
    assert engine_version(host).startswith("26.1.5")
    assert host.check_output("dpkg --audit") == ""
    assert {"docker-ce", "docker-ce-cli", "containerd.io"} <= held(host)
    after = inspect(host)
    assert (after["State"]["Pid"], after["State"]["StartedAt"]) == (
        canary["State"]["Pid"],
        canary["State"]["StartedAt"],
    )
    assert play(name_of(host), NEW).changed == []


@pytest.mark.usefixtures("old_engine")
def test_a_killed_run_is_not_what_a_failing_one_goes_back_to(host: Host, canary: dict[str, Any]) -> None:
    kill_a_run(host, "middle --configure")
    poisoned = play(name_of(host), {"docker_engine_repository_channels": ["stable", "test"]})
    assert poisoned.code != 0
    assert "failed, and this host is back on 20.10.24." in poisoned.failures[-1], poisoned.output
    assert engine_version(host).startswith("20.10.24")
    assert host.check_output("dpkg --audit") == ""
    assert {"docker-ce", "docker-ce-cli", "containerd.io"} <= held(host)
    assert inspect(host)["State"]["Pid"] == canary["State"]["Pid"]


@pytest.mark.usefixtures("old_engine", "canary")
def test_a_run_whose_apt_is_killed_goes_back_by_itself(host: Host) -> None:
    stop_at(host, "after --unpack")
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as record, tempfile.TemporaryFile("w+") as output:
        run = subprocess.Popen(
            command_line(SITE, name_of(host), NEW),
            cwd=CHECKOUT,
            env=environment(record.name),
            stdout=output,
            stderr=output,
        )
        wait_for(host, "/run/stopping-dpkg.reached")
        host.check_output("rm -f /etc/apt/apt.conf.d/99stopping-dpkg")
        for name in ("apt-get", "stopping-dpkg", "sleep"):
            host.run("kill -9 $(pgrep -x %s)", name)
        assert run.wait(timeout=180) != 0
        output.seek(0)
        said = " ".join(output.read().split())
    assert "The move to Docker Engine 26.1.5 failed, and this host is back on 20.10.24." in said
    assert engine_version(host).startswith("20.10.24")
    assert host.check_output("dpkg --audit") == ""


@pytest.mark.usefixtures("old_engine", "canary")
def test_a_short_lock_of_another_program_is_waited_for(host: Host) -> None:
    with holding(host, seconds=12):
        waited = play(name_of(host), NEW)
    assert waited.code == 0, waited.output
    assert engine_version(host).startswith("26.1.5")


@pytest.mark.usefixtures("old_engine", "canary")
def test_a_long_lock_of_another_program_is_named(host: Host) -> None:
    with holding(host) as holder:
        refused = play(name_of(host), {**NEW, "docker_engine_lock_timeout": 2})
    assert refused.code != 0
    assert "another program keeps the package database locked, also after 2 s" in refused.failures[0], refused.output
    assert f"with pid {holder}" in refused.failures[0]
    assert engine_version(host).startswith("20.10.24")
