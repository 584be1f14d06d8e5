# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the seccomp profile that the host's engine gives to containers: none, one's own, the workaround's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile as profiles
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import DEFAULT_PROFILES, Layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text, version

TRACE = "SCMP_ACT_TRACE"
_WRITE_ANEW = "run playbooks/site.yml: role docker_engine writes the profile of this engine and restarts it"
_WEAKENS = (
    "calls that the engine's profile does not list answer ENOSYS instead of EPERM; a process in a container that "
    "traces another one (ptrace) can let it make them"
)


def find_profile(host: Host) -> Iterator[Finding]:
    """What the engine's profile means for the host."""
    if host.podman_only or not host.docker.get("running"):
        return
    profile = text(host.docker.get("seccomp_profile"))
    path = host.profile_path
    if profile == "unconfined" or _without_seccomp(host, profile):
        yield _unconfined(host, profile)
    elif path and path == host.workaround_path:
        yield from _workaround(host, path)
    elif path:
        yield Finding(
            "seccomp_profile_custom", "host", "note",
            f"the engine gives containers the seccomp profile {path} instead of its own, so its versions do not tell "
            "what they may do",
            {"kind": "measured", "docker.seccomp_profile": path},
            "measure it (role readiness does); docker_engine_daemon_config: {seccomp-profile: null} goes back to the "
            "engine's own",
        )  # fmt: skip
    if profile in DEFAULT_PROFILES and _configured(host) == host.workaround_path:
        yield Finding(
            "seccomp_workaround_stale", "host", "degraded",
            f"daemon.json names the workaround's profile {host.workaround_path}, but the engine still runs with its "
            "own",
            {
                "kind": "measured", "docker.seccomp_profile": profile,
                "docker.daemon_config.seccomp-profile": host.workaround_path,
            },
            "run playbooks/site.yml: role docker_engine restarts the engine, which reads this setting at its start",
        )  # fmt: skip


def _configured(host: Host) -> str | None:
    return text(mapping(host.docker.get("daemon_config")).get("seccomp-profile"))


def _without_seccomp(host: Host, profile: str | None) -> bool:
    """The engine told its security options, and seccomp is none of them."""
    options = host.docker.get("security_options")
    return profile is None and host.profile_path is None and isinstance(options, list) and not any(
        "seccomp" in str(option) for option in entries(options)
    )  # fmt: skip


def _unconfined(host: Host, profile: str | None) -> Finding:
    said = "without a seccomp profile (unconfined)" if profile else "without seccomp, which is not in force there"
    return Finding(
        "seccomp_unconfined", "host", "risk",
        f"the engine starts containers {said}: a job may make every system call that the kernel has",
        {"kind": host.kind, "docker.seccomp_profile": profile},
        "run playbooks/site.yml with docker_engine_daemon_config: {seccomp-profile: null}, and upgrade an engine whose "
        "own profile blocks what images need",
    )  # fmt: skip


def _workaround(host: Host, path: str) -> Iterator[Finding]:
    layer = next(
        (each for each in host.judged if each.layer == "host" and each.known),
        None,
    )
    evidence: dict[str, Any] = {"kind": host.kind, "docker.seccomp_profile": path, "name": "host"}
    works = "whether it works was not measured"
    if layer is not None and layer.kind == "measured":
        works = _measured(layer, host, evidence)
    yield Finding(
        "seccomp_workaround", "host", "risk", f"the workaround's seccomp profile is in force: {_WEAKENS}; {works}",
        evidence,
        "upgrade the engine when you can, then set docker_engine_seccomp_workaround: false",
    )  # fmt: skip
    made_for = text(mapping(host.docker.get("seccomp_workaround")).get("engine"))
    if made_for:
        yield from _made_for(host, made_for, path)
    elif layer is not None and layer.kind == "measured":
        yield from _stale(host, layer, path)


def _measured(layer: Layer, host: Host, evidence: dict[str, Any]) -> str:
    """Whether the profile does what it is for, by what a container answered."""
    default = text(mapping(layer.filter).get("default"))
    needed = [
        call
        for generation in images.GENERATIONS
        if host.concerns(generation)
        for call in generation.needs
        if (answer := layer.answer(call)) is not None and answer.blocks
    ]
    evidence |= {"filter.default": default, "blocked": needed}
    if needed:
        return f"it does not help: {' and '.join(needed)} is still blocked"
    if default == TRACE:
        return "it works: no call that images need is blocked in a container"
    if default is None:
        return "no call that images need is blocked in a container; which filter does that could not be read"
    return f"the container was given the default action {default}, so it is something else that no call is blocked"


def _made_for(host: Host, made_for: str, path: str) -> Iterator[Finding]:
    """Role docker_engine remembers on the host which release it asked for its profile."""
    engine = text(host.docker.get("server_version"))
    if version(engine) is None or version(made_for) == version(engine):
        return
    yield Finding(
        "seccomp_workaround_stale", "host", "degraded",
        f"the workaround's profile {path} was made from Docker {made_for}, and the engine is {engine}",
        {"kind": host.kind, "docker.seccomp_workaround.engine": made_for, "docker.server_version": engine}, _WRITE_ANEW,
    )  # fmt: skip


def _stale(host: Host, layer: Layer, path: str) -> Iterator[Finding]:
    """The profile is that of one release: another one's own profile lists other calls."""
    engine, rules = version(layer.version or host.docker.get("server_version")), mapping(layer.filter).get("rules")
    if engine is None or not isinstance(rules, dict) or not rules:
        return
    own = profiles.docker_default(engine).rules
    lacks = sorted(call for call, action in own.items() if action.allows and call not in rules and host.has_call(call))
    dropped = tables.DOCKER[0].allow.union(*(row.allow for row in tables.DOCKER)) - own.keys()
    allows = sorted(call for call in dropped if str(rules.get(call, "")) == "SCMP_ACT_ALLOW" and _older(call, engine))
    if not lacks and not allows:
        return
    differs = [f"it lacks {', '.join(lacks)}"] if lacks else []
    differs += [f"it allows {', '.join(allows)}"] if allows else []
    yield Finding(
        "seccomp_workaround_stale", "host", "degraded",
        f"the workaround's profile {path} was made from another release than Docker {layer.version}: "
        f"{' and '.join(differs)}, unlike the profile of this one",
        {"kind": "measured", "docker.seccomp_profile": path, "engine": layer.version, "lacks": lacks, "allows": allows},
        _WRITE_ANEW,
    )  # fmt: skip


def _older(call: str, engine: Any) -> bool:
    """Whether an older release than this one allowed the call, which this one does no more."""
    return any(row.first < engine and call in row.allow for row in tables.DOCKER)
