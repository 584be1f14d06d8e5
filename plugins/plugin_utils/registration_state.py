# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What registering a runner starts from, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import Credentials, GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url

# How config.toml says that a token does not expire.
NEVER = datetime(1, 1, 1, tzinfo=UTC)
# Stands in check mode where GitLab's token would; like every token it is masked when it is shown.
UNKNOWN_TOKEN = "the token that GitLab gives"  # noqa: S105 (nobody's)


@dataclass(frozen=True)
class Present:
    """What config.toml has of a runner already."""

    id: int | None = None
    token: str | None = field(default=None, repr=False)
    token_expires_at: datetime | None = None
    url: str | None = None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Present:
        """From a parsed [[runners]] entry, whatever somebody wrote into it."""
        found, token, url = entry.get("id"), entry.get("token"), entry.get("url")
        expires = entry.get("token_expires_at")
        return cls(
            id=found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None,
            token=token if isinstance(token, str) and token else None,
            token_expires_at=expires if isinstance(expires, datetime) and expires.year > 1 else None,
            url=base_url(url) if isinstance(url, str) and url else None,
        )

    def is_at(self, url: str) -> bool:
        """Whether it belongs to the GitLab at this address."""
        return self.url in (None, url)


@dataclass(frozen=True)
class Context:
    """Where it happens, and how.

    CLIENT gives the GitLab at an address; only the one that the API token belongs to has it. IDS are all that stand in
    config.toml.
    """

    host: str
    system_id: str | None
    client: Callable[[str], GitLab]
    ids: frozenset[int] = frozenset()
    check: bool = False
    verify: bool = True
    unregister: bool = True
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def owned(self, found: Credentials) -> dict[str, Any]:
        """The keys that the runner owns, as it writes them when it registers."""
        return {
            "id": found.id,
            "token": found.token,
            "token_obtained_at": self.now().replace(microsecond=0),
            "token_expires_at": found.token_expires_at or NEVER,
        }


@dataclass
class Registered:
    """What became of one runner.

    OUTCOME: unchanged, updated, verified, created, recreated, adopted, registered, rotated, unregistered, absent.
    OWNED: keys for config.toml, None if it has the right ones.
    SERVER_CHANGES: sentences on what was done in GitLab, or would be.
    TAKE_BACK: undoes in GitLab what is worth nothing unless OWNED gets into config.toml.
    """

    name: str
    outcome: str = "unchanged"
    id: int | None = None
    owned: dict[str, Any] | None = field(default=None, repr=False)
    warnings: list[str] = field(default_factory=list)
    server_changes: list[str] = field(default_factory=list)
    take_back: Callable[[], object] | None = field(default=None, repr=False)

    @property
    def changed(self) -> bool:
        """Whether GitLab was changed, or config.toml has to be."""
        return bool(self.owned or self.server_changes)

    def say(self, change: str) -> None:
        """Note a change in GitLab."""
        self.server_changes.append(change)

    def warn(self, warning: str) -> None:
        """Note what the user should know."""
        self.warnings.append(f"runner '{self.name}': {warning}")

    def public(self) -> dict[str, Any]:
        """As it may be shown."""
        return {
            "name": self.name,
            "id": self.id,
            "outcome": self.outcome,
            "changed": self.changed,
            "server_changes": self.server_changes,
        }
