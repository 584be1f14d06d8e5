"""An empty host became a runner host."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, module_seconds, play


def test_the_engine_and_its_client_run_at_a_version_that_meets_the_floor(host: Host) -> None:
    versions = json.loads(host.check_output("docker version --format '{{json .}}'"))
    assert tuple(int(part) for part in versions["Server"]["Version"].split("+")[0].split(".")) >= (20, 10, 6)
    assert versions["Client"]["Version"] == versions["Server"]["Version"]


def test_a_container_really_runs(host: Host) -> None:
    host.check_output("lab-image")
    assert host.check_output("docker run --rm lab/busybox:1 echo from inside") == "from inside"


def test_the_engine_starts_at_boot_and_lets_containers_outlive_it(host: Host) -> None:
    assert host.service("docker").is_enabled
    assert json.loads(host.file("/etc/docker/daemon.json").content_string)["live-restore"] is True
    assert host.check_output("docker info --format '{{.LiveRestoreEnabled}}'") == "true"


def test_a_member_of_the_group_may_use_the_engine(host: Host) -> None:
    assert host.run("su builder -c 'docker version'").rc == 0
    assert host.run("su nobody -s /bin/sh -c 'docker version'").rc != 0


def test_the_daemon_has_its_environment(host: Host) -> None:
    assert "NO_PROXY=registry.lab" in host.check_output("systemctl show docker -p Environment")
    assert host.file("/etc/systemd/system/docker.service.d/runnerkit-environment.conf").mode == 0o600


def test_a_password_in_a_proxy_address_is_never_shown(host: Host) -> None:
    proxy = {"docker_engine_environment": {"HTTPS_PROXY": "http://user:pA55w0rd@proxy.lab:3128"}}
    shown = play(name_of(host), proxy, ["--check", "--diff", "-vvv"])
    assert shown.code == 0, shown.output
    assert any("Daemon | Configure and start it" in task for task in shown.changed)
    assert "pA55w0rd" not in str(shown.results) + shown.output


def test_a_host_that_is_right_costs_at_most_eight_calls(host: Host) -> None:
    again = play(name_of(host), {"docker_engine_version": "26.1.5"}, audit=True)
    assert "is ready" in again.output
    assert again.changed == []
    assert again.calls <= 8


def test_the_packages_are_held(host: Host) -> None:
    held = host.check_output("apt-mark showhold").split()
    assert {"docker-ce", "docker-ce-cli", "containerd.io"} <= set(held)


def test_the_repository_is_signed_and_named_once(host: Host) -> None:
    listed = host.check_output("grep -rl docker/linux /etc/apt/sources.list /etc/apt/sources.list.d || true").split()
    assert listed == ["/etc/apt/sources.list.d/runnerkit-docker.sources"]
    assert "Signed-By: /etc/apt/keyrings/runnerkit-docker.asc" in host.file(listed[0]).content_string
    assert host.run("apt-get update -o Dir::Etc::sourcelist=%s -o Dir::Etc::sourceparts=-", listed[0]).rc == 0


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["a second run", "a second run in check mode"])
def test_nothing_is_left_to_do(host: Host, arguments: list[str]) -> None:
    again = play(name_of(host), arguments=arguments)
    assert again.code == 0, again.output
    assert again.changed == []


def test_the_audit_shows_facts_and_says_that_the_host_is_ready(host: Host) -> None:
    audit = play(name_of(host), playbook=CHECKOUT / "playbooks" / "audit.yml")
    assert audit.code == 0, audit.output
    assert audit.changed == []
    assert "The one host is ready." in audit.output
    assert "libseccomp" in audit.output
    assert "faccessat2: 439" in audit.output


def test_facts_are_gathered_in_half_a_second_of_a_processor(host: Host) -> None:
    seconds = module_seconds(host, "runtime_facts")
    print(f"runtime_facts on {name_of(host)}: {seconds}")
    assert seconds.processor <= 0.5
    assert seconds.clock <= 1.5, "it waits for something"
