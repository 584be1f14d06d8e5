"""The runner's stand-in as a whole: it asks the GitLab stand-in for jobs and runs them in a shell."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import runner
from tests.support.gitlab import GitLabStandIn

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
HEAD = "concurrent = 1\ncheck_interval = 1\n"


class Running:
    """The program at work."""

    def __init__(self, folder: Path, gitlab: GitLabStandIn) -> None:
        self.folder, self.gitlab = folder, gitlab
        self.config = folder / "config.toml"
        self.program = folder / "gitlab-runner"
        self.program.write_bytes(runner.program("18.2.0"))
        self.configure()
        words = ["run", "--config", str(self.config), "--working-directory", str(folder)]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, self.program, *words], stderr=log)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until it has said something so many times."""
        deadline = time.monotonic() + 20
        while self.log.read_text().count(text) < times and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.log.read_text().count(text) >= times

    def configure(self, **more: str) -> None:
        """Make a runner and name it in config.toml."""
        made = self.gitlab.api("POST", "/user/runners", {"runner_type": "instance_type"})
        keys = {"name": "it", "url": self.gitlab.url, "token": made["token"], "tls-ca-file": str(self.gitlab.ca_file)}
        lines = [f'{key} = "{value}"' for key, value in {**keys, "executor": "shell", **more}.items()]
        self.config.write_text(HEAD + "\n".join(["[[runners]]", *lines, f"id = {made['id']}", ""]))

    def started(self, script: list[str]) -> int:
        """A job that runs."""
        number = self.gitlab.queue(script)
        self.gitlab.wait_for(lambda: self.gitlab.job(number), lambda job: job["status"] == "running", 20)
        return number

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


@pytest.fixture(name="running")
def _running(tmp_path: Path) -> Iterator[Running]:
    with GitLabStandIn() as gitlab:
        running = Running(tmp_path, gitlab)
        try:
            running.wait_for("Configuration loaded")  # from then on it heeds signals
            yield running
        finally:
            running.process.kill()
            running.process.wait()


def test_jobs_end_as_their_scripts_do(running: Running) -> None:
    good = running.gitlab.queue(["echo $GREETING >file", "cat file"], variables={"GREETING": "hello"})
    bad = running.gitlab.queue(["echo before", "(exit 3)", "echo after"], after_script=["echo in the end"])
    done = running.gitlab.finished(good, 30)
    assert (done["status"], "hello\n" in done["trace"]) == ("success", True), done
    done = running.gitlab.finished(bad, 30)
    assert (done["status"], done["failure_reason"], done["exit_code"]) == ("failed", "script_failure", 3)
    assert "\nbefore\n" in done["trace"]
    assert "\nafter\n" not in done["trace"]
    assert "\nin the end\n" in done["trace"]
    assert [job["leaked_tokens"] for job in running.gitlab.state()["jobs"]] == [0, 0]
    assert not [token for token in running.gitlab.secrets() if token in running.log.read_text()]


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_sources_come_when_git_trusts_the_server_and_else_the_job_ends(running: Running) -> None:
    def ended(**variables: str) -> dict[str, Any]:
        after = ["echo in the end"]
        number = running.gitlab.queue(["cat README.md"], repository=True, after_script=after, variables=variables)
        return running.gitlab.finished(number, 30)

    failed = ended(GIT_SSL_CAINFO="/dev/null", LC_ALL="C")
    assert (failed["status"], failed["failure_reason"], failed["exit_code"]) == ("failed", "script_failure", 128)
    assert re.search(r"fatal: unable to access .*certificate", failed["trace"])
    assert "in the end" not in failed["trace"]
    for strategy in ("fetch", "fetch", "clone", "none"):
        done = ended(GIT_SSL_CAINFO=str(running.gitlab.ca_file), GIT_STRATEGY=strategy)
        assert (done["status"], "\nlab project\n" in done["trace"]) == ("success", True), done
    odd = ended(GIT_STRATEGY="odd")
    assert (odd["failure_reason"], "unknown GIT_STRATEGY odd" in odd["trace"]) == ("runner_system_failure", True)
    assert [job["leaked_tokens"] for job in running.gitlab.state()["jobs"]] == [0] * 6


def test_a_quit_waits_for_the_job_and_takes_no_other(running: Running) -> None:
    first = running.started(["sleep 2", "echo done"])
    running.process.send_signal(signal.SIGQUIT)
    second = running.gitlab.queue(["true"])
    assert running.process.wait(30) == 0
    assert running.gitlab.job(first)["status"] == "success"
    assert running.gitlab.job(second)["status"] == "pending"


def test_a_term_aborts_the_job(running: Running) -> None:
    number = running.started(["sleep 60"])
    begun = time.monotonic()
    assert running.end(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 10
    job = running.gitlab.job(number)
    assert (job["status"], job["failure_reason"]) == ("failed", "runner_interrupted")


def test_a_cancelled_job_ends(running: Running) -> None:
    number = running.started(["sleep 60"])
    running.gitlab.cancel(number)
    assert running.gitlab.finished(number, 20)["status"] == "canceled"


def test_the_file_is_read_again_and_a_broken_one_is_not_taken(running: Running) -> None:
    running.configure(builds_dir=str(running.folder / "elsewhere"))
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("Configuration loaded", times=2)
    done = running.gitlab.finished(running.gitlab.queue(["pwd"]), 30)
    assert f"\n{running.folder}/elsewhere/" in done["trace"], done
    stamp = running.config.stat().st_mtime
    running.config.write_text("broken = [")
    os.utime(running.config, (stamp + 10, stamp + 10))
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("Failed to load config")
    assert running.gitlab.finished(running.gitlab.queue(["true"]), 30)["status"] == "success"
    assert running.end(signal.SIGQUIT) == 0
