# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_docker import ask_engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.socket_activation import would_start_service
from tests.unit.plugins.module_utils.fake_engine import socket_folder

HEADER = "Num       RefCount Protocol Flags    Type St Inode Path\n"


def make_proc(root: Path, lines: list[str], holders: dict[str, list[str]]) -> None:
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/unix").write_text(HEADER + "".join(f"{line}\n" for line in lines))
    for pid, targets in holders.items():
        (root / "proc" / pid / "fd").mkdir(parents=True)
        for number, target in enumerate(targets):
            (root / "proc" / pid / "fd" / str(number)).symlink_to(target)


def line(inode: int, path: str, flags: str = "00010000") -> str:
    return f"ffff9a: 00000002 00000000 {flags} 0001 01 {inode} {path}"


@pytest.mark.parametrize(
    ("inode_lines", "holders", "expected"),
    [
        pytest.param(["listening"], {"1": ["/dev/null", "socket:[77]"], "9": []}, True, id="systemd alone listens"),
        pytest.param(
            ["listening"], {"1": ["socket:[77]"], "9": ["socket:[77]"]}, False, id="the engine has taken over"
        ),
        pytest.param(["listening"], {"1": ["socket:[5]"], "9": ["socket:[77]"]}, False, id="the engine listens itself"),
        pytest.param(["listening"], {"1": [], "9": []}, False, id="who listens cannot be seen"),
        pytest.param(["connected"], {"1": ["socket:[77]"]}, False, id="a connection is no listener"),
        pytest.param(["elsewhere"], {"1": ["socket:[77]"]}, False, id="a socket of the same name elsewhere"),
        pytest.param(["unnamed"], {"1": ["socket:[77]"]}, False, id="a socket without a name"),
        pytest.param([], {"1": ["socket:[77]"]}, False, id="nothing listens"),
    ],
)
@pytest.mark.parametrize("first", [None, "9", "1", "4242", "nonsense"])
def test_would_start_service(
    tmp_path: Path, inode_lines: list[str], holders: dict[str, list[str]], expected: bool, first: str | None
) -> None:
    lines = {
        "listening": line(77, f"{tmp_path}/run/docker.sock"),
        "connected": line(77, f"{tmp_path}/run/docker.sock", "00000000"),
        "elsewhere": line(77, "/srv/docker.sock"),
        "unnamed": "ffff9a: 00000002 00000000 00010000 0001 01 77",
    }
    make_proc(tmp_path, [lines[name] for name in inode_lines], holders)
    # The socket is asked for by its other name, as /var/run is a link to /run.
    (tmp_path / "run").mkdir()
    (tmp_path / "varrun").symlink_to("run")
    assert would_start_service(f"{tmp_path}/varrun/docker.sock", f"{tmp_path}/proc", first) is expected


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    assert would_start_service("/run/docker.sock", str(tmp_path)) is False


def test_an_engine_that_would_be_started_is_not_asked() -> None:
    with socket_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path = str(folder / "docker.sock")
        listener.bind(path)
        listener.listen()
        make_proc(folder, [line(77, path)], {"1": ["socket:[77]"]})
        answers = ask_engine(Engine(path, timeout=0.2), str(folder))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert answers.running is False
    assert answers.error == f"{path} is held by systemd, whose service for it does not run; start the engine"


def test_a_real_listener_of_this_process_is_found(tmp_path: Path) -> None:
    with socket_folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "docker.sock"))
        listener.listen()
        assert would_start_service(str(folder / "docker.sock")) is False
