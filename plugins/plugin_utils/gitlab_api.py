# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""GitLab's API as far as runners need it: one method for each thing to do, and what it answers."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import gitlab_words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import Transport
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError

_RUNNER_TOKEN = {403: "give one that GitLab knows, or let one be made with scope and gitlab_runner_api_token"}
_REGISTRATION_TOKEN = {
    403: "correct registration_token, or use scope with gitlab_runner_api_token instead",
    410: "registration tokens are switched off there, so use scope with gitlab_runner_api_token, or give a glrt- token",
}


@dataclass(frozen=True)
class Credentials:
    """What GitLab says of a runner's token. `id` is None where an old GitLab does not tell."""

    id: int | None
    token: str = field(repr=False)
    token_expires_at: datetime | None = None


class GitLab(Transport):
    """One GitLab, asked as a runner (with the runner's own token) or as a user (with the API token)."""

    # As a runner: with its own token in the body.

    def verify(self, token: str, system_id: str | None) -> Credentials | None:
        """What GitLab knows of this token, None if nothing. It notes that SYSTEM_ID was in contact."""
        body = {"token": token, **({"system_id": system_id} if system_id else {})}
        try:
            answer = self.ask("post", "/runners/verify", "verify a runner's token", body=body, lenient=True)
        except GitLabError as error:
            if error.status == 403:
                return None
            raise
        return _credentials(answer, token) if isinstance(answer, Mapping) else Credentials(None, token)

    def register(self, registration_token: str, attributes: Mapping[str, Any]) -> Credentials:
        """Register a runner with a registration token."""
        return self._credentials_from(
            "/runners",
            "register a runner with a registration token",
            {"token": registration_token, **attributes},
            remedies=_REGISTRATION_TOKEN,
        )

    def reset_own_token(self, token: str) -> Credentials:
        """Give a runner another token; the one it has is worth nothing from then on."""
        return self._credentials_from(
            "/runners/reset_authentication_token", "reset a runner's token", {"token": token}, remedies=_RUNNER_TOKEN
        )

    def unregister_manager(self, token: str, system_id: str) -> bool:
        """Take one machine away from a runner; False if GitLab knows the token, or that machine of it, no more."""
        return self._gone_after(
            "/runners/managers", "unregister this machine", {"token": token, "system_id": system_id}
        )

    def unregister(self, token: str) -> bool:
        """Delete the runner that has this token; False if there is none."""
        return self._gone_after("/runners", "unregister a runner", {"token": token})

    # As a user: with the API token.

    def create(self, attributes: Mapping[str, Any]) -> Credentials:
        """Create a runner: one attempt, because only the caller can find out what a failed one left behind."""
        return self._credentials_from("/user/runners", "create a runner", attributes, private=True, attempts=1)

    def get(self, runner_id: int) -> Mapping[str, Any] | None:
        """A runner's details, None if there is no such runner."""
        try:
            answer = self.ask("get", f"/runners/{runner_id}", f"show runner {runner_id}", private=True)
        except GitLabError as error:
            if error.status == 404:
                return None
            raise
        return self.mapping(answer, f"show runner {runner_id}")

    def runners(self, kind: str, owner: int | None = None, **filters: str) -> list[Mapping[str, Any]]:
        """The runners of a KIND (instance, group, project), without their details."""
        path = {
            "instance": "/runners/all",
            "group": f"/groups/{owner}/runners",
            "project": f"/projects/{owner}/runners",
        }
        return self.pages(path[kind], f"list {kind} runners", {"type": f"{kind}_type", **filters})

    def update(self, runner_id: int, attributes: Mapping[str, Any]) -> None:
        """Change attributes of a runner."""
        self.ask("put", f"/runners/{runner_id}", f"change runner {runner_id}", body=attributes, private=True)

    def pause(self, runner_id: int, paused: bool = True) -> bool:
        """Give a runner no more jobs, or again; those that run go on. False if there is no such runner."""
        purpose = f"{'pause' if paused else 'unpause'} runner {runner_id}"
        try:
            self.ask("put", f"/runners/{runner_id}", purpose, body={"paused": paused}, private=True)
        except GitLabError as error:
            if error.status == 404:
                return False
            raise
        return True

    def delete(self, runner_id: int) -> bool:
        """Delete a runner with all its managers; False if there is none like that."""
        return self._gone_after(f"/runners/{runner_id}", f"delete runner {runner_id}", None, private=True)

    def managers(self, runner_id: int) -> list[Mapping[str, Any]]:
        """The machines that share a runner."""
        return self.pages(f"/runners/{runner_id}/managers", f"list the managers of runner {runner_id}")

    def running_jobs(self, runner_id: int, system_id: str | None = None) -> list[Mapping[str, Any]]:
        """The jobs that a runner (on one machine) works at, as far as the API token's user may see them."""
        wanted = {"status": "running", **({"system_id": system_id} if system_id else {})}
        return self.pages(f"/runners/{runner_id}/jobs", f"list the jobs of runner {runner_id}", wanted)

    def reset_token(self, runner_id: int) -> Credentials:
        """Give a runner another token. It can be said again, so a lost answer costs nothing."""
        purpose = f"reset the token of runner {runner_id}"
        answer = self.ask("post", f"/runners/{runner_id}/reset_authentication_token", purpose, body={}, private=True)
        return self._issued({**self.mapping(answer, purpose), "id": runner_id}, purpose)

    def id_of(self, kind: str, name: str | int) -> int:
        """The id of a group or project; a number is one already."""
        if str(name).isascii() and str(name).isdigit():
            return int(name)
        purpose = f"find the {kind} '{gitlab_words.scrub(str(name))}'"
        path = f"/{kind}s/{urllib.parse.quote(str(name), safe='')}"
        hint = f"check {kind}, or give its id instead of its path, and a token that may see it"
        query = {"with_projects": "false"} if kind == "group" else {}
        answer = self.ask("get", path, purpose, query=query, private=True, remedies={403: hint, 404: hint})
        found = self.mapping(answer, purpose).get("id")
        if not isinstance(found, int):
            raise gitlab_words.foreign(self.url, purpose, 200)
        return found

    def _gone_after(self, path: str, purpose: str, body: Mapping[str, Any] | None, private: bool = False) -> bool:
        """Delete; False if it was not there any more. With a runner's own token GitLab answers 403 then."""
        try:
            self.ask("delete", path, purpose, body=body, private=private)
        except GitLabError as error:
            if error.status == 404 or (error.status == 403 and not private):
                return False
            raise
        return True

    def _credentials_from(self, path: str, purpose: str, body: Mapping[str, Any], **how: Any) -> Credentials:
        answer = self.ask("post", path, purpose, body=body, repeatable=False, **how)
        return self._issued(self.mapping(answer, purpose), purpose)

    def _issued(self, answer: Mapping[str, Any], purpose: str) -> Credentials:
        if not isinstance(answer.get("token"), str) or not answer["token"]:
            raise gitlab_words.foreign(self.url, purpose, 201)
        self.secrets.add(answer["token"])
        return _credentials(answer, answer["token"])


def _credentials(answer: Mapping[str, Any], token: str) -> Credentials:
    found = answer.get("id")
    expires = None
    with contextlib.suppress(ValueError):
        expires = datetime.fromisoformat(str(answer.get("token_expires_at"))).replace(microsecond=0)
    if expires is not None:
        expires = expires.astimezone(UTC) if expires.tzinfo else expires.replace(tzinfo=UTC)
    return Credentials(found if isinstance(found, int) and found > 0 else None, token, expires)
