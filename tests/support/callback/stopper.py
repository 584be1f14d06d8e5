# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A callback that stops the whole run at one moment of it, for a test to kill it there."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: stopper
type: notification
short_description: Stops ansible-playbook (SIGSTOP) before, during or after the task that RUNNERKIT_STOP_AT names
description: For the tests of runnerkit itself; see tests/support/trouble.py.
"""


class CallbackModule(CallbackBase):
    """The controller stands still, so that what a test kills has not gone on meanwhile."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "stopper"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._at: dict[str, str] = json.loads(os.environ["RUNNERKIT_STOP_AT"])

    def _meant(self, host: Any, task: Any) -> bool:
        names = (task.name, task.get_name())
        return self._at["task"] in names and self._at["host"] in ("", host.get_name())

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """The task is about to be given to a worker."""
        if not self._meant(host, task):
            return
        if self._at["when"] == "during":
            Path(self._at["begun"]).write_text("begun", encoding="utf-8")
        elif self._at["when"] == "before":
            os.kill(os.getpid(), signal.SIGSTOP)

    def _ended(self, result: Any) -> None:
        """Its result is here. Whoever waits for a moment during it gets this one when the task was quicker."""
        if self._at["when"] != "before" and self._meant(result.host, result.task):
            os.kill(os.getpid(), signal.SIGSTOP)

    def v2_runner_on_ok(self, result: Any) -> None:
        """The task went well."""
        self._ended(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """The task failed."""
        self._ended(result)
