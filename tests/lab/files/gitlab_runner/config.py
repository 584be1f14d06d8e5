"""config.toml: read, saved as the runner saves it, and what belongs beside it."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import importlib
import importlib.util
import os
import re
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import toml_text

DEFAULT_FOLDER = "/etc/gitlab-runner"
DEFAULT_PATH = f"{DEFAULT_FOLDER}/config.toml"
NEVER = datetime.datetime.fromisoformat("0001-01-01T00:00:00+00:00")
_SYSTEM_ID = re.compile(r"[sr]_[0-9a-zA-Z]{12}")
_DURATION = re.compile(r"([0-9.]+)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class ConfigError(Exception):
    """The file cannot be used."""


def _parser() -> Any:
    for name in ("tomllib", "toml"):
        if importlib.util.find_spec(name):
            return importlib.import_module(name)
    raise ConfigError("this Python reads no TOML; install python3-toml")


def now() -> datetime.datetime:
    return datetime.datetime.now().astimezone(NEVER.tzinfo).replace(microsecond=0)


def get(table: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """A key as the runner finds it: the very name first, then in any case."""
    if key in table:
        return table[key]
    return next((value for name, value in table.items() if name.lower() == key.lower()), default)


def seconds(value: Any, default: float) -> float:
    """A duration: text such as 1h30m, or nanoseconds."""
    if isinstance(value, (int, float)):
        return value / 1e9
    found = _DURATION.findall(str(value or ""))
    return sum(float(number) * _SECONDS[unit] for number, unit in found) if found else default


def load(path: str) -> dict[str, Any]:
    """The file's content; an empty one where there is no file."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    try:
        data: dict[str, Any] = _parser().loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    return data


def runners(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(get(data, "runners") or [])


def defaults() -> dict[str, Any]:
    """What a file begins with that the runner makes."""
    return {
        "concurrent": 1,
        "check_interval": 0,
        "connection_max_age": "15m0s",
        "shutdown_timeout": 0,
        "session_server": {"session_timeout": 1800},
    }


def save(path: str, data: Mapping[str, Any]) -> None:
    """Rewrite the file. Whatever is no key is lost, comments above all."""
    target = Path(path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(toml_text.dumps(data), encoding="utf-8")
    draft.replace(target)


def certificate_folder() -> Path:
    """Where certificates are looked for by the server's name; the place of config.toml has no say in it."""
    root = os.geteuid() == 0
    return (Path(DEFAULT_FOLDER) if root else Path.home() / ".gitlab-runner") / "certs"


def system_id(path: str) -> str:
    """What GitLab knows this machine by; made and kept beside config.toml where there is none."""
    file = Path(path).parent / ".runner_system_id"
    if file.exists():
        known = file.read_text().strip()
        if _SYSTEM_ID.fullmatch(known):
            return known
    made = _machine_id() or "r_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))
    try:
        file.touch(mode=0o600)
        file.write_text(made)
    except OSError:
        pass  # the real one warns and goes on, too
    return made


def _machine_id() -> str:
    for name in ("/var/lib/dbus/machine-id", "/etc/machine-id"):
        try:
            key = Path(name).read_text().strip()
        except OSError:
            continue
        if key:
            return "s_" + hmac.new(key.encode(), b"gitlab-runner", hashlib.sha256).hexdigest()[:12]
    return ""
