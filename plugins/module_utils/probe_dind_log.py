# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What a daemon in a container said last, out of the container's log."""

from __future__ import annotations

import json
import re

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable

_LIMIT = 300
# dockerd's own lines: time="..." level=error msg="..." error="..."
_FIELD = re.compile(r'\b(msg|error)=("(?:[^"\\]|\\.)*"|\S+)')
_SERIOUS = re.compile(
    r"\blevel=(?:fatal|error)\b|^failed to start|^unable to|^unknown flag|error while loading", re.IGNORECASE
)


def last_words(log: str) -> str:
    """The last line that tells of trouble, or else the last line; without the colours and times of logs."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if not lines:
        return "(it said nothing)"
    line = next((line for line in reversed(lines) if _SERIOUS.search(line)), lines[-1])
    return _message(line)


def _message(line: str) -> str:
    fields = dict(_FIELD.findall(line))
    parts = [_unquote(fields[name]) for name in ("msg", "error") if name in fields]
    text = ": ".join(parts) or line
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return printable(text[:_LIMIT])


def _unquote(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')
