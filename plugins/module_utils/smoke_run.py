# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Smoke jobs: for each runner, what its first real job would do, laid out as the runner lays it out."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import Any, Iterator, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import maintenance, smoke_untold
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET, Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import LEFT_BEHIND_AFTER, empty_image
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import LABEL, NAME, remove_leftovers
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import CUSTOM, SHELL
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_cache import forget_build, known_entries
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_image import Images, Logins, saved
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_job import Outcome, record, run_container
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_place import (
    REMOVAL_TIMEOUT,
    host_folders,
    remove_left_behind,
    settled,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import Plan, UnfitError, read_plan
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import (
    BUILD,
    JOB,
    MOUNT,
    PREFIX,
    VERSION,
    Words,
    dockerfile,
    environment_text,
    functions,
    script,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_service import start_service
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_shell import account, run_shell
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_steps import Steps, StoppedError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.socket_activation import would_start_service

IMAGE, SERVICES = "image", "services"
ARCHIVE_IN_JOB = "/runnerkit-smoke"


def smoke(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A smoke job for each of the runners, one after the other."""
    with Janitor() as janitor, contextlib.ExitStack() as stack:
        images = Images(janitor, stack, params.get("archive"), bool(params.get("pull")))
        return [_smoke(runner, params, janitor, images) for runner in params["runners"]]


def _smoke(runner: Mapping[str, Any], params: Mapping[str, Any], janitor: Janitor, images: Images) -> dict[str, Any]:
    name, mode = str(runner.get("name") or ""), str(runner.get("mode") or CUSTOM)
    maintenance.touch()
    deadline = time.monotonic() + float(params["timeout"])
    steps = Steps()
    try:
        socket = params.get("socket") or DEFAULT_SOCKET
        table = smoke_untold.entry(name)
        plan = read_plan(smoke_untold.completed(runner, table), params.get("image"), params.get("dind_image"), socket)
        with contextlib.suppress(StoppedError):
            work = _in_shell if plan.executor == SHELL else _in_container
            work(_Work(plan, steps, janitor, images, deadline, smoke_untold.logins(table)))
    except UnfitError as unfit:
        return {"name": name, "mode": mode, "ok": False if unfit.fault else None, "steps": [], "error": unfit.message}
    return steps.result(name, mode)


class _Work:
    """What a smoke job needs at hand."""

    def __init__(
        self, plan: Plan, steps: Steps, janitor: Janitor, images: Images, deadline: float, logins: Logins
    ) -> None:
        self.plan = plan
        self.steps = steps
        self.janitor = janitor
        self.images = images
        self.deadline = deadline
        self.logins = logins
        self.engine = Engine(plan.socket)
        self.mark = uuid.uuid4().hex[:12]
        self.label = f"{LABEL}={janitor.mark}"
        self.built = f"{NAME}{janitor.mark}:{uuid.uuid4().hex[:8]}"
        # By such a name the janitor finds it.
        self.run_name = f"{NAME}{uuid.uuid4().hex[:12]}"

    def words(self, folder: str, base: str, source: str, **more: str) -> Words:
        run = not more.get("mounts")
        text = dockerfile(base, self.mark, self.label, run)
        return Words(self.mark, folder, base, source, self.built, self.run_name, self.label, text, **more)

    def check_engine(self) -> None:
        """EngineError where there is none; what an earlier job left on it is removed."""
        if would_start_service(self.engine.socket_path):
            raise EngineError(
                "refused",
                f"the engine behind {self.engine.socket_path} is stopped, and is not started for this; start it",
            )
        self.engine.get("/version")
        self.janitor.engine(self.engine.socket_path)
        with contextlib.suppress(EngineError):
            remove_leftovers(self.engine, time.time() - LEFT_BEHIND_AFTER)
            remove_left_behind(self.engine, time.time() - LEFT_BEHIND_AFTER)

    @contextlib.contextmanager
    def builds_on_host(self) -> Iterator[None]:
        """The job builds and runs on the host's engine; what it made there is removed."""
        path = f"/images/{self.built}"
        self.janitor.request(self.engine.socket_path, path, {"force": True})
        before = known_entries(self.engine)
        try:
            yield
        finally:
            self._remove(f"/containers/{self.run_name}", {"force": True, "v": True})
            self._remove(path, {"force": True})
            forget_build(self.engine, self.mark, before)

    def _remove(self, path: str, query: Mapping[str, Any]) -> None:
        try:
            self.engine.delete(path, query=query, timeout=REMOVAL_TIMEOUT)
        except EngineError as error:
            if error.status != 404:
                self.janitor.keep()


def _in_container(work: _Work) -> None:
    plan, steps, engine = work.plan, work.steps, work.engine
    with contextlib.ExitStack() as stack:
        with steps.step(IMAGE) as note:
            work.check_engine()
            if not plan.image:
                raise EngineError("missing", "the runner has no docker.image, which jobs without one get; give image")
            for image in dict.fromkeys([plan.image, *(service.image for service in plan.services)]):
                note(work.images.bring(engine, image, work.deadline, work.logins))
            nested = _is_nested(plan)
            folder = ""
            if nested and plan.docker:
                folder = stack.enter_context(saved(engine, work.janitor, plan.image, work.deadline))
        with steps.failing(SERVICES if plan.services else JOB):
            place = stack.enter_context(settled(engine, work.janitor, plan, work.mark, work.deadline))
        services = []
        if plan.services:
            with steps.step(SERVICES) as note:
                for service in plan.services:
                    services.append(start_service(engine, work.janitor, stack, plan, place, service, work.deadline))
                    note(services[-1].detail)
        links = [link for service in services for link in service.links]
        expected = _expected(plan)
        base = f"{NAME}{work.janitor.mark}:base" if folder else plan.image
        archive = f"{ARCHIVE_IN_JOB}/image.tar" if folder else ""
        text = script(work.words(place.folder, base, plan.image, archive=archive), expected)
        config: dict[str, Any] = {
            "Image": plan.image,
            "Cmd": ["sh", "-c", text],
            "Env": _environment(plan, place.folder),
        }
        if plan.user:
            config["User"] = plan.user
        host_config = {**plan.settings, **place.host_config, "Privileged": plan.privileged, "Links": links}
        if folder:
            mount = {"Type": "bind", "Source": folder, "Target": ARCHIVE_IN_JOB, "ReadOnly": True}
            host_config["Mounts"] = [mount]
        if plan.docker and not nested:
            stack.enter_context(work.builds_on_host())
        with steps.failing(JOB):
            outcome = run_container(engine, work.janitor, config, host_config, work.deadline)
        record(steps, outcome, expected)
        # A port may answer before its daemon finds out that it cannot run.
        for words in filter(None, (service.end(engine) for service in services)):
            steps.explain(words)


def _in_shell(work: _Work) -> None:
    plan, steps = work.plan, work.steps
    with contextlib.ExitStack() as stack:
        with steps.step(IMAGE) as note:
            user = account(plan.user or "")
            base, mounts = "", ""
            if plan.docker:
                work.check_engine()
                base, mounts = _base_for_shell(work, stack)
            note(base if mounts or not base else f"{base} is on the host")
        builds = plan.builds or os.path.join(user.pw_dir, "builds")
        checkout = os.path.join(builds, PREFIX + work.mark)
        stack.enter_context(host_folders(work.janitor, [], [checkout]))
        if plan.docker:
            stack.enter_context(work.builds_on_host())
        folder = os.path.join(checkout, "0", "group", "project")
        text = functions(work.words(folder, base, base, mounts=mounts))
        variables = dict(entry.split("=", 1) for entry in plan.environment if "=" in entry)
        expected = _expected(plan)
        with steps.failing(JOB):
            outcome = run_shell(work.janitor, user, environment_text(variables) + text, expected, work.deadline)
        record(steps, outcome, expected)
        _record_farewell(steps, outcome)


def _base_for_shell(work: _Work, stack: contextlib.ExitStack) -> tuple[str, str]:
    """An image for the job, and what is to be mounted into containers of it."""
    if work.plan.image:
        work.images.bring(work.engine, work.plan.image, work.deadline, work.logins)
        return work.plan.image, ""
    place = layout()
    name = stack.enter_context(empty_image(work.engine, work.janitor, work.deadline, place))
    return name, " ".join(f"-v {volume}" for volume in place.volumes())


def _record_farewell(steps: Steps, outcome: Outcome) -> None:
    """The runner takes the login shell's own status for the job's."""
    if all(step["ok"] for step in steps.done) and outcome.code != 0:
        how = "did not end" if outcome.code is None else f"ended with {outcome.code}"
        steps.add(JOB, False, 0.0, f"all steps went well, and then the login shell {how}; look at ~/.bash_logout")


def _is_nested(plan: Plan) -> bool:
    """Whether the job's engine is another one than that which runs the job."""
    return plan.daemon is not None or not plan.has_socket


def _expected(plan: Plan) -> list[str]:
    """An engine that is neither the host's nor a service's is not built on: nobody would clean up there."""
    if not plan.docker:
        return [JOB]
    names = {alias for service in plan.services for alias in service.aliases}
    elsewhere = plan.daemon is not None and plan.daemon[0] not in names
    return [JOB, VERSION] if elsewhere else [JOB, VERSION, BUILD, MOUNT]


def _environment(plan: Plan, folder: str) -> list[str]:
    return ["CI=true", "GITLAB_CI=true", f"CI_PROJECT_DIR={folder}", *plan.environment]
