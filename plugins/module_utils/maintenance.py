# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The mark of a host that is out of service: who took it out, since when, and which runners were paused for it.

It is written before anything is paused and goes when all is resumed, so that no host stays paused and forgotten,
whatever becomes of the run that did it. `before` is what the one who wrote it wants to know again afterwards. `run` is
which run of playbooks/upgrade.yml works on the host, HOSTNAME:PID:START, and the file's time is when it last did so.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import (
    make_folders,
    read_text,
    remove,
    why,
    write_atomically,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

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
    """The mark for facts, with the seconds since it was touched, or what is wrong with it."""
    try:
        mark = read(path)
    except MarkError as error:
        return {"error": str(error)}
    return mark and {**mark, "idle": _idle(path)}


def _idle(path: str) -> int:
    """By the host's own clock, which may have been set back."""
    try:
        return max(0, int(time.time() - os.stat(path).st_mtime))
    except OSError:
        return 0  # it went this moment


def touch() -> None:
    """Have others see that an upgrade goes on with the host, if it is out of service."""
    with contextlib.suppress(OSError):
        os.utime(PATH)


@contextlib.contextmanager
def alone(path: str = PATH) -> Iterator[None]:
    """Of two that look for the mark at once and then write it, one comes after the other."""
    folder = os.path.dirname(path)
    try:
        make_folders(folder)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise MarkError(f"{path} cannot be written: {why(error)}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write(mark: Mark | None, path: str = PATH) -> None:
    """Have this mark, or none."""
    try:
        if mark is None:
            remove(path)
        else:
            write_atomically(path, (json.dumps(mark, indent=1, sort_keys=True) + "\n").encode(), MODE)
    except OSError as error:
        raise MarkError(f"{path} cannot be written: {why(error)}") from None


def merged(earlier: Mark | None, given: Mark, now: float | None = None, instead_of: str = "") -> dict[str, Any]:
    """The mark that GIVEN (by, reason, paused, before, run) makes of an earlier one, whose runners are not forgotten;
    INSTEAD_OF is a run that is known to be over.
    """
    if earlier is None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        return _parsed({**given, "since": since})
    if earlier["by"] != given["by"]:
        raise MarkError(taken(earlier))
    if earlier["run"] not in ("", given.get("run"), instead_of):
        host, pid, _ = parts(earlier["run"])
        raise MarkError(
            f"another run of {ended_by(earlier['by'])} has taken this host meanwhile, on {host}, process {pid} (out of "
            f"service since {earlier['since']}); let it end, then run this again"
        )
    known = [(each["url"], each["id"]) for each in earlier["paused"]]
    return _parsed({
        **earlier,
        "reason": given["reason"] or earlier["reason"],
        "paused": [*earlier["paused"], *(each for each in given["paused"] if (each["url"], each["id"]) not in known)],
        "before": earlier["before"] or given["before"],
        "run": given.get("run", ""),
    })  # fmt: skip


def parts(run: str) -> tuple[str, str, str]:
    """Hostname, process and start of a run."""
    host, _, rest = run.partition(":")
    pid, _, start = rest.partition(":")
    return host, pid, start


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
        # Marks of earlier versions have none.
        "run": _text(found.get("run", "")),
    }


def _text(value: Any) -> str:
    """Text without what would move a terminal's cursor."""
    if not isinstance(value, str):
        raise TypeError
    return printable(value)
