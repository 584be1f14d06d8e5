"""Whatever goes wrong between GitLab and config.toml: nothing is lost, and GitLab has no runner that nobody uses."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.hosts import name_of
from tests.support.plays import CHECKOUT, command_line, environment
from tests.support.registering import CONVERGE, another, in_gitlab, register, with_runners, writes
from tests.support.runners import config_text, names, runner
from tests.support.trouble import kill_run

CREATION = r"/user/runners$"
_numbers = itertools.count()


@pytest.fixture(name="_as_before", scope="module", autouse=True)
def _fixture_as_before(host: Host) -> Iterator[None]:
    yield
    assert register(host, {"gitlab_runner_exclusive": True}).code == 0
    assert names(host) == ["created"]


@pytest.fixture(name="troubled")
def _troubled() -> str:
    """The name of a runner that no other test has."""
    return f"troubled-{next(_numbers)}"


def until_it_is_back(host: Host) -> None:
    """testinfra takes a host that does not answer for an error."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(RuntimeError):
            host.check_output("systemctl is-system-running --wait || true")
            return
        time.sleep(1)


def test_three_errors_and_then_an_answer(host: Host, gitlab: LabGitLab, troubled: str) -> None:
    gitlab.fault(CREATION, method="POST", status=500, times=3)
    made = register(host, with_runners(another(troubled)))
    assert made.code == 0, made.output
    assert len(in_gitlab(gitlab, troubled)) == 1
    assert runner(host, troubled)["id"] == in_gitlab(gitlab, troubled)[0]["id"]


def test_too_many_requests_are_waited_for(host: Host, gitlab: LabGitLab, troubled: str) -> None:
    gitlab.fault(CREATION, method="POST", status=429, headers={"Retry-After": "2"})
    began = time.monotonic()
    made = register(host, with_runners(another(troubled)))
    assert made.code == 0, made.output
    assert time.monotonic() - began > 2


@pytest.mark.parametrize(
    "lost", [{"drop": "after"}, {"act": True, "status": 502}], ids=["the connection", "the answer"]
)
def test_a_creation_whose_answer_is_lost_leaves_one_runner(
    host: Host, gitlab: LabGitLab, troubled: str, lost: dict[str, object]
) -> None:
    gitlab.fault(CREATION, method="POST", times=1, **lost)
    made = register(host, with_runners(another(troubled)))
    assert made.code == 0, made.output
    (found,) = in_gitlab(gitlab, troubled)
    assert runner(host, troubled)["id"] == found["id"]


def test_a_run_killed_between_creation_and_write_leaves_no_orphan(host: Host, gitlab: LabGitLab, troubled: str) -> None:
    wanted = with_runners(another(troubled))
    gitlab.fault(CREATION, method="POST", act=True, delay=30)
    with tempfile.NamedTemporaryFile() as record, tempfile.TemporaryFile() as output:
        run = subprocess.Popen(
            command_line(CONVERGE, name_of(host), wanted),
            cwd=CHECKOUT, env=environment(record.name), stdout=output, stderr=output,
        )  # fmt: skip
        try:
            gitlab.wait_for(lambda: {"there": in_gitlab(gitlab, troubled)}, lambda found: bool(found["there"]))
        finally:
            kill_run(run.pid)
            run.wait()
    (orphan,) = in_gitlab(gitlab, troubled)
    assert troubled not in names(host)

    again = register(host, wanted)

    assert again.code == 0, again.output
    (found,) = in_gitlab(gitlab, troubled)
    assert found["id"] != orphan["id"]
    assert runner(host, troubled)["id"] == found["id"]


def test_a_host_that_goes_down_between_creation_and_write_leaves_no_orphan(
    host: Host, gitlab: LabGitLab, troubled: str
) -> None:
    wanted = with_runners(another(troubled))
    gitlab.fault(CREATION, method="POST", act=True, delay=4)

    def die() -> None:
        gitlab.wait_for(lambda: {"there": in_gitlab(gitlab, troubled)}, lambda found: bool(found["there"]))
        # A lab host is back within seconds, and Ansible would go on with it: this one takes its time.
        slow = "/etc/systemd/system/ssh.service.d/slow.conf"
        host.check_output(
            f"mkdir -p {slow.rpartition('/')[0]} && printf '[Service]\\nExecStartPre=/bin/sleep 12\\n' > {slow}"
        )
        with contextlib.suppress(RuntimeError):
            host.run("systemctl reboot --force")

    death = threading.Thread(target=die)
    death.start()
    lost = register(host, wanted)
    death.join()
    assert lost.code != 0

    until_it_is_back(host)
    host.check_output("rm -r /etc/systemd/system/ssh.service.d && systemctl daemon-reload")
    assert troubled not in names(host)
    again = register(host, wanted)
    assert again.code == 0, again.output
    (found,) = in_gitlab(gitlab, troubled)
    assert runner(host, troubled)["id"] == found["id"]


def test_a_hand_edit_in_the_middle_of_a_run_is_kept(host: Host, gitlab: LabGitLab, troubled: str) -> None:
    gitlab.fault(CREATION, method="POST", act=True, delay=4)

    def edit() -> None:
        gitlab.wait_for(lambda: {"there": in_gitlab(gitlab, troubled)}, lambda found: bool(found["there"]))
        host.check_output("sed -i '1i # by hand, in between' /etc/gitlab-runner/config.toml")

    hand = threading.Thread(target=edit)
    hand.start()
    made = register(host, with_runners(another(troubled)))
    hand.join()
    assert made.code == 0, made.output
    assert config_text(host).startswith("# by hand, in between\n")
    assert names(host)[-1] == troubled
    assert len(in_gitlab(gitlab, troubled)) == 1
    host.check_output("sed -i 1d /etc/gitlab-runner/config.toml")


def test_when_one_of_three_is_refused_the_others_are_kept(host: Host, gitlab: LabGitLab) -> None:
    gitlab.fault(CREATION, method="POST", status=403, skip=1, body={"message": "403 Forbidden"})
    refused = register(host, with_runners(another("first"), another("second")))
    assert refused.code != 0
    assert "403" in refused.failures[-1]
    assert "second" in refused.failures[-1]
    assert names(host)[-1] == "first"


def test_a_file_that_is_no_toml_is_left_as_it_is(host: Host, gitlab: LabGitLab, kept: str) -> None:
    host.check_output("printf 'concurrent = [[[\\n' >> %s", kept)
    before, calls = config_text(host), len(writes(gitlab))
    refused = register(host, with_runners(another("never")))
    assert refused.code != 0
    assert "line" in refused.failures[-1]
    assert config_text(host) == before
    assert len(writes(gitlab)) == calls


def test_a_full_disk_leaves_the_old_file_and_no_runner_in_gitlab(host: Host, gitlab: LabGitLab) -> None:
    before = config_text(host)
    host.check_output(
        "mkdir /root/full && cp -a /etc/gitlab-runner/. /root/full/"
        " && mount -t tmpfs -o size=64k,mode=700 tmpfs /etc/gitlab-runner && cp -a /root/full/. /etc/gitlab-runner/"
        " && (dd if=/dev/zero of=/etc/gitlab-runner/ballast bs=1k; true) 2> /dev/null"
    )
    try:
        refused = register(host, with_runners(another("never")))
        assert refused.code != 0
        assert "No space left" in refused.failures[-1]
        assert config_text(host) == before
        left = set(host.check_output("ls -A /etc/gitlab-runner").split())
        assert left <= {"ballast", "certs", "config.toml", ".runner_system_id"}
    finally:
        host.check_output("umount /etc/gitlab-runner && rm -r /root/full")
    assert in_gitlab(gitlab, "never") == []
    assert register(host).changed == []
