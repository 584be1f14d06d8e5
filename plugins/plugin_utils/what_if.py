# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What another engine would solve on a host, and what it would bring.

Before is the host as it was seen. After is the same host with other versions in its facts, by the same rules: what was
measured in containers of its own engine is predicted anew, what an upgrade does not touch (dind images, podman, the
runner, a seccomp profile of one's own, images by name) stays as it was seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import engine_api_versions as api
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import prediction
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_spec import VARIABLE, EngineSpec
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding, worst_first
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find_on
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import (
    DEFAULT_MINIMUM_VERSION,
    WORKAROUND_PATH,
    Host,
    read_host,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# About the model, not about the host.
_NOT_COMPARED = ("model_differs",)
# Whatever the versions become, they follow from them; everything else stays as it was seen.
_BY_VERSION = ("call_blocked_", "floor", "api_too_new", "runner_api", "client_differs", "io_uring_blocked", "engine_")
_CALL_OF = {"access": "call_blocked_faccessat2", "threads": "call_blocked_clone3"}
_EXAMPLE_RUNC = "1.3.6"


def what_if(
    facts: Mapping[str, Any],
    probe: Mapping[str, Any] | None,
    spec: str,
    *,
    minimum_version: str = DEFAULT_MINIMUM_VERSION,
    images: Iterable[str] = (),
    workaround_path: str = WORKAROUND_PATH,
) -> dict[str, Any]:
    """Findings that SPEC would solve, bring and leave; ValueError names a specification that cannot be read."""
    wanted = EngineSpec.parse(spec)
    host = read_host(facts, probe, minimum_version=minimum_version, images=images, workaround_path=workaround_path)
    return compare_with(host, wanted)


def compare_with(host: Host, wanted: EngineSpec, now: list[Finding] | None = None) -> dict[str, Any]:
    """The same for a host that was read; NOW are its findings if somebody has them."""
    after = _after(host, wanted)
    before = {each.key: each for each in (find_on(host) if now is None else now) if each.id not in _NOT_COMPARED}
    then = {each.key: each for each in find_on(after) if each.id not in _NOT_COMPARED}
    blind = _blind(after)
    assumptions = [*_assumptions(host, wanted), *map(_unsaid, blind)]
    solved: list[Finding] = []
    left: list[Finding] = []
    # What fails because of a cause stays as long as that cause does, so the causes are looked at before.
    for key, finding in sorted(before.items(), key=lambda item: item[1].id == "behaviour_fails"):
        if key in then:
            left.append(then[key] if finding.id.startswith(_BY_VERSION) else finding)
        elif _stays(host, finding, left, blind):
            left.append(finding)
        else:
            solved.append(finding)
    brought = [each for key, each in then.items() if key not in before and each.id != "unknown"]
    return {
        "spec": str(wanted),
        "assumptions": assumptions,
        **{
            name: [each.as_dict() for each in worst_first(found)]
            for name, found in (("solved", solved), ("brought", brought), ("left", left))
        },
    }


def unsaid_with(host: Host, wanted: EngineSpec) -> list[str]:
    """The layers of the host's engine of which other versions say nothing, a sentence for each."""
    return [_unsaid(layer) for layer in _blind(_after(host, wanted))]


def _blind(after: Host) -> list[Layer]:
    return [layer for layer in after.layers if not layer.known and layer.of_the_host]


def _unsaid(layer: Layer) -> str:
    return f"of {layer.title} nothing can be said: {layer.reason}"


def _stays(host: Host, finding: Finding, left: list[Finding], blind: list[Layer]) -> bool:
    """Whether a finding that the rules no longer make is there all the same; LEFT are those of which that is known."""
    if finding.id in ("behaviour_untested", "profile_tried"):
        # Only another measurement would tell.
        return True
    if finding.id == "unknown":
        layer = layer_of(host, finding)
        if layer is not None and layer.of_the_host and _without_engine(host):
            # It could not be measured because there was no engine, and then there is one.
            return bool(blind)
        # Whatever else could not be measured is not solved by versions.
        return finding.evidence.get("missing") is None
    if finding.id == "behaviour_fails":
        cause = _CALL_OF.get(str(finding.evidence.get("tried")), "")
        blocked = any(layer_of(host, finding) is layer and _blocks(layer, cause) for layer in host.layers)
        return not blocked or any(
            each.id == cause
            and all(each.evidence.get(part) == finding.evidence.get(part) for part in ("name", "profile"))
            for each in left
        )
    if not finding.id.startswith(("call_blocked_", "io_uring_")):
        return False
    layer = layer_of(host, finding)
    if layer is None:
        return False
    if any((each.layer, each.name, each.profile) == (layer.layer, layer.name, layer.profile) for each in blind):
        return True
    # Measured, and nothing that is known explains it: so nothing says that other versions end it.
    calls = str(finding.evidence.get("call", "")).split(", ")
    rows = [row for row in host.rows(layer).rows if row.call in calls]
    return any(not row.explained for row in rows)


def _without_engine(host: Host) -> bool:
    return not host.docker.get("installed") or host.docker.get("running") is False


def layer_of(host: Host, finding: Finding) -> Layer | None:
    """The layer that a finding is about."""
    name, profile = finding.evidence.get("name"), finding.evidence.get("profile")
    for layer in host.layers:
        if layer.name == name and profile in (layer.profile, layer.custom_profile):
            return layer
    return None


def _blocks(layer: Layer, cause: str) -> bool:
    answer = layer.answer(cause.removeprefix("call_blocked_"))
    return answer is not None and answer.blocks


def _after(host: Host, wanted: EngineSpec) -> Host:
    """The host with other versions."""
    facts = _facts(host, wanted)
    layers = tuple(_predicted(host, facts, layer) if layer.of_the_host else layer for layer in host.layers)
    return dataclasses.replace(host, facts=facts, layers=layers, hypothetical=True)


def _predicted(host: Host, facts: Mapping[str, Any], layer: Layer) -> Layer:
    """A layer of the host's engine under the profile that it had, which is read anew only if it is the engine's own."""
    docker = mapping(facts.get("docker"))
    # Inside a dind service the host's programs run with settings of their own.
    inside = layer.seccomp_profile or "default" if layer.layer == "dind" else None
    profile = layer.profile if layer.profile != "default" else inside
    if profile:
        facts = {**facts, "docker": {**docker, "seccomp_profile": profile}}
    own = layer.filter if layer.custom_profile else None
    found = prediction.predicted_host(facts, own, host.workaround_path)
    return dataclasses.replace(found, layer=layer.layer, name=layer.name, profile=layer.profile, quiet=False)


def _facts(host: Host, wanted: EngineSpec) -> dict[str, Any]:
    facts, docker = dict(host.facts), host.docker
    engine = EngineVersion.parse(wanted.docker)
    facts["architecture"] = host.architecture
    facts["docker"] = {
        **docker, "installed": True, "running": True, "error": None, "server_version": wanted.docker,
        # The host's command is of the engine's version.
        "client_version": wanted.docker if docker.get("client_version") else None,
        "seccomp_profile": text(docker.get("seccomp_profile")) or host.profile_path or "default",
        **api.api_of(engine, docker),
    }  # fmt: skip
    if wanted.runc:
        facts["runc"] = {**mapping(facts.get("runc")), "version": wanted.runc}
    if wanted.libseccomp:
        knows = EngineVersion.parse(wanted.libseccomp) >= tables.CALLS["faccessat2"].libseccomp
        facts["libseccomp"] = {"version": wanted.libseccomp, "faccessat2": 439 if knows else -1}
        facts["runc"] = {**mapping(facts.get("runc")), "libseccomp": wanted.libseccomp}
    return facts


def _assumptions(host: Host, wanted: EngineSpec) -> list[str]:
    said = [
        "what comes after is predicted from upstream's releases; a distribution's package may differ, so measure then"
    ]
    runc, library = text(mapping(host.facts.get("runc")).get("version")), prediction.library_of(host.facts)
    stays = []
    if not wanted.runc:
        stays.append(f"runc stays {runc}" if runc else "runc's version is not known")
    if not wanted.libseccomp:
        stays.append(f"libseccomp stays {library}" if library else "libseccomp's version is not known")
    kernel = text(mapping(host.facts.get("kernel")).get("release"))
    said.append(", ".join([*stays, f"the kernel stays {kernel}"]))
    now = version(host.docker.get("server_version"))
    if not wanted.runc and (now is None or EngineVersion.parse(wanted.docker) >= now):
        said.append(_runc_hint(host, wanted))
    said.append(
        f"the docker command on the host becomes {wanted.docker} with the engine; images of jobs and services, podman "
        "and GitLab Runner stay"
    )
    _, note = tables.docker_row(EngineVersion.parse(wanted.docker))
    if note:
        said.append(note)
    return said


def _runc_hint(host: Host, wanted: EngineSpec) -> str:
    example = f"{VARIABLE}={dataclasses.replace(wanted, runc=_EXAMPLE_RUNC)}"
    source = text(mapping(host.docker.get("package")).get("source"))
    if source == "docker-ce":
        brings = "an upgrade of containerd.io, which comes with docker-ce, brings a newer runc"
    else:
        brings = "with docker_engine_source: docker the engine comes with containerd.io, which brings a newer runc"
    return f"{brings}; to count with that: {example}"
