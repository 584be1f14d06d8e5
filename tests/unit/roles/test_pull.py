# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What role pull installs is what the project is tested with, and its program spares what it works with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]


def test_a_host_gets_the_releases_that_the_project_runs_with_itself() -> None:
    defaults = yaml.safe_load((CHECKOUT / "roles" / "pull" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    compiled = (CHECKOUT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8").partition("dependency-groups")[0]
    wanted = {re.split("[>=]", line)[0] for line in re.findall(r'^  "(\S+)', project, re.MULTILINE)}
    # The compiled ones name the condition for Python's full version, and the hashes after a backslash.
    pinned = {re.sub(r"\W*\\$", "", line).replace("python_full_version", "python_version").replace(" ;", ";")
              for line in compiled.splitlines() if re.split("==", line)[0] in wanted}  # fmt: skip
    assert {re.sub(r"\W*$", "", line) for line in defaults["pull_requirements"]} == pinned


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Path:
    """A host with the program, whose ansible-pull notes when it began and ended."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(CHECKOUT / "roles" / "pull" / "templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    templates.filters["quote"] = shlex.quote
    variables: dict[str, Any] = {
        "ansible_managed": "managed", "inventory_hostname": "host", "pull_directory": str(tmp_path),
        "pull_environment": {}, "pull_inventory": "inventory", "pull_url": "file:///srv/fleet.git", "pull_version": "",
        "__pull_checkout": str(tmp_path / "repository"), "__pull_config": str(tmp_path), "__pull_paths": ["site.yml"],
        "__pull_programs": "bin", "__pull_script": str(tmp_path / "runnerkit-pull"),
    }  # fmt: skip
    for template, path in (("environment", "environment"), ("runnerkit-pull", "runnerkit-pull")):
        (tmp_path / path).write_text(templates.get_template(f"{template}.j2").render(variables), encoding="utf-8")
    (tmp_path / "release" / "bin").mkdir(parents=True)
    (tmp_path / "current").symlink_to("release")
    program = tmp_path / "release" / "bin" / "ansible-pull"
    program.write_text("#!/bin/sh\necho begins\nsleep 0.5\necho ends\n", encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def test_a_second_run_waits_for_the_first_one(host: Path) -> None:
    with (host / "said").open("w") as said:
        runs = []
        for _ in range(2):
            runs.append(subprocess.Popen(["sh", host / "runnerkit-pull"], stdout=said))
            time.sleep(0.1)
        assert [run.wait(timeout=30) for run in runs] == [0, 0]
    lines = (host / "said").read_text(encoding="utf-8").splitlines()
    assert "Another run is under way on this host; this one waits for its end" in lines
    assert [line for line in lines if line in ("begins", "ends")] == ["begins", "ends"] * 2


@pytest.mark.parametrize("there", [False, True], ids=["a new one", "one that all can read"])
def test_the_checkout_is_for_root_alone(host: Path, there: bool) -> None:
    checkout = host / "repository"
    if there:
        checkout.mkdir(mode=0o755)
    subprocess.run(["sh", host / "runnerkit-pull"], check=True, capture_output=True)
    assert checkout.stat().st_mode & 0o777 == 0o700


def test_a_login_that_a_server_refuses_once_is_not_forgotten(host: Path) -> None:
    login = "https://deploy:pA55%40w0rd@gitlab.example.com\n"
    (host / "git-credentials").write_text(login, encoding="utf-8")
    asked = "protocol=https\nhost=gitlab.example.com\n"
    given = f"{asked}username=deploy\npassword=pA55@w0rd\n"

    def git(verb: str, said: str) -> str:
        command = f'. {host}/environment && exec git credential "$0"'
        environment = {**os.environ, "HOME": str(host), "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["sh", "-c", command, verb], input=said, env=environment, check=True, capture_output=True, text=True
        ).stdout

    for verb in ("approve", "reject"):
        git(verb, given)
        assert (host / "git-credentials").read_text(encoding="utf-8") == login
    assert git("fill", asked) == given
