# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_file import (
    RunnerFile,
    RunnerFileError,
    Written,
)
from tests.unit.plugins.plugin_utils.runner_file_world import Connection, World

TOKEN = "glrt-abcdefghijklmnopqrst"
TEXT = f'concurrent = 1\n[[runners]]\n  token = "{TOKEN}"\n'


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host with a config.toml."""
    made = World(tmp_path, monkeypatch)
    made.holds(TEXT)
    return made


def file(world: World) -> RunnerFile:
    return RunnerFile(world.action(), {}, str(world.path))


@pytest.mark.parametrize(
    "text",
    ["", "concurrent = 1\n", "concurrent = 1\r\n", "\ufeffconcurrent = 1", 'name = "käse \U0001f9c0"\n'],
    ids=["empty", "ordinary", "Windows' line ends", "a byte order mark", "letters of all kinds"],
)
def test_what_is_written_is_read_to_the_byte(world: World, text: str) -> None:
    assert file(world).write(text, file(world).read()) == Written(conflict=False)
    assert world.path.read_bytes() == text.encode()
    assert file(world).read().text == text


def test_a_host_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch)
    found = file(world).read()
    assert (found.exists, found.text, found.sha256, found.mode) == (False, "", "", None)
    assert not world.path.parent.exists()
    assert file(world).write("new\n", found) == Written(conflict=False)
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o600


def test_a_write_passes_on_what_is_asked_of_it(world: World) -> None:
    written = file(world).write("new\n", file(world).read(), backup=True, restart_needed=True)
    assert written.backup_file is not None
    assert Path(written.backup_file).read_text() == TEXT
    assert world.mark.exists()


def test_a_file_that_changed_meanwhile_is_a_conflict(world: World) -> None:
    found = file(world).read()
    world.holds("by hand\n")
    assert file(world).write("new\n", found) == Written(conflict=True)
    assert world.text == "by hand\n"


def test_a_write_that_is_sent_twice_is_none(world: World) -> None:
    """The first one arrived, its answer did not, and the connection tried again."""
    found = file(world).read()
    world.before_write = lambda: world.holds("new\n")
    assert file(world).write("new\n", found) == Written(conflict=False)


def test_nothing_shows_what_it_knows(world: World) -> None:
    assert TOKEN not in repr(file(world).read())


@pytest.mark.parametrize("loud", [True, False], ids=["Ansible is told to be loud", "Ansible is as usual"])
def test_nobody_logs_or_keeps_anything_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, loud: bool) -> None:
    names = ("DEFAULT_DEBUG", "DEFAULT_KEEP_REMOTE_FILES")
    for name in names:
        monkeypatch.setattr(constants, name, loud)
    file(world).write("new\n", file(world).read())
    assert (world.calls, world.loud) == (["read", "write"], [])
    assert [getattr(constants, name) for name in names] == [loud, loud]
    assert world.connection._play_context.no_log is False


def test_everything_is_as_before_when_the_call_fails(world: World) -> None:
    action = world.action()
    seen = []

    def fail(**call: Any) -> None:
        seen.append((action._play_context.no_log, world.connection._play_context.no_log))
        raise KeyError

    action._execute_module = fail
    with pytest.raises(KeyError):
        RunnerFile(action, {}).read()
    assert seen == [(True, True)]
    assert (action._play_context.no_log, world.connection._play_context.no_log) == (False, False)


@pytest.mark.parametrize("before", [True, False, None], ids=["on", "off", "not known to the connection"])
def test_pipelining_is_on_meanwhile_where_there_is_any(world: World, before: bool | None) -> None:
    world.connection = Connection(before)
    file(world).read()
    assert world.pipelining == [None if before is None else True]
    assert world.connection.options.get("pipelining") == before


def test_a_sudo_that_wants_a_terminal_gets_its_files_which_go_at_once(world: World) -> None:
    def without_terminal(answer: dict[str, Any]) -> dict[str, Any]:
        if world.connection.options["pipelining"]:
            return {"failed": True, "msg": "odd", "module_stderr": "sudo: sorry, you must have a tty to run sudo\n"}
        world.connection._shell.tmpdir = "/home/me/.ansible/tmp/ansible-tmp-1"
        return answer

    world.answers = without_terminal
    assert file(world).read().text == TEXT
    assert world.calls == ["read", "read", "remove /home/me/.ansible/tmp/ansible-tmp-1"]
    assert world.pipelining == [True, False]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {"failed": True, "module_stdout": TEXT, "module_stderr": "note\nsudo: a password is required\n", "rc": 1},
            "sudo: a password is required",
        ),
        (
            {"failed": True, "module_stdout": TEXT, "msg": TEXT, "rc": 137},
            "the host's Python did not answer (return code 137); look at the host's journal",
        ),
        (
            {"failed": True, "exception": TEXT},
            "the host's Python did not answer (return code unknown); look at the host's journal",
        ),
    ],
    ids=["with a reason", "killed", "without anything"],
)
def test_no_answer_is_told_without_what_was_on_its_way(world: World, answer: dict[str, Any], reason: str) -> None:
    world.answers = lambda _: answer
    with pytest.raises(RunnerFileError) as raised:
        file(world).read()
    assert str(raised.value) == f"cannot read {world.path}: {reason}"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_what_the_host_says_is_passed_on(world: World) -> None:
    world.path.unlink()
    world.path.mkdir()
    with pytest.raises(RunnerFileError, match=r"config.toml is not a file; move it away, or name another path$"):
        file(world).read()


def test_a_file_that_is_no_text_leaves_no_trace_in_the_error(world: World) -> None:
    world.path.write_bytes(TEXT.encode() + b"\xe4")
    with pytest.raises(RunnerFileError) as raised:
        file(world).read()
    assert str(raised.value) == f"{world.path} is not text in UTF-8; save it as UTF-8, nothing was written"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_the_host_s_python_is_remembered(world: World) -> None:
    world.answers = lambda answer: {**answer, "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3"}}
    found = file(world)
    found.read()
    assert found.facts == {"discovered_interpreter_python": "/usr/bin/python3"}
