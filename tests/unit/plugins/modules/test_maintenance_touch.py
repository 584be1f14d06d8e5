# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What takes long on a host has others see that somebody works on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance, smoke_run
from ansible_collections.runnerkit.gitlab.plugins.modules import package_set
from tests.unit.plugins.modules import runner_service_world

Job = Callable[[Path, pytest.MonkeyPatch, bool], None]


def service(folder: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    host = runner_service_world.host_in(folder, monkeypatch).runs()
    host.check_mode = check
    host.apply(state="stopped", hold="upgrade")


def packages(folder: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    def apply() -> None:
        assert age() < 60
        long_ago()

    found = MagicMock(before={}, wanted={}, changed=True, interrupted=True, warnings=[], complaints=[], apply=apply)
    found.describe.return_value = ""
    monkeypatch.setattr(package_set, "PackageSet", lambda _: found)
    monkeypatch.setattr(package_set, "has_database", lambda: True)
    with patch_module_args({"_ansible_check_mode": check}), pytest.raises(SystemExit):
        package_set.main()


def smoke(_folder: Path, _monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    # The module itself ends before that in check mode.
    smoke_run.smoke({"runners": [] if check else [{"name": "a"}], "timeout": 1})


def age() -> float:
    return float((maintenance.fact(maintenance.PATH) or {})["idle"])


def long_ago() -> None:
    os.utime(maintenance.PATH, (0, 0))


@pytest.mark.parametrize("check", [False, True], ids=["in a normal run", "in check mode"])
@pytest.mark.parametrize(
    "job",
    [
        pytest.param(service, id="the runner's service"),
        pytest.param(packages, id="packages, before and after"),
        pytest.param(smoke, id="a smoke job"),
    ],
)
def test_work_on_a_host_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], job: Job, check: bool
) -> None:
    monkeypatch.setattr(maintenance, "PATH", str(tmp_path / "maintenance.json"))
    given = {"by": "upgrade", "reason": "", "paused": [], "before": {}}
    maintenance.write(maintenance.merged(None, given), maintenance.PATH)
    long_ago()
    job(tmp_path, monkeypatch, check)
    capsys.readouterr()
    assert (age() < 60) is (not check)


def test_who_provisions_meanwhile_is_not_taken_for_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "PATH", str(tmp_path / "maintenance.json"))
    maintenance.write(
        maintenance.merged(None, {"by": "upgrade", "reason": "", "paused": [], "before": {}}), maintenance.PATH
    )
    long_ago()
    runner_service_world.host_in(tmp_path, monkeypatch).runs().apply(state="started", release=["docker_engine"])
    assert age() > 60
