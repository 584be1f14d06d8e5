# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_service_unit as texts
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_service_unit import Command

PROGRAM = "/usr/bin/gitlab-runner"
HELD = "ConditionPathExists=!/var/lib/runnerkit/gitlab-runner-hold\n"
OPTIONS = "--config /etc/gitlab-runner/config.toml --working-directory /home/gitlab-runner"
NOW = f"{PROGRAM} run {OPTIONS} --service gitlab-runner --user gitlab-runner"
# As runners before 11 wrote it, and as some hosts still have it.
OLD = (
    f"{PROGRAM} run --working-directory /home/gitlab-runner --config /etc/gitlab-runner/config.toml "
    "--service gitlab-runner --syslog --user gitlab-runner"
)


def command(text: str) -> Command:
    return Command(text.split())


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param(OLD, True, id="another order, and --syslog"),
        pytest.param(
            f"{PROGRAM} run -c /etc/gitlab-runner/config.toml -d /home/gitlab-runner -n gitlab-runner -u gitlab-runner",
            True, id="short options",
        ),
        pytest.param(f"{PROGRAM} run -d=/home/gitlab-runner --user=gitlab-runner", True, id="defaults"),
        pytest.param(NOW.replace(PROGRAM, "/usr/local/bin/gitlab-runner"), False, id="another program"),
        pytest.param(NOW.replace("/etc/gitlab-runner/config.toml", "/srv/c.toml"), False, id="another file"),
        pytest.param(NOW.replace("--user gitlab-runner", "--user ci"), False, id="another user"),
        pytest.param(f"{NOW} --listen-address :9252", False, id="one more option"),
        pytest.param(f"{NOW} --debug", False, id="one more without a value"),
    ],
)  # fmt: skip
def test_two_commands_mean_the_same(text: str, same: bool) -> None:
    assert command(NOW).means(command(text)) is same
    assert command(text).means(command(NOW)) is same


def test_what_a_unit_made_by_the_runner_starts() -> None:
    found = texts.standard(PROGRAM, "gitlab-runner", "/home/gitlab-runner")
    assert " ".join(found.words) == NOW
    assert (found.config, found.user, found.working_directory) == (
        texts.DEFAULT_CONFIG, "gitlab-runner", "/home/gitlab-runner",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        pytest.param(NOW, None, NOW, id="no other file"),
        pytest.param(f"{PROGRAM} run", texts.DEFAULT_CONFIG, f"{PROGRAM} run", id="the file that it reads anyway"),
        pytest.param(f"{PROGRAM} run --user ci", "/c", f"{PROGRAM} run --user ci --config /c", id="none was named"),
        pytest.param(f"{PROGRAM} run -c /b --user ci", "/c", f"{PROGRAM} run --user ci --config /c", id="another one"),
        pytest.param(f"{PROGRAM} run --config=/b --debug", "/c", f"{PROGRAM} run --debug --config /c", id="by a sign"),
    ],
)
def test_all_else_stays_when_the_file_changes(text: str, config: str | None, expected: str) -> None:
    assert " ".join(command(text).changed(None, config).words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"ExecStart={{ path={PROGRAM} ; argv[]={NOW} ; ignore_errors=no ; pid=0 }}", NOW, id="a command"),
        pytest.param("ExecStart=", None, id="no unit"),
    ],
)
def test_the_command_that_systemd_shows(text: str, expected: str | None) -> None:
    found = texts.shown_command(text)
    assert (" ".join(found.words) if found else None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f'ExecStart={PROGRAM} "run" "--user" "ci"\n', [PROGRAM, "run", "--user", "ci"], id="quoted"),
        pytest.param(f"ExecStart=-{PROGRAM} run \\\n  --user ci\n", [PROGRAM, "run", "--user", "ci"], id="two lines"),
        pytest.param(f"ExecStart=/x\nExecStart=\nExecStart={PROGRAM} run\n", [PROGRAM, "run"], id="the last one"),
        pytest.param("[Service]\nKillSignal=SIGQUIT\n", None, id="none"),
        pytest.param("ExecStart='\n", None, id="one that cannot be read"),
        pytest.param(None, None, id="no file"),
    ],
)  # fmt: skip
def test_the_command_that_a_file_names(text: str | None, expected: list[str] | None) -> None:
    found = texts.written_command(text)
    assert (found.words if found else None) == expected


@pytest.mark.parametrize(
    ("timeout", "text", "expected"),
    [
        pytest.param(None, None, "", id="nothing"),
        pytest.param(
            7200, None,
            f"[Unit]\nAfter=docker.service containerd.service\n{HELD}"
            "[Service]\nKillSignal=SIGQUIT\nKillMode=mixed\nTimeoutStopSec=7200s\n", id="every stop drains",
        ),
        pytest.param(
            None, f"{PROGRAM} run --config /a%b",
            f"[Unit]\nConditionFileIsExecutable=\nConditionFileIsExecutable={PROGRAM}\n"
            f'[Service]\nExecStart=\nExecStart={PROGRAM} run --config "/a%%b"\n', id="another command",
        ),
        pytest.param(
            60, f"{PROGRAM} run",
            # An empty condition takes back those before it.
            f"[Unit]\nConditionFileIsExecutable=\nConditionFileIsExecutable={PROGRAM}\n"
            f"After=docker.service containerd.service\n{HELD}"
            f"[Service]\nExecStart=\nExecStart={PROGRAM} run\n"
            "KillSignal=SIGQUIT\nKillMode=mixed\nTimeoutStopSec=60s\n", id="both",
        ),
    ],
)  # fmt: skip
def test_the_lasting_drop_in(timeout: int | None, text: str | None, expected: str) -> None:
    found = texts.drop_in(timeout, command(text) if text else None)
    assert found == (texts.MANAGED + expected if expected else "")
    assert texts.drain_timeout(found) == timeout


words = st.lists(st.text(alphabet="ab /=:\"'\\-", min_size=1, max_size=8), max_size=6)


@given(words)
def test_what_a_drop_in_says_is_read_again_as_it_was(arguments: list[str]) -> None:
    written = texts.drop_in(None, Command([PROGRAM, "run", *arguments]))
    found = texts.written_command(written)
    assert found is not None
    assert found.words == [PROGRAM, "run", *arguments]


@given(words, st.sampled_from(["/srv/config.toml", texts.DEFAULT_CONFIG]))
def test_a_command_with_another_file_reads_that_file(arguments: list[Any], config: str) -> None:
    plain = [word for word in arguments if not word.startswith("-")]
    found = Command([PROGRAM, "run", *plain]).changed(None, config)
    assert found.config == config
    assert found.changed(None, config).means(found)
