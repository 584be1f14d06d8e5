"""What /etc/default/docker sets for the distribution's engine is not lost on the way to docker's own."""

from __future__ import annotations

from testinfra.host import Host

from tests.support.hosts import inspect, name_of, start_canary
from tests.support.plays import play

testinfra_hosts = ["ansible://configure-docker-io"]


def test_a_data_root_in_the_defaults_file_is_not_left_behind(host: Host) -> None:
    host.check_output("""echo 'DOCKER_OPTS="--data-root=/srv/docker"' > /etc/default/docker""")
    host.check_output("systemctl restart docker")
    before = start_canary(host)

    refused = play(name_of(host))

    assert refused.failures == [
        (
            "/etc/default/docker sets DOCKER_OPTS on this host, which docker-ce does not read; move it to "
            "/etc/docker/daemon.json (proxies to docker_engine_environment), empty the file and restart docker, then "
            "run this again"
        )
    ]
    assert refused.changed == []

    host.check_output(": > /etc/default/docker")
    host.check_output("""echo '{"data-root": "/srv/docker", "live-restore": true}' > /etc/docker/daemon.json""")
    host.check_output("systemctl restart docker")

    moved = play(name_of(host))

    assert moved.code == 0, moved.output
    assert host.package("docker-ce").is_installed
    assert host.check_output("docker info -f '{{.DockerRootDir}}'") == "/srv/docker"
    after = inspect(host)
    assert (after["State"]["Pid"], after["Id"]) == (before["State"]["Pid"], before["Id"])
