# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The mark of a host that is out of service: who took it out, since when, and which runners were paused for it.

It is written before anything is paused and goes when all is resumed, so that no host stays paused and forgotten,
whatever becomes of the run that did it. `before` is what the one who wrote it wants to know again afterwards.
"""

from __future__ import annotations

import json
import os
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, why, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

    Mark = Mapping[str, Any]

PATH = "/var/lib/runnerkit/maintenance.json"
MODE = 0o600
_BIGGEST = 4 * 1024 * 1024
_ENDED_BY = {"upgrade": "playbooks/upgrade.yml", "docker_engine": "playbooks/site.yml"}


class MarkError(Exception):
    """The mark is there and not for the caller, or cannot be read or written; the text is a sentence."""


def ended_by(whose: str) -> str:
    """Which playbook ends what somebody began with a host."""
    return _ENDED_BY.get(whose, "playbooks/resume.yml")


def read(path: str = PATH) -> dict[str, Any] | None:
    """The mark, or None. A broken one is refused, as nobody could say then what has to be resumed."""
    try:
        size = os.stat(path).st_size if os.path.exists(path) else 0
        text = read_text(path) if size <= _BIGGEST else ""
    except OSError as error:
        if error.strerror:
            raise MarkError(f"{path} cannot be read: {error.strerror}") from None
        text = ""  # no text
    if text is None:
        return None
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise MarkError(
        f"{path} is not what playbooks/upgrade.yml and playbooks/drain.yml write there; unpause the runners of this "
        "host in GitLab, then remove it"
    )


def fact(path: str = PATH) -> dict[str, Any] | None:
    """The mark for facts, or what is wrong with it."""
    try:
        return read(path)
    except MarkError as error:
        return {"error": str(error)}


def write(mark: Mark | None, path: str = PATH) -> None:
    """Have this mark, or none."""
    try:
        if mark is None:
            remove(path)
        else:
            write_atomically(path, (json.dumps(mark, indent=1, sort_keys=True) + "\n").encode(), MODE)
    except OSError as error:
        raise MarkError(f"{path} cannot be written: {why(error)}") from None


def merged(earlier: Mark | None, given: Mark, now: float | None = None) -> dict[str, Any]:
    """The mark that GIVEN (by, reason, paused, before) makes of an earlier one, whose runners are not forgotten."""
    if earlier is None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        return _parsed({**given, "since": since})
    if earlier["by"] != given["by"]:
        raise MarkError(taken(earlier))
    known = [(each["url"], each["id"]) for each in earlier["paused"]]
    return _parsed({
        **earlier,
        "reason": given["reason"] or earlier["reason"],
        "paused": [*earlier["paused"], *(each for each in given["paused"] if (each["url"], each["id"]) not in known)],
        "before": earlier["before"] or given["before"],
    })  # fmt: skip


def taken(mark: Mark) -> str:
    """Who has the host, and how that ends."""
    because = f" ({mark['reason']})" if mark["reason"] else ""
    return (
        f"this host is out of service by {mark['by']} since {mark['since']}{because}; run {ended_by(mark['by'])} for "
        "it first"
    )


def _parsed(found: Any) -> dict[str, Any]:
    """All keys, and no others, so that what is merged can be compared."""
    if not isinstance(found["before"], dict) or not isinstance(found["paused"], list):
        raise TypeError
    return {
        **{key: _text(found[key]) for key in ("by", "since", "reason")},
        "paused": [
            {"id": int(each["id"]), "name": _text(each["name"]), "url": _text(each["url"])} for each in found["paused"]
        ],
        "before": found["before"],
    }


def _text(value: Any) -> str:
    """Text without what would move a terminal's cursor."""
    if not isinstance(value, str):
        raise TypeError
    return printable(value)
