"""What gitlab-runner asks for: registering, verifying, leaving, and jobs."""

from __future__ import annotations

import re
import time
from typing import Any

from . import jobs
from .state import ACCESS_LEVELS, Job, Manager, Runner, Space, stamp
from .wire import Answer, Call, Param, RefusalError, declared, forbidden, refuse, without_blanks

LEGACY_SYSTEM = "<legacy>"  # machines from before there were system ids
CREATED = "glrt-"
TOKEN = Param("token", required=True)
REGISTER = (
    TOKEN,
    Param("description"),
    Param("maintenance_note"),
    Param("active", "boolean"),
    Param("paused", "boolean"),
    Param("locked", "boolean"),
    Param("access_level", values=ACCESS_LEVELS),
    Param("run_untagged", "boolean"),
    Param("tag_list", "tags"),
    Param("maximum_timeout", "integer"),
)


def _details(runner: Runner) -> dict[str, Any]:
    return {"id": runner.id, "token": runner.token, "token_expires_at": stamp(runner.token_expires_at)}


def _info(call: Call) -> dict[str, Any]:
    info = call.params.get("info")
    return info if isinstance(info, dict) else {}


def _authenticate(space: Space, call: Call, *, contact: bool = True, manager: bool = True) -> Runner:
    """The runner whose token is in the body, and the trace that its call leaves."""
    token = declared(call.params, [TOKEN])["token"]
    runner = space.by_token(str(token or ""))
    if not runner:
        raise forbidden()
    if contact:
        runner.contacted_at = time.time()
    if manager:
        _meet(space, runner, call, contact)
    return runner


def _meet(space: Space, runner: Runner, call: Call, contact: bool) -> Manager:
    """The manager row of the machine that calls, with what it tells of itself."""
    system_id = str(call.params.get("system_id") or LEGACY_SYSTEM)
    manager = runner.managers.get(system_id)
    if not manager:
        manager = Manager(space.number("manager"), system_id, time.time())
        runner.managers[system_id] = manager
    if contact:
        manager.contacted_at = time.time()
    for name in ("version", "revision", "platform", "architecture", "executor"):
        if _info(call).get(name):
            setattr(manager, name, str(_info(call)[name]))
    manager.ip_address = call.client
    return manager


def register(space: Space, call: Call) -> Answer:
    """POST /runners: the old workflow."""
    given = declared(call.params, REGISTER)
    if "active" in given and "paused" in given:
        raise RefusalError(400, {"error": "active, paused are mutually exclusive"})
    owner = space.registration_tokens().get(str(given.pop("token") or ""))
    if not owner:
        raise forbidden("invalid token supplied")
    if not space.settings.registration_allowed:
        raise refuse(410, "410 Gone - runner registration disallowed")
    attributes = without_blanks(given)
    if "active" in attributes:
        attributes["paused"] = not attributes.pop("active")
    if _info(call).get("name"):
        attributes["name"] = str(_info(call)["name"])
    runner = space.add_runner(*owner, attributes, created_with_token=True)
    if runner.validation():
        raise refuse(400, runner.validation())
    return Answer(201, _details(space.keep(runner)))


def unregister(space: Space, call: Call) -> Answer:
    """DELETE /runners: the runner itself."""
    runner = _authenticate(space, call, contact=False, manager=False)
    del space.runners[runner.id]
    return Answer(204)


def unregister_manager(space: Space, call: Call) -> Answer:
    """DELETE /runners/managers: this machine only."""
    given = declared(call.params, [TOKEN, Param("system_id", required=True)])
    runner = _authenticate(space, call, manager=False)
    if runner.managers.pop(str(given["system_id"]), None) is None:
        raise refuse(404, "404 Runner manager not found Not Found")
    return Answer(204)


def verify(space: Space, call: Call) -> Answer:
    """POST /runners/verify. Older servers take a created runner for never contacted until it asks for jobs."""
    created = str(call.params.get("token") or "").startswith(CREATED)
    runner = _authenticate(space, call, contact=space.settings.verify_is_contact or not created)
    return Answer(200, _details(runner))


def reset_token(space: Space, call: Call) -> Answer:
    """POST /runners/reset_authentication_token, with the token that is given up."""
    runner = _authenticate(space, call)
    space.reset_token(runner)
    return Answer(201, {"token": runner.token, "token_expires_at": stamp(runner.token_expires_at)})


def discover_router(space: Space, call: Call) -> Answer:
    """GET /runners/router/discovery: the only call whose token is in a header, and there is no router here."""
    if not space.by_token(call.header("RUNNER-TOKEN")):
        raise forbidden()
    raise refuse(501, "Job Router is not available. Please contact your administrator.")


def request_job(space: Space, call: Call) -> Answer:
    """POST /jobs/request."""
    runner = _authenticate(space, call)
    nothing = Answer(204, headers={"X-GitLab-Last-Update": runner.queue})
    if runner.paused or call.params.get("last_update") == runner.queue:
        return nothing
    for job in space.jobs.values():
        if job.status == "pending" and space.can_run(runner, job):
            job.status, job.started_at, job.runner_id = "running", time.time(), runner.id
            job.system_id = str(call.params.get("system_id") or LEGACY_SYSTEM)
            return Answer(201, jobs.payload(space, runner, job, call.base))
    return nothing


def _job(space: Space, call: Call, number: str) -> Job:
    """The job whose own token is given. What ended, or never was, is forbidden: runners then give it up."""
    job = space.jobs.get(int(number))
    token = str(call.params.get("token") or call.header("JOB-TOKEN"))
    if not job or job.token != token:
        raise forbidden()
    if not job.running:
        raise forbidden("Job is not processing on runner", {"Job-Status": job.status})
    runner = space.runners.get(job.runner_id or 0)
    if runner:
        runner.contacted_at = time.time()
    return job


def update_job(space: Space, call: Call, number: str) -> Answer:
    """PUT /jobs/:id: still at it, or done."""
    job = _job(space, call, number)
    state = call.params.get("state")
    if state not in ("running", "success", "failed"):
        return Answer(400, "400")
    if state != "running":
        jobs.finish(job, state, call.params.get("failure_reason"), call.params.get("exit_code"))
        space.tick()
    return Answer(200, "200", {"Job-Status": job.status})


def append_trace(space: Space, call: Call, number: str) -> Answer:
    """PATCH /jobs/:id/trace: a piece of the log that must begin where the last one ended."""
    job = _job(space, call, number)
    if not call.header("Content-Range"):
        raise RefusalError(400, {"error": "400 Missing header Content-Range"})
    match = re.fullmatch(r"(\d+)-(\d+)", call.header("Content-Range"))
    if not match or int(match[1]) != len(job.trace):  # the end is not looked at: some runners are off by one there
        raise RefusalError(416, {"error": "416 Range Not Satisfiable"}, {"Range": f"0-{len(job.trace)}"})
    job.trace += call.body
    headers = {"Job-Status": job.status, "Range": f"0-{len(job.trace)}", "X-GitLab-Trace-Update-Interval": "3"}
    return Answer(202, None, headers)


def keep_artifacts(space: Space, call: Call, number: str) -> Answer:
    """POST /jobs/:id/artifacts: accepted, and forgotten."""
    _job(space, call, number)
    return Answer(201, "201")


ROUTES = (
    ("POST", r"/runners", register),
    ("DELETE", r"/runners", unregister),
    ("DELETE", r"/runners/managers", unregister_manager),
    ("POST", r"/runners/verify", verify),
    ("POST", r"/runners/reset_authentication_token", reset_token),
    ("GET", r"/runners/router/discovery", discover_router),
    ("POST", r"/jobs/request", request_job),
    ("PUT", r"/jobs/(\d+)", update_job),
    ("PATCH", r"/jobs/(\d+)/trace", append_trace),
    ("POST", r"/jobs/(\d+)/artifacts(?:/authorize)?", keep_artifacts),
)
