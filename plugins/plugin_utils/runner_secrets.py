# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What in config.toml is a secret: by the name of its key, by the name of a variable, by its form."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import MASK, redact_text

# Keys of the runner and of plugins.
_SECRET_KEY = re.compile(
    r"token|passw(?:or)?d|passphrase|pwd|secret|credential|private|dsn|cookie|(?:^|[-_.])(?:key|auth|pass)s?$"
    r"|(?:access|account|api|auth|encryption|master|session|shared|signing|storage)[-_.]?key",
    re.IGNORECASE,
)
# What only speaks of a secret: when it ends, where it lies, who may replace it.
_HARMLESS_KEY = re.compile(
    r"_(?:obtained|expires)_at$|_allowed$|(?:file|path|dir|folder|names?|timeout)$|^image_pull_secrets$"
    r"|^ServerSideEncryptionKeyID$",
    re.IGNORECASE,
)
# Kubernetes' selectors have a `key` that is the name of a label.
_SELECTORS = frozenset({"match_expressions", "match_fields"})
# Names of variables and of options are shorter and wilder than keys.
_SECRET_VARIABLE = re.compile(
    r"TOKEN|PASS|PWD|SECRET|CREDENTIAL|PRIVATE|AUTH|KEY|DSN|COOKIE|SESSION|SIGNATURE|LICENSE|WEBHOOK", re.IGNORECASE
)
_VARIABLE_TABLES = frozenset({"environment", "env", "variables"})
_ASSIGNED = re.compile(r"(-{0,2}[\w.-]+)=(.+)", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
# glrt-... and its kin, the GR1348941 of registration tokens, and what other services put before theirs.
_TOKEN = re.compile(
    r"\bgl[a-z]{1,8}-[\w.=-]{8,}|\bGR1348941[\w-]+|\b(?:gh[a-z]_|github_pat_|xox[a-z]-|AKIA|ASIA|sk_live_|eyJ)[\w.-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*-----)?"
)
_COMMENTED = re.compile(r"(?P<name>[\w.\"'-]+)(?P<between>\s*[=:]\s*)(?P<value>[^\r\n]*)")

Place = tuple[str | int, ...]


@functools.lru_cache(maxsize=1024)
def is_secret_key(name: str) -> bool:
    """Whether the value of a key of this name is a secret."""
    return bool(_SECRET_KEY.search(name)) and not _HARMLESS_KEY.search(name)


def is_secret_variable(name: str) -> bool:
    """Whether a variable or an option of this name looks as if it held a secret."""
    return bool(_SECRET_VARIABLE.search(name))


def is_secret_option(member: Any) -> bool:
    """Whether the next member of a list of arguments is a secret: `--password`, `hunter2`."""
    return isinstance(member, str) and bool(_OPTION.fullmatch(member)) and is_secret_variable(member)


def masked_value(path: str | Sequence[str | int], value: Any) -> Any:
    """VALUE as it may be shown; PATH is the key's (`runners[0].docker.host`, or its names)."""
    place = tuple(re.findall(r"[^.\[\]]+", path)) if isinstance(path, str) else tuple(path)
    if isinstance(value, Mapping):
        return {key: masked_value((*place, str(key)), member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        follows = [False, *map(is_secret_option, value)]
        return [
            MASK if after and isinstance(member, str) else masked_value((*place, index), member)
            for index, (after, member) in enumerate(zip(follows, value, strict=False))
        ]
    if _is_hidden(place) and isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "":
        return MASK
    return masked_text(value) if isinstance(value, str) else value


def _is_hidden(place: Place) -> bool:
    names = [part for part in place if isinstance(part, str) and not part.isdecimal()]
    if not names:
        return False
    name, table = names[-1], names[-2] if len(names) > 1 else ""
    if table.lower() in _VARIABLE_TABLES and is_secret_variable(name):
        return True
    return is_secret_key(name) and not (name == "key" and table in _SELECTORS)


def masked_text(text: str) -> str:
    """A text below a harmless key: what it holds may be a secret all the same."""
    assigned = _ASSIGNED.fullmatch(text)
    if assigned and is_secret_variable(assigned[1]):
        return f"{assigned[1]}={MASK}"
    return redact_text(_TOKEN.sub(MASK, text))


def masked_comment(text: str) -> str:
    """A comment: keys may have been commented out with their values."""

    def hide(match: re.Match[str]) -> str:
        return f"{match['name']}{match['between']}{MASK}" if is_secret_variable(match["name"]) else match[0]

    return redact_text(_TOKEN.sub(MASK, _COMMENTED.sub(hide, text)))


def holds_token(text: str) -> bool:
    """Whether a text has something of the form of a token in it."""
    return bool(_TOKEN.search(text))
