"""What people and their tools ask for with an access token: creating, listing, changing and deleting runners."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from . import views
from .pages import paginate
from .state import ACCESS_LEVELS, ATTRIBUTES, FINISHED, TYPES, Runner, Space, stamp
from .wire import Answer, Call, Param, RefusalError, declared, forbidden, refuse, without_blanks

JOB_STATUSES = ("created", "pending", "running", *FINISHED, "canceling", "skipped", "manual", "scheduled")
STATUSES = ("active", "paused", "online", "offline", "never_contacted", "stale")
CHANGES = (
    Param("description"),
    Param("active", "boolean"),
    Param("paused", "boolean"),
    Param("tag_list", "tags"),
    Param("run_untagged", "boolean"),
    Param("locked", "boolean"),
    Param("access_level", values=ACCESS_LEVELS),
    Param("maximum_timeout", "integer"),
    Param("maintenance_note"),
)
CLEARED_BY_NULL = ("description", "maintenance_note", "maximum_timeout")
FILTERS = (
    Param("scope", values=("specific", "shared", *TYPES, *STATUSES)),
    Param("type", values=TYPES),
    Param("paused", "boolean"),
    Param("status", values=STATUSES),
    Param("tag_list", "tags"),
    Param("version_prefix"),
)


@dataclasses.dataclass(frozen=True)
class User:
    """Who calls, and what the token allows."""

    admin: bool
    scopes: tuple[str, ...]


def _user(space: Space, call: Call, *also: str) -> User:
    """Who calls; `also` are scopes that will do beside api (and read_api for reading)."""
    bearer = call.header("Authorization").partition("Bearer ")[2]
    token = call.header("PRIVATE-TOKEN") or bearer or str(call.query.get("private_token") or "")
    scopes = space.personal_tokens().get(token)
    if not scopes:
        raise refuse(401, "401 Unauthorized")
    enough = {"api", *also, *(["read_api"] if call.method == "GET" else [])}
    if not enough & set(scopes):
        raise RefusalError(
            403,
            {
                "error": "insufficient_scope",
                "error_description": "The request requires higher privileges than provided by the access token.",
                "scope": " ".join(sorted(enough)),
            },
        )
    return User(not token.startswith("glpat-user-"), scopes)


def create(space: Space, call: Call) -> Answer:
    """POST /user/runners."""
    user = _user(space, call, "create_runner")
    known = [Param("runner_type", required=True, values=TYPES), *(p for p in CHANGES if p.name != "active")]
    wanted = str(call.params.get("runner_type"))
    if wanted in ("group_type", "project_type"):
        known.append(Param(wanted.replace("type", "id"), "integer", required=True))
    given = declared(call.params, known)
    runner_type, owner_id = given.pop("runner_type"), None
    if runner_type != "instance_type":
        kind = runner_type.partition("_")[0]
        owner_id = given.pop(f"{kind}_id")
        if not space.place(kind, str(owner_id)):
            raise refuse(400, "400 Bad request - Missing/invalid scope")
    elif not user.admin:
        raise forbidden("Insufficient permissions")
    runner = space.add_runner(runner_type, owner_id, without_blanks(given), created_with_token=False)
    wrong = runner.validation()
    if wrong:
        sentences = [f"{name.replace('_', ' ').capitalize()} {text}" for name, texts in wrong.items() for text in texts]
        raise refuse(400, f"400 Bad request - {' and '.join(sentences)}")
    space.keep(runner)
    expires = stamp(runner.token_expires_at)
    return Answer(201, {"id": runner.id, "token": runner.token, "token_expires_at": expires})


def _find(space: Space, number: str) -> Runner:
    if int(number) not in space.runners:
        raise refuse(404, "404 Not found")
    return space.runners[int(number)]


def _owned(space: Space, call: Call, number: str) -> Runner:
    """A runner that the caller may change."""
    user = _user(space, call, "manage_runner")
    runner = _find(space, number)
    if runner.runner_type == "instance_type" and not user.admin:
        raise forbidden("No access granted")
    return runner


def show(space: Space, call: Call, number: str) -> Answer:
    """GET /runners/:id."""
    user = _user(space, call, "manage_runner")
    runner = _find(space, number)
    projects = str(call.query.get("include_projects", "true")).lower() not in ("false", "0")
    may_change = user.admin or runner.runner_type != "instance_type"
    return Answer(200, views.details(space, runner, note=may_change, projects=projects))


def update(space: Space, call: Call, number: str) -> Answer:
    """PUT /runners/:id."""
    runner = _owned(space, call, number)
    given = declared(call.params, CHANGES)
    if not given:
        names = ", ".join(param.name for param in CHANGES)
        raise RefusalError(400, {"error": f"{names} are missing, at least one parameter must be provided"})
    if "active" in given and "paused" in given:
        raise RefusalError(400, {"error": "active, paused are mutually exclusive"})
    if "active" in given:
        given["paused"] = not given.pop("active")
    draft = dataclasses.replace(runner, **{k: v for k, v in given.items() if v is not None or k in CLEARED_BY_NULL})
    if draft.validation():
        raise refuse(400, draft.validation())
    if draft.paused != runner.paused:
        runner.pauses.append({"at": time.time(), "paused": draft.paused})
    for name in ATTRIBUTES:
        setattr(runner, name, getattr(draft, name))
    space.tick()
    return Answer(200, views.details(space, runner))


def delete(space: Space, call: Call, number: str) -> Answer:
    """DELETE /runners/:id."""
    runner = _owned(space, call, number)
    del space.runners[runner.id]
    return Answer(204)


def reset_token(space: Space, call: Call, number: str) -> Answer:
    """POST /runners/:id/reset_authentication_token."""
    runner = _owned(space, call, number)
    space.reset_token(runner)
    return Answer(201, {"token": runner.token, "token_expires_at": stamp(runner.token_expires_at)})


def managers(space: Space, call: Call, number: str) -> Answer:
    """GET /runners/:id/managers."""
    _user(space, call, "manage_runner")
    runner = _find(space, number)
    return Answer(200, [views.manager(space, runner, manager) for manager in runner.managers.values()])


def runner_jobs(space: Space, call: Call, number: str) -> Answer:
    """GET /runners/:id/jobs."""
    _user(space, call, "manage_runner")
    runner = _find(space, number)
    known = (Param("status", values=JOB_STATUSES), Param("system_id"), Param("sort", values=("asc", "desc")))
    given = declared(call.query, (*known, Param("order_by", values=("id",))))
    found = [
        job
        for job in space.jobs.values()
        if job.runner_id == runner.id
        and given.get("status") in (None, job.status)
        and given.get("system_id") in (None, job.system_id)
    ]
    found.sort(key=lambda job: job.id, reverse=given.get("sort") != "asc")
    return paginate(call, found, lambda job: views.job(space, job), keyset=call.query.get("pagination") == "keyset")


def _lists(runner: Runner, wanted: dict[str, Any]) -> bool:
    """Whether the filters let a runner through."""
    tests: dict[str, Callable[[Any], bool]] = {
        "type": lambda value: runner.runner_type == value,
        "paused": lambda value: runner.paused == value,
        "tag_list": lambda value: set(value) <= set(runner.tag_list),
        "version_prefix": lambda value: any((m.version or "").startswith(value) for m in runner.managers.values()),
        "status": lambda value: _has_status(runner, value),
        "scope": lambda value: _in_scope(runner, value),
    }
    return all(tests[name](value) for name, value in wanted.items() if value not in (None, []))


def _has_status(runner: Runner, status: str) -> bool:
    return {
        "active": not runner.paused,
        "paused": runner.paused,
        "online": runner.online,
        "offline": runner.contacted_at is not None and not runner.online,
        "never_contacted": runner.contacted_at is None,
        "stale": runner.stale,
    }[status]


def _in_scope(runner: Runner, scope: str) -> bool:
    """The older word for type and status in one."""
    if scope in STATUSES:
        return _has_status(runner, scope)
    shared = runner.runner_type == "instance_type"
    return {"shared": shared, "specific": not shared}.get(scope, runner.runner_type == scope)


def _listing(space: Space, call: Call, found: Sequence[Runner]) -> Answer:
    wanted = declared(call.query, FILTERS)
    return paginate(call, [runner for runner in found if _lists(runner, wanted)], lambda row: views.brief(space, row))


def own_runners(space: Space, call: Call) -> Answer:
    """GET /runners: those of one's groups and projects; instance runners are nobody's own."""
    _user(space, call)
    return _listing(space, call, [each for each in space.runners.values() if each.runner_type != "instance_type"])


def all_runners(space: Space, call: Call) -> Answer:
    """GET /runners/all: for administrators."""
    if not _user(space, call).admin:
        raise forbidden()
    return _listing(space, call, list(space.runners.values()))


def _known_place(space: Space, kind: str, key: str) -> tuple[int, str]:
    place = space.place(kind, unquote(key))
    if not place:
        raise refuse(404, f"404 {kind.capitalize()} Not Found")
    return place


def project_runners(space: Space, call: Call, key: str) -> Answer:
    """GET /projects/:id/runners: its own, those of groups above it, and the instance's."""
    _user(space, call)
    number, path = _known_place(space, "project", key)
    above = [group for name, group in space.groups.items() if path.startswith(f"{name}/")]
    usable: dict[str, list[int | None]] = {
        "project_type": [number], "group_type": list(above), "instance_type": [None],
    }  # fmt: skip
    return _listing(space, call, [each for each in space.runners.values() if each.owner_id in usable[each.runner_type]])


def group_runners(space: Space, call: Call, key: str) -> Answer:
    """GET /groups/:id/runners: its own and the instance's."""
    _user(space, call)
    number, _path = _known_place(space, "group", key)
    usable: dict[str, list[int | None]] = {"project_type": [], "group_type": [number], "instance_type": [None]}
    return _listing(space, call, [each for each in space.runners.values() if each.owner_id in usable[each.runner_type]])


def group(space: Space, call: Call, key: str) -> Answer:
    """GET /groups/:id."""
    _user(space, call)
    return Answer(200, views.place(*_known_place(space, "group", key)))


def project(space: Space, call: Call, key: str) -> Answer:
    """GET /projects/:id."""
    _user(space, call)
    return Answer(200, views.place(*_known_place(space, "project", key)))


def version(space: Space, call: Call) -> Answer:
    """GET /version."""
    _user(space, call, "read_user")
    return Answer(200, {"version": space.settings.version, "revision": space.settings.revision})


def user(space: Space, call: Call) -> Answer:
    """GET /user."""
    caller = _user(space, call, "read_user")
    own = {"is_admin": True} if caller.admin else {"id": 2, "username": "user", "name": "User"}
    return Answer(200, {**views.USER, **own})


def own_token(space: Space, call: Call) -> Answer:
    """GET /personal_access_tokens/self."""
    caller = _user(space, call, "create_runner", "manage_runner")
    return Answer(200, {"id": 1, "name": "lab", "revoked": False, "active": True, "scopes": list(caller.scopes)})


ROUTES = (
    ("POST", r"/user/runners", create),
    ("GET", r"/runners", own_runners),
    ("GET", r"/runners/all", all_runners),
    ("GET", r"/runners/(\d+)", show),
    ("PUT", r"/runners/(\d+)", update),
    ("DELETE", r"/runners/(\d+)", delete),
    ("POST", r"/runners/(\d+)/reset_authentication_token", reset_token),
    ("GET", r"/runners/(\d+)/managers", managers),
    ("GET", r"/runners/(\d+)/jobs", runner_jobs),
    ("GET", r"/projects/([^/]+)", project),
    ("GET", r"/projects/([^/]+)/runners", project_runners),
    ("GET", r"/groups/([^/]+)", group),
    ("GET", r"/groups/([^/]+)/runners", group_runners),
    ("GET", r"/version", version),
    ("GET", r"/user", user),
    ("GET", r"/personal_access_tokens/self", own_token),
)
