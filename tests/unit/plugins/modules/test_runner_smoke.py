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

from ansible_collections.runnerkit.gitlab.plugins.modules import runner_smoke
from tests.unit.plugins.module_utils.fake_engine import answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import frame
from tests.unit.plugins.module_utils.smoke_world import GONE, Answers

# In a process of its own, as on a host: the module makes a child.
RUN = (
    "from ansible.module_utils.testing import patch_module_args\n"
    "from ansible_collections.runnerkit.gitlab.plugins.modules import runner_smoke\n"
    "with patch_module_args({args!r}): runner_smoke.main()"
)
RUNNER: dict[str, Any] = {
    "name": "one",
    "mode": "socket",
    "executor": "docker",
    "docker": {"image": "docker:28-cli", "volumes": []},
}


def run(**args: Any) -> dict[str, Any]:
    """What the module returns."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN.format(args=args)], capture_output=True, text=True, timeout=60, check=True
    )
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@pytest.mark.parametrize(
    ("timeout", "message"),
    [
        pytest.param(0, "timeout is 0.0; give seconds above 0 and up to 1800", id="no time"),
        pytest.param("nan", "timeout is nan; give seconds above 0 and up to 1800", id="no number"),
        pytest.param(1801, "timeout is 1801.0; give seconds above 0 and up to 1800", id="too much time"),
    ],
)
def test_bad_parameters_get_their_message(capsys: pytest.CaptureFixture[str], timeout: Any, message: str) -> None:
    with patch_module_args({"runners": [], "timeout": timeout}), pytest.raises(SystemExit):
        runner_smoke.main()
    result = json.loads(capsys.readouterr().out)
    assert (result["failed"], result["msg"]) == (True, message)


def test_check_mode_says_that_nothing_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({"runners": [RUNNER], "_ansible_check_mode": True}), pytest.raises(SystemExit):
        runner_smoke.main()
    result = json.loads(capsys.readouterr().out)
    del result["invocation"]
    assert result == {
        "changed": False, "skipped": True, "msg": "no smoke job is run in check mode", "smoke": [],
    }  # fmt: skip


def test_a_host_without_an_engine_does_not_fail_the_task(tmp_path: Path) -> None:
    socket = str(tmp_path / "docker.sock")
    elsewhere = {"name": "two", "executor": "kubernetes"}
    result = run(runners=[RUNNER, elsewhere, {"name": "three", "docker": {"volumes": ["x"]}}], socket=socket)
    assert result["changed"] is False
    assert [(entry["name"], entry["mode"], entry["ok"], entry["error"]) for entry in result["smoke"]] == [
        ("one", "socket", False, f"image: {socket} does not exist; start the engine, or name its socket"),
        ("two", "custom", None, "jobs of the executor kubernetes do not run on this host; nothing was tried"),
        ("three", "custom", False, "docker.volumes has 'x'; write /container, /host:/container or name:/container"),
    ]


def log(*steps: tuple[str, int]) -> bytes:
    mark = "runnerkit-smoke-0123456789ab"
    lines = [f"{mark} begin {step}\nwords of {step}\n{mark} end {step} {code}\n" for step, code in steps]
    return answer(frame("".join(f"2026-11-22T10:00:00Z {line}\n" for line in "".join(lines).splitlines())))


def engine(job: bytes) -> Answers:
    return Answers(
        {
            "/version": answer({"ApiVersion": "1.41"}),
            "/(?:containers|images|networks)(?:/json)?": answer([]),
            "/volumes": answer({"Volumes": []}),
            "/images/docker:28-cli/json": answer({"Id": "sha256:1", "Config": {}}),
            "/(?:containers|volumes)/create": answer({"Id": "c0ffee", "Name": "v"}, "201 Created"),
            "/containers/c0ffee/start": GONE,
            "/containers/c0ffee/json": answer({"State": {"Running": False, "ExitCode": 0}}),
            "/containers/c0ffee/logs": job,
            ".*": GONE,
        }
    )


def test_a_job_is_laid_out_as_the_runner_does_it(tmp_path: Path) -> None:
    volumes = [f"{tmp_path}/builds:/builds", "/cache", "/var/run/docker.sock:/var/run/docker.sock"]
    runner = {**RUNNER, "environment": {"A": "1"}, "docker": {**RUNNER["docker"], "volumes": volumes, "user": "1000"}}
    job = log(("job", 0), ("docker_version", 0), ("docker_build", 0), ("bind_mount", 0))
    with fake_engine(engine(job)) as fake:
        (result,) = run(runners=[runner], socket=fake.path)["smoke"]
        made = [json.loads(body) for _, target, body in fake.requests if target.startswith("/containers/create")]
        removed = [target for method, target, _ in fake.requests if method == "DELETE"]
    assert (result["ok"], result["error"]) == (True, None)
    assert [step["step"] for step in result["steps"]] == [
        "image",
        "job",
        "docker_version",
        "docker_build",
        "bind_mount",
    ]
    (container,) = made
    assert (container["Image"], container["Cmd"][:2], container["User"]) == ("docker:28-cli", ["sh", "-c"], "1000")
    assert "Entrypoint" not in container
    assert {"A=1", "CI=true"} <= set(container["Env"])
    binds = container["HostConfig"]["Binds"]
    assert (binds[0], binds[2]) == (volumes[0], volumes[2])
    assert binds[1].endswith(":/cache")
    assert (container["HostConfig"]["NetworkMode"], container["HostConfig"]["Privileged"]) == ("default", False)
    # The job's container and that of its `docker run`, what was built, the volume.
    assert sorted(target.split("/")[1] for target in removed) == ["containers", "containers", "images", "volumes"]
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_fails_is_told_with_the_first_failure() -> None:
    runner = {**RUNNER, "docker": {"image": "docker:28-cli", "volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}}
    job = log(("job", 0), ("docker_version", 0), ("docker_build", 1), ("bind_mount", 1))
    with fake_engine(engine(job)) as fake:
        (result,) = run(runners=[runner], socket=fake.path)["smoke"]
    assert (result["ok"], result["error"]) == (False, "docker_build: words of docker_build")
    assert [step["ok"] for step in result["steps"]] == [True, True, True, False, False]


def test_a_runner_without_an_engine_for_its_jobs_is_tried_with_a_job_alone() -> None:
    with fake_engine(engine(log(("job", 0)))) as fake:
        (result,) = run(runners=[{**RUNNER, "mode": "custom"}], socket=fake.path)["smoke"]
    assert [step["step"] for step in result["steps"]] == ["image", "job"]
    assert result["ok"] is True


def test_a_runner_without_an_image_says_so() -> None:
    with fake_engine(engine(log())) as fake:
        (result,) = run(runners=[{"name": "one", "mode": "socket"}], socket=fake.path)["smoke"]
    assert result["error"] == "image: the runner has no docker.image, which jobs without one get; give image"


def test_the_documentation_has_every_parameter() -> None:
    documented = yaml.safe_load(runner_smoke.DOCUMENTATION)["options"]
    assert set(documented) == {"runners", "image", "dind_image", "archive", "pull", "socket", "timeout"}
    assert documented["timeout"]["default"] == 300
