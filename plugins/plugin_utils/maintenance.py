# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which runners of a host are paused in GitLab while it is out of service, and how they are resumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.maintenance import PATH, ended_by
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text


class Runner(NamedTuple):
    """A runner of the host as GitLab knows it, and as the mark remembers it."""

    id: int
    name: str
    url: str

    def __str__(self) -> str:
        return f"'{self.name}' ({self.id})"


class Left(NamedTuple):
    """A runner that is not paused by us."""

    name: str
    why: str
    runner: Runner | None = None


def remembered(mark: Mapping[str, Any] | None) -> list[Runner]:
    """The runners of a mark."""
    return [Runner(**each) for each in mark["paused"]] if mark else []


def choose(given: Any, client: GitLab | None) -> tuple[list[Runner], list[Left]]:
    """Which of the runners that facts tell of are to be paused, and why the others are not; GitLab is only asked."""
    chosen: list[Runner] = []
    left: list[Left] = []
    for each in map(mapping, entries(given)):
        name, number = text(each.get("name")) or "without a name", each.get("id")
        theirs = base_url(text(each.get("url")) or "")
        if client is None or client.url != theirs:
            left.append(Left(name, f"gitlab_runner_api_token is not given for {theirs or 'its GitLab'}"))
        elif not isinstance(number, int):
            left.append(Left(name, "its entry in config.toml has no id"))
        else:
            runner = Runner(number, name, theirs)
            reason = _reason_to_leave(client, runner)
            if reason:
                left.append(Left(name, reason, runner))
            else:
                chosen.append(runner)
    return chosen, left


def _reason_to_leave(client: GitLab, runner: Runner) -> str | None:
    details = client.get(runner.id)
    if details is None:
        return f"GitLab has no runner {runner.id}"
    if details.get("paused") is True:
        return "it is paused already"
    machines = _machines(client, runner.id)
    if machines > 1:
        return f"{machines} machines share it, which would all get no jobs"
    return None


def _machines(client: GitLab, number: int) -> int:
    """How many share a runner; 0 where GitLab is too old to tell machines apart, or does not tell this user."""
    try:
        return len(client.managers(number))
    except GitLabError as error:
        if error.status not in (403, 404):
            raise
        return 0


def pause(client: GitLab, runners: Iterable[Runner]) -> list[Left]:
    """Pause all; those that went meanwhile are left. Where one fails, the others are unpaused again: NotPausedError."""
    tried: list[Runner] = []
    gone: list[Left] = []
    problem = None
    for each in runners:
        try:
            if client.pause(each.id):
                tried.append(each)
            else:
                gone.append(Left(each.name, f"GitLab has no runner {each.id}", each))
        except GitLabError as error:
            # What cannot be asked now may have been done by an earlier attempt, whose answer was lost.
            tried += [each] if error.done_perhaps or error.away else []
            problem = error
            break
    # Outside of the handler, so that nothing of the first failure travels with another one.
    if problem is not None:
        raise NotPausedError(problem, [each for each, _ in resume(client, tried).stuck])
    return gone


class NotPausedError(Exception):
    """GitLab failed; STUCK are runners that may be paused and could not be unpaused again."""

    def __init__(self, problem: GitLabError, stuck: list[Runner]) -> None:
        super().__init__(str(problem))
        self.stuck = stuck


class Resumed(NamedTuple):
    """What became of runners that were paused."""

    done: list[Runner]
    gone: list[Left]
    stuck: list[tuple[Runner, GitLabError]]


def resume(client: GitLab, runners: Iterable[Runner], check: bool = False) -> Resumed:
    """Unpause all that can be; with CHECK they are only asked for."""
    result = Resumed([], [], [])
    for each in runners:
        try:
            there = client.get(each.id) is not None if check else client.pause(each.id, False)
        except GitLabError as error:
            result.stuck.append((each, error))
            continue
        if there:
            result.done.append(each)
        else:
            result.gone.append(Left(each.name, f"GitLab has no runner {each.id} any more", each))
    return result


def out_of_reach(mark: Mapping[str, Any], client: GitLab | None) -> str | None:
    """Why runners of a mark cannot be unpaused by this client; None where they can."""
    runners = [each for each in remembered(mark) if client is None or client.url != each.url]
    if not runners:
        return None
    return (
        f"{names(runners)} of {listed(sorted({each.url for each in runners}))} "
        f"{'was' if len(runners) == 1 else 'were'} paused by {mark['by']} on {mark['since']}, and "
        "gitlab_runner_api_token is not given for that; set it and gitlab_runner_url, or unpause there by hand and "
        f"remove {PATH} on the host"
    )


def names(runners: Sequence[Runner]) -> str:
    """Runners in a sentence."""
    return f"runner{'s' if len(runners) > 1 else ''} {listed([str(each) for each in runners])}"


def stay_paused(runners: Sequence[Runner], by: str) -> str:
    """What becomes of runners that stay paused though they should not."""
    verb, whom = ("stays", "it") if len(runners) == 1 else ("stay", "them")
    return f"{names(runners)} {verb} paused in GitLab; the next run of {ended_by(by)} unpauses {whom}"
