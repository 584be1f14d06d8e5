# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Asking GitLab, by python-gitlab, and asking again where that helps.

With gitlab_api.py the one place of plugin_utils that talks to a network. Each failure is a GitLabError; no message
holds a token. What may be asked again is, as a runner does: after 408, 429, 500, 502, 503, 504 and from 512 on, at
most five times in all, and not before GitLab's RateLimit-ResetTime or Retry-After.
"""

from __future__ import annotations

import random
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import gitlab_session, gitlab_words
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import LONGEST_WAIT, GitLabError

if TYPE_CHECKING:
    import gitlab
    import requests

_PER_PAGE = 100


def base_url(url: str) -> str:
    """URL as a runner reads it: without a trailing slash and without `/ci`."""
    parts = _split(url.strip())
    if parts is None:
        return url.strip()
    path = parts.path.rstrip("/").removesuffix("/ci").rstrip("/")
    return urllib.parse.urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, "", ""))


def _split(url: str) -> urllib.parse.SplitResult | None:
    """None for what cannot be an address, as with a bracket too many, which somebody may have written by hand."""
    try:
        return urllib.parse.urlsplit(url)
    except ValueError:
        return None


class Transport:
    """One GitLab, with or without an API token. The API token goes only where a user has to be somebody."""

    def __init__(
        self,
        url: str,
        private_token: str | None = None,
        ca: str | None = None,
        proxy: str | None = None,
        timeout: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 5,
    ) -> None:
        self.url = base_url(url)
        self.has_api_token = bool(private_token)
        self.attempts = attempts
        self._sleep = sleep
        self.secrets = {private_token} if private_token else set()
        self._heard: list[Any] = []
        # Whether it could not be asked, for all patience; not each question after that has to be as patient.
        self._away = False
        self._session: requests.Session | None = None
        self._ca = ca
        self._proxy = proxy
        self._timeout = timeout
        self._private_token = private_token
        self._clients: dict[bool, gitlab.Gitlab] = {}
        parts = _split(self.url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise GitLabError(
                "url",
                f"gitlab_runner_url {gitlab_words.scrub(self.url)!r} is no address of a GitLab; give one like "
                "https://gitlab.example.com, without a user in it",
            )

    def wait_for(self, error: GitLabError, attempt: int) -> None:
        """Sleep after a failed ATTEMPT (1, 2, ...) as long as GitLab asked for, but never much over a minute."""
        seconds = error.wait or min(0.1 * 2.0**attempt, LONGEST_WAIT)
        # A bit more for each in another way: a fleet that was refused together should not come back together.
        self._sleep(seconds * (1 + random.SystemRandom().uniform(0, 0.1)))

    def ask(
        self,
        verb: str,
        path: str,
        purpose: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        private: bool = False,
        lenient: bool = False,
        repeatable: bool = True,
        attempts: int | None = None,
        remedies: Mapping[int, str] | None = None,
    ) -> Any:
        """GitLab's answer. REPEATABLE: a lost answer may be asked for again, as nothing is done twice by it."""
        last = 1 if self._away else attempts or self.attempts
        for attempt in range(1, last + 1):
            try:
                answer = self._once(verb, path, purpose, query, body, private, lenient, remedies)
            except GitLabError as error:
                failed = error
            else:
                self._away = False
                return answer
            self._away = failed.away and (self._away or attempt == self.attempts)
            if attempt == last or not (failed.repeatable if repeatable else failed.retriable):
                if attempt > 1:
                    failed = failed.but(f"asked {attempt} times")
                raise failed
            self.wait_for(failed, attempt)
        raise AssertionError(last)

    def _once(
        self,
        verb: str,
        path: str,
        purpose: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        private: bool,
        lenient: bool,
        remedies: Mapping[int, str] | None,
    ) -> Any:
        client = self._client(private)
        import gitlab
        import requests

        if body:
            self.secrets.update(str(value) for key, value in body.items() if key == "token")
        self._heard.clear()
        problem: GitLabError | None = None
        answer = None
        try:
            answer = client.http_request(
                verb,
                path,
                query_data=dict(query or {}),
                post_data=dict(body) if body is not None else None,
                obey_rate_limit=False,
                retry_transient_errors=False,
                max_retries=0,
            )
        except gitlab.exceptions.GitlabError as error:
            head = self._heard[-1].headers if self._heard else {}
            problem = gitlab_words.of_status(
                self.url,
                purpose,
                error.response_code or 0,
                body=error.response_body,
                headers=head,
                remedies=remedies,
                secrets=self.secrets,
            )
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            problem = gitlab_words.of_exception(self.url, purpose, error)
        # Outside of the handlers: Ansible shows what led to an error, and that may hold a request's body.
        if problem is not None:
            raise problem
        return self._decoded(answer, purpose, lenient)

    def _client(self, private: bool) -> gitlab.Gitlab:
        """python-gitlab's client: with the API token, or without."""
        if private and not self._private_token:
            raise GitLabError("unauthorized", f"gitlab_runner_api_token is not set, but needed for {self.url}; set it")
        if private not in self._clients:
            try:
                import gitlab
            except ImportError:
                gitlab = None  # type: ignore[assignment]
            if gitlab is None:
                raise GitLabError("library", "python-gitlab is missing; install it where ansible-playbook runs")
            self._session = self._session or gitlab_session.make(self.url, self._ca, self._proxy, self._heard)
            self._clients[private] = gitlab.Gitlab(
                self.url,
                private_token=self._private_token if private else None,
                timeout=self._timeout,
                user_agent="runnerkit",
                session=self._session,
            )
        return self._clients[private]

    def _decoded(self, answer: Any, purpose: str, lenient: bool) -> Any:
        """The answer's JSON; None where it has none and needs none."""
        if answer.status_code == 204:
            return None
        try:
            return answer.json()
        except ValueError:
            pass
        if lenient and answer.text.strip() == str(answer.status_code):
            return None
        raise gitlab_words.foreign(self.url, purpose, answer.status_code)

    def pages(self, path: str, purpose: str, query: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        page = "1"
        while page:
            asked = {**(query or {}), "per_page": _PER_PAGE, "page": page}
            answer = self.ask("get", path, purpose, query=asked, private=True)
            if not isinstance(answer, list) or not all(isinstance(each, Mapping) for each in answer):
                raise gitlab_words.foreign(self.url, purpose, 200)
            found += answer
            page = self._heard[-1].headers.get("X-Next-Page", "") if answer else ""
        return found

    def mapping(self, answer: Any, purpose: str) -> Mapping[str, Any]:
        if not isinstance(answer, Mapping):
            raise gitlab_words.foreign(self.url, purpose, 200)
        return answer
