# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What an upgrade would do to a host, and what that solves and brings: said before anything is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import runner_hold
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import upgrade_moves, what_if
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_spec import EngineSpec
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings import find_on
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.fleet import Settings
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host, read_host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.this_run import still_at_it
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version

MARK = "/var/lib/runnerkit/maintenance.json"


def upgrade_plan(
    facts: Mapping[str, Any],
    engine_plan: Mapping[str, Any] | None,
    runner_plan: Mapping[str, Any] | None = None,
    probe: Mapping[str, Any] | None = None,
    settings: Any = None,
) -> dict[str, Any]:
    """The plan for one host; ValueError names a setting that cannot be read."""
    wanted = Settings.of(settings)
    plans = {
        name: plan
        for name, plan in ((upgrade_moves.ENGINE, engine_plan), (upgrade_moves.RUNNER, runner_plan))
        if plan is not None
    }
    mark = _mark(facts)
    skip = _skipped(mark) if mark else ""
    interrupted = mark if mark and not skip else None
    moves, notes = upgrade_moves.moves(plans, facts), upgrade_moves.notes(plans)
    solves: list[dict[str, Any]] = []
    brings: list[dict[str, Any]] = []
    if moves:
        host = read_host(
            facts, probe, minimum_version=wanted.minimum_version, images=wanted.images,
            workaround_path=wanted.workaround, ca_days=wanted.ca_days, now=wanted.generated,
        )  # fmt: skip
        solves, brings, said = _compared(host, plans)
        notes += said
    return {
        "changes": interrupted is not None or any(map(upgrade_moves.touches, plans.values())),
        "interrupted": interrupted and dict(interrupted),
        "skip": skip,
        "moves": moves,
        "solves": solves,
        "brings": brings,
        "notes": notes,
    }


# Who had this host out of service, and left it there.


def _mark(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What says that somebody took the host out of service: the mark, or a hold that was left without one."""
    mark = mapping(facts.get("maintenance"))
    held = mapping(mapping(mapping(facts.get("gitlab_runner")).get("service")).get("held"))
    if held.get("by") == "unknown":
        # Nobody here would release it, so the upgrade would end with a runner that stands still.
        return held
    if mark or held.get("by") not in ("upgrade", "drain"):
        return mark
    return {"by": held["by"], "since": held.get("since"), "reason": "", "paused": [], "before": {}, "run": ""}


def _skipped(mark: Mapping[str, Any]) -> str:
    """Why a host with this mark is left alone; empty for an upgrade that was interrupted."""
    since = text(mark.get("since")) or "some time"
    if mark.get("by") == "upgrade":
        idle = mark.get("idle")
        at_it = still_at_it(text(mark.get("run")) or "", idle if isinstance(idle, int) else None)
        return at_it and f"another run of playbooks/upgrade.yml works on this host since {since}: {at_it}"
    if mark.get("by") == "unknown":
        return (
            f"{runner_hold.PATH} cannot be read, so nobody knows who holds GitLab Runner; remove the file and run this "
            "again"
        )
    trouble = text(mark.get("error"))
    if trouble:
        return (
            f"{MARK} cannot be read ({trouble}), so nobody knows what is paused; see that the runners of this host are "
            "not paused in GitLab, remove the file and run this again"
        )
    who = "playbooks/drain.yml" if mark.get("by") == "drain" else text(mark.get("by")) or "somebody"
    reason = text(mark.get("reason"))
    return (
        f"taken out of service by {who} since {since}{f': {reason}' if reason else ''}; run playbooks/resume.yml first"
    )


# What the moves solve and bring.


def _compared(host: Host, plans: Mapping[str, Mapping[str, Any]]) -> tuple[list[Any], list[Any], list[str]]:
    """Findings that go and come with the plans, and how sure that is."""
    now = find_on(host)
    engine, runner = (plans.get(name) or {} for name in (upgrade_moves.ENGINE, upgrade_moves.RUNNER))
    moved, spec = _with_library(_with_runner(host, runner), engine), _spec(host, engine)
    if spec is None:
        then = find_on(moved)
        keys = [{each.key for each in found} for found in (now, then)]
        solved = [each.as_dict() for each in now if each.key not in keys[1]]
        brought = [each.as_dict() for each in then if each.key not in keys[0]]
        return _brief(solved), _brief(brought), []
    found = what_if.compare_with(moved, spec, now)
    notes = what_if.unsaid_with(moved, spec)
    if not any(layer.kind == "measured" and layer.of_the_host for layer in host.layers):
        notes.append("nothing was measured on this host; what this solves and brings follows from versions alone")
    bundle = upgrade_moves.release(engine["install"].get("containerd.io"))
    if bundle:
        runc = text(mapping(host.facts.get("runc")).get("version"))
        notes.append(
            f"which runc comes with containerd.io {bundle} shows when it is there; until then what containers may do "
            f"is predicted {f'with runc {runc} of now' if runc else 'without one'}"
        )
    return _brief(found["solved"]), _brief(found["brought"]), notes


def _brief(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: each[key] for key in ("id", "layer", "severity", "summary")} for each in found]


def _spec(host: Host, plan: Mapping[str, Any]) -> EngineSpec | None:
    """The versions that containers will meet; None where those of now stay."""
    moves, runc = plan.get("engine_moves"), _new(plan, "runc")
    library = _new(plan, upgrade_moves.LIBRARY) if _shares_library(host) else None
    engine = plan.get("target") if moves else text(host.docker.get("server_version")) or plan.get("target")
    if version(engine) is None or not (moves or runc or library):
        return None
    return EngineSpec(str(engine), runc, library)


def _new(plan: Mapping[str, Any], package: str) -> str | None:
    """The release to which a package goes, if it does."""
    return upgrade_moves.release(plan.get("install", {}).get(package))


def _shares_library(host: Host) -> bool:
    """Whether runc uses the host's libseccomp, and not one that was built into it."""
    own = version(mapping(host.facts.get("runc")).get("libseccomp"))
    return own in (None, version(mapping(host.facts.get("libseccomp")).get("version")))


def _with_runner(host: Host, plan: Mapping[str, Any]) -> Host:
    """The host with the runner to come, if its version is known."""
    if not plan.get("runner_moves") or not plan.get("target"):
        return host
    runner = {**mapping(host.facts.get("gitlab_runner")), "version": plan["target"]}
    return dataclasses.replace(host, facts={**host.facts, "gitlab_runner": runner})


def _with_library(host: Host, plan: Mapping[str, Any]) -> Host:
    """The host with a libseccomp to come that containers will not notice; what they will is of the specification."""
    library = _new(plan, upgrade_moves.LIBRARY)
    parsed = version(library)
    if parsed is None or _shares_library(host):
        return host
    knows = parsed >= tables.CALLS["faccessat2"].libseccomp
    found = {"version": library, "faccessat2": 439 if knows else -1}
    return dataclasses.replace(host, facts={**host.facts, "libseccomp": found})
