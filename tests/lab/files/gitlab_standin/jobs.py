"""Jobs: how they are queued, what a runner gets to know of one, and how they end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import git_side
from .state import Job, Runner, Space

FAILURE_REASONS = (
    "unknown_failure", "script_failure", "runner_system_failure", "job_execution_timeout", "unmet_prerequisites",
    "image_pull_failure", "runner_unsupported", "runner_interrupted",
)  # fmt: skip
DEPTH = 20
KEYS = (
    "name", "stage", "ref", "protected", "script", "after_script", "tags", "image", "services", "variables", "timeout",
    "project", "repository",
)  # fmt: skip


def queue(space: Space, given: Mapping[str, Any]) -> Job:
    """Put a job into the queue; ValueError says what is wrong with it."""
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise ValueError(f"unknown keys {', '.join(unknown)}; a job has {', '.join(KEYS)}")
    wanted = dict(given)
    if wanted.get("repository") and not git_side.is_branch(wanted.get("ref", "main")):
        raise ValueError(f"the repository has no branch {wanted['ref']!r}; use letters, digits, hyphens and slashes")
    project = space.place("project", str(wanted.pop("project", "group/project")))
    if not project:
        raise ValueError(f"there is no project {given.get('project')!r}")
    image = wanted.pop("image", None)
    services = [_container(service) for service in wanted.pop("services", None) or []]
    number = space.number("job")
    job = Job(number, space.issue("glcbt-64_"), time.time(), project[0], services=services, **wanted)
    job.image = _container(image) if image else None
    job.variables = {name: str(value) for name, value in job.variables.items()}
    space.jobs[number] = job
    space.tick()
    return job


def _container(given: Any) -> dict[str, Any]:
    """An image or a service as a runner gets it; a name alone will do."""
    wanted = {"name": given} if isinstance(given, str) else dict(given)
    whole: dict[str, Any] = {
        "name": None, "alias": None, "entrypoint": None, "command": None, "ports": [], "executor_opts": {},
        "pull_policy": None, "variables": [],
    }  # fmt: skip
    whole.update(wanted)
    if isinstance(whole["variables"], dict):
        whole["variables"] = [_variable(name, str(value)) for name, value in whole["variables"].items()]
    return whole


def _variable(key: str, value: str, *, public: bool = True, masked: bool = False) -> dict[str, Any]:
    return {"key": key, "value": value, "public": public, "masked": masked, "file": False, "raw": False}


def _step(name: str, script: list[str], job: Job, when: str, allow_failure: bool) -> dict[str, Any]:
    return {
        "name": name, "script": script, "timeout": job.timeout, "when": when, "allow_failure": allow_failure,
    }  # fmt: skip


def payload(space: Space, runner: Runner, job: Job, base: str) -> dict[str, Any]:
    """The answer to POST /jobs/request."""
    path = next(path for path, number in space.projects.items() if number == job.project_id)
    scheme, _, address = base.partition("://")
    repository = f"{scheme}://gitlab-ci-token:{job.token}@{address}/{path}.git"
    timeout = min(job.timeout, runner.maximum_timeout or job.timeout)
    steps = [_step("script", job.script, job, "on_success", allow_failure=False)]
    if job.after_script:
        steps.append(_step("after_script", job.after_script, job, "always", allow_failure=True))
    image = {name: value for name, value in job.image.items() if name != "variables"} if job.image else None
    told: dict[str, Any] = {
        "id": job.id,
        "token": job.token,
        "allow_git_fetch": True,
        "job_info": {
            "id": job.id, "name": job.name, "stage": job.stage, "project_id": job.project_id,
            "project_name": path.rpartition("/")[2], "project_full_path": path,
            "time_in_queue_seconds": round(time.time() - job.created_at),
            "project_jobs_running_on_instance_runners_count": "0",
        },
        "runner_info": {"timeout": timeout, "runner_session_url": None},
        "inputs": [],
        "variables": _variables(runner, job, path, base, repository),
        "steps": steps,
        "image": image,
        "services": job.services,
        "artifacts": None,
        "cache": [],
        "credentials": [],
        "features": {"trace_sections": True, "token_mask_prefixes": [], "failure_reasons": list(FAILURE_REASONS)},
        "dependencies": [],
        "hooks": [],
    }  # fmt: skip
    if job.repository:  # GitLab always says it; here, a job that is not about its sources needs no helper image
        told["git_info"] = {
            "repo_url": repository, "repo_object_format": "sha1", "ref": job.ref, "sha": git_side.SHA,
            "before_sha": "0" * 40, "ref_type": "branch", "depth": DEPTH, "protected": job.protected,
            "refspecs": [f"+refs/heads/{job.ref}:refs/remotes/origin/{job.ref}"],
        }  # fmt: skip
    return told


def _variables(runner: Runner, job: Job, path: str, base: str, repository: str) -> list[dict[str, Any]]:
    own = {
        "CI": "true", "GITLAB_CI": "true", "CI_SERVER": "yes", "CI_SERVER_URL": base, "CI_API_V4_URL": f"{base}/api/v4",
        "CI_JOB_ID": str(job.id), "CI_JOB_NAME": job.name, "CI_JOB_STAGE": job.stage, "CI_PIPELINE_ID": str(job.id),
        "CI_PROJECT_ID": str(job.project_id), "CI_PROJECT_NAME": path.rpartition("/")[2], "CI_PROJECT_PATH": path,
        "CI_PROJECT_NAMESPACE": path.rpartition("/")[0], "CI_COMMIT_SHA": git_side.SHA, "CI_COMMIT_REF_NAME": job.ref,
        "CI_COMMIT_BRANCH": job.ref, "CI_RUNNER_ID": str(runner.id), "CI_RUNNER_DESCRIPTION": runner.description or "",
        "CI_RUNNER_TAGS": str(runner.tag_list),
    }  # fmt: skip
    if job.image:
        own["CI_JOB_IMAGE"] = str(job.image["name"])
    return [
        *(_variable(name, value) for name, value in own.items()),
        _variable("CI_JOB_TOKEN", job.token, public=False, masked=True),
        _variable("CI_REPOSITORY_URL", repository, public=False),
        *(_variable(name, value, public=False) for name, value in job.variables.items()),
    ]


def finish(job: Job, state: str, reason: Any, exit_code: Any) -> None:
    """The runner says that it is done; what was to be cancelled is cancelled whatever came of it."""
    if job.status == "canceling":
        job.status = "canceled"
    else:
        job.status = state
        if state == "failed":
            job.failure_reason = str(reason) if reason in FAILURE_REASONS else "unknown_failure"
    job.exit_code = exit_code if isinstance(exit_code, int) else None
    job.finished_at = time.time()


def cancel(job: Job) -> None:
    """As a user does: a running job is asked to stop, one that waits is gone at once."""
    if job.status == "pending":
        job.status, job.finished_at = "canceled", time.time()
    elif job.status == "running":
        job.status = "canceling"
