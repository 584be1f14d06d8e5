# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import Unit, UnitError

DOCKER_CE = "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"


class FakeSystemctl:
    """Answers every command alike and remembers what was asked."""

    def __init__(self, out: str = "", err: str = "", rc: int = 0) -> None:
        self.answer = (rc, out, err)
        self.calls: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(command))
        return self.answer


def shown(argv: str, *more: str) -> str:
    """What `systemctl show` prints about a unit's command line."""
    path = argv.split(" ", maxsplit=1)[0]
    start = (
        f"ExecStart={{ path={path} ; argv[]={argv} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 }}"
    )
    return "\n".join([start, *more, ""])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(shown(DOCKER_CE), DOCKER_CE.split(), id="docker's unit"),
        pytest.param(shown("/usr/sbin/dockerd $DOCKER_OPTS"), ["/usr/sbin/dockerd"], id="a variable that is not set"),
        pytest.param(
            shown("/usr/sbin/dockerd -H fd:// $DOCKER_OPTS", "Environment=DOCKER_OPTS=--mtu=1400"),
            ["/usr/sbin/dockerd", "-H", "fd://", "--mtu=1400"],
            id="a variable of the unit",
        ),
        pytest.param(
            shown(
                "/usr/sbin/dockerd ${DOCKER_OPTS}", 'Environment=HTTP_PROXY=http://p "DOCKER_OPTS=--mtu 1400 --debug"'
            ),
            ["/usr/sbin/dockerd", "--mtu", "1400", "--debug"],
            id="several words in a variable",
        ),
        pytest.param("Environment=A=b\n", [], id="a unit that starts nothing"),
        pytest.param("", [], id="no unit at all"),
    ],
)
def test_the_command_line(text: str, expected: list[str]) -> None:
    run = FakeSystemctl(text)
    assert Unit(run, "docker.service").command_line() == expected
    assert run.calls == [
        ["systemctl", "show", "docker.service", "--property", "ExecStart,Environment,EnvironmentFiles"]
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", [], id="an empty file"),
        pytest.param("# Use DOCKER_OPTS to modify the daemon's options.\n#DOCKER_OPTS='--debug'\n", [], id="comments"),
        pytest.param(
            "; another comment, it's fine\nDOCKER_OPTS=--debug\n", ["--debug"], id="the other kind of comment"
        ),
        pytest.param('DOCKER_OPTS="--dns 8.8.8.8 --debug"\n', ["--dns", "8.8.8.8", "--debug"], id="words in quotes"),
        pytest.param('A="b"\nDOCKER_OPTS=\'--label="x y"\'\n', ["--label=x y"], id="quotes within quotes"),
        pytest.param(
            'DOCKER_OPTS="--debug \\\n  --mtu 1400"\n', ["--debug", "--mtu", "1400"], id="a line that goes on"
        ),
        pytest.param("GREETING=it's\nDOCKER_OPTS=--debug\n", ["--debug"], id="an apostrophe in another line"),
        pytest.param(None, [], id="no such file"),
    ],
)
def test_the_command_line_with_an_environment_file(tmp_path: Path, content: str | None, expected: list[str]) -> None:
    path = tmp_path / "docker"
    if content is not None:
        path.write_text(content)
    text = shown("/usr/sbin/dockerd $DOCKER_OPTS", f"EnvironmentFiles={path} (ignore_errors=yes)")
    assert Unit(FakeSystemctl(text), "docker.service").command_line() == ["/usr/sbin/dockerd", *expected]


def test_a_file_outweighs_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "docker"
    path.write_text("DOCKER_OPTS=--debug\n")
    lines = ("Environment=DOCKER_OPTS=--mtu=1", f"EnvironmentFiles={path} (ignore_errors=no)")
    unit = Unit(FakeSystemctl(shown("dockerd $DOCKER_OPTS", *lines)), "docker.service")
    assert unit.command_line() == ["dockerd", "--debug"]


def test_properties() -> None:
    unit = Unit(FakeSystemctl("LoadState=loaded\nActiveState=active\nnoise\nX=a=b\n"), "docker.service")
    assert unit.properties() == {"LoadState": "loaded", "ActiveState": "active", "X": "a=b"}


def test_the_properties_tell_one_start_from_the_next() -> None:
    run = FakeSystemctl()
    assert Unit(run, "docker.service").properties() == {}
    asked = run.calls[0][-1].split(",")
    assert {"LoadState", "ActiveState", "SubState", "UnitFileState", "InvocationID"} <= set(asked)


@pytest.mark.parametrize(
    ("method", "commands"),
    [
        ("enable", [["systemctl", "enable", "docker.service"]]),
        ("reload", [["systemctl", "reload", "docker.service"]]),
        ("daemon_reload", [["systemctl", "daemon-reload"]]),
        (
            "restart",
            [["systemctl", "reset-failed", "docker.service"], ["systemctl", "--no-block", "restart", "docker.service"]],
        ),
    ],
)
def test_what_is_asked_of_systemd(method: str, commands: list[list[str]]) -> None:
    run = FakeSystemctl()
    getattr(Unit(run, "docker.service"), method)()
    assert run.calls == commands


@pytest.mark.parametrize(
    ("run", "message"),
    [
        pytest.param(FakeSystemctl(err="Job failed.\n", rc=1), "Job failed.", id="by its error output"),
        pytest.param(FakeSystemctl(out="masked\n", rc=1), "masked", id="by its output"),
        pytest.param(
            FakeSystemctl(rc=4), "systemctl --no-block restart docker.service ended with 4", id="by its exit code"
        ),
    ],
)
def test_a_refusal_says_why(run: FakeSystemctl, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        Unit(run, "docker.service").restart()
    assert str(caught.value) == message


def test_the_log_is_the_daemons_own_last_words() -> None:
    lines = [
        "one", "", "docker.service: Scheduled restart job, restart counter is at 3.", "two",
        "docker.service: Consumed 1.2s CPU time.", "docker.service: Deactivated successfully.", "three",
    ]  # fmt: skip
    run = FakeSystemctl("\n".join(lines))
    assert Unit(run, "docker.service").log(2) == ["two", "three"]
    assert run.calls[0][0] == "journalctl"
    assert run.calls[0][-4:] == ["-n", "8", "-u", "docker.service"]
