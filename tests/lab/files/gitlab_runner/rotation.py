"""Tokens that expire are exchanged in time, and config.toml is rewritten with the new ones."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from . import config
from .config import NEVER, get
from .gitlab import GitLab
from .log import log, short

SHARE = 0.75  # of its life that a token is used
FLAG = "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION"


def moment(value: Any) -> datetime.datetime:
    """A date of the file or of an answer; the runner's zero where there is none."""
    if isinstance(value, str) and value:
        value = datetime.datetime.fromisoformat(re.sub("Z$", "+00:00", value))  # before Python 3.11 there is no Z
    if not isinstance(value, datetime.datetime):
        return NEVER
    value = value if value.tzinfo else value.replace(tzinfo=NEVER.tzinfo)
    return value.astimezone(NEVER.tzinfo) if value.year > 1 else NEVER


def due(runner: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether it is time to exchange the token."""
    expires = moment(get(runner, "token_expires_at"))
    obtained = moment(get(runner, "token_obtained_at"))
    if expires == NEVER or (get(runner, "feature_flags") or {}).get(FLAG):
        return False
    return now >= obtained + (expires - obtained) * SHARE


def adopt(runner: dict[str, Any], answer: Mapping[str, Any]) -> None:
    """Put what GitLab answered into a [[runners]] entry."""
    runner["token"] = answer["token"]
    runner["token_obtained_at"] = config.now()
    runner["token_expires_at"] = moment(answer.get("token_expires_at"))


def exchange(path: str, runner: Mapping[str, Any]) -> bool:
    """One new token, written into the file as it is now."""
    old = str(get(runner, "token"))
    answer = GitLab(runner, path).reset_token()
    if answer.status != 201 or not isinstance(answer.data, dict):
        log("Resetting runner authentication token... failed", "ERROR", runner=short(old), status=answer.status)
        return False
    data = config.load(path)
    for entry in config.runners(data):
        if get(entry, "token") == old:
            adopt(entry, answer.data)
    config.save(path, data)
    log("Resetting runner authentication token... succeeded", runner=short(old))
    return True


def rotate(path: str, data: Mapping[str, Any]) -> bool:
    """Whether any token was exchanged."""
    now = config.now()
    exchanged = [exchange(path, runner) for runner in config.runners(data) if due(runner, now)]
    return any(exchanged)
