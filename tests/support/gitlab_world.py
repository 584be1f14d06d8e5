# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Registering runners in unit tests: the GitLab stand-in, and config.toml of a host as plain data."""

from __future__ import annotations

import atexit
import functools
import itertools
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registration
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registration import (
    Context,
    Declared,
    Present,
    Registered,
)
from tests.support.gitlab import GitLabStandIn, LabGitLab

SYSTEM_ID = "s_0123456789ab"
OTHER_SYSTEM_ID = "s_ba9876543210"
_COUNT = itertools.count(1)
# What changes something in GitLab, or is noted there as a contact.
WRITES = ("POST", "PUT", "DELETE", "PATCH")


@functools.cache
def server() -> GitLabStandIn:
    """One stand-in for all tests of this process; each test has an instance of its own in it."""
    made = GitLabStandIn()
    made.__enter__()
    atexit.register(made.__exit__)
    return made


def instance() -> LabGitLab:
    """A GitLab that nobody used before."""
    return server().elsewhere(f"unit{next(_COUNT)}")


class World:
    """A GitLab, and one host with its config.toml. `elsewhere` is another host of the same GitLab."""

    def __init__(self, lab: LabGitLab | None = None, host: str = "h1", system_id: str | None = SYSTEM_ID) -> None:
        self.lab = lab or instance()
        self.host = host
        self.system_id = system_id
        self.sleeps: list[float] = []
        self.entries: dict[str, dict[str, Any]] = {}
        self.api_token: str | None = self.lab.admin_token
        self._clients: dict[tuple[str, str | None], GitLab] = {}
        self._seen = 0

    def elsewhere(self, host: str = "h2", system_id: str = OTHER_SYSTEM_ID) -> World:
        """Another host of this GitLab."""
        return World(self.lab, host, system_id)

    def client(self, url: str | None = None, **how: Any) -> GitLab:
        """As the action makes it: one for each address, and the API token is for this GitLab alone."""
        url = url or self.lab.url
        token = self.api_token if base_url(url) == base_url(self.lab.url) else None
        if how:
            return GitLab(url, token, self.lab.ca, sleep=self.sleeps.append, **how)
        if (url, token) not in self._clients:
            self._clients[url, token] = GitLab(url, token, self.lab.ca, sleep=self.sleeps.append)
        return self._clients[url, token]

    def context(self, **how: Any) -> Context:
        """How it is done on this host."""
        ids = frozenset(entry["id"] for entry in self.entries.values() if entry.get("id"))
        usual = {"host": self.host, "system_id": self.system_id, "client": self.client, "ids": ids}
        return Context(**{**usual, **how})

    def settle(self, rotate: bool = False, **given: Any) -> Registered:
        """Settle one runner, without writing. `context` is what shall be done otherwise."""
        how = given.pop("context", {})
        declared = Declared.read({"name": "build", **given}, self.lab.url)
        entry = self.entries.get(declared.name)
        present = Present.read(entry) if entry is not None else None
        context = self.context(**how)
        done = registration.settle(declared, present, context)
        if rotate:
            registration.rotate(declared, present, context, done)
        return done

    def run(self, rotate: bool = False, **given: Any) -> Registered:
        """Settle one runner and write what comes of it."""
        done = self.settle(rotate=rotate, **given)
        if given.get("context", {}).get("check"):
            return done
        if given.get("state") == "absent":
            self.entries.pop(done.name, None)
        else:
            self.entries.setdefault(done.name, {"url": self.lab.url}).update(done.owned or {})
        return done

    def made(self, **more: Any) -> Registered:
        """A runner that is there already; what was asked until now is forgotten."""
        done = self.run(scope="instance", **more)
        self.forget()
        return done

    def forget(self) -> None:
        """From here on `asked` begins anew."""
        self._seen = len(self.lab.requests())

    def asked(self, *methods: str) -> list[str]:
        """The requests since then, as METHOD PATH."""
        rows = self.lab.requests()[self._seen :]
        paths = ((row["method"], row["path"].removeprefix("/api/v4")) for row in rows)
        return [f"{method} {path}" for method, path in paths if not methods or method in methods]

    def runner(self, runner_id: int | None) -> dict[str, Any]:
        """One runner as GitLab shows it."""
        found: dict[str, Any] = self.lab.api("GET", f"/runners/{runner_id}")
        return found

    def ids(self) -> list[int]:
        """The runners that GitLab has."""
        return sorted(row["id"] for row in self.lab.runners())

    def contact(self, token: str) -> None:
        """As the runner's program asks for a job."""
        self.lab.call("POST", "/api/v4/jobs/request", {"token": token, "system_id": self.system_id})

    def works(self, token: str) -> bool:
        """Whether GitLab knows a token."""
        status, _, _ = self.lab.call("POST", "/api/v4/runners/verify", {"token": token, "system_id": self.system_id})
        return status == 200
