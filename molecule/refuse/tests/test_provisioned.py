"""Bad input, or a host that somebody else touched, where an engine runs already: it goes on running as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from testinfra.host import Host

from tests.support.hosts import engine_version, held, name_of
from tests.support.plays import play

testinfra_hosts = ["ansible://refuse-provisioned"]

DAEMON_JSON = "/etc/docker/daemon.json"


@pytest.fixture(autouse=True)
def _unharmed(host: Host) -> Iterator[None]:
    """Whatever a test tries: the engine is the same process with the same settings afterwards."""
    pid = "systemctl show docker -p MainPID"
    before = host.check_output(pid), host.check_output("cat %s", DAEMON_JSON), held(host)
    yield
    assert (host.check_output(pid), host.check_output("cat %s", DAEMON_JSON), held(host)) == before
    assert engine_version(host).startswith("20.10.24")


@contextmanager
def content(host: Host, text: str) -> Iterator[None]:
    """daemon.json with another content for a while."""
    host.check_output("cp -a %s /root/daemon.json.kept", DAEMON_JSON)
    host.check_output("printf %%s %s > %s", text, DAEMON_JSON)
    try:
        yield
    finally:
        host.check_output("mv /root/daemon.json.kept %s", DAEMON_JSON)


def test_a_downgrade_is_refused(host: Host) -> None:
    played = play(name_of(host), {"docker_engine_version": "20.10.5", "docker_engine_minimum_version": "20.10.0"})
    assert (
        "would take the engine back from 20.10.24 to 20.10.5; set docker_engine_allow_downgrade: true"
        in (played.failures[0])
    )
    assert played.changed == []


def test_a_package_that_somebody_else_holds_is_not_touched(host: Host) -> None:
    record = "/var/lib/runnerkit/holds.json"
    # The holds are there, but it was not runnerkit that set them.
    host.check_output("mv %s /root/holds.json.kept", record)
    try:
        played = play(name_of(host), {"docker_engine_version": "26.1.5"})
    finally:
        host.check_output("mv /root/holds.json.kept %s", record)
    assert played.failures == [
        (
            "docker-ce, docker-ce-cli is held on this host by somebody else, and docker_engine_version "
            "'26.1.5' would change it; run 'apt-mark unhold docker-ce docker-ce-cli' there or set "
            "docker_engine_lift_foreign_holds: true"
        )
    ]
    assert played.changed == []


def test_a_daemon_json_that_is_broken_is_not_overwritten(host: Host) -> None:
    with content(host, '{"debug": tru'):
        played = play(name_of(host), {"docker_engine_version": "20.10.24"})
        assert host.check_output("cat %s", DAEMON_JSON) == '{"debug": tru'
    assert "/etc/docker/daemon.json on this host cannot be merged into: it is not JSON" in played.failures[0]
    assert "mend it by hand or remove it" in played.failures[0]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"no-such-setting-at-all": 1}, "no-such-setting-at-all"),
        ({"log-driver": "json-file", "storage-driver": ["overlay2"]}, "storage-driver"),
        ({"hosts": ["unix:///var/run/other.sock"]}, "hosts"),
    ],
    ids=["a setting that dockerd does not know", "a type that only dockerd knows", "a clash with the unit's arguments"],
)
def test_dockerd_itself_checks_the_new_daemon_json(host: Host, config: dict[str, object], words: str) -> None:
    played = play(name_of(host), {"docker_engine_version": "20.10.24", "docker_engine_daemon_config": config})
    assert played.code != 0
    assert words in played.failures[0], played.output
    assert played.changed == []


def test_the_unharmed_engine_needs_nothing(host: Host) -> None:
    played = play(name_of(host), {"docker_engine_version": "20.10.24"})
    assert played.code == 0, played.output
    assert played.changed == []
