# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A callback that writes what happened to a file, one JSON object for each result, for tests to read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Writes results to the file that RUNNERKIT_RECORD names
description: For the tests of runnerkit itself.
"""


class CallbackModule(CallbackBase):
    """Appends to the file, so that a run that is killed leaves what it got to."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, status: str, result: Any) -> None:
        data = result.result
        row = {
            "status": status,
            "host": result.host.get_name(),
            "task": result.task.get_name(),
            "action": result.task.resolved_action or result.task.action,
            "changed": bool(data.get("changed")),
            "msg": data.get("msg"),
            "result": {key: value for key, value in data.items() if not key.startswith("_")},
        }
        with Path(os.environ["RUNNERKIT_RECORD"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task went well."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host could not be reached."""
        self._write("unreachable", result)
