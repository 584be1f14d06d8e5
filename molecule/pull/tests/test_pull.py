"""A host that nobody pushes to. The tests follow one another: what a repository says, and what the host makes of it."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from tests.support.hosts import engine_version, name_of, note_time, touched
from tests.support.plays import CHECKOUT, Played, play

PULL = CHECKOUT / "playbooks" / "pull.yml"
UNIT = "runnerkit-pull"
PASSWORD = "opens-the-vault"  # noqa: S105 - and nothing else
# Files of the repository, and what they say: an inventory, and its variables.
HOSTS = "inventory/hosts.yml"
SETTINGS = "inventory/group_vars/runner_hosts/settings.yml"
VAULTED = "inventory/group_vars/runner_hosts/vaulted.yml"
ARCHIVE = "{{ (query('ansible.builtin.fileglob', inventory_dir ~ '/../archives/*.tar.gz'))[0] | realpath }}"
WISHES: dict[str, Any] = {
    "pull_url": "file:///srv/fleet.git",
    "pull_collections": [ARCHIVE],
    "pull_schedule": "*-*-* 03:00:00",
    "docker_engine_source": "distribution",
}
# As needrestart reads its settings.
_NEEDRESTART = (
    "our %nrconf; do '/etc/needrestart/conf.d/runnerkit-pull.conf'; die $@ if $@; $unit = 'runnerkit-pull.service'; "
    "for (keys %{$nrconf{override_rc}}) { print qq($unit=$nrconf{override_rc}{$_}) if $unit =~ /$_/ }"
)
# A pull changes its checkout, and Ansible's own folder; the repository is the tests'.
PULLED = ("/opt/runnerkit/repository", "/root/.ansible", "/srv")


def commit(host: Host, files: dict[str, str]) -> None:
    """Bring files into the repository, the way a colleague would."""
    for path, content in files.items():
        host.check_output("mkdir -p %s", str(Path("/srv/work", path).parent))
        encoded = base64.b64encode(content.encode()).decode()
        host.check_output("echo %s | base64 -d > %s", encoded, f"/srv/work/{path}")
    host.check_output(
        "cd /srv/work && git add --all && git -c user.name=x -c user.email=x@example.com commit -qm x && git push -q"
    )


def vaulted(variables: dict[str, Any], directory: Path) -> str:
    """Variables that nobody can read without the password."""
    plain, password = directory / "vaulted.yml", directory / "password"
    plain.write_text(yaml.safe_dump(variables))
    password.write_text(PASSWORD)
    program = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([program, "encrypt", "--vault-password-file", password, plain], check=True, capture_output=True)
    return plain.read_text()


def run(host: Host) -> tuple[int, str]:
    """What the timer does, and what the journal has of it."""
    cursor = host.check_output("journalctl -n 0 --show-cursor -o cat | sed 's/-- cursor: //'")
    code = host.run("systemctl start %s", UNIT).rc
    return code, host.check_output("journalctl -u %s -o cat --after-cursor %s", UNIT, cursor)


def push(host: Host, variables: dict[str, Any], *arguments: str) -> Played:
    return play(name_of(host), variables, arguments, playbook=PULL)


def release(host: Host) -> str:
    return host.check_output("readlink /opt/runnerkit/current")


@pytest.fixture(name="unharmed")
def _unharmed(host: Host) -> Iterator[None]:
    """Whatever is in the repository: nothing else on the host is touched."""
    note_time(host)
    yield
    assert touched_beside(host) == []


def touched_beside(host: Host) -> list[str]:
    # Where the checkout is made; what else is in there counts by itself.
    return [path for path in touched(host) if path != "/opt/runnerkit" and not path.startswith(PULLED)]


def test_the_timer_waits_for_a_time_of_its_own(host: Host) -> None:
    assert host.service(f"{UNIT}.timer").is_enabled
    assert host.service(f"{UNIT}.timer").is_running
    shown = host.check_output("systemctl show %s.timer -p TimersCalendar,RandomizedDelayUSec,FixedRandomDelay", UNIT)
    assert "OnCalendar=*-*-* 01:00:00" in shown
    assert "RandomizedDelayUSec=4h" in shown
    assert "FixedRandomDelay=yes" in shown


def test_needrestart_leaves_a_run_alone(host: Host) -> None:
    said = host.check_output("perl -e %s", _NEEDRESTART)
    assert said == "runnerkit-pull.service=0"


def test_secrets_are_for_root_alone(host: Host) -> None:
    assert host.file("/etc/runnerkit-pull").mode == 0o700
    assert host.file("/etc/runnerkit-pull/vault-password").mode == 0o600
    assert host.file("/etc/runnerkit-pull/vault-password").content_string == f"{PASSWORD}\n"


@pytest.mark.usefixtures("unharmed")
def test_without_a_repository_the_run_fails_and_nothing_is_touched(host: Host) -> None:
    code, journal = run(host)
    assert code != 0
    assert "does not appear to be a git repository" in journal
    assert host.check_output("systemctl is-failed %s", UNIT) == "failed"


def test_the_first_run_makes_a_runner_host(host: Host, tmp_path: Path) -> None:
    host.check_output("git init -q --bare -b main /srv/fleet.git && git clone -q /srv/fleet.git /srv/work")
    host.check_output("mkdir /srv/work/archives && cp /opt/runnerkit/current/archives/* /srv/work/archives")
    # As for a push: the address leads nowhere from here, and is not needed.
    inventory = {"runner_hosts": {"hosts": {name_of(host): {"ansible_host": "192.0.2.1", "ansible_user": "debian"}}}}
    commit(
        host,
        {
            HOSTS: yaml.safe_dump(inventory),
            SETTINGS: yaml.safe_dump(WISHES),
            VAULTED: vaulted({"docker_engine_daemon_config": {"labels": ["from=the-vault"]}}, tmp_path),
        },
    )
    code, journal = run(host)
    assert code == 0, journal
    assert "The one host is ready." in journal
    assert engine_version(host).startswith("20.10.24")
    assert "from=the-vault" in host.check_output("docker info --format '{{json .Labels}}'")
    assert PASSWORD not in host.check_output("journalctl -o verbose")
    assert host.file("/opt/runnerkit/repository").mode == 0o700


def test_the_repository_has_its_way_with_the_pull_itself(host: Host) -> None:
    shown = host.check_output("systemctl show %s.timer -p TimersCalendar", UNIT)
    assert "OnCalendar=*-*-* 03:00:00" in shown
    assert host.file("/etc/runnerkit-pull/vault-password").exists


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("mv inventory elsewhere", "No inventory was parsed"),
        ("mv elsewhere inventory && echo 'runner_hosts: {hosts: [' > inventory/hosts.yml", "inventory/hosts.yml"),
    ],
    ids=["is not there", "is broken"],
)
def test_nothing_is_touched_when_the_inventory(host: Host, command: str, message: str) -> None:
    host.check_output("cd /srv/work && " + command)
    commit(host, {})
    code, journal = run(host)
    assert code != 0
    assert message in journal


@pytest.mark.usefixtures("unharmed")
def test_a_host_that_is_not_in_the_inventory_is_left_alone(host: Host) -> None:
    commit(host, {HOSTS: yaml.safe_dump({"runner_hosts": {"hosts": {"another.example.com": {}}}})})
    code, journal = run(host)
    assert code != 0
    assert "no hosts to target" in journal


def test_a_release_that_cannot_be_built_leaves_the_one_in_use(host: Host) -> None:
    before = release(host)
    inventory = {"runner_hosts": {"hosts": {name_of(host): {}}}}
    # The host's own Ansible, which it has not.
    wishes = WISHES | {"pull_requirements": []}
    commit(host, {HOSTS: yaml.safe_dump(inventory), SETTINGS: yaml.safe_dump(wishes)})
    code, journal = run(host)
    assert code != 0
    assert "/usr/bin/ansible-galaxy: not found" in journal
    assert release(host) == before
    assert "changed: [" not in journal.split("Build | Install the collections")[1]


def test_mended_in_the_repository_a_further_run_changes_nothing(host: Host) -> None:
    commit(host, {SETTINGS: yaml.safe_dump(WISHES)})
    code, journal = run(host)
    assert code == 0, journal
    assert "changed: [" not in journal
    assert journal.count("PLAY RECAP") == 2


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        (
            {"pull_playbooks": [], "pull_inventory": "/etc/ansible/hosts", "pull_username": "deploy"},
            [
                "pull_url is not set; name the git repository with the inventory",
                "pull_collections is not set; name a release of the collection",
                "pull_playbooks is empty; name a playbook",
                "pull_inventory is '/etc/ansible/hosts'; write it as a path within the repository",
                "pull_password is empty; give both, or neither",
            ],
        ),
        (
            {"pull_url": "https://deploy:pA55w0rd@git.example.com/fleet.git", "pull_collections": ["here.tar.gz"]},
            [
                "pull_url has a password in it; leave it out, and give pull_username and pull_password",
                "pull_collections names 'here.tar.gz', and where that is depends on who runs Ansible",
            ],
        ),
        (
            {"pull_url": "file:///srv/fleet.git", "pull_collections": ["/nowhere/at-all.tar.gz"]},
            ["pull_collections names /nowhere/at-all.tar.gz, but on the controller there is no such file"],
        ),
        (
            {"pull_url": "file:///srv/fleet.git", "pull_collections": ["x.y"], "pull_schedule": "now and then"},
            ["pull_schedule 'now and then' is no calendar event of systemd"],
        ),
    ],
    ids=["nothing that is needed", "a password where all can read it", "an archive that is not there", "no schedule"],
)
def test_bad_input_is_refused_in_one_sentence_each(host: Host, variables: dict[str, Any], messages: list[str]) -> None:
    played = push(host, variables)
    assert played.code != 0
    assert [message for message in messages if message not in played.failures[0]] == [], played.output
    assert "pA55w0rd" not in played.failures[0]
    assert played.changed == []


def test_a_host_can_be_told_to_stop(host: Host) -> None:
    commit(
        host, {SETTINGS: yaml.safe_dump(WISHES | {"pull_state": "absent", "pull_playbooks": ["runnerkit.gitlab.pull"]})}
    )
    _, journal = run(host)
    assert not host.file("/opt/runnerkit").exists, journal
    assert not host.file("/etc/runnerkit-pull").exists
    assert not host.file("/usr/local/sbin/runnerkit-pull").exists
    assert not host.file("/etc/needrestart/conf.d/runnerkit-pull.conf").exists
    assert host.run("systemctl cat %s.timer", UNIT).rc != 0
    assert engine_version(host).startswith("20.10.24")
    assert push(host, {"pull_state": "absent"}).changed == []


def test_check_mode_touches_nothing(host: Host) -> None:
    note_time(host)
    played = push(host, {**WISHES, "pull_collections": ["runnerkit.gitlab"]}, "--check", "--diff")
    assert played.code == 0, played.output
    assert "Install | Take it into use" in " ".join(played.changed)
    assert touched_beside(host) == []
