# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The system ID, by which GitLab tells the machines apart that share one runner's token."""

from __future__ import annotations

import hashlib
import hmac
import os
import re

FILE = ".runner_system_id"
# Where the runner's library for it looks, in this order; the first that can be read counts.
MACHINE_IDS = ("/var/lib/dbus/machine-id", "/etc/machine-id")
_FORM = re.compile(r"[sr]_[0-9a-zA-Z]{12}")


def system_id(config_path: str, machine_ids: tuple[str, ...] = MACHINE_IDS) -> str | None:
    """The ID that the runner with this config.toml has, or will take at its start.

    None when that cannot be known: a machine without an ID gets a random one, at the runner's start.
    """
    kept = _read(os.path.join(os.path.dirname(config_path), FILE))
    if kept is not None and _FORM.fullmatch(kept):
        return kept
    for path in machine_ids:
        machine = _read(path)
        if machine is not None:
            return derived(machine) if machine else None
    return None


def derived(machine_id: str) -> str:
    """As the runner derives it, so that the machine's own ID stays its secret."""
    return "s_" + hmac.new(machine_id.encode(), b"gitlab-runner", hashlib.sha256).hexdigest()[:12]


def _read(path: str) -> str | None:
    """Trimmed text of a file, None when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError):
        return None
