# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Containers that live for a second, made through the Engine API.

    with Janitor() as janitor, empty_image(engine, janitor, deadline) as image:
        config = {"Image": image, "Cmd": [...]}
        with throw_away(engine, janitor, config, {}, deadline) as container:
            text = container.output_until(MARKER)

Everything has the label runnerkit.probe and a name of its own, by which the janitor finds it; what an earlier probe
could not remove in any way (a host that lost its power) is removed on the way.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import Any, Iterator, Mapping
from urllib.parse import urlencode

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout, layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import LABEL, NAME, remove_leftovers
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import first_words
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_stuck import release

# What is older was left behind. No container lives longer than the modules' longest time limit, ten minutes, and some
# seconds; the rest is for a host that stands still for a while.
LEFT_BEHIND_AFTER = 3600.0

# Removing is worth some seconds beyond the time limit; after that it is the janitor's.
REMOVAL_TIMEOUT = 5.0
LATE_REMOVAL_TIMEOUT = 1.0

LONGEST_REASON = 400

POLL = 0.01
LONGEST_POLL = 0.2


class Container:
    """A container that runs."""

    def __init__(self, engine: Engine, identifier: str, name: str, deadline: float) -> None:
        self.id = identifier
        self.name = name
        self._engine = engine
        self._deadline = deadline

    def start(self) -> None:
        """Start it."""
        limit = remaining(self._deadline, "the container was started")
        try:
            with _explained("start a container", limit):
                self._engine.post(f"/containers/{self.id}/start", timeout=limit)
        except EngineError as error:
            if error.kind == "timeout":
                release(self.id)
            raise

    def output_until(self, marker: str) -> str:
        """What it prints, up to the end of the line that begins with MARKER; EngineError where that never comes."""
        pause = POLL
        while True:
            text = self._output()
            if _has_line(text, marker):
                return text
            state = self._state()
            if not state.get("Running"):
                # Its last words may have come after the first look.
                text = self._output()
                if _has_line(text, marker):
                    return text
                raise EngineError("program", _obituary(state, text))
            time.sleep(min(pause, self._time()))
            pause = min(pause * 1.5, LONGEST_POLL)

    def pid(self) -> int | None:
        """Its first process, by the number that the engine's host has for it; None once it has ended."""
        pid = self._state().get("Pid")
        return pid if isinstance(pid, int) and pid > 0 else None

    def _state(self) -> Mapping[str, Any]:
        found = self._engine.get(f"/containers/{self.id}/json", timeout=self._time())
        state = found.get("State") if isinstance(found, dict) else None
        if not isinstance(state, dict):
            raise EngineError("protocol", "the engine's answer about a container has no state")
        return state

    def _output(self) -> str:
        query = {"stdout": True, "stderr": True}
        answer = self._engine.request("GET", f"/containers/{self.id}/logs", query=query, timeout=self._time())
        return unframe(answer.body).decode("utf-8", "replace")

    def _time(self) -> float:
        return remaining(self._deadline, "the container's program had answered")


def _has_line(text: str, marker: str) -> bool:
    start = ("\n" + text).find("\n" + marker)
    return start >= 0 and "\n" in text[start:]


@contextlib.contextmanager
def _explained(what: str, limit: float) -> Iterator[None]:
    """Errors as sentences about what was meant to be done, instead of paths of the API."""
    try:
        yield
    except EngineError as error:
        if error.kind == "timeout":
            message = f"the engine did not {what} within {limit:g} s; look at the engine's log"
            raise EngineError("timeout", message) from error
        if error.kind != "http":
            raise
        words = error.message.split(f" was answered {error.status}: ", 1)[-1]
        raise EngineError("http", f"the engine could not {what}: {_sentence(words)}", error.status) from error


def _sentence(words: Any) -> str:
    """An engine's words on one line, of a length that a report can take, with the remedy where it is known."""
    line = printable(" ".join(str(words).split()))
    if len(line) > LONGEST_REASON:
        line = line[:LONGEST_REASON] + " ..."
    return f"{line}; make room on the engine's disk" if "no space left" in line else line


def unframe(body: bytes) -> bytes:
    """The engine's stream without its frames: a byte for the stream, three zeros, four bytes of length."""
    text, rest = b"", body
    while len(rest) >= 8 and rest[0] <= 2 and rest[1:4] == b"\0\0\0":
        length = int.from_bytes(rest[4:8], "big")
        text, rest = text + rest[8 : 8 + length], rest[8 + length :]
    return text + rest


def _obituary(state: Mapping[str, Any], text: str) -> str:
    code = state.get("ExitCode")
    if state.get("OOMKilled"):
        return "the probe's program was killed for want of memory"
    if isinstance(code, int) and code > 128:
        return f"the probe's program was killed by signal {code - 128}; its last words: {first_words(text)}"
    return f"the probe's program ended with {code} before it had answered; its last words: {first_words(text)}"


@contextlib.contextmanager
def empty_image(engine: Engine, janitor: Janitor, deadline: float, content: Layout | None = None) -> Iterator[str]:
    """The name of an image with nothing but empty folders, for as long as the block lasts."""
    content = content or layout()
    janitor.engine(engine.socket_path)
    with contextlib.suppress(EngineError):
        remove_leftovers(engine, time.time() - LEFT_BEHIND_AFTER)
    repository = f"{NAME}{janitor.mark}"
    # A tag is used once: given to a second image, it would leave the first without any.
    tag = uuid.uuid4().hex[:8]
    # urlencode once more than usual: `changes` may be given several times.
    query = urlencode(
        [("fromSrc", "-"), ("repo", repository), ("tag", tag), ("changes", f"LABEL {LABEL}={janitor.mark}")]
    )
    name = f"{repository}:{tag}"
    archive = content.archive(f"{janitor.mark}-{tag}")
    limit = remaining(deadline, "an empty image was made")
    try:
        with _explained("make an empty image", limit):
            with janitor.making(limit):
                answer = engine.request("POST", f"/images/create?{query}", body=archive, timeout=limit)
            _check_import(answer)
        yield name
    finally:
        _remove(engine, janitor, f"/images/{name}", {"force": True}, deadline)


def _check_import(answer: Any) -> None:
    """An import that fails half-way says so in its stream, with status 200."""
    for line in answer.body.decode("utf-8", "replace").splitlines():
        try:
            message = json.loads(line)
        except ValueError as error:
            raise EngineError("protocol", f"the engine's answer to an image's import is not JSON: {error}") from error
        if isinstance(message, dict) and message.get("error"):
            raise EngineError("io", f"the engine could not make an empty image: {_sentence(message['error'])}")


@contextlib.contextmanager
def throw_away(
    engine: Engine, janitor: Janitor, config: Mapping[str, Any], host_config: Mapping[str, Any], deadline: float
) -> Iterator[Container]:
    """A container that runs for as long as the block lasts."""
    janitor.engine(engine.socket_path)
    name = f"{NAME}{uuid.uuid4().hex[:12]}"
    body = {
        # A job's container has none either; the image's own would only disturb.
        "Healthcheck": {"Test": ["NONE"]},
        **config,
        "Labels": {**config.get("Labels", {}), LABEL: janitor.mark},
        "HostConfig": {
            # Whatever the engine's defaults are: this log can be read back, and an empty container holds no init.
            "LogConfig": {"Type": "json-file", "Config": {}},
            "Init": False,
            "NetworkMode": "none",
            "RestartPolicy": {"Name": "no"},
            **host_config,
        },
    }
    limit = remaining(deadline, "a container was made")
    try:
        with _explained("make a container", limit), janitor.making(limit):
            created = engine.post("/containers/create", body, query={"name": name}, timeout=limit)
        identifier = created.get("Id") if isinstance(created, dict) else None
        if not isinstance(identifier, str) or not identifier:
            raise EngineError("protocol", "the engine's answer to a container's creation names no container")
        container = Container(engine, identifier, name, deadline)
        container.start()
        yield container
    finally:
        _remove(engine, janitor, f"/containers/{name}", {"force": True, "v": True}, deadline)


def _remove(engine: Engine, janitor: Janitor, path: str, query: Mapping[str, Any], deadline: float) -> None:
    """Remove what may or may not have come into being; what cannot be removed now is the janitor's."""
    # An engine that used up the time, or failed before, will hardly be quick now.
    late = janitor.keeps or time.monotonic() >= deadline
    limit = min(REMOVAL_TIMEOUT, LATE_REMOVAL_TIMEOUT) if late else REMOVAL_TIMEOUT
    try:
        engine.delete(path, query=query, timeout=limit)
    except EngineError as error:
        # It was never made, or is gone. Where an engine may still make it, the janitor knows already.
        if error.status != 404:
            janitor.keep()
