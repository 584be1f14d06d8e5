# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What an upgrade moves on a host, in an operator's words, from the plans for packages of engine and runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_before import ENGINES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

ENGINE, RUNNER = "Docker Engine", "GitLab Runner"
# The package of a program, and what goes along with it at its version and is not worth a line of its own.
_PACKAGES = {ENGINE: ENGINES, RUNNER: ("gitlab-runner",)}
_COMPANIONS = {
    ENGINE: ("docker-ce-cli", "docker-cli", "docker-ce-rootless-extras"),
    RUNNER: ("gitlab-runner-helper-images",),
}
_MOVES = {ENGINE: "engine_moves", RUNNER: "runner_moves"}
LIBRARY = "libseccomp2"
# What decides how containers run, before what is merely there as well.
_FIRST = ("containerd", "containerd.io", "runc", LIBRARY)
_SITE = "left to playbooks/site.yml"


def touches(plan: Mapping[str, Any]) -> bool:
    """Whether a plan does what may cut jobs; a hold that is to be set does not."""
    return any(plan.get(part) for part in ("install", "remove", "heal", "unfinished", "binary", "set_aside"))


def release(version: Any) -> str | None:
    """The release behind a version, or the whole of one that is none (`dev`)."""
    found = text(version)
    try:
        return found and str(EngineVersion.parse(found))
    except ValueError:
        return found


def moves(plans: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Engine and runner, then the rest: where it is, and where it goes; without the latter it is removed."""
    programs = [move for what, plan in plans.items() for move in _program(what, plan, facts)]
    folded = {name for move in programs for name in _COMPANIONS[str(move["what"])]}
    own = {name for move in programs for name in _PACKAGES[str(move["what"])]}
    others: dict[str, dict[str, str | None]] = {}
    # The library is on no way back, so no plan has its version of now.
    library = text(mapping(facts.get("libseccomp")).get("version"))
    for plan in plans.values():
        before = {**({LIBRARY: library} if library else {}), **plan["before"]}
        for name, version in plan["install"].items():
            if name not in folded | own:
                others[name] = _move(name, before.get(name), version)
        for name in plan["remove"]:
            if name not in folded:
                others[name] = {"what": name, "from": release(before.get(name)), "to": None}
    return programs + sorted(others.values(), key=_place)


def _place(move: Mapping[str, str | None]) -> tuple[int, str]:
    name = str(move["what"])
    return _FIRST.index(name) if name in _FIRST else len(_FIRST), name


def _move(what: str, old: str | None, new: str | None) -> dict[str, str | None]:
    """Releases, or whole versions where it is another build of the same release."""
    if release(old) == release(new):
        return {"what": what, "from": old, "to": new}
    return {"what": what, "from": release(old), "to": release(new)}


def _program(what: str, plan: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[dict[str, str | None]]:
    target = plan["target"]
    # What an interrupted run has moved already is a part of this upgrade, too.
    start = plan["current"] if plan["back_to"] == target else plan["back_to"]
    if plan.get("set_aside"):
        # The program that is found first, whatever the package beside it is.
        start = release(mapping(facts.get("gitlab_runner")).get("version"))
    if plan["errors"] or (not plan[_MOVES[what]] and start == target):
        return
    if plan.get("binary") and target is None:
        # Nobody knows its version before it is there.
        yield {"what": what, "from": start, "to": "of gitlab_runner_binary_url"}
    elif start == target:
        yield _move(what, _packaged(plan["before"], what) or start, _packaged(plan["install"], what) or target)
    else:
        yield _move(what, start, target)


def _packaged(versions: Mapping[str, str], what: str) -> str | None:
    return next((versions[name] for name in _PACKAGES[what] if name in versions), None)


def notes(plans: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is to be said of the plans beside their moves, each once."""
    said: list[str] = []
    for what, plan in plans.items():
        if plan["heal"]:
            said.append("dpkg was interrupted on this host, which is put right first")
        if plan["unfinished"]:
            said.append(
                f"an earlier change of {what} did not get to its end; this one finishes it, or goes back to "
                f"{plan['back_to'] or 'none'}"
            )
        said += plan["notes"]
    if not any(touches(plan) for plan in plans.values()):
        for part, words in (("hold", "the hold of"), ("release", "lifting the hold of")):
            names = [name for plan in plans.values() for name in plan[part]]
            if names:
                said.append(f"{_SITE}: {words} {listed(names)}")
    return list(dict.fromkeys(said))
