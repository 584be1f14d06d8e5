# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A connection to a host that is not there: it gives the answers that a real one gave to the same questions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from tests.support import replaying

DOCUMENTATION = r"""
name: replay
short_description: Gives answers that were recorded
description: For the measurements and tests of runnerkit itself.
extends_documentation_fragment:
  - connection_pipelining
options:
  answers:
    description: The folder that tests/support/recording-ssh filled.
    type: path
    required: true
    vars:
      - name: replay_answers
  seconds:
    description: How long the host takes for an answer.
    type: float
    default: 0
    vars:
      - name: replay_seconds
  unreachable:
    description: Whether the host cannot be reached, which takes as long to find out.
    type: bool
    default: false
    vars:
      - name: replay_unreachable
"""


class Connection(ConnectionBase):
    """Asks a folder."""

    transport = "replay"
    has_pipelining = True

    def _connect(self) -> Connection:
        """There is nobody."""
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """The recorded answer, after a while."""
        option: Callable[[str], Any] = self.get_option
        time.sleep(option("seconds"))
        if option("unreachable"):
            raise AnsibleConnectionFailure("Failed to connect to the host via ssh: Connection timed out")
        try:
            code, stdout = replaying.answer(Path(option("answers")), replaying.question(cmd, in_data))
        except LookupError as error:
            raise AnsibleError(str(error)) from error
        return code, stdout.encode(), b""

    def put_file(self, in_path: str, out_path: str) -> NoReturn:
        """Who copies files does not pipeline, and nobody kept them."""
        raise AnsibleError(
            f"{out_path} is to be copied to a host that is replayed; only modules that are pipelined can be"
        )

    def fetch_file(self, in_path: str, out_path: str) -> NoReturn:
        """The other way round is no better."""
        self.put_file(out_path, in_path)

    def close(self) -> None:
        """Nothing was opened."""
