# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Taking secrets out of configuration before it is shown."""

from __future__ import annotations

import re
from typing import Any

MASK = "********"

# `splunk-token`, `registry_password`, `key`, `api-key`; not `tlskey`, which names a file.
_WORDS = r"token|passwd|password|passphrase|secret|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key"
_SECRET_KEY = re.compile(rf"{_WORDS}|(?:^|[-_.])keys?$", re.IGNORECASE)

# `scheme://user:password@host`; a password may hold an unquoted `@`, so up to the last one before the path.
_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)

# `user:password@proxy:3128`: engines take a proxy without a scheme as well.
_BARE_USERINFO = re.compile(r"^[^/@\s]+:[^/\s]*@")

# `https://collector/?token=...`, and options that are given as `key=value`.
_ASSIGNMENT = re.compile(rf"((?:^|[?&;,\s])[\w.-]*(?:{_WORDS}|(?<![^\W_])key)=)[^&;,\s]+", re.IGNORECASE)


def redact_text(text: str) -> str:
    """TEXT with passwords in URLs and values of secret-looking assignments masked."""
    text = _USERINFO.sub(rf"\g<1>{MASK}@", text)
    text = _BARE_USERINFO.sub(f"{MASK}@", text)
    return _ASSIGNMENT.sub(rf"\g<1>{MASK}", text)


def redact(value: Any) -> Any:
    """A copy of a JSON value in which secrets are masked: by the name of their key, or by their form."""
    if isinstance(value, dict):
        return {key: MASK if _hides(key, item) else redact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def _hides(key: Any, item: Any) -> bool:
    """Whether ITEM is a secret by its key. Switches and nothings are not: they say something, but no secret."""
    return isinstance(key, str) and bool(_SECRET_KEY.search(key)) and item not in (None, True, False, "", [], {})
