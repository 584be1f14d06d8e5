# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the runners of a host: what their jobs may do there, and which profile those get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import findings_dind, images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_engine import runner_version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_read import Runner, runners_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, texts, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

_RUNNERS = "gitlab_runner_runners"
_USER = "gitlab-runner"
# Runners took the path of a profile for the profile itself up to here at least (gitlab-runner issue 27235, mended by
# merge request 6602).
_TAKES_NO_PATH = EngineVersion.parse("18.0")
# The engine's own.
_USUAL_RUNTIMES = ("runc", "io.containerd.runc.v2")


def find_runners(host: Host) -> Iterator[Finding]:
    """What is wrong with the runners, and what they let jobs do."""
    yield from _configuration(host)
    for runner in runners_of(host):
        evidence = {"kind": host.kind, "name": runner.name, "mode": runner.mode}
        yield from _risks(host, runner, evidence)
        yield from _builds(runner, evidence)
        yield from _profiles(host, runner, evidence)
        yield from _unconfined_by_privilege(host, runner, evidence)
        yield from findings_dind.find_dind(host, runner, evidence)


def _configuration(host: Host) -> Iterator[Finding]:
    trouble = text(mapping(host.facts.get("gitlab_runner")).get("config_error"))
    if not trouble:
        return
    # Whoever may not read it knows nothing about it.
    hidden = "cannot be read:" in trouble
    yield Finding(
        "runner_config_broken", "runner", "unknown" if hidden else "broken", f"the runners are not known: {trouble}",
        {"kind": "unknown" if hidden else host.kind, "gitlab_runner.config_error": trouble},
        "run playbooks/audit.yml against it as root"
        if hidden
        else "mend it by hand (role gitlab_runner does not write into what it cannot read): a runner that runs goes on "
        "with what it read last, and does not start with it again",
    )  # fmt: skip


def _risks(host: Host, runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    if runner.executor == "shell":
        if _USER in texts(host.docker.get("group_members")):
            yield Finding(
                "docker_group", "runner", "risk",
                f"runner {runner.name}: its jobs are processes of user {_USER}, who is in the group docker, so that "
                "each of them can be root on the host",
                {**evidence, "docker.group_members": [_USER]},
                f"take {_USER} out of the group docker, unless every project of this runner is to be trusted with that",
            )  # fmt: skip
        return
    if not runner.here:
        yield from _elsewhere(runner, evidence)
        return
    socket = runner_mode.socket_volume(runner.volumes)
    if socket:
        yield Finding(
            "socket_root", "runner", "risk",
            f"runner {runner.name}: its jobs have the engine's socket, so that each of them can be root on the host "
            "and see the containers of all others",
            {**evidence, "docker.volumes": socket},
            f"let only projects that are to be trusted with that use it (its scope in {_RUNNERS}), narrow "
            "config.docker.allowed_images, or take mode: dind",
        )  # fmt: skip
    yield from _privileged(runner, evidence)


def _privileged(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    if not (runner.jobs_privileged or runner.services_privileged):
        return
    both = [("jobs", runner.jobs_privileged), ("services", runner.services_privileged)]
    who = [what for what, privileged in both if privileged]
    narrowed = [what for what in who if _allowed(runner, what)]
    which = f"{listed(who)} of some images" if narrowed == who else listed(who)
    yield Finding(
        "privileged", "runner", "risk",
        f"runner {runner.name}: its {which} run privileged, so that they can be root on the host",
        {
            **evidence, "docker.privileged": runner.jobs_privileged,
            "docker.services_privileged": runner.services_privileged,
            **{f"docker.allowed_privileged_{_OF[what]}": _allowed(runner, what) for what in narrowed},
        },
        f"let only projects that are to be trusted with that use it (its scope in {_RUNNERS}), or narrow "
        "config.docker.allowed_privileged_images and allowed_privileged_services; where only the service needs it, "
        "privileged: false with services_privileged: true",
    )  # fmt: skip


_UNCONFINED = {
    "seccomp": "a seccomp profile: no system call is refused, and what layer host blocks does not concern them",
    "apparmor": "an AppArmor profile, which keeps them away from settings of the kernel and from mounts",
}
_OF = {"jobs": "images", "services": "services"}


def _allowed(runner: Runner, what: str) -> list[str]:
    return texts(runner.docker.get(f"allowed_privileged_{_OF[what]}"))


def _elsewhere(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    if runner.executor == "docker" and runner.engine:
        yield Finding(
            "runner_engine", "runner", "note",
            f"runner {runner.name}: its jobs run on the engine at {runner.engine}, of which nothing is known here",
            {**evidence, "docker.host": runner.engine}, "audit the host of that engine as well",
        )  # fmt: skip


def _builds(runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    if not runner.here or not runner_mode.socket_volume(runner.volumes):
        return
    if runner_mode.shares_builds(runner.volumes, runner.builds_dir):
        return
    folder = runner.builds_dir or runner_mode.DEFAULT_BUILDS_DIR
    yield Finding(
        "builds_not_mounted", "runner", "degraded",
        f"runner {runner.name}: a job that mounts a folder of its checkout (`docker run -v $PWD/data:/app/data`) "
        f"finds it empty, since the host's engine looks for {folder} on the host, and it is not there",
        {**evidence, "docker.volumes": runner.volumes, "builds_dir": folder},
        f"add {folder}:{folder} to config.docker.volumes of the runner in {_RUNNERS}, or leave volumes to mode: socket",
    )  # fmt: skip


def _profiles(host: Host, runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    """What a runner says of its containers' confinement counts, not what the engine would give them."""
    if not runner.here or runner.jobs_privileged:
        return
    for option in texts(runner.docker.get("security_opt")):
        key, _, value = option.replace(":", "=", 1).partition("=")
        found = {**evidence, "profile": option}
        if key in _UNCONFINED and value == "unconfined":
            yield Finding(
                "runner_profile", "runner", "risk",
                f"runner {runner.name}: its jobs run without {_UNCONFINED[key]}", found,
                f"take {option} out of config.docker.security_opt; a profile of its own is better than none",
            )  # fmt: skip
        elif key == "seccomp" and value.startswith("/"):
            yield _path(host, runner, option, found)
        elif key == "seccomp":
            yield Finding(
                "runner_profile", "runner", "note",
                f"runner {runner.name}: its jobs run under a seccomp profile of the runner's own, which the probe does "
                "not measure", found,
                "compare it with the engine's default profile whenever the engine or the images get newer",
            )  # fmt: skip
    runtime = text(runner.docker.get("runtime"))
    if runtime and runtime not in _USUAL_RUNTIMES:
        yield Finding(
            "runner_profile", "runner", "note",
            f"runner {runner.name}: its jobs run with the runtime {runtime}, and the probe measured another one",
            {**evidence, "profile": f"runtime={runtime}"}, "see that a job of each kind runs; nothing else tells",
        )  # fmt: skip


def _path(host: Host, runner: Runner, option: str, evidence: dict[str, Any]) -> Finding:
    said = runner_version(host)
    found = version(said)
    old = found is not None and found < _TAKES_NO_PATH
    return Finding(
        "runner_profile", "runner", "broken" if old else "note",
        f"runner {runner.name}: {option} names a file, and "
        + (
            f"GitLab Runner {said} hands the name itself to the engine, so that jobs fail with `Decoding seccomp "
            "profile failed`"
            if old
            else "runners of some age hand the name itself to the engine, so that jobs fail with `Decoding seccomp "
            "profile failed`"
        ),
        {**evidence, "gitlab_runner.version": said},
        "write the profile itself (seccomp={...}) into config.docker.security_opt, or set it for the engine: "
        "docker_engine_daemon_config: {seccomp-profile: ...}" + ("" if old else "; see that a job runs"),
    )  # fmt: skip


def _unconfined_by_privilege(host: Host, runner: Runner, evidence: dict[str, Any]) -> Iterator[Finding]:
    """Privileged containers have no seccomp filter, so what is blocked at the host's layer is not blocked for them."""
    if not runner.here or not runner.jobs_privileged or _allowed(runner, "jobs"):
        return
    needed = dict.fromkeys(call for each in images.GENERATIONS if host.concerns(each) for call in each.needs)
    blocked = dict.fromkeys(
        call
        for layer in host.judged
        if layer.layer == "host" and layer.known
        for call in needed
        if (answer := layer.answer(call)) and answer.blocks
    )
    if blocked:
        yield Finding(
            "runner_profile", "runner", "note",
            f"runner {runner.name}: its jobs run privileged, and the engine gives such containers no seccomp filter, "
            f"so {listed(list(blocked))}, which layer host blocks, is not blocked for them; containers that they start "
            "in a dind service get the filter of that engine",
            {**evidence, "profile": "privileged", "blocked": list(blocked)},
            "nothing for this runner; what is said of layer host holds for containers that are not privileged",
        )  # fmt: skip
