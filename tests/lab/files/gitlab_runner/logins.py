"""Logins to registries: of the variable DOCKER_AUTH_CONFIG, else of the config.json of the user whom the runner is."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def header(image: str, values: Mapping[str, str]) -> dict[str, str]:
    """What the engine is told when it pulls IMAGE; nothing without a login for its registry."""
    first = image.partition("/")[0]
    registry = first if "/" in image and ("." in first or ":" in first) else "docker.io"
    for text in (values.get("DOCKER_AUTH_CONFIG", ""), _config()):
        given = _auths(text).get(registry)
        user, _, password = base64.b64decode(str((given or {}).get("auth") or "")).decode().partition(":")
        if user:
            login = {"username": user, "password": password, "serveraddress": registry}
            return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}
    return {}


def _auths(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    auths = found.get("auths") if isinstance(found, dict) else None
    return auths if isinstance(auths, dict) else {}


def _config() -> str:
    path = Path(os.environ.get("HOME") or "/root") / ".docker" / "config.json"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
