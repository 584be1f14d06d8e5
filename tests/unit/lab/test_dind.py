"""Root file systems of the stand-ins of docker:dind, and the program on a host that makes images of them."""

from __future__ import annotations

import io
import os
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


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        pytest.param(True, {"usr/bin/openssl": b"ssl", "usr/lib/libc": b"engine's"}, id="with openssl in its place"),
        pytest.param(False, {"usr/lib/libc": b"engine's"}, id="without"),
    ],
)
def test_openssl_comes_when_asked_for(monkeypatch: pytest.MonkeyPatch, tls: bool, expected: dict[str, bytes]) -> None:
    monkeypatch.setattr(tool, "link_applets", lambda target: None)
    files = {
        "usr/lib/libc": b"engine's",
        f"{tool.TLS}usr/bin/openssl": b"ssl",
        f"{tool.TLS}usr/lib/libc": b"the same once more",
    }
    result = io.BytesIO()
    with tarfile.open(fileobj=_tar(files)) as source, tarfile.open(fileobj=result, mode="w") as target:
        tool.copy(source, target, without_faccessat2=False, tls=tls)
    result.seek(0)
    with tarfile.open(fileobj=result) as archive:
        found = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert found == expected


def test_host_and_lab_agree_on_the_paths() -> None:
    assert f"{dind.TLS}/" == tool.TLS
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


def test_the_entry_point_makes_certificates_where_it_is_told_to(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker-init").write_text('#!/bin/sh\nshift 2\necho "$*"\n')
    (programs / "find").write_text("#!/bin/sh\n")
    (programs / "ip").write_text("#!/bin/sh\necho '1: lo    inet 127.0.0.1/8 scope host lo'\n")
    for path in programs.iterdir():
        path.chmod(0o755)
    certificates = tmp_path / "certs"
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "DOCKER_TLS_CERTDIR": str(certificates)}
    command = ["sh", str(FILES / "dind-entrypoint"), "--debug"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "--host=tcp://0.0.0.0:2376 --tlsverify --tlscacert " in done.stdout
    assert done.stdout.endswith("--debug\n")
    verify = ["openssl", "verify", "-CAfile", str(certificates / "client/ca.pem")]
    for who in ("server", "client"):
        subprocess.run([*verify, str(certificates / who / "cert.pem")], check=True, capture_output=True)
    show = ["openssl", "x509", "-noout", "-text", "-in", str(certificates / "server/cert.pem")]
    text = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    assert {"DNS:docker", "DNS:localhost", "IP Address:127.0.0.1"} <= {
        word.strip() for line in text.splitlines() for word in line.split(",")
    }
    environment["DOCKER_TLS_CERTDIR"] = ""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "dockerd --host=unix:///var/run/docker.sock --host=tcp://0.0.0.0:2375 --debug\n"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        pytest.param({}, "tcp://docker:2375", id="a service called docker"),
        pytest.param({"DOCKER_TLS_VERIFY": "1"}, "tcp://docker:2376", id="with TLS"),
        pytest.param({"DOCKER_HOST": "tcp://x:1"}, "tcp://x:1", id="the one that was named"),
    ],
)
def test_the_client_finds_its_daemon(tmp_path: Path, given: dict[str, str], host: str) -> None:
    if Path("/var/run/docker.sock").exists():
        pytest.skip("this machine has a socket")
    # It asks the client whether the first word is one of its commands.
    (tmp_path / "docker").write_text('#!/bin/sh\n[ "$1" = help ] && exit 1\n')
    (tmp_path / "docker").chmod(0o755)
    command = ["sh", str(FILES / "docker-entrypoint"), "sh", "-c", "echo $DOCKER_HOST"]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **given}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == host


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
