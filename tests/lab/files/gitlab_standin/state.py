"""One instance of GitLab: its runners, their managers, its jobs, groups, projects and tokens, all in memory."""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .faults import Fault

LETTERS = string.ascii_letters + string.digits
TYPES = ("instance_type", "group_type", "project_type")
ACCESS_LEVELS = ("not_protected", "ref_protected")
ONLINE_SECONDS = 2 * 3600
STALE_SECONDS = 7 * 86400
FINISHED = ("success", "failed", "canceled")
REQUESTS_KEPT = 5000
ATTRIBUTES = (
    "description", "maintenance_note", "tag_list", "run_untagged", "locked", "paused", "access_level",
    "maximum_timeout",
)  # fmt: skip


def stamp(seconds: float | None) -> str | None:
    """A point in time as GitLab writes it."""
    if seconds is None:
        return None
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"


def random_text(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))


@dataclass
class Manager:
    """One machine that uses a runner's token."""

    id: int
    system_id: str
    created_at: float
    contacted_at: float | None = None
    version: str | None = None
    revision: str | None = None
    platform: str | None = None
    architecture: str | None = None
    executor: str | None = None
    ip_address: str | None = None


@dataclass
class Runner:
    """A runner as GitLab keeps it."""

    id: int
    token: str
    runner_type: str
    owner_id: int | None
    created_at: float
    created_with_token: bool  # registered the old way
    name: str | None = None
    description: str | None = None
    maintenance_note: str | None = None
    tag_list: list[str] = field(default_factory=list)
    run_untagged: bool = True
    locked: bool = False
    paused: bool = False
    access_level: str = "not_protected"
    maximum_timeout: int | None = None
    contacted_at: float | None = None
    token_expires_at: float | None = None
    managers: dict[str, Manager] = field(default_factory=dict)
    pauses: list[dict[str, Any]] = field(default_factory=list)  # each change: at, paused
    queue: str = field(default_factory=lambda: random_text(32).lower())

    @property
    def online(self) -> bool:
        return self.contacted_at is not None and time.time() - self.contacted_at < ONLINE_SECONDS

    @property
    def stale(self) -> bool:
        return time.time() - max(self.created_at, self.contacted_at or 0) >= STALE_SECONDS

    @property
    def status(self) -> str:
        """As the REST API shows it: `paused` hides whether it is online."""
        if self.stale:
            return "stale"
        if self.contacted_at is None:
            return "never_contacted"
        if self.paused:
            return "paused"
        return "online" if self.online else "offline"

    def validation(self) -> dict[str, list[str]]:
        """What the model would refuse to save, by attribute."""
        wrong: dict[str, list[str]] = {}
        if not self.tag_list and not self.run_untagged:
            wrong["tags_list"] = ["can not be empty when runner is not allowed to pick untagged jobs"]
        if len(self.tag_list) > 50:
            wrong["tags_list"] = ["Too many tags specified. Please limit the number of tags to 50"]
        for name, text in (("description", self.description), ("maintenance_note", self.maintenance_note)):
            if len(text or "") > 1024:
                wrong[name] = ["is too long (maximum is 1024 characters)"]
        if len(self.name or "") > 256:
            wrong["name"] = ["is too long (maximum is 256 characters)"]
        if self.maximum_timeout is not None and self.maximum_timeout < 600:
            wrong["maximum_timeout"] = ["needs to be at least 10 minutes"]
        return wrong


@dataclass
class Job:
    """A job, from the queue to its end."""

    id: int
    token: str
    created_at: float
    project_id: int
    name: str = "job"
    stage: str = "test"
    ref: str = "main"
    protected: bool = False
    script: list[str] = field(default_factory=list)
    after_script: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    image: dict[str, Any] | None = None
    services: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    timeout: int = 3600
    repository: bool = False  # whether the runner is told where its sources are
    status: str = "pending"
    failure_reason: str | None = None
    exit_code: int | None = None
    trace: bytearray = field(default_factory=bytearray)
    runner_id: int | None = None
    system_id: str | None = None
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def running(self) -> bool:
        return self.status in ("running", "canceling")


@dataclass
class Settings:
    """What an administrator may have set."""

    version: str = "18.2.0"
    revision: str = "0a1b2c3d4e5"
    registration_allowed: bool = True  # by registration token; else 410
    token_lifetime: int | None = None  # seconds until a runner's token expires
    legacy_prefix: str = "glrtr-"
    routable_tokens: bool = False
    verify_is_contact: bool = True  # newer servers; see runner_side.verify


class Space:
    """An instance. `lock` is held by whoever reads or changes it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """As on the first day."""
        self.settings = Settings()
        self.runners: dict[int, Runner] = {}
        self.jobs: dict[int, Job] = {}
        self.groups = {"group": 7}
        self.projects = {"group/project": 11}
        self.faults: list[Fault] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.request_count = 0
        self.issued: list[str] = [*self.personal_tokens(), *self.registration_tokens()]
        self._last = {"runner": 0, "manager": 0, "job": 0, "place": 100}

    def number(self, what: str) -> int:
        self._last[what] += 1
        return self._last[what]

    # tokens

    def personal_tokens(self) -> dict[str, tuple[str, ...]]:
        """Personal access tokens and their scopes; only the first two belong to an administrator."""
        return {
            f"glpat-lab-{self.name}": ("api",),
            f"glpat-runner-{self.name}": ("create_runner", "manage_runner"),
            f"glpat-read-{self.name}": ("read_api",),
            f"glpat-user-{self.name}": ("api",),
        }

    def registration_tokens(self) -> dict[str, tuple[str, int | None]]:
        """Registration tokens of the old workflow, and what a runner registered with them belongs to."""
        return {
            f"GR1348941lab-{self.name}": ("instance_type", None),
            f"GR1348941lab-{self.name}-group": ("group_type", 7),
            f"GR1348941lab-{self.name}-project": ("project_type", 11),
        }

    def issue(self, prefix: str, length: int = 20) -> str:
        token = prefix + random_text(length)
        self.issued.append(token)
        return token

    def runner_token(self, runner_type: str, created_with_token: bool) -> str:
        if created_with_token:
            return self.issue(self.settings.legacy_prefix)
        prefix = f"glrt-t{TYPES.index(runner_type) + 1}_"
        if not self.settings.routable_tokens:
            return self.issue(prefix)
        token = f"{prefix}{random_text(27)}.01.{random_text(9).lower()}"
        self.issued.append(token)
        return token

    def expiry(self) -> float | None:
        lifetime = self.settings.token_lifetime
        return None if lifetime is None else time.time() + lifetime

    # runners

    def add_runner(
        self, runner_type: str, owner_id: int | None, attributes: dict[str, Any], created_with_token: bool
    ) -> Runner:
        """A runner that is not kept yet; see `keep`."""
        runner = Runner(0, "", runner_type, owner_id, time.time(), created_with_token)
        for name, value in attributes.items():
            setattr(runner, name, value)
        return runner

    def keep(self, runner: Runner) -> Runner:
        runner.id = self.number("runner")
        runner.token = self.runner_token(runner.runner_type, runner.created_with_token)
        runner.token_expires_at = self.expiry()
        self.runners[runner.id] = runner
        if runner.paused:
            runner.pauses.append({"at": runner.created_at, "paused": True})
        return runner

    def reset_token(self, runner: Runner) -> None:
        runner.token = self.runner_token(runner.runner_type, runner.created_with_token)
        runner.token_expires_at = self.expiry()

    def by_token(self, token: str) -> Runner | None:
        """The runner that a token belongs to; one whose time is over belongs to nobody."""
        for runner in self.runners.values():
            if token and secrets.compare_digest(runner.token.encode(), token.encode()):
                return None if runner.token_expires_at and runner.token_expires_at <= time.time() else runner
        return None

    def tick(self) -> None:
        """Something changed in the queue: what runners remember of it is outdated."""
        for runner in self.runners.values():
            runner.queue = random_text(32).lower()

    # places

    def place(self, kind: str, key: str) -> tuple[int, str] | None:
        """(id, path) of a group or project. Every path exists, except those that begin with `missing`."""
        places = self.groups if kind == "group" else self.projects
        if key.isdigit():
            return next(((number, path) for path, number in places.items() if number == int(key)), None)
        if key.partition("/")[0] == "missing" or (kind == "project" and "/" not in key):
            return None
        if key not in places:
            places[key] = self.number("place")
        return places[key], key

    def can_run(self, runner: Runner, job: Job) -> bool:
        """Whether GitLab would give this runner that job."""
        if not (runner.run_untagged or job.tags) or not set(job.tags) <= set(runner.tag_list):
            return False
        if runner.access_level == "ref_protected" and not job.protected:
            return False
        if runner.runner_type == "project_type":
            return runner.owner_id == job.project_id
        if runner.runner_type == "group_type":
            project = next((path for path, number in self.projects.items() if number == job.project_id), "")
            group = next((path for path, number in self.groups.items() if number == runner.owner_id), None)
            return group is not None and project.startswith(f"{group}/")
        return True
