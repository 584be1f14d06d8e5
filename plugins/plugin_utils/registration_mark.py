# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The mark by which runners are known that were made for a host: the last line of their maintenance note.

    runnerkit: HOST/NAME SYSTEM_ID NONCE

The nonce is made anew for each attempt to create a runner, so that one whose answer got lost can be found.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

PREFIX = "runnerkit: "
# GitLab keeps no more of a note.
LONGEST_NOTE = 1024
_NO_SYSTEM_ID = "-"


@dataclass(frozen=True)
class Mark:
    """For which host and runner it was made, by which system id, in which attempt."""

    host: str
    name: str
    system_id: str | None
    nonce: str

    @classmethod
    def new(cls, host: str, name: str, system_id: str | None) -> Mark:
        """A mark that no runner has yet."""
        return cls(host, name, system_id, secrets.token_hex(8))

    @property
    def line(self) -> str:
        """As it stands in the note."""
        return f"{PREFIX}{self.host}/{self.name} {self.system_id or _NO_SYSTEM_ID} {self.nonce}"

    def below(self, text: str) -> str:
        """The note of a runner with TEXT of its owner's."""
        return f"{text.rstrip()}\n{self.line}" if text.strip() else self.line


def split(note: str | None) -> tuple[str, str | None]:
    """The owner's text of a maintenance note, and the line with our mark, None without."""
    lines = (note or "").replace("\r\n", "\n").rstrip().split("\n")
    if lines[-1].startswith(PREFIX):
        return "\n".join(lines[:-1]).rstrip(), lines[-1]
    return "\n".join(lines), None


def names(line: str | None, host: str, name: str) -> bool:
    """Whether the mark says that a runner was made for this runner of this host."""
    parts = (line or "").rsplit(" ", 2)
    return len(parts) == 3 and parts[0] == f"{PREFIX}{host}/{name}"


def whose(line: str) -> str:
    """The HOST/NAME of a mark."""
    return printable(line.removeprefix(PREFIX).rsplit(" ", 2)[0])


def is_by(line: str | None, host: str, name: str, system_id: str | None) -> bool:
    """Whether this very machine made it, not another one under the same name."""
    return names(line, host, name) and (line or "").rsplit(" ", 2)[1] == (system_id or _NO_SYSTEM_ID)


def has_nonce(line: str | None, nonces: set[str]) -> bool:
    """Whether one of these attempts made it."""
    return bool(line) and (line or "").rsplit(" ", 1)[-1] in nonces
