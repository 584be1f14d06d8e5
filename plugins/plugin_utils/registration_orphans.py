# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Creating a runner so that none is left in GitLab that no config.toml knows.

GitLab shows a runner's token once. A run that dies after GitLab made the runner and before config.toml was written, or
a lost answer, leaves a runner that nobody can use. Each attempt therefore has a mark in the maintenance note. What
bears a mark of this machine for this runner, stands in no entry of its config.toml and never was in contact is deleted
before another one is made, and looked for again after every attempt of which it is not known how it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration_attributes, registration_mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import Credentials, GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_declared import Declared
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_mark import Mark
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration_state import Context, Registered


def description(declared: Declared, context: Context) -> str:
    """What a runner is called in GitLab when it is made."""
    return str(declared.attributes.get("description") or f"{declared.name} on {context.host}")


class Maker:
    """Makes one declared runner in GitLab."""

    def __init__(self, declared: Declared, context: Context, registered: Registered) -> None:
        self.declared = declared
        self.context = context
        self.registered = registered
        self.gitlab: GitLab = context.client(declared.url)
        self.kind = str(declared.scope)
        self.owner = self.gitlab.id_of(self.kind, declared.owner) if declared.owner else None

    def clear(self) -> None:
        """Delete what an earlier run of this machine left behind."""
        context, name = self.context, self.declared.name
        try:
            for details in self._marked(
                lambda line: registration_mark.is_by(line, context.host, name, context.system_id)
            ):
                if details["id"] not in context.ids:
                    self._delete(details)
        except GitLabError as error:
            if error.status != 403:
                raise
            self.registered.warn(
                "cannot look for runners that an interrupted run left in GitLab, since gitlab_runner_api_token may not "
                "list runners (scopes api or read_api); look for ones that never were in contact there"
            )

    def make(self) -> Credentials:
        """Create the runner; nothing else that was made on the way stays."""
        lost: set[str] = set()
        for attempt in range(1, self.gitlab.attempts + 1):
            mark = Mark.new(self.context.host, self.declared.name, self.context.system_id)
            try:
                made = self.gitlab.create(self._body(mark))
            except GitLabError as error:
                failed = error
            else:
                # GitLab may have been slower than we were patient.
                self._sweep(lost)
                return made
            more = attempt < self.gitlab.attempts and failed.repeatable
            if more:
                self.gitlab.wait_for(failed, attempt)
            if failed.done_perhaps:
                lost.add(mark.nonce)
                self._sweep(lost, failed)
            if not more:
                break
        raise failed.but(f"tried {attempt} times") if attempt > 1 else failed

    def _body(self, mark: Mark) -> dict[str, Any]:
        body = registration_attributes.created(self.declared.attributes, description(self.declared, self.context), mark)
        body["runner_type"] = f"{self.kind}_type"
        if self.owner is not None:
            body[f"{self.kind}_id"] = self.owner
        return body

    def _sweep(self, nonces: set[str], failed: GitLabError | None = None) -> None:
        """Delete what attempts made that seemed to have failed. FAILED is the latest of them."""
        if not nonces:
            return
        problem = None
        try:
            for details in self._marked(lambda line: registration_mark.has_nonce(line, nonces)):
                self._delete(details)
        except GitLabError as error:
            problem = error
        if problem is None:
            return
        where = f"a runner called '{description(self.declared, self.context)}' that never was in contact"
        if failed is None or (problem.status == 403 and not failed.dropped):
            self.registered.warn(
                "an attempt to create it failed, and whether GitLab made it all the same cannot be found out; look for "
                f"{where}"
            )
            return
        raise failed.but(
            f"whether GitLab made the runner is not known ({problem.message}); run again, which deletes it if the "
            f"token may list runners, or look for {where}"
        )

    def _marked(self, ours: Callable[[str | None], bool]) -> Iterator[Mapping[str, Any]]:
        """The details of runners with such a mark. Lists lack the note, so only those are opened that can be it."""
        called = description(self.declared, self.context)
        for row in self.gitlab.runners(self.kind, self.owner, status="never_contacted"):
            if row.get("description") != called or not isinstance(row.get("id"), int):
                continue
            details = self.gitlab.get(row["id"])
            if details and ours(registration_mark.split(details.get("maintenance_note"))[1]):
                yield {**details, "id": row["id"]}

    def _delete(self, details: Mapping[str, Any]) -> None:
        if details.get("contacted_at"):
            self.registered.warn(
                f"runner {details['id']} in GitLab was made for it too and stands in no entry of config.toml, but was "
                "in contact; delete it in GitLab if nobody uses it"
            )
            return
        self.registered.say(f"delete runner {details['id']}, which an interrupted attempt left behind")
        if not self.context.check:
            self.gitlab.delete(details["id"])
