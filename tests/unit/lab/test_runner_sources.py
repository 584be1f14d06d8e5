"""The runner's stand-in fetches the sources of a job: the script, the container it runs in, and trust."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.files.gitlab_runner import config, docker, gitlab, sources
from tests.lab.files.gitlab_runner.engine import EngineError
from tests.lab.files.gitlab_runner.job import Job, JobError
from tests.lab.files.gitlab_runner.variables import Variables

SHA = "c439a0fdf29c1b4f1e9b52805b999e69748325ea"
INFORMATION = {
    "repo_url": "https://gitlab-ci-token:secret@gitlab.example/group/project.git",
    "ref": "main",
    "sha": SHA,
    "refspecs": ["+refs/heads/main:refs/remotes/origin/main"],
    "depth": 20,
}
FETCH = "origin +refs/heads/main:refs/remotes/origin/main"


def _script(strategy: str = "", **more: Any) -> str:
    sent = [{"key": "GIT_STRATEGY", "value": strategy}] if strategy else []
    return sources.compose(Variables({}, {}, sent), "/b/it's", {**INFORMATION, **more})


@pytest.mark.parametrize(
    ("strategy", "more", "there", "absent"),
    [
        pytest.param("", {}, f"fetch {FETCH} --depth 20 --prune --quiet", "rm -rf", id="fetched, by default"),
        pytest.param("fetch", {"depth": 0}, f"fetch {FETCH} --prune --quiet", "--depth", id="without a depth"),
        pytest.param("clone", {}, "rm -rf '/b/it'\"'\"'s'", "Skipping", id="cloned: nothing old stays"),
        pytest.param("none", {}, "Skipping Git repository setup", "git init", id="none"),
    ],
)
def test_the_script_does_what_the_strategy_says(strategy: str, more: dict[str, Any], there: str, absent: str) -> None:
    text = _script(strategy, **more)
    assert there in text
    assert absent not in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


def test_a_strategy_that_is_none_is_refused() -> None:
    with pytest.raises(sources.StrategyError, match="unknown GIT_STRATEGY shallow"):
        _script("shallow")


class _Engine:
    """Knows some images and notes what is asked of it; containers that run end at once."""

    def __init__(self, images: list[str]) -> None:
        self.images = images
        self.pulled: list[str] = []
        self.bodies: dict[str, dict[str, Any]] = {}

    def image(self, name: str) -> dict[str, Any] | None:
        return {"Id": name} if name in self.images else None

    def pull(self, name: str, login: object = None) -> None:
        self.pulled.append(name)
        raise EngineError("no route to the registry", 500)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if path == "/containers/create":
            self.bodies[query["name"]] = body
        return {"Id": query.get("name"), "StatusCode": 0}

    def attach(self, container: str) -> _Engine:
        return self

    def send(self, data: bytes) -> None:
        pass

    def output(self, wait: float) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass


def _executor(
    monkeypatch: pytest.MonkeyPatch, images: list[str], settings: dict[str, Any] | None = None, sources: bool = True
) -> tuple[docker.Docker, _Engine]:
    engine = _Engine(images)
    monkeypatch.setattr(docker, "Engine", lambda host: engine)
    monkeypatch.setattr(Job, "check", lambda self: None)
    table = {"image": "lab/busybox:1", "pull_policy": "if-not-present", **(settings or {})}
    payload = {"id": 1, "token": "t", **({"git_info": INFORMATION} if sources else {})}
    runner = {"url": "https://gitlab.example", "token": "glrt-x", "docker": table}
    return docker.Docker(Job(runner, payload, 0, "/c.toml", "", "/")), engine


def test_sources_come_by_a_container_like_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = "/etc/runnerkit/helper-certs:/etc/gitlab-runner/certs:ro"
    settings = {"volumes": [volume], "user": "1000", "privileged": True, "helper_image": "lab/helper:1"}
    executor, engine = _executor(monkeypatch, ["lab/busybox:1", "lab/helper:1"], settings)
    executor.prepare()
    assert (executor.fetch_sources("git"), executor.run("make")) == (0, 0)
    helper, job = engine.bodies.values()
    assert volume in helper["HostConfig"]["Binds"]
    assert helper["HostConfig"] == job["HostConfig"]
    assert (helper["Image"], helper["Cmd"], "User" in helper) == ("lab/helper:1", ["gitlab-runner-build"], False)
    assert (job["Image"], job["User"]) == ("lab/busybox:1", "1000")
    assert [body["Labels"][f"{docker.MANAGED}.type"] for body in (helper, job)] == ["predefined", "build"]
    assert [name.rpartition(executor.name)[2] for name in engine.bodies] == ["-predefined-0", "-build-1"]


@pytest.mark.parametrize(
    ("images", "given", "pulled"),
    [
        pytest.param([docker.HELPER], {"pull_policy": "always"}, [], id="its own is not pulled when it is there"),
        pytest.param([], {}, [docker.HELPER], id="else it is"),
        pytest.param(["a:0.0.0"], {"helper_image": "a:${CI_RUNNER_VERSION}"}, [], id="one of its version"),
        pytest.param([docker.HELPER], {"helper_image": "a:1"}, ["a:1"], id="the one of config.toml goes first"),
        pytest.param(["a:1"], {"helper_image": "a:1", "pull_policy": "always"}, ["a:1"], id="pulled as jobs' are"),
    ],
)
def test_which_helper_image(
    monkeypatch: pytest.MonkeyPatch, images: list[str], given: dict[str, Any], pulled: list[str]
) -> None:
    executor, engine = _executor(monkeypatch, images, given)
    if pulled:
        with pytest.raises(JobError, match=r"failed to pull image .* no route to the registry") as caught:
            executor._fetch_helper()
        assert caught.value.reason == "image_pull_failure"
    else:
        executor._fetch_helper()
    assert engine.pulled == pulled


def test_a_job_without_sources_needs_no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    executor, engine = _executor(monkeypatch, ["lab/busybox:1"], sources=False)
    executor.prepare()
    assert (engine.pulled, executor.helper) == ([], "")


@pytest.mark.parametrize(
    ("user", "folder"),
    [pytest.param(0, "/etc/gitlab-runner/certs", id="root"), pytest.param(7, "/h/.gitlab-runner/certs", id="a user")],
)
def test_where_certificates_are_looked_for(monkeypatch: pytest.MonkeyPatch, user: int, folder: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("HOME", "/h")
    assert str(config.certificate_folder()) == folder


@pytest.mark.parametrize(
    ("url", "name"),
    [
        pytest.param("https://gitlab.example:8443/a", "gitlab.example.crt", id="without the port"),
        pytest.param("https://10.0.0.3", "10.0.0.3.crt", id="an address"),
        pytest.param("https://[fd00::3]:443", "[fd00.crt", id="what the real one makes of IPv6"),
    ],
)
def test_by_which_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, name: str) -> None:
    (tmp_path / name).touch()
    monkeypatch.setattr(gitlab, "certificate_folder", lambda: tmp_path)
    assert gitlab.GitLab({"url": url}, "/elsewhere/config.toml")._certificate("tls-ca-file", ".crt") == str(
        tmp_path / name
    )
    assert gitlab.GitLab({"url": "https://other.example"})._certificate("tls-ca-file", ".crt") is None
