"""How the API shows runners, managers, jobs and places: never with a token."""

from __future__ import annotations

import time
from typing import Any

from .state import Job, Manager, Runner, Space, stamp

USER = {"id": 1, "username": "root", "name": "Administrator", "state": "active"}


def _busy(space: Space, runner: Runner, system_id: str | None = None) -> str:
    running = [job for job in space.jobs.values() if job.running and job.runner_id == runner.id]
    return "active" if any(system_id in (None, job.system_id) for job in running) else "idle"


def brief(space: Space, runner: Runner) -> dict[str, Any]:
    """A row of a list; the maintenance note is not in it."""
    return {
        "id": runner.id,
        "description": runner.description,
        "ip_address": None,
        "active": not runner.paused,
        "paused": runner.paused,
        "is_shared": runner.runner_type == "instance_type",
        "runner_type": runner.runner_type,
        "name": runner.name,
        "online": runner.online,
        "created_by": None if runner.created_with_token else USER,
        "created_at": stamp(runner.created_at),
        "status": runner.status,
        "job_execution_status": _busy(space, runner),
    }


def _latest(runner: Runner) -> Manager | None:
    return max(runner.managers.values(), key=lambda manager: manager.contacted_at or 0, default=None)


def details(space: Space, runner: Runner, *, note: bool = True, projects: bool = True) -> dict[str, Any]:
    """One runner in full."""
    latest = _latest(runner)
    shown = {
        **brief(space, runner),
        "tag_list": list(runner.tag_list),
        "run_untagged": runner.run_untagged,
        "locked": runner.locked,
        "maximum_timeout": runner.maximum_timeout,
        "access_level": runner.access_level,
        **{name: getattr(latest, name, None) for name in ("version", "revision", "platform", "architecture")},
        "contacted_at": stamp(runner.contacted_at),
        "maintenance_note": runner.maintenance_note if note else None,
        "groups": _owners(space.groups, runner, "group_type"),
    }
    if projects:
        shown["projects"] = _owners(space.projects, runner, "project_type")
    return shown


def _owners(places: dict[str, int], runner: Runner, runner_type: str) -> list[dict[str, Any]]:
    if runner.runner_type != runner_type:
        return []
    return [place(number, path) for path, number in places.items() if number == runner.owner_id]


def place(number: int, path: str) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {"id": number, "name": name, "path": name, "full_path": path, "path_with_namespace": path}


def manager(space: Space, runner: Runner, manager: Manager) -> dict[str, Any]:
    met = manager.contacted_at
    online = met is not None and time.time() - met < 7200
    return {
        **{name: getattr(manager, name) for name in ("id", "system_id", "version", "revision", "platform")},
        "architecture": manager.architecture,
        "created_at": stamp(manager.created_at),
        "contacted_at": stamp(met),
        "ip_address": manager.ip_address,
        "status": "never_contacted" if met is None else "online" if online else "offline",
        "job_execution_status": _busy(space, runner, manager.system_id),
    }


def job(space: Space, job: Job) -> dict[str, Any]:
    path = next((path for path, number in space.projects.items() if number == job.project_id), "")
    return {
        "id": job.id, "status": job.status, "stage": job.stage, "name": job.name, "ref": job.ref, "tag": False,
        "created_at": stamp(job.created_at), "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at), "failure_reason": job.failure_reason,
        "project": place(job.project_id, path),
    }  # fmt: skip
