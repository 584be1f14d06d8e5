"""A job as a user has it: out of a .gitlab-ci.yml, into the queue, and its log on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.gitlab import LabGitLab

# What may stand beside jobs in the file.
NO_JOBS = ("default", "image", "services", "variables", "stages", "workflow", "include")


def first_job(text: str) -> dict[str, Any]:
    """The first job of the file; ValueError when there is none."""
    document = yaml.safe_load(text)
    jobs = [value for name, value in document.items() if name not in NO_JOBS] if isinstance(document, dict) else []
    if not jobs or not isinstance(jobs[0], dict) or "script" not in jobs[0]:
        raise ValueError("the file has no job with a script")
    return dict(jobs[0])


def run(known: Mapping[str, str], space: str, file: str, timeout: float = 120) -> bool:
    """Whether the job of FILE ended in success."""
    gitlab = LabGitLab(known["lab_gitlab_url"], known["lab_gitlab_ca"], space)
    job = first_job(Path(file).read_text(encoding="utf-8"))
    more = {name: job[name] for name in ("image", "services", "variables", "tags") if name in job}
    ended = gitlab.finished(gitlab.queue(job["script"], **more), timeout)
    print(ended["trace"].rstrip())
    print(f"job {ended['id']}: {ended['status']}")
    return bool(ended["status"] == "success")
