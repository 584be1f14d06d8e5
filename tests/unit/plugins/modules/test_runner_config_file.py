# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_file_store as store
from ansible_collections.runnerkit.gitlab.plugins.modules import runner_config_file

TEXT = b'concurrent = 1\n[[runners]]\n  token = "glrt-abcdefghijklmnop"\n'


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a config.toml and a runner that has been started."""
    monkeypatch.setattr(store, "RESTART_MARK", str(tmp_path / "mark"))
    found = tmp_path / "etc/config.toml"
    found.parent.mkdir()
    found.write_bytes(TEXT)
    found.chmod(0o640)
    (tmp_path / "etc/.runner_system_id").write_text("s_0123456789ab")
    return found


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the module writes to the journal."""
    lines: list[str] = []
    monkeypatch.setattr(
        AnsibleModule, "log", lambda module, message, log_args=None: lines.append(f"{message} {log_args}")
    )
    return lines


def run(capsys: pytest.CaptureFixture[str], check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """The answer as it goes over the connection."""
    with patch_module_args({**params, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
        runner_config_file.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("check_mode", [True, False], ids=["in check mode", "for real"])
def test_a_file_is_read(path: Path, capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    answer = run(capsys, check_mode, path=str(path))
    assert answer["changed"] is False
    assert answer["runner_file"] == {
        "exists": True, "content": encoded(TEXT), "sha256": store.read(str(path)).sha256, "mode": "0640",
        "uid": os.geteuid(), "gid": os.getegid(), "system_id": "s_0123456789ab",
    }  # fmt: skip


def test_a_file_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(capsys, path=str(tmp_path / "none/config.toml"))["runner_file"]
    assert (told["exists"], told["content"], told["sha256"], told["mode"]) == (False, "", "", None)


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode leaves them", "a run removes them"])
def test_leftovers(path: Path, capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    stale = path.parent / ".config.toml.0a1b2c3d.runnerkit"
    stale.touch()
    run(capsys, check_mode, path=str(path))
    assert stale.exists() == check_mode


def test_a_write(path: Path, capsys: pytest.CaptureFixture[str], logged: list[str]) -> None:
    expected = store.read(str(path)).sha256
    answer = run(
        capsys, path=str(path), state="write", content=encoded(TEXT + b"x"), expected=expected, backup=True,
        restart_needed=True,
    )  # fmt: skip
    told = answer["runner_file"]
    assert (answer["changed"], told["conflict"]) == (True, False)
    assert told["sha256"] == store.read(str(path)).sha256
    assert Path(told["backup_file"]).read_bytes() == TEXT
    assert path.read_bytes() == TEXT + b"x"
    assert os.path.exists(store.RESTART_MARK)
    assert encoded(TEXT)[:20] not in json.dumps(answer)
    assert logged
    assert encoded(TEXT)[:20] not in str(logged)


def test_a_write_in_check_mode(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, True, path=str(path), state="write", content="", expected=store.read(str(path)).sha256)
    assert (answer["changed"], answer["runner_file"]["conflict"]) == (False, False)
    assert path.read_bytes() == TEXT


def test_a_conflict_changes_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, path=str(path), state="write", content=encoded(b"mine"), expected="another")
    assert (answer["changed"], answer["runner_file"]["conflict"]) == (False, True)
    assert path.read_bytes() == TEXT


def test_what_cannot_be_done_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, path=str(tmp_path))
    assert (answer["failed"], answer["runner_file"]) == (True, {})
    assert answer["msg"] == f"{tmp_path} is not a file; move it away, or name another path"
