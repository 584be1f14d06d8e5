"""What the lab's mirror offers is real."""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

RESOLVE = "import ctypes; print(ctypes.CDLL('libseccomp.so.2').seccomp_syscall_resolve_name(b'{}'))"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --allow-downgrades"

# Only the mirror's lists; those of the distribution are there.
UPDATE = (
    "apt-get update -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/etc/apt/sources.list.d "
    "-o APT::Get::List-Cleanup=0"
)


@pytest.fixture(name="image")
def _image(host: Host) -> str:
    return str(host.ansible.get_variables()["lab_image"])


@pytest.fixture(name="further_channels")
def _further_channels(host: Host) -> None:
    host.check_output("sed -i 's/ stable.*/ stable test lab/' /etc/apt/sources.list.d/mirror.list")
    host.check_output(UPDATE)


def _resolve(host: Host, call: str) -> str:
    return str(host.check_output("python3 -c %s", RESOLVE.format(call)))


def test_every_engine_ran_in_the_version_it_is_offered_as(host: Host) -> None:
    offered = host.check_output("cat /root/engines").split()
    assert len(offered) >= 2
    ran = host.check_output("cat /root/ran").splitlines()
    assert len(ran) == len(offered)
    for version, line in zip(offered, ran, strict=True):
        upstream = re.match(r"5:([\d.]+)", version)
        assert upstream
        assert re.match(rf"{re.escape(version)}: {upstream[1]}\S* {upstream[1]}\S* with runc version \d", line)


def test_a_container_lived_through_all_of_them(host: Host) -> None:
    state = host.check_output("docker inspect --format '{{.State.Status}} {{.State.StartedAt}}' canary")
    assert state == "running " + host.check_output("cat /root/canary-started")


def test_the_plugins_work_where_they_are_offered(host: Host, image: str) -> None:
    offered = host.check_output("apt-cache madison docker-buildx-plugin docker-compose-plugin")
    assert bool(offered) == (image != "debian11")
    if offered:
        host.check_output(f"{INSTALL} docker-buildx-plugin docker-compose-plugin")
        assert "0.13.1" in host.check_output("docker buildx version")
        assert "2.26.1" in host.check_output("docker compose version")


@pytest.mark.usefixtures("further_channels")
def test_the_poisoned_engine_installs_and_does_not_start(host: Host, image: str) -> None:
    assert "~lab" in host.check_output("apt-cache madison docker-ce")
    if image != "debian12":
        return  # it is the same shell script everywhere
    good = host.check_output("dpkg-query --show --showformat '${Version}' docker-ce")
    offered = host.check_output("apt-cache madison docker-ce | awk '{print $3}'").split()
    poisoned = next(version for version in offered if "~lab" in version)
    host.check_output(f"{INSTALL} docker-ce={poisoned} docker-ce-cli={poisoned}")
    host.check_output("timeout 20 sh -c 'until systemctl is-failed --quiet docker; do sleep 0.5; done'")
    assert "lab: this daemon cannot start" in host.check_output("journalctl --unit docker --no-pager --lines 30")
    host.check_output(f"{INSTALL} docker-ce={good} docker-ce-cli={good}")
    host.check_output("systemctl reset-failed docker && systemctl restart docker")
    assert host.check_output("docker inspect --format '{{.State.Status}}' canary") == "running"


@pytest.mark.usefixtures("further_channels")
def test_the_old_libseccomp_knows_all_but_faccessat2(host: Host, image: str) -> None:
    assert _resolve(host, "faccessat2") == "439"
    if image != "debian12":
        assert "~lab" not in host.check_output("apt-cache policy libseccomp2")
        return
    host.check_output(f"{INSTALL} libseccomp2=2.4.3-1~lab1")
    assert (_resolve(host, "faccessat2"), _resolve(host, "openat2")) == ("-1", "437")
    assert host.check_output("docker run --rm lab/busybox:1 echo still") == "still"


@pytest.mark.parametrize("kind", ["expired", "subkey", "rotated"])
def test_the_key_that_a_host_has_is_refused_and_todays_is_not(host: Host, kind: str) -> None:
    variables = host.ansible.get_variables()
    code = host.check_output(". /etc/os-release && echo $VERSION_CODENAME")
    folder = f"/root/keys-{kind}"
    host.check_output(f"mkdir -p {folder}/lists/partial")
    fetch = "import sys, urllib.request as u; open(sys.argv[2], 'wb').write(u.urlopen(sys.argv[1]).read())"
    source = f"deb [signed-by={folder}/key.asc] {variables[f'lab_runner_{kind}_repository_url']}/debian {code} main"
    host.check_output("echo %s >%s", source, f"{folder}/sources.list")
    update = (
        f"apt-get update -o Dir::Etc::SourceList={folder}/sources.list -o Dir::Etc::SourceParts=/dev/null "
        f"-o Dir::State::Lists={folder}/lists -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any"
    )
    for name, works in (("former_key", False), ("key", True)):
        host.check_output("python3 -c %s %s %s", fetch, variables[f"lab_runner_{kind}_{name}_url"], f"{folder}/key.asc")
        done = host.run(update)
        assert (done.rc == 0) == works, done.stderr


def test_the_runner_stand_in_says_what_it_is(host: Host) -> None:
    variables = host.ansible.get_variables()
    code = host.check_output(". /etc/os-release && echo $VERSION_CODENAME")
    source = (
        f"deb [signed-by=/etc/apt/docker-mirror.asc] {variables['gitlab_runner_repository_url']}/debian {code} main"
    )
    host.check_output("echo %s >/etc/apt/sources.list.d/runner.list", source)
    host.check_output(UPDATE)
    host.check_output("cd /root && apt-get download -qq gitlab-runner && dpkg-deb --extract gitlab-runner_*.deb runner")
    assert "stand-in, not GitLab Runner" in host.check_output("/root/runner/usr/bin/gitlab-runner --version")
