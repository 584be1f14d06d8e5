"""Trouble on purpose: answers that GitLab, or something before it, gives on a bad day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .wire import Answer

MESSAGES = {
    400: "400 Bad request",
    404: "404 Not found",
    410: "410 Gone - runner registration disallowed",
    422: "422 Unprocessable Entity",
    429: "Executing database migrations. Please retry later.",
}
KEYS = ("method", "path", "times", "skip", "status", "body", "headers", "content_type", "delay", "drop", "act")
BEFORE, AFTER = "before", "after"


@dataclass
class Fault:
    """One kind of trouble, and how often it still comes.

    `path` is a regular expression found in the path below the instance (/api/v4/...). `skip` lets the first calls
    pass. `status` answers in GitLab's place, `delay` waits so many seconds, `drop` cuts the connection: `before`
    GitLab has done anything, or `after` it has done everything. `act` does what was asked for, too, before `status`
    or `delay`: the answer alone is lost.
    """

    path: str = ""
    method: str = ""
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    delay: float = 0.0
    drop: str | None = None
    act: bool = False
    hits: int = 0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Fault:
        """Out of JSON; ValueError says what is wrong."""
        unknown = sorted(set(given) - set(KEYS))
        if unknown:
            raise ValueError(f"unknown keys {', '.join(unknown)}; a fault has {', '.join(KEYS)}")
        fault = cls(**given)
        if fault.drop not in (None, BEFORE, AFTER):
            raise ValueError(f"drop is {fault.drop!r}; it is {BEFORE} or {AFTER}")
        re.compile(fault.path)
        fault.headers = {name: str(value) for name, value in fault.headers.items()}
        return fault

    @property
    def over(self) -> bool:
        return self.times is not None and self.times <= 0

    @property
    def acts(self) -> bool:
        """Whether GitLab does what was asked for all the same."""
        return self.act or self.drop == AFTER or (self.drop is None and self.status is None)

    def matches(self, method: str, path: str) -> bool:
        return not self.over and self.method.upper() in ("", method) and re.search(self.path, path) is not None

    def strike(self) -> bool:
        """Count a call that matches; whether this one is hit."""
        if self.skip > 0:
            self.skip -= 1
            return False
        self.hits += 1
        if self.times is not None:
            self.times -= 1
        return True

    def answer(self) -> Answer | None:
        """What is said in GitLab's place."""
        if self.status is None:
            return None
        headers = dict(self.headers)
        if self.status == 429:
            headers.setdefault("Retry-After", "60")
        if self.body is not None:
            kind = self.content_type or ("text/html" if isinstance(self.body, str) else "application/json")
            return Answer(self.status, self.body, headers, kind)
        known = any(self.status == each for each in HTTPStatus)
        phrase = f"{self.status} {HTTPStatus(self.status).phrase}" if known else str(self.status)
        if self.status <= 500:
            return Answer(self.status, {"message": MESSAGES.get(self.status, phrase)}, headers)
        page = f"<html><head><title>{phrase}</title></head><body>GitLab is not responding</body></html>"
        return Answer(self.status, page, headers, self.content_type or "text/html")

    def view(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in KEYS if name != "body"}, "hits": self.hits}
