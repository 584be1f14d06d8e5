# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What tests of the probe share."""

from __future__ import annotations

from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel

MARK = "5ca1ab1e"


def frame(text: str, stream: int = 1) -> bytes:
    """A container's output as the engine sends it."""
    return bytes([stream, 0, 0, 0]) + len(text.encode()).to_bytes(4, "big") + text.encode()


class FakeJanitor(Janitor):
    """One that starts no process."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = MARK
        self.engines: list[str] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.lines: list[str] = []

    def engine(self, socket_path: str) -> None:
        self.engines.append(socket_path)

    def _send(self, line: str) -> None:
        self.lines.append(line)


class FakeKernel(Kernel):
    """One that says the same of every call."""

    def __init__(self, calls: dict[str, str] | None, errors: dict[str, str] | None = None) -> None:
        super().__init__()
        self._errors = errors
        self._result = {"release": "6.1.0", "calls": calls, "reason": None}
