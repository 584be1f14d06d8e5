"""Lines for the journal, in the shape of the real runner's."""

from __future__ import annotations

import sys
import threading

_LOCK = threading.Lock()


def log(message: str, level: str = "", **fields: object) -> None:
    """`LEVEL: message    key=value ...` on standard error. Never give it a token."""
    text = f"{level}: {message}" if level else message
    pairs = " ".join(f"{key}={value}" for key, value in sorted(fields.items()))
    with _LOCK:
        print(f"{text:<50}  {pairs}".rstrip(), file=sys.stderr, flush=True)


def short(token: str) -> str:
    """As much of a token as the runner shows and puts into names."""
    if token.startswith("glrt-"):
        return token[5:14]
    return token[:17] if token.startswith("GR1348941") else token[:8]
