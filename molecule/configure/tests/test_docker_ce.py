"""Changes of the daemon's configuration, in the order in which a host may see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.hosts import inspect, name_of, start_canary
from tests.support.plays import Played, play

testinfra_hosts = ["ansible://configure-docker-ce"]

DAEMON_JSON = "/etc/docker/daemon.json"


def configure(host: Host, variables: dict[str, Any], *arguments: str) -> Played:
    """site.yml at the version that is there, with further settings."""
    return play(name_of(host), {"docker_engine_version": "20.10.24", **variables}, list(arguments))


def settings(host: Host) -> dict[str, Any]:
    """daemon.json as it is."""
    found: dict[str, Any] = json.loads(host.file(DAEMON_JSON).content_string)
    return found


def invocation(host: Host) -> str:
    """Changes with each start of the daemon."""
    return str(host.check_output("systemctl show docker -p InvocationID"))


@pytest.fixture(name="canary", scope="module")
def _canary(host: Host) -> dict[str, Any]:
    return start_canary(host)


@pytest.fixture(autouse=True)
def _alive(host: Host, canary: dict[str, Any]) -> Iterator[None]:
    """Whatever a test does, the container does not notice."""
    yield
    now = inspect(host)["State"]
    assert (now["Running"], now["Pid"], now["StartedAt"]) == (
        True,
        canary["State"]["Pid"],
        canary["State"]["StartedAt"],
    )


def test_a_restart_waits_for_live_restore_to_be_in_force(host: Host) -> None:
    assert settings(host)["live-restore"] is False
    before = invocation(host)
    played = configure(host, {"docker_engine_daemon_config": {"log-driver": "local"}})
    assert played.code == 0, played.output
    assert invocation(host) != before
    assert settings(host) == {"live-restore": True, "log-driver": "local"}
    assert host.check_output("docker info -f '{{.LoggingDriver}} {{.LiveRestoreEnabled}}'") == "local true"


def test_a_setting_that_can_be_reloaded_costs_no_restart(host: Host) -> None:
    before = invocation(host)
    played = configure(host, {"docker_engine_daemon_config": {"registry-mirrors": ["https://mirror.lab"]}})
    assert played.code == 0, played.output
    assert played.of("docker_daemon")[0]["result"]["action"] == "reload"
    assert invocation(host) == before
    assert "https://mirror.lab/" in host.check_output("docker info -f '{{.RegistryConfig.Mirrors}}'")


def test_a_setting_that_is_removed_is_really_gone(host: Host) -> None:
    played = configure(host, {"docker_engine_daemon_config": {"registry-mirrors": None}})
    assert played.code == 0, played.output
    assert "registry-mirrors" not in settings(host)
    assert settings(host)["log-driver"] == "local"
    assert host.check_output("docker info -f '{{.RegistryConfig.Mirrors}}'") == "[]"


def test_check_mode_says_it_and_does_nothing(host: Host) -> None:
    before = host.file(DAEMON_JSON).content_string, invocation(host)
    played = configure(host, {"docker_engine_daemon_config": {"data-root": "/srv/typo"}}, "--check", "--diff")
    assert played.code == 0, played.output
    assert any("Daemon | Configure and start it" in task for task in played.changed)
    assert (host.file(DAEMON_JSON).content_string, invocation(host)) == before
    assert not host.file("/srv/typo").exists


def test_a_configuration_with_which_the_daemon_does_not_start_is_taken_back(host: Host) -> None:
    before = host.file(DAEMON_JSON).content_string
    # dockerd finds nothing wrong with it until it starts.
    played = configure(host, {"docker_engine_daemon_config": {"storage-driver": "zfs"}})
    assert played.code != 0
    assert "the configuration from before is back and the daemon runs with it" in played.failures[0], played.output
    assert "Its last words: failed to start daemon: error initializing graphdriver" in played.failures[0]
    assert host.file(DAEMON_JSON).content_string == before
    assert host.run("docker version").rc == 0


def test_a_daemon_that_is_slow_is_not_restarted(host: Host) -> None:
    before = invocation(host)
    pid = host.check_output("systemctl show docker -p MainPID --value")
    host.check_output("kill -STOP %s", pid)
    try:
        played = configure(host, {"docker_engine_start_timeout": 4})
    finally:
        host.check_output("kill -CONT %s", pid)
    assert played.code != 0
    assert "the daemon runs but has not answered on /var/run/docker.sock for 4 s" in played.failures[0], played.output
    assert invocation(host) == before


def test_a_daemon_that_is_stopped_is_started(host: Host) -> None:
    host.check_output("systemctl stop docker.service docker.socket")
    played = configure(host, {}, "--check")
    assert played.code == 0, played.output
    assert not host.service("docker").is_running
    played = configure(host, {})
    assert played.code == 0, played.output
    assert played.of("docker_daemon")[0]["result"]["action"] == "start"
    assert host.service("docker").is_running


def test_a_token_in_the_settings_is_in_no_log(host: Host) -> None:
    played = configure(host, {"docker_engine_daemon_config": {"log-opts": {"splunk-token": "s3cr3tT0ken"}}}, "--check")
    assert played.code == 0, played.output
    assert host.run("journalctl --no-pager | grep -q s3cr3tT0ken").rc != 0
    assert "s3cr3tT0ken" not in str(played.results)


def test_a_user_who_is_not_there_is_refused(host: Host) -> None:
    played = configure(host, {"docker_engine_users": ["gitlab-runer"]})
    assert played.failures == [
        (
            "docker_engine_users names 'gitlab-runer', and there is no such user on this host; correct the name, or "
            "create the user first"
        )
    ]
    assert not host.user("gitlab-runer").exists
