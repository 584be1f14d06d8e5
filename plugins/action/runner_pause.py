# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's half of runnerkit.gitlab.runner_pause: it asks GitLab, the host remembers.

The mark on the host is written before the first runner is paused and goes after the last one is resumed, so a run that
is killed anywhere leaves what the next one needs. Failures are returned and not raised, as in runner_registration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.maintenance import PATH, ended_by, taken
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import gitlab_options, maintenance, runner_options
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.action_base import Action
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.maintenance import (
    Left,
    NotPausedError,
    Resumed,
    Runner,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.quiet_module import QuietModule
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_options import OptionError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.this_run import run_id

MODULE, KEY = "runnerkit.gitlab.maintenance_mark", "maintenance"
# The module's documentation describes them. `raw` is checked here, so that no value is quoted.
SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["paused", "resumed", "left"], "required": True},
    "by": {"type": "str", "choices": ["upgrade", "drain"]},
    "reason": {"type": "str", "default": ""},
    "before": {"type": "raw", "default": {}},
    "runners": {"type": "raw", "default": []},
    "instead_of": {"type": "str", "default": ""},
    **gitlab_options.SPEC,
}


class ActionModule(Action):
    """Pause and remember, or resume and forget."""

    sentences = (OptionError, GitLabError)

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """All of it."""
        options = gitlab_options.read(self, runner_options.checked(self._task.args, SPEC))
        wrong = gitlab_options.problems(options)
        if options["state"] == "paused" and options["by"] is None:
            wrong.append("by is missing; say who takes the host out of service, upgrade or drain")
        if wrong:
            raise OptionError("; ".join(wrong))
        self.host = QuietModule(self, task_vars, MODULE, KEY)
        if options["state"] == "left":
            return self._leave()
        client = self._client(options)
        result = self._pause(options, client) if options["state"] == "paused" else self._resume(options, client)
        warnings = gitlab_options.plain_http([client.url] if client else [])
        return {
            **result,
            **({"warnings": warnings} if warnings else {}),
            **({"ansible_facts": self.host.facts} if self.host.facts else {}),
        }

    @staticmethod
    def _client(options: Mapping[str, Any]) -> GitLab | None:
        """The GitLab that the API token is for; None without one."""
        if not options["url"] or not options["api_token"]:
            return None
        runner_options.need("gitlab")
        return gitlab_options.client(options, base_url(options["url"]))

    def _mark(self, state: str, **arguments: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The mark on the host, before and after. Check mode writes none."""
        doing = "read the mark on the host" if state == "read" else "write the mark on the host"
        told = self.told(self.host, {"state": state, **arguments}, doing)
        return told["was"], told["mark"]

    def _pause(self, options: Mapping[str, Any], client: GitLab | None) -> dict[str, Any]:
        chosen, left = maintenance.choose(runner_options.plain(options["runners"]), client)
        was, mark = self._mark(
            "merge",
            by=options["by"],
            reason=options["reason"],
            before=runner_options.settings(options["before"], "before"),
            paused=_rows(chosen),
            run=run_id() if options["by"] == "upgrade" else "",
            instead_of=str(options["instead_of"]),
        )
        if client is not None and not self._task.check_mode:
            problem = None
            try:
                left += maintenance.pause(client, chosen)
            except NotPausedError as error:
                problem = error
            if problem is not None:
                return self._taken_back(problem, was, mark)
        ours = maintenance.remembered(mark)
        gone = [each.runner for each in left]
        lines = [f"pause runner {each}" for each in chosen if each not in gone]
        return _told(lines, was, mark, left=[each for each in left if each.runner not in ours or each.runner in chosen])

    def _taken_back(
        self, problem: NotPausedError, was: Mapping[str, Any] | None, mark: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """GitLab failed: nothing was paused in the end, but for what could not be unpaused again."""
        base = dict(was or {**(mark or {}), "paused": []})
        stuck = [row for row in _rows(problem.stuck) if row not in base["paused"]]
        back = {**base, "paused": [*base["paused"], *stuck]} if problem.stuck else was
        said = [str(problem)]
        if problem.stuck:
            said.append(maintenance.stay_paused(problem.stuck, base["by"]))
        try:
            self._mark("write", mark=back)
        except OptionError as error:
            back = mark
            said.append(f"{error}, so that it names more runners than are paused, which does no harm")
        else:
            said += [] if problem.stuck else ["this host is as it was"]
        lines = [f"pause runner {each}" for each in problem.stuck]
        return {**_told(lines, was, back), "failed": True, "msg": "; ".join(said)}

    def _resume(self, options: Mapping[str, Any], client: GitLab | None) -> dict[str, Any]:
        was, _ = self._mark("read")
        if was is None:
            return _told([], None, None)
        if options["by"] not in (None, was["by"]):
            raise OptionError(taken(was))
        why_not = maintenance.out_of_reach(was, client)
        if why_not:
            raise OptionError(why_not)
        runners = maintenance.remembered(was)
        done, gone, stuck = (
            maintenance.resume(client, runners, bool(self._task.check_mode)) if client else Resumed([], [], [])
        )
        still = [each for each, _ in stuck]
        kept = {**was, "paused": _rows(still)} if stuck else None
        said = [str(stuck[0][1]), maintenance.stay_paused(still, was["by"])] if stuck else []
        try:
            self._mark("write", mark=kept)
        except OptionError as error:
            kept = was
            said.append(f"{error}; run {ended_by(was['by'])} again")
        lines = [f"unpause runner {each}" for each in done]
        return {
            **_told(lines, was, kept, left=gone, resumed=done),
            **({"failed": True, "msg": "; ".join(said)} if said else {}),
        }

    def _leave(self) -> dict[str, Any]:
        was, _ = self._mark("read")
        if was is None or was["run"] != run_id():
            return _told([], was, was)
        mark = {**was, "run": ""}
        self._mark("write", mark=mark)
        return _told([], was, mark)


def _told(
    lines: Sequence[str],
    was: Mapping[str, Any] | None,
    mark: Mapping[str, Any] | None,
    left: Sequence[Left] = (),
    resumed: Sequence[Runner] = (),
) -> dict[str, Any]:
    """The result: what changed in GitLab, and the mark on the host."""
    diff: list[dict[str, str]] = []
    if lines:
        diff.append({"prepared": "".join(f"GitLab: {line}\n" for line in lines)})
    if was != mark:
        diff.append({"before_header": PATH, "after_header": PATH, "before": _shown(was), "after": _shown(mark)})
    return {
        "changed": bool(diff),
        "paused": _brief(maintenance.remembered(mark)),
        "left": [{"name": each.name, "why": each.why} for each in left],
        "resumed": _brief(resumed),
        "mark": mark,
        "diff": diff,
    }


def _brief(runners: Sequence[Runner]) -> list[dict[str, Any]]:
    return [{"id": each.id, "name": each.name} for each in runners]


def _rows(runners: Sequence[Runner]) -> list[dict[str, Any]]:
    return [each._asdict() for each in runners]


def _shown(mark: Mapping[str, Any] | None) -> str:
    return json.dumps(mark, indent=1, sort_keys=True) + "\n" if mark else ""
