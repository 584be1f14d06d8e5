"""The strings that tests pull, below /SPACE/lab/: queueing jobs, causing trouble, seeing what happened."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from . import jobs, views
from .faults import Fault
from .state import Job, Runner, Space, stamp
from .wire import Answer, Call, RefusalError


def _runner(space: Space, runner: Runner) -> dict[str, Any]:
    managers = [
        {**dataclasses.asdict(m), "created_at": stamp(m.created_at), "contacted_at": stamp(m.contacted_at)}
        for m in runner.managers.values()
    ]
    return {
        **views.details(space, runner),
        "owner_id": runner.owner_id,
        "created_with_token": runner.created_with_token,
        "token_expires_at": stamp(runner.token_expires_at),
        "managers": managers,
        "pauses": list(runner.pauses),
    }


def _job(space: Space, job: Job) -> dict[str, Any]:
    """A job with its log; tokens in the log are covered and counted."""
    shown = dataclasses.asdict(job)
    del shown["token"]
    for name in ("created_at", "started_at", "finished_at"):
        shown[name] = stamp(shown[name])
    trace = bytes(job.trace).decode(errors="replace")
    leaked = [token for token in space.issued if token in trace]
    for token in leaked:
        trace = trace.replace(token, "[MASKED]")
    return {**shown, "trace": trace, "leaked_tokens": len(leaked)}


def state(space: Space, call: Call | None = None) -> Answer:
    """GET state: everything, except tokens."""
    return Answer(
        200,
        {
            "space": space.name,
            "settings": dataclasses.asdict(space.settings),
            "runners": [_runner(space, runner) for runner in space.runners.values()],
            "jobs": [_job(space, job) for job in space.jobs.values()],
            "faults": [fault.view() for fault in space.faults],
            "requests": list(space.requests),
            "request_count": space.request_count,
        },
    )


def queue(space: Space, call: Call) -> Answer:
    """POST jobs."""
    try:
        return Answer(201, {"id": jobs.queue(space, call.params).id})
    except (TypeError, ValueError) as error:
        raise RefusalError(400, {"error": str(error)}) from None


def job(space: Space, call: Call, number: str) -> Answer:
    """GET jobs/ID."""
    if int(number) not in space.jobs:
        raise RefusalError(404, {"error": f"there is no job {number}"})
    return Answer(200, _job(space, space.jobs[int(number)]))


def cancel(space: Space, call: Call, number: str) -> Answer:
    """POST jobs/ID/cancel."""
    job(space, call, number)
    jobs.cancel(space.jobs[int(number)])
    return job(space, call, number)


def fault(space: Space, call: Call) -> Answer:
    """POST faults: a list; they come in its order."""
    try:
        given = call.params.get("faults")
        space.faults += [Fault.read(each) for each in given] if given is not None else [Fault.read(call.params)]
    except (TypeError, ValueError, AttributeError, re.error) as error:
        raise RefusalError(400, {"error": str(error)}) from None
    return Answer(201, [each.view() for each in space.faults])


def end_faults(space: Space, call: Call) -> Answer:
    """DELETE faults."""
    space.faults.clear()
    return Answer(204)


def settings(space: Space, call: Call) -> Answer:
    """POST settings: what an administrator may set."""
    try:
        space.settings = dataclasses.replace(space.settings, **call.params)
    except TypeError as error:
        raise RefusalError(400, {"error": str(error)}) from None
    return Answer(200, dataclasses.asdict(space.settings))


def secrets(space: Space, call: Call) -> Answer:
    """GET secrets: every token that was ever given out, for tests that look for leaks."""
    return Answer(200, space.issued)


def reset(space: Space, call: Call) -> Answer:
    """POST reset."""
    space.clear()
    return Answer(204)


ROUTES = (
    ("GET", r"/state", state),
    ("POST", r"/jobs", queue),
    ("GET", r"/jobs/(\d+)", job),
    ("POST", r"/jobs/(\d+)/cancel", cancel),
    ("POST", r"/faults", fault),
    ("DELETE", r"/faults", end_faults),
    ("POST", r"/settings", settings),
    ("GET", r"/secrets", secrets),
    ("POST", r"/reset", reset),
)
