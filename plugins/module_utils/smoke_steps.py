# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a smoke job returns: its steps, each with how it went, in words for people."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any, Callable, Iterator, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact_text

LONGEST = 600
LAST = 4

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_IDLE = re.compile(r"\blevel=(?:debug|info|warning)\b")
_TELLING = re.compile(
    r"error|cannot|can't|could not|unable to|denied|refused|fail|no such|not found|unknown|x509|tls|there is no|says no"
    r"|timed? ?out|the container sees",
    re.IGNORECASE,
)


class StoppedError(Exception):
    """A step failed, and what follows it cannot be tried. It is recorded already."""


class Steps:
    """The steps so far."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []

    def add(self, name: str, ok: bool, seconds: float, detail: str) -> None:
        """A step that has ended."""
        self.done.append({"step": name, "ok": ok, "seconds": round(max(0.0, seconds), 2), "detail": fit(detail)})

    @contextlib.contextmanager
    def failing(self, name: str) -> Iterator[None]:
        """A part of a step: only that it went wrong is recorded, and is StoppedError."""
        begin = time.monotonic()
        try:
            yield
        except EngineError as error:
            self.add(name, False, time.monotonic() - begin, error.message)
            raise StoppedError from error

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """A step that the block is; it is given what takes words on how it went. What goes wrong is StoppedError."""
        begin = time.monotonic()
        words: list[str] = []
        with self.failing(name):
            yield words.append
        self.add(name, True, time.monotonic() - begin, "; ".join(words))

    def explain(self, words: str) -> None:
        """Say more of the first step that failed, if one did."""
        for step in self.done:
            if not step["ok"]:
                step["detail"] = fit(f"{step['detail']}; {words}")
                return

    def result(self, name: str, mode: str) -> dict[str, Any]:
        """What the module returns for a runner."""
        wrong = [step for step in self.done if not step["ok"]]
        error = f"{wrong[0]['step']}: {wrong[0]['detail']}" if wrong else None
        return {"name": name, "mode": mode, "ok": bool(self.done) and not wrong, "steps": self.done, "error": error}


def fit(text: str) -> str:
    """On one line, without secrets, of a length that a report can take; what comes last tells most."""
    line = printable(redact_text(" ".join(_COLOUR.sub("", text).split())))
    return line if len(line) <= LONGEST else "... " + line[-LONGEST:]


def telling(lines: Sequence[str]) -> str:
    """Of what was printed the lines that tell of trouble, or else the last ones."""
    said = [_COLOUR.sub("", line).strip() for line in lines if line.strip()]
    if not said:
        return "(it said nothing)"
    # A daemon's own log is long, and most of it is about nothing.
    serious = [line for line in said if not _IDLE.search(line)] or said
    found = [line for line in serious if _TELLING.search(line)] or serious
    return " | ".join(dict.fromkeys(found[-LAST:]))


def last_lines(log: str) -> str:
    """The last lines of a container's log."""
    said = [_COLOUR.sub("", line).strip() for line in log.splitlines() if line.strip()]
    return " | ".join(said[-LAST:]) or "(it said nothing)"
