# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A leak that is planted is caught, wherever it is planted: on a "host" that is a folder of this machine."""

from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.leaks import ALLOWED, Hunt, Place, controller, forms, hunt

TOKEN = "glrt-t1_AbCdEf0123456789xyzQ"

# A shell script each, which has the token in its hand without anybody seeing it. FOLDER is the host.
PLANTS = {
    "on stdout": ('echo "changed: $(token)"', "stdout"),
    "on stderr": ('echo "$(token)" >&2', "stderr"),
    "in base64 on stdout": ("(echo before; token; echo after) | base64 -w0", "stdout"),
    "in a temporary file": ("token > tmp/ansible-tmp-1", "host: FOLDER/tmp/ansible-tmp-1"),
    "in base64 in a file": ("(echo x; token) | base64 -w0 > tmp/module.py", "host: FOLDER/tmp/module.py"),
    "in base64 of base64": ("token | base64 -w0 | base64 -w0 > tmp/module.py", "host: FOLDER/tmp/module.py"),
    "in a file deep down": ("mkdir -p etc/a/b; token > etc/a/b/c", "host: FOLDER/etc/a/b/c"),
    "in a file's name": ("touch tmp/$(token)", "host: FOLDER/tmp/TOKEN"),
    "in a cache of facts": ("token > facts/host.json", "host: FOLDER/facts/host.json"),
    "in a file that goes away": ("token > home/a; sleep 0.4; rm home/a", "host: FOLDER/home/a (meanwhile)"),
    "in a command line": ("sleep-with $(token)", "host: process list (python3)"),
    "in the environment": ("TOKEN=$(token) sleep-with", "host: environment of a process (python3)"),
    "in the journal": ("token > journal-text", "host: journal"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host: folders, a journal, and programs to plant something with."""
    for name in ("bin", "tmp", "etc", "facts", "home", "config"):
        (tmp_path / name).mkdir()
    programs = {
        # Spelled so that the program itself holds no token.
        "token": f"printf %s%s {TOKEN[:9]} {TOKEN[9:]}",
        "sleep-with": 'exec python3 -c "import time; time.sleep(0.4)" "$@"',
        "journalctl": f"cat {tmp_path}/journal-text 2>/dev/null; true",
    }
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path


def look(folder: Path, script: str, newer: float | None = None) -> Hunt:
    roots = [str(folder / name) for name in ("tmp", "etc", "facts", "home", "config")]
    place = Place(["sh", "-c"], roots, [str(folder / "etc/skipped")], [str(folder / "ho*")], newer)
    allowed = [str(folder / "config/config.toml"), str(folder / "config/config.toml.*~")]
    return hunt(["sh", "-c", f"cd {folder}; {script}"], {"runner's token": TOKEN}, {"host": place}, allowed=allowed)


@pytest.mark.parametrize(("script", "where"), PLANTS.values(), ids=PLANTS)
def test_a_leak_is_caught(folder: Path, script: str, where: str) -> None:
    found = look(folder, script)
    expected = where.replace("FOLDER", str(folder)).replace("TOKEN", TOKEN)
    assert (found.code, f"{expected}: runner's token" in found.places) == (0, True), found.places


def test_all_of_them_at_once(folder: Path) -> None:
    found = look(folder, "; ".join(f"({script})" for script, _ in PLANTS.values()))
    assert len(found.places) >= len({where for _, where in PLANTS.values()})


def test_what_is_no_leak(folder: Path) -> None:
    found = look(
        folder,
        "token > config/config.toml; token > config/config.toml.1.2026~; mkdir etc/skipped; token > etc/skipped/x; "
        f"ln -s /proc/self/environ etc/link; mkfifo etc/pipe; echo {TOKEN[:20]}; token | sha256sum",
    )
    assert (found.code, found.places) == (0, [])


def test_how_a_command_ended_is_told(folder: Path) -> None:
    found = look(folder, "echo hello; echo trouble >&2; exit 7")
    assert (found.code, found.output, found.places) == (7, "hello\ntrouble\n", [])


def test_files_from_before_count_on_hosts_but_not_on_a_controller(folder: Path) -> None:
    (folder / "tmp/old").write_text(TOKEN)
    os.utime(folder / "tmp/old", (1, 1))
    time.sleep(0.05)
    assert look(folder, "true").places == [f"host: {folder}/tmp/old: runner's token"]
    assert look(folder, "true", newer=time.time()).places == []
    assert len(look(folder, "true", newer=time.time() - 60).places) == 1


def test_a_program_that_cannot_look_is_no_all_clear(folder: Path) -> None:
    place = Place([sys.executable, "-c", "raise SystemExit('unreachable')"])
    with pytest.raises(AssertionError):
        hunt(["true"], {"token": TOKEN}, {"host": place})


def test_where_a_controller_is_looked_at(tmp_path: Path) -> None:
    place = controller(5.0, tmp_path)
    assert {"/tmp", "/etc", "/var/log", "/var/lib", str(Path.home()), str(tmp_path)} <= set(place.roots)
    assert place.newer == 5.0
    assert ALLOWED[0] == "/etc/gitlab-runner/config.toml"


@given(st.binary(max_size=20), st.binary(max_size=20), st.integers(0, 20))
def test_base64_hides_nothing_wherever_the_secret_stands(before: bytes, after: bytes, further: int) -> None:
    once = base64.b64encode(before + TOKEN.encode() + after)
    twice = base64.b64encode(b"x" * further + once + b"y")
    for text in (once, twice):
        assert any(form in text.decode() for form in forms(TOKEN))


def test_the_forms_of_a_secret_are_of_that_secret_alone() -> None:
    assert min(map(len, forms(TOKEN))) >= len(TOKEN)
    assert not set(forms(TOKEN)) & set(forms(TOKEN + "A"))
