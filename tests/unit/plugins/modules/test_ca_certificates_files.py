# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths
from ansible_collections.runnerkit.gitlab.plugins.modules import ca_certificates_files
from tests.unit.plugins.module_utils.ca_world import key, pem


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lib/runnerkit/registry-ca.json"
    monkeypatch.setattr(registry_paths, "RECORD", str(path))
    return path


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the module writes to the journal."""
    lines: list[str] = []
    monkeypatch.setattr(
        AnsibleModule, "log", lambda module, message, log_args=None: lines.append(f"{message} {log_args}")
    )
    return lines


def run(capsys: pytest.CaptureFixture[str], plan: Any, *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """The answer as it goes over the connection."""
    text = plan if isinstance(plan, str) else base64.b64encode(json.dumps(plan).encode()).decode()
    arguments = {"plan": text, "_ansible_check_mode": check, "_ansible_diff": diff}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        ca_certificates_files.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def plan(folder: Path) -> dict[str, Any]:
    rows = (("ca.crt", pem("x"), "0644"), ("client.key", key("x"), "0600"))
    files = [{"path": f"{folder}/h/{name}", "content": text.decode(), "mode": mode} for name, text, mode in rows]
    return {"files": files, "anchors": []}


def test_one_call_does_all_of_it_and_says_no_secret(
    tmp_path: Path, record: Path, capsys: pytest.CaptureFixture[str], logged: list[str]
) -> None:
    wanted = plan(tmp_path)
    foretold = run(capsys, wanted, check=True, diff=True)
    assert not (tmp_path / "h").exists()
    answer = run(capsys, wanted, diff=True)
    told = answer["ca_certificates"]
    assert (answer["changed"], told) == (True, foretold["ca_certificates"])
    assert told["files"] == {
        "written": [f"{tmp_path}/h/ca.crt", f"{tmp_path}/h/client.key"], "removed": [], "restored": [], "kept": [],
    }  # fmt: skip
    assert [each["after"] for each in told["diff"]] == [pem("x").decode(), "(a private key)\n"]
    again = run(capsys, wanted)
    assert (again["changed"], again["ca_certificates"]["diff"]) == (False, [])
    gone = run(capsys, {"files": [], "anchors": []}, diff=True)
    assert gone["ca_certificates"]["files"]["removed"] == [f"{tmp_path}/h/ca.crt", f"{tmp_path}/h/client.key"]
    assert (tmp_path / "h").exists() is record.exists() is False
    secret = key("x").decode().splitlines()[1]
    assert logged
    for shown in (foretold, answer, again, gone, logged):
        assert secret not in str(shown)
        assert base64.b64encode(key("x")).decode()[4:-4] not in str(shown)


@pytest.mark.parametrize("text", ["", "%", "e30=", "bnVsbA==", "/w=="])
def test_a_plan_that_nobody_made_is_one_sentence(capsys: pytest.CaptureFixture[str], text: str) -> None:
    answer = run(capsys, text)
    assert (answer["failed"], answer["ca_certificates"]) == (True, {})
    assert answer["msg"].startswith("the plan is not one of runnerkit.gitlab.ca_certificates")


def test_a_refusal_has_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h/ca.crt").mkdir(parents=True)
    answer = run(capsys, plan(tmp_path))
    assert answer["msg"] == f"{tmp_path}/h/ca.crt on this host is not a file; move it away"
    assert "exception" not in answer


def test_the_documentation_describes_the_options() -> None:
    documented = yaml.safe_load(ca_certificates_files.DOCUMENTATION)["options"]
    assert set(documented) == set(ca_certificates_files.ARGUMENTS)
