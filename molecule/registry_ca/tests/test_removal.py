"""What is not declared any more goes, and only that; certificates can be rotated without a gap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.hosts import inspect, start_canary
from tests.support.pki import Authority
from tests.support.registries import address, declared, known, os_store, pull, restore, trust

testinfra_hosts = ["ansible://registry-ca-debian12"]
PLACES = "/etc/docker/certs.d /etc/containers/certs.d /etc/runnerkit /usr/local/share/ca-certificates"


@pytest.fixture(name="_as_it_was", scope="module", autouse=True)
def _fixture_as_it_was(host: Host) -> Iterator[None]:
    """The scenario's own declaration holds again when all of them are done."""
    yield
    restore(host)


@pytest.fixture(name="_nothing")
def _fixture_nothing(host: Host) -> None:
    """Nothing is declared when the test begins, as the one before may have left it."""
    if trusted(host):
        assert trust(host, []).code == 0


def trusted(host: Host) -> list[str]:
    """Files of registries on the host."""
    return host.run(f"find {PLACES} -type f").stdout.split()


def test_check_mode_shows_what_would_go_and_changes_nothing(host: Host) -> None:
    shown = trust(host, [], "--check", "--diff")
    assert shown.code == 0, shown.output
    assert shown.changed != []
    assert "-----BEGIN CERTIFICATE-----" in shown.output
    assert "PRIVATE KEY" not in shown.output
    # By podman: an engine that pulls now has read the system's certificates by the next test.
    assert pull(host, 5000, "podman").rc == 0


def test_all_goes_but_a_file_that_somebody_changed_since_which_is_named(host: Host) -> None:
    path = f"/etc/docker/certs.d/{address(host, 5006)}/ca.crt"
    host.check_output("echo '# a note' >> %s", path)
    gone = trust(host, [])
    assert gone.code == 0, gone.output
    for program in ("docker", "podman"):
        refused = pull(host, 5000, program)
        assert refused.rc != 0
        assert "x509" in refused.stderr
    assert os_store(host) == host.check_output("cat /root/store-before")
    assert path in gone.output
    assert trusted(host) == [path]
    assert host.check_output("tail -n 1 %s", path) == "# a note"
    host.check_output("rm %s", path)
    assert trust(host, []).changed == []


@pytest.mark.usefixtures("_nothing")
def test_what_others_wrote_stays_and_what_was_there_before_comes_back(host: Host) -> None:
    folder = f"/etc/docker/certs.d/{address(host)}"
    host.check_output("mkdir -p %s && echo by hand > %s/ca.crt && echo mine > %s/other.crt", folder, folder, folder)
    try:
        assert trust(host, [declared(host)]).code == 0
        assert "BEGIN CERTIFICATE" in host.check_output("cat %s/ca.crt", folder)
        assert trust(host, []).code == 0
        assert host.check_output("cat %s/ca.crt %s/other.crt", folder, folder) == "by hand\nmine"
    finally:
        host.check_output("rm -r %s", folder)


@pytest.mark.usefixtures("_nothing")
def test_three_hundred_registries_cost_one_call(host: Host) -> None:
    # With something in the system's store the engine would be asked whether it is older than that.
    authority = Authority("of three hundred").pem
    registries = [{"host": f"registry{number}.example.com:5000", "ca": authority} for number in range(300)]
    first = trust(host, registries, registry_ca_verify=False)
    assert first.code == 0, first.output
    again = trust(host, registries, registry_ca_verify=False)
    assert again.changed == []
    assert first.calls == again.calls == 1


def test_podman_has_a_folder_of_its_own(host: Host) -> None:
    # It takes the engine's where it has none, so only by itself it shows that its own is there.
    assert trust(host, [declared(host, trust=["podman"])]).code == 0
    assert pull(host, 5000, "podman").rc == 0
    refused = pull(host, 5000)
    assert refused.rc != 0
    assert "x509" in refused.stderr


def test_old_and_new_authority_side_by_side(host: Host) -> None:
    other = Authority("the next one").pem
    old = known(host)["lab_registry_ca"]
    both = trust(host, [declared(host, ca=[old, other])])
    assert both.code == 0, both.output
    assert pull(host, 5000).rc == 0
    new = trust(host, [declared(host, ca=other)])
    assert new.code == 0, new.output
    assert "signed by" in new.output  # what the handshake says of it
    refused = pull(host, 5000)
    assert refused.rc != 0
    assert "x509" in refused.stderr


@pytest.mark.usefixtures("_nothing")
def test_only_the_systems_store_makes_the_engine_start_anew_and_containers_stay(host: Host) -> None:
    start_canary(host)
    try:
        before = inspect(host)
        engine = host.check_output("systemctl show docker --property MainPID")
        assert trust(host, [declared(host, trust=["engine", "podman", "dind"])]).code == 0
        assert host.check_output("systemctl show docker --property MainPID") == engine
        changed = trust(host, [declared(host, trust=["os"])])
        assert changed.code == 0, changed.output
        assert host.check_output("systemctl show docker --property MainPID") != engine
        assert inspect(host)["State"]["StartedAt"] == before["State"]["StartedAt"]
        assert pull(host, 5000).rc == 0
        again = trust(host, [declared(host, trust=["os"])])
        assert again.changed == []
        # An engine that runs on would trust what the system does not trust any more.
        assert trust(host, []).code == 0
        refused = pull(host, 5000)
        assert refused.rc != 0
        assert "x509" in refused.stderr
        assert inspect(host)["State"]["StartedAt"] == before["State"]["StartedAt"]
    finally:
        host.check_output("docker rm --force --volumes canary")
