# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import (
    BUILD,
    JOB,
    MOUNT,
    VERSION,
    Words,
    dockerfile,
    environment_text,
    functions,
    hear,
    script,
)

ALL = (JOB, VERSION, BUILD, MOUNT)
MARK = "0123456789ab"
SHELLS = [words for words in (["sh"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(words[0])]

# A docker command that says what it was asked, and runs a container by running its program in the host's folder.
# A docker command that notes what it was asked, and runs a container by running its program over the host's folder.
DOCKER = r"""#!/bin/sh
echo "$*" >>"$0.log"
eval "$FAILS"
case $1 in
version) echo "Client: 1" ;;
load) echo "Loaded image: docker:28-cli" ;;
run)
	for each; do
		[ "${each%:/app/data}" = "$each" ] || folder=${each%:/app/data}
		program=$each
	done
	# What the container sees is a name without blanks.
	ln -s "${SEEN:-$folder}" "$0.seen"
	exec sh -c "$(printf %s "$program" | sed "s|/app/data|$0.seen|g")"
	;;
esac
"""


def run(tmp_path: Path, shell: list[str], fails: str = "", seen: str = "", **words: str) -> dict[str, tuple[int, str]]:
    """The steps that were heard, each with its status and its last line."""
    command = tmp_path / "bin" / "docker"
    command.parent.mkdir()
    command.write_text(DOCKER)
    command.chmod(0o755)
    environment = {"PATH": f"{command.parent}:/usr/bin:/bin", "FAILS": fails, "SEEN": seen}
    ended = subprocess.run(
        [*shell, "-c", script(told(tmp_path, **words), ALL)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=environment,
    )
    assert not ended.stderr
    heard = hear([(1.0, line) for line in ended.stdout.splitlines()])
    return {each.step: (-1 if each.code is None else each.code, each.lines[-1] if each.lines else "") for each in heard}


def statuses(heard: dict[str, tuple[int, str]]) -> list[tuple[str, int]]:
    return [(step, code) for step, (code, _) in heard.items()]


def told(tmp_path: Path, **changes: str) -> Words:
    """What the script is told."""
    return Words(
        mark=MARK,
        folder=str(tmp_path / "it's a folder" / "project"),
        base="base:1",
        source="docker:28-cli",
        built="built:1",
        name="run-1",
        label="a=b",
        dockerfile=dockerfile("base:1", MARK, "a=b", run=True),
    )._replace(**changes)


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "bin" / "docker.log").read_text().splitlines()


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param
    return words


def test_all_goes_well_in_every_shell(tmp_path: Path, shell: list[str]) -> None:
    assert statuses(run(tmp_path, shell)) == [(name, 0) for name in ALL]
    asked = log(tmp_path)
    assert asked[2] == "build --force-rm --label a=b -t built:1 ."
    assert asked[3].startswith("run --rm --name run-1 --label a=b -v ")
    # The folder is gone, and those above are not its own.
    assert list((tmp_path / "it's a folder").iterdir()) == []


def test_a_version_that_fails_ends_the_job(tmp_path: Path, shell: list[str]) -> None:
    heard = run(tmp_path, shell, '[ "$1" != version ] || { echo "Cannot connect" >&2; exit 1; }')
    assert statuses(heard) == [(JOB, 0), (VERSION, 1)]
    assert heard[VERSION] == (1, "Cannot connect")


def test_a_build_that_fails_does_not_keep_from_the_mount(tmp_path: Path, shell: list[str]) -> None:
    heard = run(tmp_path, shell, '[ "$1" != build ] || exit 4')
    assert statuses(heard) == [(JOB, 0), (VERSION, 0), (BUILD, 4), (MOUNT, 0)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param("empty", "an empty directory", id="nothing in it"),
        pytest.param("absent", "no folder at all", id="not even a folder"),
        pytest.param("other", "OTHER/file", id="something else"),
    ],
)
def test_a_mount_that_shows_something_else_says_what(tmp_path: Path, shell: list[str], make: str, words: str) -> None:
    other = tmp_path / "OTHER"
    if make != "absent":
        other.mkdir()
    if make == "other":
        (other / "file").touch()
    found = words.replace("OTHER", str(tmp_path / "bin" / "docker.seen"))
    where = f"{tmp_path}/it's a folder/project/data/proof"
    sentence = f"docker run -v $PWD/data:/app/data: the container sees {found} in place of {where}"
    assert run(tmp_path, shell, seen=str(other))[MOUNT] == (1, sentence)


def test_an_engine_without_images_is_given_one(tmp_path: Path, shell: list[str]) -> None:
    run(tmp_path, shell, archive="/x/image.tar")
    assert log(tmp_path)[2:4] == ["load -q -i /x/image.tar", "tag docker:28-cli base:1"]


def test_no_docker_command_is_said_so(tmp_path: Path, shell: list[str]) -> None:
    program = shutil.which(shell[0]) or ""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("mkdir", "id", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    text = script(told(tmp_path), ALL)
    ended = subprocess.run(
        [program, *shell[1:], "-c", text],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PATH": str(tools)},
    )
    heard = hear([(1.0, line) for line in ended.stdout.splitlines()])
    assert [(each.step, each.code) for each in heard] == [(JOB, 0), (VERSION, 127)]
    assert heard[-1].lines == (f"there is no docker command on PATH ({tools})",)


def test_a_folder_that_cannot_be_written_fails_the_job(tmp_path: Path, shell: list[str]) -> None:
    (tmp_path / "file").touch()
    assert statuses(run(tmp_path, shell, folder=str(tmp_path / "file" / "x"))) == [(JOB, 1)]


def test_steps_can_be_given_one_by_one(tmp_path: Path) -> None:
    text = functions(told(tmp_path)) + "step job\nstep job\n"
    ended = subprocess.run(["sh"], input=text, capture_output=True, text=True, timeout=20, check=True)
    assert [each.code for each in hear([(0.0, line) for line in ended.stdout.splitlines()])] == [0, 0]


def test_a_job_that_was_cut_off_has_a_step_without_an_end() -> None:
    lines = ["Last login: today", f"runnerkit-smoke-{MARK} begin job", "half a", "line"]
    (step,) = hear([(float(number), line) for number, line in enumerate(lines)])
    assert (step.code, step.lines, step.began, step.ended) == (None, ("half a", "line"), 1.0, None)


def test_a_build_without_a_program_runs_nothing() -> None:
    assert "RUN" not in dockerfile("empty", MARK, "a=b", run=False)


def test_values_mean_nothing_to_the_shell() -> None:
    text = environment_text({"A": "it's $HOME `id`"}) + 'printf %s "$A"'
    assert subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout == "it's $HOME `id`"
