# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import LAYER_KEYS
from ansible_collections.runnerkit.gitlab.plugins.modules import seccomp_probe


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param({"timeout": 0}, "timeout is 0.0; give seconds above 0 and up to 600", id="no time"),
        pytest.param({"timeout": "nan"}, "timeout is nan; give seconds above 0 and up to 600", id="no number"),
        pytest.param({"timeout": 601}, "timeout is 601.0; give seconds above 0 and up to 600", id="too much time"),
        pytest.param({"layers": []}, "layers is empty; leave it out, or name one", id="no layer"),
        pytest.param({"profiles": []}, "profiles is empty; leave it out, or name one", id="no profile"),
        pytest.param(
            {"profiles": ["default", "ci.json"]},
            "profiles has 'ci.json'; give default, unconfined or the absolute path of a file on the host",
            id="a path that depends on a folder",
        ),
        pytest.param(
            {"layers": ["podman_rootless"]},
            "layers has podman_rootless and podman_users is empty; name the users there",
            id="rootless without a user",
        ),
    ],
)
def test_bad_parameters_get_their_message(
    capsys: pytest.CaptureFixture[str], args: dict[str, Any], message: str
) -> None:
    with patch_module_args(args), pytest.raises(SystemExit):
        seccomp_probe.main()
    result = json.loads(capsys.readouterr().out)
    assert (result["failed"], result["msg"]) == (True, message)


@pytest.mark.parametrize("check_mode", [False, True], ids=["in a normal run", "in check mode"])
def test_a_host_without_an_engine_does_not_fail_the_task(tmp_path: Path, check_mode: bool) -> None:
    # In a process of its own, as on a host: the module makes a child.
    args = {"socket": str(tmp_path / "docker.sock"), "_ansible_check_mode": check_mode}
    text = (
        "from ansible.module_utils.testing import patch_module_args\n"
        "from ansible_collections.runnerkit.gitlab.plugins.modules import seccomp_probe\n"
        f"with patch_module_args({args!r}): seccomp_probe.main()"
    )
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True)
    result = json.loads(ended.stdout)
    assert result["changed"] is False
    assert list(result["ansible_facts"]) == ["runnerkit_probe"]
    probe = result["ansible_facts"]["runnerkit_probe"]
    (layer,) = probe["layers"]
    assert (layer["layer"], layer["name"], layer["state"], layer["error"]) == ("host", "host", "unknown", "absent")
    assert layer["reason"] == f"{tmp_path}/docker.sock does not exist; start the engine, or name its socket"
    assert set(probe["kernel"]) == {"release", "calls", "reason"}


def test_every_key_of_a_layer_is_documented() -> None:
    returned = yaml.safe_load(seccomp_probe.RETURN)["ansible_facts"]["contains"]["runnerkit_probe"]["contains"]
    assert set(returned) == {"architecture", "kernel", "layers"}
    assert set(returned["layers"]["contains"]) == {*LAYER_KEYS, "layer", "name", "user"}
