"""The shell built with musl makes the call that engines of 2020 do not know."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.lab import musl
from tests.lab.home import FILES


def test_another_program_makes_another_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in musl.PROGRAMS:
        shutil.copy(FILES / f"{name}.c", tmp_path)
    before = musl._key()
    monkeypatch.setattr(musl, "FILES", tmp_path)
    assert musl._key() == before
    (tmp_path / "threads.c").write_text("int main(void) { return 0; }\n")
    assert musl._key() != before


def test_the_image_is_a_root_that_can_be_imported(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x")
    musl._pack(tmp_path / "image.tar", {"sh": program})
    with tarfile.open(tmp_path / "image.tar") as archive:
        entries = {entry.name: entry for entry in archive}
    assert entries["bin/sh"].mode == 0o755
    assert entries["tmp"].mode == 0o1777
    assert {"etc/passwd", "etc/group", "root", "bin"} <= set(entries)


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="needs musl-tools")
@pytest.mark.parametrize(
    ("name", "words", "said"), [("access", [os.path.realpath("/bin/sh")], "allowed\n"), ("threads", [], "works\n")]
)
def test_its_programs_work(tmp_path: Path, name: str, words: list[str], said: str) -> None:
    program = musl._compile(name, tmp_path)
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (said, 0)


@pytest.mark.skipif(not shutil.which("musl-gcc") or not shutil.which("strace"), reason="needs musl-tools and strace")
def test_the_call_is_faccessat2(tmp_path: Path) -> None:
    program = musl._compile("access", tmp_path)
    done = subprocess.run(["strace", program, "/bin/sh"], capture_output=True, text=True, check=False)
    if "PTRACE" in done.stderr:
        pytest.skip("this machine lets nobody trace")
    assert 'faccessat2(AT_FDCWD, "/bin/sh", X_OK, AT_EACCESS)' in done.stderr
