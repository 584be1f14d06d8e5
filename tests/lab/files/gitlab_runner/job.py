"""One job from GitLab: its folder, its stages, its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from . import sources
from .config import get
from .gitlab import GitLab
from .log import log, short
from .script import compose
from .trace import Trace
from .variables import Variables
from .version import VERSION

UPDATES = 10


class JobError(Exception):
    """The job ends `failed`, for one of GitLab's reasons."""

    def __init__(self, message: str, reason: str = "runner_system_failure", exit_code: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


class Executor(Protocol):
    """How a job is run."""

    folder: str
    own: Mapping[str, str]

    def prepare(self) -> None:
        """All that comes before the first command."""

    def fetch_sources(self, script: str) -> int:
        """Run the stage that brings the sources; its exit code."""

    def run(self, script: str) -> int:
        """Run a stage of the job; its exit code."""

    def cleanup(self) -> None:
        """Leave nothing but what is kept on purpose."""


class Job:
    """One job, and all that the executors need to know of it."""

    def __init__(
        self, runner: Mapping[str, Any], payload: Mapping[str, Any], slot: int, config_path: str, user: str, work: str
    ) -> None:
        self.runner, self.payload, self.slot = runner, payload, slot
        self.user, self.work = user, work
        self.id = int(payload["id"])
        self.token = str(payload["token"])
        self.gitlab = GitLab(runner, config_path)
        self.short = short(str(get(runner, "token")))
        information = payload.get("job_info") or {}
        self.project_id = int(information.get("project_id") or 0)
        sent = {str(entry["key"]): str(entry.get("value") or "") for entry in payload.get("variables") or []}
        self.project = sent.get("CI_PROJECT_PATH") or "group/project"
        self.stopped = threading.Event()
        self.why = ""
        timeout = int((payload.get("runner_info") or {}).get("timeout") or 3600)
        self.timeout, self._deadline = timeout, time.monotonic() + timeout
        masked = [str(entry["value"]) for entry in payload.get("variables") or [] if entry.get("masked")]
        self.trace = Trace(self.gitlab, self.id, self.token, [value for value in masked if value], self.stop)
        self.variables = Variables(runner, {}, payload.get("variables") or [])

    def stop(self, why: str) -> None:
        """End the job early; the first reason counts."""
        if not self.stopped.is_set():
            self.why = why
            self.stopped.set()

    def check(self) -> None:
        """Raise when the job is to end; executors ask while they wait."""
        if self.stopped.is_set():
            if self.why == "canceled":
                raise JobError("canceled", "canceled")
            known = ((self.payload.get("features") or {}).get("failure_reasons")) or []
            raise JobError(
                f"aborted: {self.why}",
                "runner_interrupted" if "runner_interrupted" in known else "runner_system_failure",
            )
        if time.monotonic() > self._deadline:
            raise JobError(f"execution took longer than {self.timeout} seconds", "job_execution_timeout")

    def settle(self, own: Mapping[str, str], folder: str) -> None:
        """Variables are complete once the executor knows where it works."""
        mine = {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_SERVER": "yes",
            "CI_JOB_ID": str(self.id),
            "CI_PROJECT_DIR": folder,
            "CI_CONCURRENT_ID": str(self.slot),
            "CI_CONCURRENT_PROJECT_ID": str(self.slot),
            "CI_RUNNER_SHORT_TOKEN": self.short,
            "CI_RUNNER_VERSION": VERSION,
            **own,
        }
        self.variables = Variables(self.runner, mine, self.payload.get("variables") or [])

    def _sources(self, executor: Executor) -> None:
        """What the real one begins with; without it after_script is not run either."""
        information = self.payload.get("git_info")
        if not information:
            self.trace.line(f"Working in {executor.folder}; the job asks for no repository")
            return
        self.trace.line("Getting source from Git repository")
        try:
            script = sources.compose(self.variables, executor.folder, information)
        except sources.StrategyError as error:
            raise JobError(str(error)) from None
        code = executor.fetch_sources(script)
        if code:
            self._failed(code)
            raise JobError(f"exit code {code}", "script_failure", code)

    def _failed(self, code: int) -> None:
        self.trace.line(f"\033[31;1mERROR: Job failed: exit code {code}\033[0;m")

    def _stages(self, executor: Executor) -> None:
        steps = self.payload.get("steps") or []
        failure: JobError | None = None
        for step in steps:
            after = step.get("name") == "after_script"
            if failure and not after:
                continue
            script = compose(self.variables, executor.folder, step.get("script") or [], strict=not after)
            code = executor.run(script)
            if code and not after and not step.get("allow_failure"):
                self._failed(code)
                failure = JobError(f"exit code {code}", "script_failure", code)
        if failure:
            raise failure

    def _run(self, executor: Executor) -> None:
        name = get(self.runner, "name")
        self.trace.line(f"Running with gitlab-runner {VERSION} (the runnerkit lab's stand-in)")
        self.trace.line(f"  on {name} {self.short}, system ID of this machine sent along")
        executor.prepare()
        self.settle(executor.own, executor.folder)
        self._sources(executor)
        self._stages(executor)
        self.trace.line("\033[32;1mJob succeeded\033[0;m")

    def run(self, executor: Executor) -> None:
        """All of it; whatever happens, GitLab is told."""
        self.trace.start()
        state, reason, code = "success", "", 0
        try:
            try:
                self._run(executor)
            except JobError as error:
                state, reason, code = "failed", error.reason, error.exit_code
                if reason != "script_failure":
                    self.trace.line(f"\033[31;1mERROR: Job failed: {error}\033[0;m")
            finally:
                executor.cleanup()
        except Exception as error:  # noqa: BLE001 - a job must not take the runner with it
            state, reason = "failed", "runner_system_failure"
            self.trace.line(f"\033[31;1mERROR: Job failed (system failure): {error}\033[0;m")
        self.trace.close()
        self._report(state, reason, code)
        log("Job succeeded" if state == "success" else f"Job failed: {reason}", job=self.id, runner=self.short)

    def _report(self, state: str, reason: str, code: int) -> None:
        """Tell GitLab how it ended, until it says that it has heard."""
        told: dict[str, Any] = {"state": state, **self.trace.checksum()}
        output = {"checksum": told.pop("checksum"), "bytesize": told.pop("bytesize")}
        if reason and reason != "canceled":
            told["failure_reason"] = reason
        if code:
            told["exit_code"] = code
        for attempt in range(UPDATES):
            answer = self.gitlab.update_job(self.id, self.token, output=output, checksum=output["checksum"], **told)
            if answer.status in (200, 403, 404):
                return
            time.sleep(min(1.0 * (attempt + 1), 5.0))
        log("Submitting job to coordinator... failed", "ERROR", job=self.id, status=answer.status)
