"""Root file systems of the stand-ins of docker:dind, and the program on a host that makes images of them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab import dind
from tests.lab.files import lab_dind as tool
from tests.lab.home import FILES


def _tar(files: Mapping[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize(
    ("without", "expected"),
    [pytest.param(False, b"real", id="the real library"), pytest.param(True, b"old", id="the one without faccessat2")],
)
def test_one_library_goes_into_the_image(monkeypatch: pytest.MonkeyPatch, without: bool, expected: bytes) -> None:
    monkeypatch.setattr(tool, "link_applets", lambda target: None)
    result = io.BytesIO()
    with (
        tarfile.open(fileobj=_tar({tool.SEED: b"old", tool.LIBRARY: b"real", "x": b"y"})) as source,
        tarfile.open(fileobj=result, mode="w") as target,
    ):
        tool.copy(source, target, without)
    result.seek(0)
    with tarfile.open(fileobj=result) as archive:
        found = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert found == {tool.LIBRARY: expected, "x": b"y"}


def test_host_and_lab_agree_on_the_paths() -> None:
    assert tool.SEED == dind.SEED
    assert f"{dind.LIBRARIES}/libseccomp.so.2" == tool.LIBRARY


def test_a_root_file_system_holds_directories_before_files(tmp_path: Path) -> None:
    program = tmp_path / "dockerd"
    program.write_bytes(b"x")
    dind._write(tmp_path / "image.tar", {"usr/local/bin/dockerd": program, dind.SEED: program})
    with tarfile.open(tmp_path / "image.tar") as archive:
        names = archive.getnames()
        entries = {entry.name: entry for entry in archive}
    assert names.index("usr/local/bin") < names.index("usr/local/bin/dockerd")
    assert entries["bin"].linkname == "usr/bin"
    assert entries["var/run"].linkname == "../run"
    assert entries["usr/local/bin/dockerd"].mode == 0o755


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], "dockerd --host=unix:///var/run/docker.sock --host=tcp://0.0.0.0:2375", id="none"),
        pytest.param(
            ["--debug"], "dockerd --host=unix:///var/run/docker.sock --host=tcp://0.0.0.0:2375 --debug", id="options"
        ),
        pytest.param(["dockerd", "--host=x"], "dockerd --host=x", id="a whole command is taken as it is"),
    ],
)
def test_the_entry_point_reads_arguments_as_the_official_one(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    # docker-init is called with `-- /usr/local/bin/dind` before the command.
    (tmp_path / "docker-init").write_text('#!/bin/sh\nshift 2\necho "$*"\n')
    (tmp_path / "find").write_text("#!/bin/sh\n")
    for name in ("docker-init", "find"):
        (tmp_path / name).chmod(0o755)
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, FILES / "dind-entrypoint", *arguments],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
