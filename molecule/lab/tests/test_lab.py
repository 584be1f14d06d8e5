"""A throw-away host is a real host."""

from __future__ import annotations

import pytest
from testinfra.host import Host

ENGINES = {
    "debian11": {"5:20.10.5~3-0~debian-bullseye", "5:20.10.24~3-0~debian-bullseye"},
    "debian12": {
        "5:20.10.5~3-0~debian-bookworm",
        "5:20.10.24~3-0~debian-bookworm",
        "5:26.1.5-1~debian.12~bookworm",
    },
    "debian13": {"5:20.10.24~3-0~debian-trixie", "5:26.1.5-1~debian.13~trixie"},
}


@pytest.fixture(name="image")
def _image(host: Host) -> str:
    return str(host.ansible.get_variables()["lab_image"])


def test_is_the_release_it_was_asked_for(host: Host, image: str) -> None:
    assert host.system_info.distribution + host.system_info.release.split(".")[0] == image


def test_systemd_has_booted_without_failed_units(host: Host) -> None:
    assert host.file("/proc/1/comm").content_string.strip() == "systemd"
    assert host.check_output("systemctl is-system-running") == "running"


def test_is_reached_by_ssh_under_its_own_name(host: Host) -> None:
    variables = host.ansible.get_variables()
    assert host.check_output("hostname") == variables["inventory_hostname"]
    assert variables["ansible_host"] in host.interface("eth0").addresses
    assert host.check_output("echo ${SSH_CONNECTION%% *}")


def test_holds_no_engine(host: Host) -> None:
    for name in ("docker", "dockerd", "containerd", "runc", "podman"):
        assert not host.exists(name)


def test_offers_what_the_mirror_has_and_trusts_its_signature(host: Host, image: str) -> None:
    update = host.run("apt-get update -o APT::Update::Error-Mode=any")
    assert update.rc == 0, update.stderr
    offered = host.check_output("apt-cache madison docker-ce")
    versions = {line.split("|")[1].strip() for line in offered.splitlines()}
    assert {version for version in versions if "~lab" not in version} == ENGINES[image]
    assert any("~lab" in version for version in versions)


def test_refuses_the_mirror_under_another_key(host: Host) -> None:
    url = host.ansible.get_variables()["lab_other_key_url"]
    fetch = f"import urllib.request as u; open('/tmp/other.asc', 'wb').write(u.urlopen('{url}').read())"
    host.check_output("python3 -c %s", fetch)
    host.check_output("mkdir -p /tmp/sources /tmp/lists/partial")
    mirror = "/etc/apt/sources.list.d/mirror.sources"
    host.check_output(f"sed s,/etc/apt/docker-mirror.asc,/tmp/other.asc, {mirror} >/tmp/sources/other.sources")
    update = host.run(
        "apt-get update -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/tmp/sources "
        "-o Dir::State::Lists=/tmp/lists -o APT::Update::Error-Mode=any"
    )
    assert update.rc != 0
    assert "NO_PUBKEY" in update.stderr or "Missing key" in update.stderr


def test_reaches_the_distribution(host: Host) -> None:
    host.check_output("apt-get update -qq")
    assert "Candidate: " in host.check_output("apt-cache policy docker.io")
