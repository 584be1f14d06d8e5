# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import needrestart
from ansible_collections.runnerkit.gitlab.plugins.module_utils.needrestart import Override, render


@pytest.fixture(name="path")
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(needrestart, "PATH", str(tmp_path / "etc/conf.d/runnerkit-{0}.conf"))
    return tmp_path / "etc/conf.d/runnerkit-gitlab_runner.conf"


@pytest.mark.parametrize(
    ("units", "lines"),
    [
        pytest.param(["gitlab-runner.service"], [r"gitlab\-runner\.service"], id="what is a sign is one no more"),
        pytest.param(["a@b.service"], [r"a\@b\.service"], id="an @, which begins a variable in Perl"),
        pytest.param(["b.socket", "a.service", "b.socket"], [r"a\.service", r"b\.socket"], id="sorted, and each once"),
    ],
)
def test_the_file_is_perl(units: list[str], lines: list[str]) -> None:
    said = [f"$nrconf{{override_rc}}{{qr(^{line}$)}} = 0;" for line in lines]
    assert render("x", units).splitlines() == ["# Ansible managed: role runnerkit.gitlab.x", *said]


def test_it_is_written_once_for_everybody_to_read(path: Path) -> None:
    old = os.umask(0o077)
    try:
        Override("gitlab_runner", ["gitlab-runner.service"]).apply()
    finally:
        os.umask(old)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    again = Override("gitlab_runner", ["gitlab-runner.service"])
    assert (again.changes, again.before) == (False, path.read_text())


def test_one_of_somebody_else_is_replaced_and_without_units_it_goes(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("1;\n")
    found = Override("gitlab_runner", ["gitlab-runner.service"])
    assert (found.before, found.changes) == ("1;\n", True)
    found.apply()
    assert path.read_text() == found.after
    gone = Override("gitlab_runner", [])
    assert (gone.changes, gone.after) == (True, "")
    gone.apply()
    assert not path.exists()
    assert Override("gitlab_runner", []).changes is False
