# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import controller_files
from tests.unit.plugins.plugin_utils.runner_file_world import Action, Connection

IDENTITY = "default"
CONTENT = b"\x30\x82 not text"


def action(folder: Path, secret: bytes | None = None) -> Any:
    """An action of a task in a playbook that stands in FOLDER."""
    loader = DataLoader()
    if secret is not None:
        secrets: Any = [(IDENTITY, VaultSecret(secret))]
        loader.set_vault_secrets(secrets)
    task = SimpleNamespace(get_search_path=lambda: [str(folder)], args={}, check_mode=False, async_val=0, action="x")
    return Action(task, Connection(None), SimpleNamespace(no_log=False), loader, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["files/ca.pem", "ca.pem"], ids=["in files", "beside the playbook"])
def test_a_relative_path_is_found(tmp_path: Path, where: str) -> None:
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    assert controller_files.read(action(tmp_path), "ca.pem") == CONTENT
    assert controller_files.read(action(tmp_path), where) == CONTENT
    assert controller_files.read(action(tmp_path), str(path)) == CONTENT


def test_no_such_file_is_none(tmp_path: Path) -> None:
    assert controller_files.read(action(tmp_path), "ca.pem") is None
    assert controller_files.read(action(tmp_path), str(tmp_path / "ca.pem")) is None


def test_a_file_that_was_encrypted_is_decrypted(tmp_path: Path) -> None:
    secret = VaultSecret(b"word")
    (tmp_path / "ca.pem").write_bytes(VaultLib([(IDENTITY, secret)]).encrypt(CONTENT, secret))
    assert controller_files.read(action(tmp_path, b"word"), "ca.pem") == CONTENT
    for other in (None, b"another"):
        with pytest.raises(OSError, match="ansible-vault encrypted it, and the password is not known") as caught:
            controller_files.read(action(tmp_path, other), "ca.pem")
        assert caught.value.__context__ is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").mkdir()
    with pytest.raises(OSError, match="it is a folder"):
        controller_files.read(action(tmp_path), "ca.pem")
